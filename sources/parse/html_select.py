"""Which blocks of a page are its main text: trafilatura votes, neighbours fill the gaps.

Trafilatura chooses main text better than any rule of ours, but its output drops table cells, list items and
one-line numbers that it takes for noise. So it only votes: before it runs, the first text node of every block gets
a short mark of characters that the page does not use; the marks that come back name the blocks it chose, and we
write those ourselves from the tree. Then blocks between chosen ones are taken too unless they look like
furniture, because guidance that misses one row is worse than guidance with one caption too many. Not here:
rendering, and pages whose source declares where the body is.
"""

import re
from collections.abc import Sequence

import trafilatura
from lxml import etree

from sources.parse.html_blocks import Block
from sources.parse.html_gaps import fill_gaps

_ALPHABETS = ("".join(map(chr, range(0x2801, 0x2900))), "".join(map(chr, range(0x1D000, 0x1D0F6))))
"""Printable, no letters, no digits: Braille patterns, Byzantine musical signs. A page that uses both gets no votes."""

MAX_VOTED_CHARS = 5_000_000


def choose(tree: etree._Element, blocks: Sequence[Block]) -> tuple[list[bool], str]:
    """Return for each block whether it is main text, and the name of the way: trafilatura, or walk.

    The tree is marked in place and of no use afterwards.
    """
    votes = _votes(tree, blocks)
    if not any(votes):
        return [block.furniture is None for block in blocks], "walk"
    return fill_gaps(tree, blocks, votes), "trafilatura"


def _votes(tree: etree._Element, blocks: Sequence[Block]) -> list[bool]:
    """Return which blocks trafilatura takes for main text; none when it cannot read the page."""
    alphabet = _free_alphabet(blocks)
    if not alphabet or sum(len(block.text) for block in blocks) > MAX_VOTED_CHARS:
        return [False] * len(blocks)
    width = 2 if len(blocks) <= len(alphabet) ** 2 else 3
    for number, block in enumerate(blocks):
        element, is_tail = block.anchor
        mark = _mark(number, alphabet, width)
        if is_tail:
            element.tail = _marked(element.tail, mark)
        else:
            element.text = _marked(element.text, mark)
    for cell in tree.iter("td", "th"):  # trafilatura writes out every spanned cell, however many are claimed
        for name in ("colspan", "rowspan"):
            if name in cell.attrib:
                del cell.attrib[name]
    found = re.findall(f"[{alphabet}]{{{width}}}", _extracted(tree))
    chosen = {_number(mark, alphabet) for mark in found}
    return [number in chosen for number in range(len(blocks))]


def _extracted(tree: etree._Element) -> str:
    try:
        found = trafilatura.bare_extraction(tree, include_comments=False, deduplicate=False)
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
