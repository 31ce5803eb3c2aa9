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

import os

FAST = bool(os.environ.get("FAST"))
MAX_VOTED_CHARS = 5_000_000
MIN_VOTED_SHARE = 0.5
"""Fewer votes than this share of the plain text outside furniture: trafilatura is asked again, with its fallbacks."""


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
    _mark_all(tree, blocks, alphabet, width)
    marks = re.compile(f"[{alphabet}]{{{width}}}")
    votes = [False] * len(blocks)
    for fast in (True, False):
        chosen = {_number(mark, alphabet) for mark in marks.findall(_extracted(tree, fast=fast))}
        votes = [number in chosen for number in range(len(blocks))]
        if _voted_share(blocks, votes) >= MIN_VOTED_SHARE:
            break
    return votes


def _mark_all(tree: etree._Element, blocks: Sequence[Block], alphabet: str, width: int) -> None:
    """Write the mark of each block before its text, and make the tree easy on trafilatura."""
    for number, block in enumerate(blocks):
        element, is_tail = block.anchor
        mark = _mark(number, alphabet, width)
        if is_tail:
            element.tail = _marked(element.tail, mark)
        else:
            element.text = _marked(element.text, mark)
    etree.strip_attributes(tree, "colspan", "rowspan")  # it writes out every spanned cell, however many are claimed


def _voted_share(blocks: Sequence[Block], votes: Sequence[bool]) -> float:
    """Return the share of the text without links and outside furniture that was voted for."""
    voted = plain = 0
    for block, vote in zip(blocks, votes, strict=True):
        if vote or block.furniture is None:
            chars = len(block.text) - block.link_chars
            plain += chars
            voted += chars if vote else 0
    return voted / plain if plain else 0.0


def _extracted(tree: etree._Element, *, fast: bool) -> str:
    """Return the text that trafilatura takes, without its fallbacks to other extractors when `fast`."""
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
