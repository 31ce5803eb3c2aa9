"""What the bucket says of one article version in its JSON (`metadata/PMC<id>.<v>.json`).

The fields were read from several public clients of the bucket that agree on them; none of PMC's own pages that could
be seen lists them all. Numbers and null are taken as they come; what contradicts the key that the JSON was found under
is a fault, as is a flag that is no truth value: nothing is guessed. Journal and date are taken out of the citation
("Nature. 2020 Sep 16;585(7825):357-362."). Not here: what the licence code allows (`sources.licence_conflict`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from sources.parse.part import Fault

_CITED = re.compile(
    r"(?P<journal>.+?)\.\s+(?P<year>(?:1[5-9]|20)\d\d)(?:\s+(?P<month>[A-Z][a-z]{2})(?:\s+(?P<day>\d\d?))?)?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Facts:
    """One article version. `md5` is that of the XML, empty when not told; `licence_code` is empty for null."""

    pmcid: str
    version: int
    xml_key: str
    md5: str
    licence_code: str
    is_retracted: bool
    is_historical_ocr: bool
    title: str
    journal: str
    published: str
    pmid: str
    doi: str


def facts_of(text: bytes, pmcid: str, version: int) -> Facts | Fault:
    """Return the facts in a JSON that was found under the name of `pmcid` and `version`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Fault(reason="bad_metadata", detail="not JSON")
    if not isinstance(value, dict):
        return Fault(reason="bad_metadata", detail="not a JSON object")
    if (value.get("pmcid"), str(value.get("version"))) != (pmcid, str(version)):
        return Fault(reason="bad_metadata", detail=f"says {value.get('pmcid')}.{value.get('version')} of itself")
    retracted, scanned = (value.get(name, False) for name in ("is_retracted", "is_historical_ocr"))
    if not isinstance(retracted, bool) or not isinstance(scanned, bool):
        return Fault(reason="bad_metadata", detail="a flag is neither true nor false")
    key, md5 = _object(value.get("xml_url"), f"{pmcid}.{version}")
    if not key:
        return Fault(reason="no_xml", detail="its metadata names no XML within its own folder")
    journal, published = _cited(_text(value, "citation"))
    return Facts(
        pmcid=pmcid,
        version=version,
        xml_key=key,
        md5=md5,
        licence_code=_text(value, "license_code"),
        is_retracted=retracted,
        is_historical_ocr=scanned,
        title=_text(value, "title"),
        journal=journal,
        published=published,
        pmid=_text(value, "pmid"),
        doi=_text(value, "doi").lower(),
    )


def _object(url: Any, folder: str) -> tuple[str, str]:
    """Return key and md5 of `s3://bucket/PMC1.1/PMC1.1.xml?md5=...`, empty for what leads elsewhere."""
    if not isinstance(url, str):
        return "", ""
    path, _, query = url.partition("?")
    key = path.partition("://")[2].partition("/")[2]
    md5 = parse_qs(query).get("md5", [""])[0].lower()
    return key if key == f"{folder}/{folder}.xml" else "", md5 if _MD5.fullmatch(md5) else ""


def _cited(citation: str) -> tuple[str, str]:
    """Return the journal and the date, as precise as it is, of a citation; empty strings for what it lacks."""
    found = _CITED.match(citation)
    if not found:
        return "", ""
    date = found["year"]
    if found["month"] in _MONTHS:
        date += f"-{_MONTHS.index(found['month']) + 1:02d}" + (f"-{int(found['day']):02d}" if found["day"] else "")
    return found["journal"], date


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return " ".join(str(found).split()) if isinstance(found, str | int) and not isinstance(found, bool) else ""
