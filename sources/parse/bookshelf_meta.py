"""What a book and its parts say about themselves: titles, identifiers, dates, people, licence.

NCBI calls its own short names of books and parts `pmcid`, so an identifier counts only when it looks like what it is
called; NBK numbers are Bookshelf's. The licence is that of the part, else of the book, else of the series: the nearest
that names a licence or reserves rights, as a copyright line alone takes nothing back. Not here: text.
"""

import re
from typing import Any, NamedTuple
from urllib.parse import quote

from lxml import etree

from sources.parse.jats_date import history_of, published_date
from sources.parse.jats_element import descendants, every, first, plain_text
from sources.parse.jats_front import bare_doi, facts_of, person_name, titles_in
from sources.parse.jats_licence import Licence, is_reserved, licence_of
from sources.parse.jats_walk import Walk

_NBK = re.compile(r"NBK\d+")
_REVISED = ("revised", "updated", "corrected", "rev-recd")
_BOOKS = "https://www.ncbi.nlm.nih.gov/books"


class Book(NamedTuple):
    """A book as its parts see it: metadata of it and of its series, its title, its names at NCBI."""

    meta: etree._Element | None
    collections: list[etree._Element]
    title: str
    short_name: str
    nbk: str


def book_of(root: etree._Element, walk: Walk, key: str) -> Book:
    """Return the book of a `book` or `book-part-wrapper`; `key` may hold its NBK number, as names of packages do."""
    meta = first(root, "book-meta")
    group = first(meta, "book-title-group")
    title = titles_in(walk, group if group is not None else meta, "book-title")
    ids = [plain_text(node) for node in every(meta, "book-id")]
    numbers = [text for text in ids if _NBK.fullmatch(text)] or _NBK.findall(key)[:1]
    names = [
        plain_text(node) for node in every(meta, "book-id") if node.get("book-id-type") in {"pmcid", "publisher-id"}
    ]
    short = next((name for name in names if not _NBK.fullmatch(name)), "")
    return Book(meta, every(root, "collection-meta"), title, short, numbers[0] if numbers else "")


def part_title(walk: Walk, element: etree._Element) -> str:
    """Return title and subtitle of a part, without its label."""
    group = first(element, "book-part-meta", "title-group")
    return titles_in(walk, group if group is not None else element, "title")


def identifiers_of(meta: etree._Element | None, name: str) -> dict[str, str]:
    """Return doi, pmid, isbn and nbk of a book (`name` book-id) or a part of it (book-part-id)."""
    found: dict[str, str] = {}
    for node in every(meta, name):
        kind, text = node.get(f"{name}-type") or "", plain_text(node)
        if kind == "doi" and (doi := bare_doi(text)):
            found.setdefault("doi", doi)
        elif kind == "pmid" and text.isdigit():
            found.setdefault("pmid", text)
        elif _NBK.fullmatch(text):
            found.setdefault("nbk", text)
        elif re.fullmatch(r"PMC\d+", text):
            found.setdefault("pmcid", text)
    if name == "book-id" and (isbn := plain_text(first(meta, "isbn"))):
        found["isbn"] = re.sub(r"[\s-]", "", isbn)
    return found


def address_of(book: Book, meta: etree._Element | None, identifiers: dict[str, str]) -> str | None:
    """Return the address of a part at NCBI, by its own number or by the short names of book and part."""
    if number := identifiers.get("nbk"):
        return f"{_BOOKS}/{number}/"
    own = [plain_text(node) for node in every(meta, "book-part-id") if node.get("book-part-id-type") == "pmcid"]
    if book.short_name and own and own[0]:
        return f"{_BOOKS}/n/{quote(book.short_name, safe='')}/{quote(own[0], safe='')}/"
    return f"https://doi.org/{identifiers['doi']}" if "doi" in identifiers else None


def published_of(book: Book, meta: etree._Element | None) -> str | None:
    """Return when a part was published: its own date, else that of its making, else that of the book."""
    return published_date(meta) or history_of(meta).get("created") or published_date(book.meta)


def version_of(meta: etree._Element | None) -> str | None:
    """Return the day of the latest revision that a part or book names."""
    history = history_of(meta)
    return max((history[kind] for kind in _REVISED if kind in history), default=None)


def licence_for(metas: list[etree._Element]) -> Licence:
    """Return the licence that counts for a part; `metas` are those of part, book and series, nearest first."""
    found = [(meta, licence_of(meta)) for meta in metas]
    for meta, licence in found:
        named = next(descendants(first(meta, "permissions"), "license", "license_ref"), None) is not None
        if named or licence.mining_reserved or is_reserved(licence.text):
            return licence
    return next((licence for _, licence in found if licence.text), Licence())


def book_facts(book: Book, element: etree._Element, meta: etree._Element | None) -> dict[str, Any]:
    """Return further facts on a part as JSON values; keys without a value are left out."""
    found = facts_of(element)
    facts = {
        **found,
        "authors": found.get("authors") or _people(book.meta, "author"),
        "editors": _people(book.meta, "editor"),
        "subjects": list(dict.fromkeys(plain_text(node) for node in descendants(meta, "subject"))),
        "part_type": element.get("book-part-type"),
        "label": plain_text(first(meta, "title-group", "label")),
        "book_title": book.title,
        "book": book.short_name,
        "book_nbk": book.nbk,
        "edition": plain_text(first(book.meta, "edition")),
        "publisher": plain_text(next(descendants(book.meta, "publisher-name"), None)),
        "series": [text for node in book.collections if (text := plain_text(first(node, "title-group", "title")))],
    }
    return {name: value for name, value in facts.items() if value}


def _people(meta: etree._Element | None, kind: str) -> list[str]:
    names = [person_name(node) for node in descendants(meta, "contrib") if node.get("contrib-type", "author") == kind]
    return [name for name in names if name]
