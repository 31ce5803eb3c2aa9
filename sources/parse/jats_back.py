"""The text around the body: abstracts before it, and acknowledgements, statements, notes, appendices after it.

Each comes as a section with a heading of its own, so that a policy can drop it by its path. A heading that the file
does not give is set by the kind of element, in the language of the article where we have the word. Statements of
funding and conflicts of interest count wherever they stand, in the front or the back. Addresses and other author
notes of the front are not text.
"""

import re

from lxml import etree

from sources.parse.jats_block import heading_text, titled
from sources.parse.jats_body import BACK_BLOCKS
from sources.parse.jats_element import XML_LANG, children_of, descendants, every, first, local, plain_text
from sources.parse.jats_front import front_of, meta_of
from sources.parse.jats_text import Block, Heading
from sources.parse.jats_walk import Walk

_WORDS = {
    "pt": {"Abstract": "Resumo", "Acknowledgements": "Agradecimentos", "Funding": "Financiamento"},
    "es": {"Abstract": "Resumen", "Acknowledgements": "Agradecimientos", "Funding": "Financiación"},
    "fr": {"Abstract": "Résumé", "Acknowledgements": "Remerciements", "Funding": "Financement"},
    "de": {"Abstract": "Zusammenfassung", "Acknowledgements": "Danksagung", "Funding": "Finanzierung"},
}
_ABSTRACTS = {
    "graphical": "Graphical abstract",
    "teaser": "Teaser",
    "toc": "Synopsis",
    "web-summary": "Summary",
    "summary": "Summary",
    "plain-language-summary": "Plain language summary",
    "executive-summary": "Executive summary",
    "editors-summary": "Editors' summary",
    "editor": "Editors' summary",
    "key-points": "Key points",
    "author-highlights": "Highlights",
    "highlights": "Highlights",
    "precis": "Précis",
}
_STATEMENTS = {
    "conflict": "Conflict of interest",
    "coi-statement": "Conflict of interest",
    "competing-interest-statement": "Conflict of interest",
    "competing-interests": "Conflict of interest",
    "financial-disclosure": "Funding",
    "supported-by": "Funding",
    "funding": "Funding",
    "funding-information": "Funding",
    "con": "Author contributions",
    "author-contribution": "Author contributions",
    "participating-researchers": "Author contributions",
    "data-availability": "Data availability",
    "ethics-statement": "Ethics statement",
}
_PARTS = {
    "ack": "Acknowledgements",
    "app": "Appendix",
    "bio": "Biography",
    "glossary": "Glossary",
    "notes": "Notes",
    "fn-group": "Footnotes",
}
_OPENINGS = (
    (
        re.compile(r"(?:funding|financial (?:support|disclosure)|source of (?:support|funding))\b.{0,30}?[:.]", re.I),
        "Funding",
    ),
    (
        re.compile(r"(?:conflicts?|competing|declaration) (?:of )?(?:financial )?interests?\b.{0,30}?[:.]", re.I),
        "Conflict of interest",
    ),
    (re.compile(r"(?:author'?s?’? )?contribut(?:ors?|ions?)\b.{0,20}?[:.]", re.I), "Author contributions"),
)
"""How untyped footnotes open that are such statements, as in "Competing interests: None declared."."""
_FRONT_STATEMENTS = frozenset(name for name in _STATEMENTS if name != "con")


def _word(title: str, language: str | None) -> str:
    return _WORDS.get((language or "en")[:2], {}).get(title, title)


def abstract_blocks(walk: Walk, meta: etree._Element | None, language: str | None) -> list[Block]:
    """Return the abstracts and then their translations, each under its own heading, none that another has in it."""
    found: list[tuple[list[Block], set[Block]]] = []
    for node in [*every(meta, "abstract"), *every(meta, "trans-abstract")]:
        own_language = (node.get(XML_LANG) or language or "")[:2]
        default = _ABSTRACTS.get(node.get("abstract-type") or "") or _word("Abstract", own_language)
        blocks = titled(walk, node, heading_text(walk, node) or default, frozenset({"object-id"}))
        found.append((blocks, {block for block in blocks if isinstance(block, str)}))
    out: list[Block] = []
    for at, (blocks, texts) in enumerate(found):
        repeated = any(texts < said or (texts == said and other < at) for other, (_, said) in enumerate(found))
        if texts and not repeated:
            out += blocks
    return out


def back_blocks(walk: Walk, article: etree._Element, language: str | None) -> list[Block]:
    """Return everything after the body but the reference list, then the statements of the front."""
    walk.blocks = BACK_BLOCKS
    out: list[Block] = []
    for back in every(article, "back"):
        for child in children_of(back):
            out += back_part(walk, child, language)
    front = front_of(article)
    for notes in every(front, "notes"):
        out += back_part(walk, notes, language)
    return out + _front_statements(walk, article, language, out)


def back_part(walk: Walk, element: etree._Element, language: str | None) -> list[Block]:
    """Return one child of `back`, or of a book's matter, under its own title or one that its kind gives."""
    name = local(element)
    title = heading_text(walk, element)
    if name == "app-group":
        depth = walk.depth
        walk.depth += bool(title)
        inner = [block for child in children_of(element) for block in _group_member(walk, child, language)]
        walk.depth = depth
        return [Heading(depth, title), *inner, Heading(depth, "")] if title else inner
    if name == "fn-group" and not title:
        return _typed_notes(walk, every(element, "fn"), language) + walk.flow(element, frozenset({"fn"}))
    if name == "sec":
        return titled(walk, element, title or _kind_title(element, language))
    if name == "ref-list":
        return walk.blocks["ref-list"](walk, element)
    default = _kind_title(element, language) or _word(_PARTS.get(name, "Notes"), language)
    blocks = titled(walk, element, title or default)
    return blocks if any(isinstance(block, str) for block in blocks) else []


def _group_member(walk: Walk, child: etree._Element, language: str | None) -> list[Block]:
    if local(child) in {"label", "title"}:
        return []
    return back_part(walk, child, language) if local(child) == "app" else walk.flow(child)


def _kind_title(element: etree._Element, language: str | None) -> str:
    """Return the heading for a statement that is marked as such but has no title."""
    kind = element.get("notes-type") or element.get("sec-type") or element.get("fn-type") or ""
    return _word(_STATEMENTS.get(kind.lower(), ""), language)


def _typed_notes(walk: Walk, notes: list[etree._Element], language: str | None) -> list[Block]:
    """Return footnotes under the heading of their type; neighbours of one type share it."""
    out: list[Block] = []
    last = ""
    for note in notes:
        blocks = walk.blocks["fn"](walk, note)
        title = _kind_title(note, language) or _opening_title(note, language) or _word("Footnotes", language)
        if title != last and blocks:
            out.append(Heading(walk.depth, title))
            last = title
        out += blocks
    return [*out, Heading(walk.depth, "")] if out else []


def _opening_title(note: etree._Element, language: str | None) -> str:
    """Return the heading for an untyped footnote that names itself in its first words."""
    text = plain_text(note)[:80]
    return next((_word(title, language) for pattern, title in _OPENINGS if pattern.match(text)), "")


def _front_statements(walk: Walk, article: etree._Element, language: str | None, so_far: list[Block]) -> list[Block]:
    """Return funding and conflict statements of the front that the back does not repeat word for word."""
    meta = meta_of(article)
    notes = [
        note
        for holder in (*every(meta, "author-notes"), *every(first(meta, "title-group"), "fn-group"))
        for note in every(holder, "fn")
        if (note.get("fn-type") or "").lower() in _FRONT_STATEMENTS
    ]
    out = _typed_notes(walk, notes, language)
    seen = {block for block in (*so_far, *out) if isinstance(block, str)}
    funding = [walk.line(node) for node in descendants(meta, "funding-statement") if plain_text(node)]
    new = [text for text in funding if not any(text in block for block in seen)]
    return [*out, Heading(walk.depth, _word("Funding", language)), *new] if new else out
