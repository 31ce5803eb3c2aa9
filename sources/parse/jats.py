"""JATS and NLM XML to Markdown text with sections, metadata and links: one part for each article and sub-article.

Covers JATS 1.0-1.3, NLM 2-3, SciELO SPS, with or without namespaces and wrappers (PMC article sets, OAI-PMH). The
text is title, abstracts, body, floats, back matter; the reference list and the front matter are metadata. All that
is unsafe or broken is refused by `sources.parse.xml_safe`. Not here: cutting bulk files into articles, rights.
"""

from collections.abc import Iterator
from typing import Any, get_args

from lxml import etree

from sources.parse.jats_back import abstract_blocks, back_blocks
from sources.parse.jats_body import new_walk
from sources.parse.jats_citation import CitationStyle
from sources.parse.jats_date import published_date
from sources.parse.jats_element import children_of, descendants, every, first, language_of, local
from sources.parse.jats_front import facts_of, identifiers_of, meta_of, title_of
from sources.parse.jats_licence import licence_of
from sources.parse.jats_links import is_retracted, links_of
from sources.parse.jats_reference import reference_lists, reference_numbers, reference_text
from sources.parse.jats_text import Block, Heading, assemble
from sources.parse.jats_walk import Walk, room_for_depth
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.xml_safe import parse_xml

_SUB_ARTICLES = ("sub-article", "response")
_FLOATS = ("floats-group", "floats-wrap")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield the article in a JATS file and its sub-articles; `options`: citations = plain, numbered or strip.

    A sub-article links to what it belongs to: ("translation_of" or "part_of", key of the parent). Parts without
    text of their own are faults (no_text). Raises Unreadable: not_jats, no_text (nothing in the whole file),
    too_deep, or what `parse_xml` raises; ValueError for an unknown option.
    """
    citations = citation_style(options)
    articles = _articles(parse_xml(body))
    if not articles:
        raise Unreadable("not_jats", "no article with front or body")
    found: list[Part | Fault] = []
    with room_for_depth():
        for number, article in enumerate(articles, start=1):
            name = "" if len(articles) == 1 else article.get("id") or f"article-{number}"
            found += _read(article, key, name, citations)
    if not any(isinstance(part, Part) for part in found):
        raise Unreadable("no_text", "neither body nor abstract")
    yield from found


def citation_style(options: dict[str, Any]) -> CitationStyle:
    """Return the option `citations`, plain by default. Raises ValueError for any other option or value."""
    style: CitationStyle = options.get("citations", "plain")
    if style not in get_args(CitationStyle) or options.keys() - {"citations"}:
        raise ValueError(f"jats: options are citations={'|'.join(get_args(CitationStyle))}, not {options!r}")
    return style


def _articles(root: etree._Element) -> list[etree._Element]:
    """Return the outermost articles of a file, whatever wraps them."""
    found = [root] if local(root) == "article" else list(descendants(root, "article"))
    return [node for node in found if first(node, "front") is not None or first(node, "body") is not None]


def _read(article: etree._Element, key: str, name: str, citations: CitationStyle) -> list[Part | Fault]:
    """Return an article and, after it, its sub-articles at any depth, each with a name of its own."""
    out = [_one(article, name, None, citations)]
    names = {name}
    waiting = [(sub, name, out[0]) for sub in _sub_articles(article)]
    while waiting:
        sub, parent_name, parent = waiting.pop(0)
        own = sub.get("id") or f"sub-{len(names)}"
        own = own if own not in names else f"{own}-{len(names)}"
        names.add(own)
        part = _one(sub, own, parent if isinstance(parent, Part) else None, citations)
        if isinstance(part, Part):
            relation = "translation_of" if sub.get("article-type") == "translation" else "part_of"
            part.links.append((relation, f"{key}#{parent_name}" if parent_name else key))
        out.append(part)
        waiting += [(inner, own, part) for inner in _sub_articles(sub)]
    return out


def _sub_articles(article: etree._Element) -> list[etree._Element]:
    return [child for child in children_of(article) if local(child) in _SUB_ARTICLES]


def _one(article: etree._Element, name: str, parent: Part | None, citations: CitationStyle) -> Part | Fault:
    """Return the part for one article, or the fault that it has no text."""
    meta = meta_of(article)
    language = language_of(article)
    references = list(reference_lists(article))
    walk = new_walk(citations, reference_numbers(references) if citations == "numbered" else {})
    title = title_of(walk, meta)
    abstracts = abstract_blocks(walk, meta, language)
    body = _body_blocks(walk, article)
    if not any(isinstance(block, str) for block in (*abstracts, *body)):
        return Fault(reason="no_text", detail="neither body nor abstract", name=name)
    blocks = [*abstracts, Heading(0, ""), *body, Heading(0, ""), *back_blocks(walk, article, language)]
    text, sections = assemble(title, blocks, "Body")
    facts = facts_of(article)
    licence = licence_of(meta)
    if licence.mining_reserved:
        facts["tdm_reserved"] = True
    links = links_of(meta, facts.get("article_type", ""))
    identifiers = identifiers_of(meta)
    inherits = parent is not None and not licence.text
    return Part(
        text=text,
        title=title or None,
        kind="article" if any(isinstance(block, str) for block in body) else "abstract",
        name=name,
        sections=sections,
        language=language,
        published=published_date(meta) or (parent.published if parent else None),
        url=f"https://doi.org/{identifiers['doi']}" if "doi" in identifiers else None,
        spdx=parent.spdx if parent and inherits else licence.spdx,
        licence_text=parent.licence_text if parent and inherits else licence.text,
        identifiers=identifiers,
        links=links,
        references=[entry for entry in map(reference_text, references) if entry],
        retracted=is_retracted(title, facts, links) or (parent is not None and parent.retracted),
        version=_version(meta),
        extra=facts,
    )


def _body_blocks(walk: Walk, article: etree._Element) -> list[Block]:
    """Return the body, then the figures and tables that the file keeps apart from it."""
    out: list[Block] = []
    for body in every(article, "body"):
        out += walk.flow(body)
    floats = [block for name in _FLOATS for group in every(article, name) for block in walk.flow(group)]
    return [*out, Heading(0, "Figures and tables"), *floats] if floats else out


def _version(meta: etree._Element | None) -> str | None:
    node = next(descendants(meta, "article-version"), None)
    return (node.text or "").strip() or node.get("article-version-type") if node is not None else None
