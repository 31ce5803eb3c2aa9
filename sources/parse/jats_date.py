"""The publication date of an article: the earliest that the file gives, as exact as it gives it.

JATS holds a date for each form of publication. Those of repositories, manuscripts and later notices do not count.
A year alone never beats a day in the same year. Not here: history dates such as received and accepted.
"""

import re
from collections.abc import Iterable
from datetime import date

from lxml import etree

from sources.parse.jats_element import every, first, plain_text

_NOT_PUBLICATION = re.compile(
    r"pmc-release|nihms|hwp-|archival|retract|correct|update|received|accepted|revised|rev-|embargo|epub-version|"
    r"resubmitted|version-of-record-update|cover"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def published_date(meta: etree._Element | None) -> str | None:
    """Return the earliest publication date as ISO 8601 (2019, 2019-03 or 2019-03-07), None when there is none."""
    return earliest(
        iso
        for node in every(meta, "pub-date")
        if not _NOT_PUBLICATION.search(f"{node.get('pub-type', '')} {node.get('date-type', '')}".lower())
        and (iso := _iso(node))
    )


def history_of(meta: etree._Element | None) -> dict[str, str]:
    """Return the dates of a history by their type (created, revised, updated, ...), the latest of each type."""
    found: dict[str, str] = {}
    for name in ("history", "pub-history"):
        for holder in every(meta, name):
            for node in holder.iter("{*}date"):
                kind, iso = (node.get("date-type") or "").strip().lower(), _iso(node)
                if kind and iso:
                    found[kind] = max(found.get(kind, ""), iso)
    return found


def earliest(dates: Iterable[str]) -> str | None:
    """Return the earliest of ISO dates, of one year the most exact; None when there is none."""
    found = list(dates)
    if not found:
        return None
    year = min(iso[:4] for iso in found)
    same_year = [iso for iso in found if iso[:4] == year]
    month = min((iso[:7] for iso in same_year if len(iso) > 4), default=year)
    return min((iso for iso in same_year if len(iso) > 7 and iso[:7] == month), default=month)


def _iso(node: etree._Element) -> str | None:
    declared = (node.get("iso-8601-date") or "")[:10]
    if re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", declared) and _is_date(declared):
        return declared
    year = plain_text(first(node, "year")) or "".join(re.findall(r"\b(?:1[5-9]|20)\d\d\b", plain_text(node))[:1])
    if not re.fullmatch(r"(?:1[5-9]|20)\d\d", year):
        return None
    return iso_date(year, plain_text(first(node, "month")), plain_text(first(node, "day")))


def iso_date(year: str, month: str, day: str) -> str:
    """Return the ISO date of a year of four digits, as exact as month (number or English name) and day allow."""
    number = month_number(month)
    if number and day.isdigit() and _is_date(full := f"{year}-{number:02}-{int(day):02}"):
        return full
    return f"{year}-{number:02}" if number else year


def month_number(text: str) -> int | None:
    """Return 1 to 12 for the number or the English name of a month, None for anything else."""
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.index(text[:3].lower()) + 1 if text[:3].lower() in _MONTHS and "-" not in text else None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat((text + "-01-01")[:10])
    except ValueError:
        return False
    return True
