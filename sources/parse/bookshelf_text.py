"""The text of a book's parts, read by the walk over articles: chapters, parts that are sections, matter around them.

BITS shares the elements of running text with JATS, so only what books add is here: a part within a chapter reads as a
section, and what helps to find one's way (contents, index, the index terms within sentences) is taken out before the
walk, as it is no text of the chapter. Not here: which parts are documents of their own (`bookshelf`).
"""

from lxml import etree

from sources.parse.bookshelf_units import APART, BODIES, GUIDES, NAMED
from sources.parse.jats_back import abstract_blocks, back_blocks, back_part
from sources.parse.jats_block import heading_text, titled
from sources.parse.jats_body import BACK_BLOCKS, BLOCKS
from sources.parse.jats_citation import CitationStyle
from sources.parse.jats_element import every, first, local
from sources.parse.jats_inline import INLINES
from sources.parse.jats_text import Block, Heading
from sources.parse.jats_walk import Walk

WAYS = (
    "toc", "toc-group", "index", "index-group", "index-term", "index-term-range-end", "nav-pointer",
    "nav-pointer-group", "alternate-form", "processing-meta",
)  # fmt: skip
"""Elements that lead to text and are none."""
_META = frozenset({"book-part-meta", "title", "label"})


def without_ways(root: etree._Element) -> None:
    """Take contents, indexes and index terms out of a tree; the text around them stays."""
    etree.strip_elements(root, *(f"{{*}}{name}" for name in WAYS), with_tail=False)


def book_walk(citations: CitationStyle, numbers: dict[str, int]) -> Walk:
    """Return a walk over one part of a book."""
    blocks = {**BLOCKS, "book-part": _section, "book-app": _section}
    return Walk(blocks=blocks, inlines=INLINES, citations=citations, reference_numbers=numbers)


def part_heading(walk: Walk, element: etree._Element) -> str:
    """Return label and title of a part as one line, from its metadata or, in older books, its own children."""
    group = first(element, "book-part-meta", "title-group")
    return heading_text(walk, group if group is not None else element)


def part_blocks(walk: Walk, element: etree._Element, language: str | None, apart: frozenset[str]) -> list[Block]:
    """Return abstracts, front matter, body and back of a part; parts within it named in `apart` are left to others."""
    out = abstract_blocks(walk, first(element, "book-part-meta"), language)
    out.append(Heading(0, ""))
    for front in every(element, "front-matter"):
        out += walk.flow(front)
    for name in BODIES:
        for body in every(element, name):
            out += walk.flow(body, apart)
    if not any(local(child) in BODIES for child in element):
        out += walk.flow(element, _META | apart | {"front-matter", "back"})
    for holder in ("floats-group", "floats-wrap"):
        for group in every(element, holder):
            out += [Heading(0, "Figures and tables"), *walk.flow(group)]
    return [*out, Heading(0, ""), *back_blocks(walk, element, language)]


def _section(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a part within a chapter as a section of it; the works it cites are metadata as everywhere."""
    title = part_heading(walk, element)
    meta, outer = first(element, "book-part-meta"), walk.blocks
    abstracts = [block for node in every(meta, "abstract") for block in walk.flow(node)]
    content = titled(walk, element, title, _META | {"back"})
    start = 1 if title else 0
    walk.blocks = BACK_BLOCKS
    walk.depth += start
    back = [block for node in every(element, "back") for block in walk.flow(node)]
    walk.depth -= start
    walk.blocks = outer
    if not title:
        return [*abstracts, *content, *back]
    return [content[0], *abstracts, *content[1:-1], *back, content[-1]]


def rest_blocks(walk: Walk, matter: etree._Element, language: str | None) -> list[Block]:
    """Return the text of front matter, body or back matter that no document of its own takes."""
    if local(matter) in ("body", "book-body"):
        return [Heading(0, ""), *walk.flow(matter, APART)]
    taken = {*NAMED, *APART, "book-app-group", "ref-list", "title", "label"}
    rest = [child for child in matter if local(child) not in taken and child.get("book-part-type") not in GUIDES]
    return [block for child in rest for block in (Heading(0, ""), *back_part(walk, child, language))]
