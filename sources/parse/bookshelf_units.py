"""Which parts of a book are documents of their own.

A chapter is one, with the parts in it as its sections; so are appendices, forewords, prefaces. A part that only groups
chapters gives its title to them, and is a document when it has words of its own. Contents and indexes are none. Not
here: their text.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from sources.parse.jats_element import every, first, local, plain_text

BODIES = ("body", "named-book-part-body")
_CHAPTERS = frozenset({"chapter", "appendix", "article", "entry", "conference-paper"})
"""Types of parts that are read whole, with the parts in them; any other that holds parts groups them."""
NAMED = {
    "foreword": "Foreword",
    "preface": "Preface",
    "introduction": "Introduction",
    "dedication": "Dedication",
    "front-matter-part": "Front matter",
    "book-app": "Appendix",
}
"""Parts of a book that are not called so, with the title of one that has none."""
APART = frozenset({"book-part"})
MATTER = ("front-matter", "book-front", "book-body", "body", "book-back")
GUIDES = frozenset({"toc", "index"})


class Unit(NamedTuple):
    """A part of a book that becomes a document: its element, the titles around it, and what in it is not its text."""

    element: etree._Element
    path: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()


def is_whole(root: etree._Element) -> bool:
    """Say whether a wrapper is that of a package's contents file, whose one part is the book itself."""
    names = {
        root.get("content-type"),
        root.get("id"),
        *(part.get("book-part-type") for part in every(root, "book-part")),
    }
    return local(root) == "book-part-wrapper" and "toc" in names


def units_of(root: etree._Element) -> Iterator[Unit]:
    """Yield the parts of a book that become documents, in its order."""
    if local(root) == "book-part":
        yield from _within(root, ())
    for child in root if local(root) != "book-part" else ():
        if local(child) == "book-part":
            yield from _within(child, ())
        elif local(child) in MATTER:
            yield from _in_matter(child)


def _in_matter(matter: etree._Element) -> Iterator[Unit]:
    for child in matter:
        if child.get("book-part-type") in GUIDES:
            continue
        if local(child) == "book-part":
            yield from _within(child, ())
        elif local(child) in NAMED:
            yield Unit(child)
        elif local(child) == "book-app-group":
            yield from _in_matter(child)


def _within(part: etree._Element, path: tuple[str, ...]) -> Iterator[Unit]:
    """Yield a part, or a group of parts (for the text it may have of its own) and then its parts."""
    inner = [node for name in BODIES for body in every(part, name) for node in every(body, "book-part")]
    if not inner or part.get("book-part-type") in _CHAPTERS:
        yield Unit(part, path)
        return
    yield Unit(part, path, APART)
    title = plain_text(first(part, "book-part-meta", "title-group", "title"))
    for node in inner:
        yield from _within(node, (*path, title) if title else path)
