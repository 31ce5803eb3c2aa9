"""Books in BITS 2.0-2.1 and the older NLM book DTDs, as NLM LitArch packs them: one part for each chapter.

A package holds a file for each chapter (`book-part-wrapper`) and one for the contents, which alone has the summary of
the whole; other publishers send a `book` with everything. Chapters, appendices, forewords and prefaces are documents of
their own, parts within a chapter its sections; what is left of a book (summary, acknowledgements) is one more. The
words are read by the walk over articles (jats.nlm.nih.gov/extensions/bits). Not here: unpacking.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from sources.parse.bookshelf_meta import (
    address_of,
    book_facts,
    book_of,
    identifiers_of,
    licence_for,
    part_title,
    published_of,
    version_of,
)
from sources.parse.bookshelf_text import book_walk, part_blocks, part_heading, rest_blocks, without_ways
from sources.parse.bookshelf_units import APART, MATTER, NAMED, Unit, is_whole, units_of
from sources.parse.jats import citation_style
from sources.parse.jats_back import abstract_blocks, back_blocks
from sources.parse.jats_citation import CitationStyle
from sources.parse.jats_element import descendants, every, first, language_of, local
from sources.parse.jats_links import is_retracted, links_of
from sources.parse.jats_reference import SUB_ARTICLES, reference_lists, reference_numbers, reference_text
from sources.parse.jats_text import Block, Heading, assemble
from sources.parse.jats_walk import Walk, room_for_depth
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.xml_safe import parse_xml

_ROOTS = ("book", "book-part-wrapper", "book-part")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield a part for each chapter; `options`: citations = plain, numbered or strip, as for articles.

    A file that is only a table of contents is a fault. Raises Unreadable: not_book, or what `parse_xml` raises;
    ValueError for an unknown option.
    """
    citations = citation_style(options)
    root = parse_xml(body)
    books = [root] if local(root) in _ROOTS else list(_outermost(root))
    if not books:
        raise Unreadable("not_book", "neither book nor part of one")
    with room_for_depth():
        for number, book in enumerate(books, start=1):
            yield from _Reader(book, key, "" if len(books) == 1 else f"book-{number}", citations).parts()


def _outermost(root: etree._Element) -> Iterator[etree._Element]:
    for node in descendants(root, *_ROOTS):
        if not any(local(around) in _ROOTS for around in node.iterancestors()):
            yield node


class _Reader:
    """Reads one book: names its parts so that none comes twice, and gives each what it has from the book."""

    def __init__(self, root: etree._Element, key: str, name: str, citations: CitationStyle) -> None:
        self._has_contents = next(descendants(root, "toc"), None) is not None
        without_ways(root)
        self._root, self._key, self._name, self._citations = root, key, name, citations
        self._book = book_of(root, book_walk(citations, {}), key)
        self._names: set[str] = set()

    def parts(self) -> Iterator[Part | Fault]:
        """Yield the book's own part, if it has text, and its chapters; the fault of each that has none."""
        own = None if local(self._root) == "book-part" else self._own()
        units = [] if is_whole(self._root) else list(units_of(self._root))
        alone = len(units) == 1 and own is None
        found: list[Part | Fault] = [own] if own else []
        for unit in units:
            name = self._name if alone else self._named(unit.element)
            part = self._part(unit, name)
            if part and own:
                part.links.append(("part_of", f"{self._key}#{own.name}" if own.name else self._key))
            if part or not unit.apart:
                found.append(part or Fault(reason="no_text", detail="a part without text", name=name))
        if not any(isinstance(part, Part) for part in found):
            reason = "table_of_contents" if self._has_contents else "no_text"
            found = [Fault(reason=reason, detail="no text in any part", name=self._name)]
        yield from found

    def _named(self, element: etree._Element) -> str:
        """Return a name that no part of the item has yet: the id, or the place."""
        name = element.get("id") or f"part-{len(self._names) + 1}"
        name = f"{self._name}-{name}" if self._name else name
        name = name if name not in self._names else f"{name}-{len(self._names) + 1}"
        self._names.add(name)
        return name

    def _own(self) -> Part | None:
        """Return what the book itself says: its summary and the matter that is no chapter."""
        language = language_of(self._root)
        whole = every(self._root, "book-part") if is_whole(self._root) else []
        holders = [first(self._root, name) for name in ("book-back", "back")] + whole
        references = [node for holder in holders for node in reference_lists(holder, APART)]
        walk = self._walk(references)
        if local(self._root) != "book" and not whole:
            return None  # the summary of the book stands in each of its files
        blocks = abstract_blocks(walk, self._book.meta, language)
        for inner in whole:
            blocks += [Heading(0, ""), *part_blocks(walk, inner, language, frozenset())]
        for matter in self._root:
            if not whole and local(matter) in MATTER:
                blocks += rest_blocks(walk, matter, language)
        blocks += [Heading(0, ""), *back_blocks(walk, self._root, language)]
        identifiers = identifiers_of(self._book.meta, "book-id")
        if self._book.nbk:
            identifiers.setdefault("nbk", self._book.nbk)
        part = self._document(self._root, self._book.title, blocks, references)
        if part:
            part.name, part.title, part.identifiers = self._name, self._book.title or None, identifiers
            part.url = address_of(self._book, None, identifiers)
            part.retracted = is_retracted(self._book.title, part.extra, [])
        return part

    def _part(self, unit: Unit, name: str) -> Part | None:
        """Return the document of one unit, None when it has no text."""
        element = unit.element
        references = list(reference_lists(element, unit.apart or SUB_ARTICLES))
        walk = self._walk(references)
        blocks = part_blocks(walk, element, language_of(element), unit.apart)
        title = part_title(walk, element)
        heading = part_heading(walk, element) if title else NAMED.get(local(element), "")
        part = self._document(element, heading, blocks, references)
        if part:
            meta = first(element, "book-part-meta")
            part.name, part.title = name, title or heading or None
            part.identifiers = identifiers_of(meta, "book-part-id")
            part.url = address_of(self._book, meta, part.identifiers)
            part.retracted = is_retracted(title, part.extra, part.links) or is_retracted(self._book.title, {}, [])
            part.extra |= {"within": list(unit.path)} if unit.path else {}
        return part

    def _document(
        self, element: etree._Element, heading: str, blocks: list[Block], references: list[etree._Element]
    ) -> Part | None:
        """Return a part with its text and what book and part say of it; the caller names it."""
        if not any(isinstance(block, str) for block in blocks):
            return None
        meta = first(element, "book-part-meta")
        metas = [node for node in (meta, self._book.meta, *self._book.collections) if node is not None]
        text, sections = assemble(heading, blocks, "Body")
        licence = licence_for(metas)
        facts = book_facts(self._book, element, meta)
        return Part(
            text=text,
            sections=sections,
            language=language_of(element),
            published=published_of(self._book, meta),
            version=version_of(meta) or version_of(self._book.meta),
            spdx=licence.spdx,
            licence_text=licence.text,
            links=links_of(meta, ""),
            references=[entry for entry in map(reference_text, references) if entry],
            extra=facts | ({"tdm_reserved": True} if licence.mining_reserved else {}),
        )

    def _walk(self, references: list[etree._Element]) -> Walk:
        return book_walk(self._citations, reference_numbers(references) if self._citations == "numbered" else {})
