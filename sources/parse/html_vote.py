"""Asking trafilatura which blocks of a page are main text.

The first text node of every block gets a short mark of characters that the page does not use; the marks that come
back in trafilatura's output name the blocks it chose. Its time grows with the number of elements, so the tree is
made lighter first, by what cannot change a choice that we would follow: small furniture goes, a data table becomes
one cell. Not here: what is done with the votes (`html_select`, `html_gaps`).
"""

import re
from collections.abc import Sequence

import trafilatura
from lxml import etree

from sources.parse.html_blocks import Block
from sources.parse.html_outline import Outline

_ALPHABETS = ("".join(map(chr, range(0x2801, 0x2900))), "".join(map(chr, range(0x1D000, 0x1D0F6))))
"""Printable, no letters, no digits: Braille patterns, Byzantine musical signs. A page that uses both gets no votes."""

MAX_VOTED_CHARS = 5_000_000
SMALL_SHARE = 0.1
"""Furniture with less than this share of the page's plain text is not worth a vote."""
MAX_DROPPED_SHARE = 0.33
"""When small furniture sums up to more than this, its names do not mean furniture on this page: it stays."""
MAX_LINK_SHARE = 0.33
"""A table with fewer of its characters in links is no menu."""


class Ballot:
    """A tree whose blocks are marked, ready to be given to trafilatura."""

    def __init__(self, tree: etree._Element, blocks: Sequence[Block]) -> None:
        self.tree = tree
        self.count = len(blocks)
        self.alphabet = _free_alphabet(blocks)
        self.width = 2 if self.count <= len(self.alphabet) ** 2 else 3
        if self.alphabet:
            self._mark(blocks)

    def votes(self, *, fast: bool) -> list[bool]:
        """Return which blocks trafilatura takes, without its fallbacks to other extractors when `fast`."""
        if not self.alphabet:
            return [False] * self.count
        found = re.findall(f"[{self.alphabet}]{{{self.width}}}", _extracted(self.tree, fast=fast))
        chosen = {_number(mark, self.alphabet) for mark in found}
        return [number in chosen for number in range(self.count)]

    def _mark(self, blocks: Sequence[Block]) -> None:
        for number, block in enumerate(blocks):
            element, is_tail = block.anchor
            mark = _mark(number, self.alphabet, self.width)
            if is_tail:
                element.tail = _marked(element.tail, mark)
            else:
                element.text = _marked(element.text, mark)


def lighten(outline: Outline, blocks: Sequence[Block]) -> None:
    """Take from the tree, in place, what costs trafilatura time and decides nothing; marks stay."""
    for block in blocks:
        if block.kind == "table" and block.link_chars <= MAX_LINK_SHARE * len(block.text):
            _become_one_cell(block.parent)
    etree.strip_attributes(outline.root, "colspan", "rowspan")  # it writes every spanned cell, however many are claimed
    plain = outline.sums((block, len(block.text) - block.link_chars) for block in blocks)
    page = plain.get(outline.root, 0)
    furniture = dict.fromkeys(
        block.furniture
        for block in blocks
        if block.furniture is not None and not (block.kind == "heading" and block.furniture is block.parent)
    )  # a heading's own id often names what it heads or links to
    small = dict.fromkeys(element for element in furniture if plain.get(element, 0) < SMALL_SHARE * page)
    outer = [element for element in small if not any(above in small for above in outline.above(element))]
    if sum(plain.get(element, 0) for element in outer) <= MAX_DROPPED_SHARE * page:
        for element in outer:
            element.drop_tree()  # type: ignore[attr-defined]  # an HtmlElement; the stubs know _Element alone


def _become_one_cell(table: etree._Element) -> None:
    text = " ".join("".join(map(str, table.itertext())).split())
    for child in list(table):
        table.remove(child)
    table.text = None
    etree.SubElement(etree.SubElement(table, "tr"), "td").text = text


def _extracted(tree: etree._Element, *, fast: bool) -> str:
    try:
        found = trafilatura.bare_extraction(tree, include_comments=False, output_format="txt", fast=fast)
    except RecursionError:
        return ""
    return "".join(found.body.itertext()) if found is not None and found.body is not None else ""


def _free_alphabet(blocks: Sequence[Block]) -> str:
    for alphabet in _ALPHABETS:
        if not any(re.search(f"[{alphabet}]", block.text) for block in blocks):
            return alphabet
    return ""


def _mark(number: int, alphabet: str, width: int) -> str:
    """Return `number` written with `width` digits of `alphabet`."""
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits


def _number(mark: str, alphabet: str) -> int:
    value = 0
    for character in mark:
        value = value * len(alphabet) + alphabet.index(character)
    return value


def _marked(text: str | None, mark: str) -> str:
    """Return `text` with `mark` before its first character that shows."""
    text = text or ""
    start = len(text) - len(text.lstrip())
    return text[:start] + mark + text[start:]
