"""By what documents are recognised as the same guidance at different times: keys of a series, and when one is newer.

A key leaves out what changes from version to version: dates, version numbers, editions, an archive's prefix. It never
leaves out what tells guidance apart. A title makes a key only when it names a matter: "Guideline" and "Introduction"
name none. Keys are compared, never shown, so case and punctuation may go. Not here: which groups are series
(`versions`).
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode, urlsplit

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?:19|20)\d\d"
_ARCHIVED = re.compile(r"https?://web\.archive\.org/web/\d{4,14}[a-z_]*/(https?://.*)", re.IGNORECASE)
_DATED = re.compile(
    rf"(?<![0-9a-z])(?:{_YEAR}[-_./]?(?:0[1-9]|1[0-2])[-_./]?(?:0[1-9]|[12]\d|3[01])|{_YEAR}[-_./](?:0[1-9]|1[0-2])"
    rf"|{_YEAR}|v(?:er(?:sion)?)?[-_.]?\d+(?:[._-]\d+)*|rev(?:ision)?[-_.]?\d+)(?![0-9a-z])",
    re.IGNORECASE,
)
"""A date or version as a word of a path: 2020-05-13, 20200513, 2020/05, 2019, v1.2, version-3, rev4."""
_VERSION_FIELDS = frozenset({"version", "ver", "v", "rev", "revision", "oldid", "date"})
_SLUG = re.compile(r"[a-z]{3}", re.IGNORECASE)
_DOI_VERSION = re.compile(
    r"(?:(?<=\w)[./_-]v\d{1,2}(?:\.\d+)?|(?<=research\.\d{4})\.\d+|(?<=research\.\d{5})\.\d+)$", re.IGNORECASE
)
_TITLE_DATED = re.compile(
    rf"\b(?:(?:last\s+)?(?:updated?|revised|reviewed|accessed)\b(?:\s+(?:on|in))?|as of\b|edition\b"
    rf"|\d+(?:st|nd|rd|th)\s+(?:ed(?:ition|\.)?|revision)\b|(?:first|second|third|fourth|fifth|sixth)\s+(?:edition|revision)\b"
    rf"|(?:version|v|rev)\.?\s*\d+(?:\.\d+)*\b|{_YEAR}-\d\d-\d\d\b|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH},?\s+{_YEAR}\b"
    rf"|{_MONTH}\s+\d{{1,2}},?\s+{_YEAR}\b|{_MONTH}\s+{_YEAR}\b|{_YEAR}\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
GENERIC = frozenset({
    "a", "abbreviations", "about", "abstract", "acknowledgements", "an", "and", "annex", "annexes", "appendix", "are",
    "at", "background", "by", "chapter", "clinical", "contents", "daily", "de", "des", "document", "drug", "en", "et",
    "executive", "facts", "faq", "for", "foreword", "from", "full", "general", "guidance", "guide", "guideline",
    "guidelines", "home", "in", "index", "information", "interim", "introduction", "is", "la", "le", "les",
    "management", "manual", "methods", "national", "news", "note", "notes", "of", "on", "or", "overview", "page",
    "part", "patient", "patients", "practice", "preface", "protocol", "protocols", "public", "recommendation",
    "recommendations", "reference", "references", "report", "reports", "section", "situation", "standard",
    "standards", "statement", "summary", "table", "tables", "technical", "the", "title", "to", "treatment",
    "untitled", "update", "updates", "version", "weekly", "with",
})  # fmt: skip
"""Words that name a sort of text and no matter."""
SERIAL = frozenset({
    "annual", "biennial", "bilan", "boletin", "boletín", "bulletin", "bulletins", "conference", "congress", "daily",
    "informe", "meeting", "minutes", "monthly", "newsletter", "proceedings", "profile", "progress", "quarterly",
    "rapport", "relatório", "report", "reports", "situation", "statistics", "surveillance", "survey", "weekly",
    "yearbook",
})  # fmt: skip
"""Words of what comes out again and again under one title, each time about something else."""
MIN_WORDS = 3


def url_key(url: str | None) -> str:
    """Return a URL without scheme, fragment, archive prefix and query fields that name a version; "" for none."""
    return _split(url)[0]


def url_series(url: str | None) -> str:
    """Return `url_key` without dates and versions in the path, "" where it has none or nothing telling is left."""
    key, path = _split(url)
    undated = _DATED.sub("", path)
    words = "/".join(_WORD.findall(undated))
    if undated == path or not _SLUG.search(re.sub(r"\.\w+$", "", undated)):
        return ""
    return key.replace(path, words, 1)


def url_version(url: str | None) -> str | None:
    """Return the dates and versions in the path of a URL, joined by a full stop, None where it has none."""
    found = [re.sub(r"^[a-z]+[-_.]?", "", match[0].lower()) for match in _DATED.finditer(_split(url)[1])]
    return ".".join(re.sub(r"[-_/]", ".", version) for version in found) or None


def _split(url: str | None) -> tuple[str, str]:
    """Return the key of a URL and the path in it; empty strings for what is no web address."""
    archived = _ARCHIVED.match(url or "")
    try:
        parts = urlsplit(archived[1] if archived else url or "")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "", ""
    if not host:
        return "", ""
    path = parts.path.strip("/")
    fields = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k.lower() not in _VERSION_FIELDS]
    return f"{host}/{path}" + (f"?{urlencode(fields)}" if fields else ""), path


def host_of(url: str | None) -> str:
    """Return the host of a URL, that of the original for an archive's copy; "" for none."""
    return url_key(url).partition("/")[0]


def title_key(title: str | None) -> str:
    """Return the words of a title in lower case, without dates, versions and editions."""
    return " ".join(_WORD.findall(_TITLE_DATED.sub(" ", title or "").casefold()))


def title_series(title: str | None) -> str:
    """Return `title_key` when it names a matter: two words that are not generic, or one among three; else "".

    What is published in series (annual reports, bulletins) has no key: its issues are no versions.
    """
    key = title_key(title)
    words = key.split()
    if is_serial(title):
        return ""
    telling = [word for word in words if word not in GENERIC and not word.isdigit()]
    return key if len(telling) >= 2 or (telling and len(words) >= MIN_WORDS) else ""


def is_serial(title: str | None) -> bool:
    """Say whether a title names a periodical or report, whose issues are no versions of one another."""
    return not SERIAL.isdisjoint(title_key(title).split())


def doi_series(doi: str) -> str:
    """Return a DOI in lower case without the version at its end (preprint servers and F1000 number them).

    What follows the registrant is never a version alone: MDPI's journal Viruses names its articles 10.3390/v4091592.
    """
    registrant, slash, name = doi.strip().lower().partition("/")
    return f"{registrant}{slash}{_DOI_VERSION.sub('', name)}"


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that orders versions by their numbers: 9 before 10, 1.2 before 1.10."""
    pieces = re.findall(r"\d+|[^\W\d_]+", version.casefold())
    return tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in pieces)


def are_distinct(dates: Sequence[str | None]) -> bool:
    """Say whether all dates are known and no two could be the same: 2019 and 2019-03 could."""
    known = sorted(date for date in dates if date)
    return len(known) == len(dates) and not any(b.startswith(a) for a, b in pairwise(known))
