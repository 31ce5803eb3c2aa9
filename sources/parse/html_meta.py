"""What a page says about itself outside its text: title, date, language, address, licence, robots.

Only explicit statements count (meta elements, JSON-LD, link relations); nothing is guessed from the text, the wall
clock or the URL, and a date that can be read in two ways is no date. A licence becomes an SPDX key only where
`jats_licence` is sure of it, the statement is kept as evidence either way. Not here: what robots values and
reservations mean for a run (policy, in the stages).
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from lxml.html import HtmlElement

from sources.parse.jats_licence import spdx_of

_TITLES = ("citation_title", "dc.title", "dcterms.title", "og:title")
_DATES = (
    *("citation_publication_date", "citation_online_date", "citation_date", "article:published_time", "datepublished"),
    *("dcterms.issued", "dc.date.issued", "dcterms.created", "dc.date.created", "dcterms.date", "dc.date", "date"),
)
_CHANGED = (
    *("dcterms.modified", "dc.date.modified", "article:modified_time", "og:updated_time", "datemodified"),
    *("last-modified", "revised", "dcterms.available"),
)
_VERSIONS = ("dcterms.hasversion", "dc.hasversion", "citation_version", "dcterms.version", "version", "softwareversion")
_PUBLISHERS = ("citation_publisher", "dcterms.publisher", "dc.publisher", "publisher", "og:site_name")
_LICENCES = ("dcterms.license", "dc.rights.license", "license", "citation_license", "dcterms.rights", "dc.rights")
_COPYRIGHTS = ("copyright", "rights", "dcterms.rightsholder", "citation_copyright")
_DOIS = ("citation_doi", "dc.identifier", "dcterms.identifier", "prism.doi")
_LINKED = ("datePublished", "dateModified", "license", "publisher", "version")
_ROBOTS = ("robots", "googlebot", "bingbot")
_ISO_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?![\d/.-])")
_WORD_DATE = re.compile(r"([A-Z][a-z]{2,8})\.? (\d{1,2}), (\d{4})$|(\d{1,2}) ([A-Z][a-z]{2,8})\.? (\d{4})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$")
_DOI = re.compile(r"10\.\d{4,9}/\S+")


@dataclass(slots=True)
class PageFacts:
    """The statements of a page's head; unknown is None or empty."""

    title: str | None = None
    version: str | None = None
    published: str | None = None
    language: str | None = None
    url: str | None = None
    licence_text: str = ""
    spdx: str | None = None
    identifiers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def page_facts(tree: HtmlElement) -> PageFacts:
    """Return what the head and the link relations of `tree` state."""
    meta = _meta(tree)
    linked = _json_ld(tree)
    facts = PageFacts(
        title=_first(meta, _TITLES) or _head_title(tree),
        published=next(filter(None, map(iso_date, _all(meta, _DATES) + linked.get("datePublished", []))), None),
        language=_language(tree, meta),
        url=_address(tree, meta),
        identifiers=_identifiers(meta),
        version=next(iter(_all(meta, _VERSIONS) + linked.get("version", [])), None),
    )
    facts.extra = _other_statements(meta, linked)
    licences = [
        node.get("href") or ""
        for node in tree.iter("a", "link")
        if "license" in (node.get("rel") or "").lower().split()
    ]
    licences = list(dict.fromkeys(filter(None, licences + linked.get("license", []) + _all(meta, _LICENCES))))
    facts.licence_text = "\n".join(licences)
    facts.spdx = spdx_of(facts.licence_text) if licences else None
    return facts


def _other_statements(meta: dict[str, list[str]], linked: dict[str, list[str]]) -> dict[str, Any]:
    """Return what has no field of its own: publisher, day of the last change, copyright, robots, reservations."""
    extra: dict[str, Any] = {}
    if publisher := next(iter(linked.get("publisher", []) + _all(meta, _PUBLISHERS)), None):
        extra["publisher"] = publisher
    changed = map(iso_date, _all(meta, _CHANGED) + linked.get("dateModified", []))
    if modified := max(filter(None, changed), default=None):
        extra["modified"] = modified
    if holder := _first(meta, _COPYRIGHTS):
        extra["copyright"] = holder
    robots = [value.strip() for value in _all(meta, _ROBOTS) if value.strip()]
    if robots:
        extra["robots"] = ", ".join(dict.fromkeys(robots))
    if "1" in [value.strip() for value in _all(meta, ("tdm-reservation",))]:
        extra["tdm_reserved"] = True
    if policy := _first(meta, ("tdm-policy",)):
        extra["tdm_policy"] = policy
    return extra


def iso_date(text: str) -> str | None:
    """Return an unambiguous date as ISO 8601, as exact as given, else None.

    >>> iso_date("2019/3/7"), iso_date("March 7, 2019"), iso_date("03/07/2019")
    ('2019-03-07', '2019-03-07', None)
    """
    text = text.strip()
    if match := _ISO_DATE.match(text):
        year, month, day = match[1], match[2], match[3]
    elif match := _WORD_DATE.match(text):
        year, day, name = match[3] or match[6], match[2] or match[4], (match[1] or match[5])[:3].lower()
        month = str(_MONTHS.index(name) + 1) if name in _MONTHS else "0"
    else:
        return None
    if not 1500 <= int(year) <= 2100 or not 1 <= int(month or 1) <= 12 or not 1 <= int(day or 1) <= 31:
        return None
    return "-".join([year, *(f"{int(part):02d}" for part in (month, day) if part)])


def _meta(tree: HtmlElement) -> dict[str, list[str]]:
    """Return the content of meta elements by name or property in lower case, in document order."""
    found: dict[str, list[str]] = {}
    for node in tree.iter("meta"):
        name = node.get("name") or node.get("property") or node.get("itemprop") or node.get("http-equiv") or ""
        if node.get("content"):
            found.setdefault(name.strip().lower(), []).append(" ".join((node.get("content") or "").split()))
    for node in tree.iter("time"):
        if "datepublished" in (node.get("itemprop") or "").lower() and node.get("datetime"):
            found.setdefault("datepublished", []).append(node.get("datetime") or "")
    return found


def _all(meta: dict[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return [value for name in names for value in meta.get(name, [])]


def _first(meta: dict[str, list[str]], names: tuple[str, ...]) -> str | None:
    return next((value for value in _all(meta, names) if value.strip()), None)


def _head_title(tree: HtmlElement) -> str | None:
    node = tree.find(".//head/title")
    return " ".join("".join(node.itertext()).split()) or None if node is not None else None


def _language(tree: HtmlElement, meta: dict[str, list[str]]) -> str | None:
    declared = tree.get("lang") or tree.get("xml:lang") or _first(meta, ("content-language", "dc.language")) or ""
    declared = declared.strip().replace("_", "-")
    return declared if _LANGUAGE.match(declared) else None


def _address(tree: HtmlElement, meta: dict[str, list[str]]) -> str | None:
    links = [n.get("href") or "" for n in tree.iter("link") if "canonical" in (n.get("rel") or "").lower().split()]
    candidates = links + meta.get("og:url", [])
    return next((url.strip() for url in candidates if url.strip().startswith(("http://", "https://"))), None)


def _identifiers(meta: dict[str, list[str]]) -> dict[str, str]:
    found = {}
    doi = next((match[0] for value in _all(meta, _DOIS) if (match := _DOI.search(value))), None)
    if doi:
        found["doi"] = doi
    for name, key in (("citation_pmid", "pmid"), ("citation_isbn", "isbn")):
        if value := _first(meta, (name,)):
            found[key] = value
    return found


def _json_ld(tree: HtmlElement) -> dict[str, list[str]]:
    """Return the statements of the JSON-LD objects on the page's first two levels, by name."""
    found: dict[str, list[str]] = {}
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() != "application/ld+json":
            continue
        try:
            value = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for item in _objects(value):
            for name in _LINKED:
                if value := _named(item.get(name)):
                    found.setdefault(name, []).append(value)
    return found


def _named(value: Any) -> str:
    """Return a JSON-LD value that is a string, a number, or an object with a name or address; else an empty string."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("url") or value.get("@id")
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _objects(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    objects = [item for item in items if isinstance(item, dict)]
    graphs = [item["@graph"] for item in objects if isinstance(item.get("@graph"), list)]
    return objects + [item for graph in graphs for item in graph if isinstance(item, dict)]
