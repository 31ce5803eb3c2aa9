"""What the front matter of an article says about it: title, identifiers, people, journal, key words, markers.

Everything here becomes metadata of a part. Nothing is inferred: a field that the file lacks is empty. Affiliations,
addresses and e-mails are left out on purpose. Not here: licence, dates, links, and the abstract (which is text).
"""

import re
from typing import Any

from lxml import etree

from sources.parse.jats_element import descendants, every, first, local, plain_text
from sources.parse.jats_walk import Walk

_NOTES = frozenset({"fn", "xref", "alt-title"})
_FRONTS = ("front", "front-stub", "book-part-meta", "book-meta")
_ID_TYPES = {"doi": "doi", "pmid": "pmid", "pmc": "pmcid", "pmcid": "pmcid", "pmc-id": "pmcid"}


def front_of(article: etree._Element) -> etree._Element | None:
    """Return `front` or `front-stub` of an article or sub-article, of a book or chapter its metadata."""
    found = (first(article, name) for name in _FRONTS)
    return next((front for front in found if front is not None), None)


def meta_of(article: etree._Element) -> etree._Element | None:
    """Return the element that holds the article's metadata: `article-meta`, or `front-stub` itself."""
    front = front_of(article)
    meta = first(front, "article-meta")
    return meta if meta is not None else front


def title_of(walk: Walk, meta: etree._Element | None) -> str:
    """Return title and subtitle of an article as one line, without marks of notes."""
    group = first(meta, "title-group")
    return titles_in(walk, group if group is not None else meta, "article-title")


def titles_in(walk: Walk, group: etree._Element | None, name: str) -> str:
    """Return the title that a group has under `name`, and its subtitles, as one line."""
    title = walk.line(first(group, name), _NOTES)
    for subtitle in every(group, "subtitle"):
        text = walk.line(subtitle, _NOTES)
        title = (
            f"{title}{' ' if title.endswith((':', '?', '!', '.')) else ': '}{text}" if title and text else title or text
        )
    return title


def identifiers_of(meta: etree._Element | None) -> dict[str, str]:
    """Return doi, pmid and pmcid without prefixes or URLs; a PMC id keeps its PMC."""
    found: dict[str, str] = {}
    for node in every(meta, "article-id"):
        name = _ID_TYPES.get(node.get("pub-id-type") or "")
        value = plain_text(node)
        if name == "doi":
            value = bare_doi(value)
        elif name == "pmcid":
            digits = re.search(r"\d+", value)
            value = f"PMC{digits[0]}" if digits else ""
        if name and value:
            found.setdefault(name, value)
    return found


def bare_doi(text: str) -> str:
    """Return a DOI without `doi:` or resolver; empty when the text holds none."""
    match = re.search(r"10\.\d{4,9}/\S+", text)
    return match[0].rstrip(".,;") if match else ""


def person_name(node: etree._Element) -> str:
    """Return a contributor's name in reading order."""
    name = next(descendants(node, "name", "string-name", "collab", "anonymous"), None)
    if name is None:
        return ""
    if local(name) == "collab":
        return " ".join((name.text or plain_text(first(name, "institution")) or "").split())
    given, family = plain_text(first(name, "given-names")), plain_text(first(name, "surname"))
    return " ".join(part for part in (given, family) if part) or plain_text(name)


def facts_of(article: etree._Element) -> dict[str, Any]:
    """Return further facts as JSON values; keys without a value are left out."""
    meta, journal = meta_of(article), first(front_of(article), "journal-meta")
    groups = [meta, *every(meta, "contrib-group")]
    people = [
        node for group in groups for node in every(group, "contrib") if node.get("contrib-type", "author") == "author"
    ]
    journal_title = next(descendants(journal, "journal-title"), None)
    facts = {
        "article_type": article.get("article-type"),
        "journal": plain_text(journal_title),
        "publisher": plain_text(first(journal, "publisher", "publisher-name")),
        "authors": [name for name in map(person_name, people) if name],
        "subjects": [plain_text(node) for node in descendants(first(meta, "article-categories"), "subject")],
        "keywords": [plain_text(node) for group in every(meta, "kwd-group") for node in descendants(group, "kwd")],
        "trans_titles": [plain_text(node) for node in descendants(first(meta, "title-group"), "trans-title")],
        "custom_meta": _custom_meta(meta),
        "restricted_by": plain_text(next(descendants(first(article, "processing-meta"), "restricted-by"), None)),
    }
    return {name: value for name, value in facts.items() if value}


def _custom_meta(meta: etree._Element | None) -> dict[str, str]:
    return {
        plain_text(first(node, "meta-name")): plain_text(first(node, "meta-value"))
        for node in descendants(meta, "custom-meta")
        if plain_text(first(node, "meta-name"))
    }
