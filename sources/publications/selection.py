"""Why an article version is not taken: by the inventory, by its facts, or by what the article itself states.

Each question is asked as early as it can be answered, so that nothing is fetched to be thrown away: the inventory
knows ids and versions, the JSON knows licence, flags, date, journal and title; article type, language and MeSH stand
in the article's first bytes. Reasons are asked in a fixed order and the first that holds is given. Not here: fetching.
"""

import re
from collections.abc import Iterable

from sources.publications.article_facts import Facts
from sources.publications.settings import PmcOaConfig

REASONS = frozenset(
    {"superseded", "not_listed", "retracted", "historical_ocr", "licence", "date", "journal", "title"}
    | {"article_type", "language", "mesh"}
)
NO_CODE = "none"
_HEAD_BYTES = 256 << 10
_ARTICLE = re.compile(rb"<article(?=[\s>])([^<>]*)>")
_FRONT_END = re.compile(rb"</front>|<body[\s>]")
_TYPE = re.compile(rb"\barticle-type\s*=\s*[\"']([^\"']*)[\"']")
_LANGUAGE = re.compile(rb"\bxml:lang\s*=\s*[\"']([^\"']*)[\"']")
_KEYWORDS = re.compile(rb"<kwd-group\b([^<>]*)>(.*?)</kwd-group>", re.DOTALL)
_KEYWORD = re.compile(rb"<kwd\b[^<>]*>(.*?)</kwd>", re.DOTALL)
_TAG = re.compile(rb"<[^<>]*>")


def without_text(config: PmcOaConfig, facts: Facts) -> tuple[str, str] | None:
    """Return (reason, detail) for an article that the bucket's JSON excludes, None for one that may be wanted."""
    if config.ids is not None and not {facts.pmcid, facts.pmid} & set(config.ids):
        return "not_listed", ""
    if facts.is_retracted and not config.retracted:
        return "retracted", ""
    if facts.is_historical_ocr and not config.historical_ocr:
        return "historical_ocr", ""
    code = facts.licence_code or NO_CODE
    if config.licences is not None and code.casefold() not in _folded(config.licences):
        return "licence", code
    if not _in_time(config, facts.published):
        return "date", facts.published or "no date in its citation"
    if config.journals is not None and facts.journal.casefold() not in _folded(config.journals):
        return "journal", facts.journal
    if config.title_terms is not None and not _holds(facts.title, config.title_terms):
        return "title", ""
    return None


def needs_text(config: PmcOaConfig) -> bool:
    """Say whether the article itself must be looked at to decide."""
    return any(part is not None for part in (config.article_types, config.languages, config.mesh))


def with_text(config: PmcOaConfig, xml: bytes) -> tuple[str, str] | None:
    """Return (reason, detail) for an article whose own front matter excludes it."""
    head = xml[:_HEAD_BYTES]
    end = _FRONT_END.search(head)
    head = head[: end.start()] if end else head
    root = _ARTICLE.search(head)
    attributes = root[1] if root else b""
    kind, language = _value(_TYPE, attributes), _value(_LANGUAGE, attributes) or "en"
    if config.article_types is not None and kind.casefold() not in _folded(config.article_types):
        return "article_type", kind
    if config.languages is not None and language.casefold().partition("-")[0] not in _folded(config.languages):
        return "language", language
    if config.mesh is not None and not set(_headings(head)) & _folded(config.mesh):
        return "mesh", ""
    return None


def _in_time(config: PmcOaConfig, published: str) -> bool:
    """Compare dates as far as both sides are precise: 2019 lies within from 2019-06 and to 2019-03."""
    low, high = config.published_from, config.published_to
    if low is None and high is None:
        return True
    after = low is None or published[: len(low)] >= low[: len(published)]
    before = high is None or published[: len(high)] <= high[: len(published)]
    return bool(published) and after and before


def _holds(title: str, terms: Iterable[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(term)}(?!\w)", title, re.IGNORECASE) for term in terms)


def _headings(head: bytes) -> Iterable[str]:
    for group in _KEYWORDS.finditer(head):
        if b"mesh" in group[1].lower():
            for keyword in _KEYWORD.finditer(group[2]):
                yield " ".join(_TAG.sub(b"", keyword[1]).decode("utf-8", "replace").split()).casefold()


def _value(pattern: "re.Pattern[bytes]", attributes: bytes) -> str:
    found = pattern.search(attributes)
    return found[1].decode("utf-8", "replace") if found else ""


def _folded(values: Iterable[str]) -> set[str]:
    return {value.casefold() for value in values}
