"""The running text of a page, found without trafilatura: which blocks are surely body text, and how sure that is.

Running text is a block of some length that is not mostly links. The region of the page is the smallest element that
holds most of it; the running text in the region, the lists of sentences there, and the short paragraphs beside it are
chosen. The choice is sure when the region holds enough text and most of what runs on the page: then nobody else need
be asked. The rules follow what density-based extractors share (Kohlschütter et al., WSDM 2010: text and link density
of a block and its neighbours). Not here: headings, tables and boxes around the chosen blocks (`html_gaps`).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from lxml import etree

from sources.parse.html_blocks import Block
from sources.parse.html_outline import Outline

MIN_RUNNING_CHARS = 80
MIN_SENTENCE_CHARS = 40
"""A block that ends like a sentence runs from here on."""
MAX_LINK_SHARE = 0.33
MIN_LINKED_SENTENCE_CHARS = 60
"""A sentence with more links than that runs if so much of it is plain."""
MIN_ITEM_CHARS = 40
"""Items with so much plain text on average are a list of sentences (references, criteria), whatever they link to."""
MIN_BESIDE_CHARS = 300
MIN_AROUND_CHARS = 300
REGION_SHARE = 0.75
LYING_SHARE = 0.5
MIN_PLAIN_CHARS = 300
LYING_SHARE_BESIDE_PLAIN = 0.75
"""Furniture with this share of the running text is not furniture; the second where other text runs as well."""
MIN_SURE_CHARS = 400
MIN_SURE_SHARE = 0.5
MIN_SURE_SHARE_OF_PLAIN = 0.9
"""The same of the text outside furniture: more text elsewhere may be the beginning of the body."""

_ENDS = frozenset('.:;!?…。！？：；」”"’)')
_LEADS_AWAY = re.compile(
    r"(?:read more|read also|also read|related|don['’]t miss|more on|more from|watch|lesen sie|mehr zum|zum thema|"
    r"lire aussi|à lire|leer también|lea también|читайте)\b",
    re.IGNORECASE,
)
_FIRST_WIDE = "\u2e80"
_WIDE_CHARS = 3
"""A Chinese or Japanese character says as much as about three letters."""


class Running(NamedTuple):
    """The choice: which blocks are body text beyond doubt, where they stand, and whether to rely on it."""

    chosen: list[bool]
    region: etree._Element
    is_sure: bool


def running_text(outline: Outline, blocks: Sequence[Block]) -> Running:
    """Return the running text of the blocks below `outline.root`."""
    chars = [_running_chars(block) for block in blocks]
    every = outline.sums((block, n) for block, n in zip(blocks, chars, strict=True) if n)
    total = every.get(outline.root, 0)
    plain = sum(n for block, n in zip(blocks, chars, strict=True) if block.furniture is None)
    lying = (LYING_SHARE if plain < MIN_PLAIN_CHARS else LYING_SHARE_BESIDE_PLAIN) * max(total, 1)
    for at, block in enumerate(blocks):
        if block.furniture is not None and every.get(block.furniture, 0) < lying:
            chars[at] = 0
    sums = outline.sums((block, n) for block, n in zip(blocks, chars, strict=True) if n)
    region = _with_paragraphs_around(outline, blocks, chars, outline.region(sums, REGION_SHARE))
    inside = outline.below(region)
    chosen = [n > 0 and block.parent in inside for block, n in zip(blocks, chars, strict=True)]
    held = sums.get(region, 0)
    share = held / max(1, sums.get(outline.root, 0))
    is_sure = held >= max(MIN_SURE_CHARS, MIN_SURE_SHARE * total) and share >= MIN_SURE_SHARE_OF_PLAIN
    return Running(_with_lists(blocks, _with_neighbours(outline, blocks, chosen), inside), region, is_sure)


def _with_paragraphs_around(
    outline: Outline, blocks: Sequence[Block], chars: Sequence[int], region: etree._Element
) -> etree._Element:
    """Return the outermost element around `region` that has running paragraphs as its own children, else `region`."""
    own: dict[etree._Element | None, int] = {}
    for block, n in zip(blocks, chars, strict=True):
        if n and block.parent.tag == "p":
            above = outline.parents.get(block.parent)
            own[above] = own.get(above, 0) + n
    return next((e for e in reversed([*outline.above(region)]) if own.get(e, 0) >= MIN_AROUND_CHARS), region)


def _running_chars(block: Block) -> int:
    """Return the plain characters of a block of running text, as letters of an alphabet; 0 for any other block."""
    text, linked = block.text, block.link_chars
    if block.kind == "heading":
        return 0
    width = 1 if text.isascii() or text[len(text) // 2] < _FIRST_WIDE else _WIDE_CHARS
    plain = width * (len(text) - linked)
    if block.kind == "table":
        return plain if linked <= MAX_LINK_SHARE * len(text) and text.count("\n") > 2 else 0
    is_sentence = text[-1] in _ENDS
    if linked > MAX_LINK_SHARE * len(text) and not (is_sentence and plain >= MIN_LINKED_SENTENCE_CHARS):
        return 0
    return plain if plain >= (MIN_SENTENCE_CHARS if is_sentence else MIN_RUNNING_CHARS) else 0


def _with_neighbours(outline: Outline, blocks: Sequence[Block], chosen: Sequence[bool]) -> list[bool]:
    """Return `chosen` with the other paragraphs of elements that hold much running text themselves."""
    beside: dict[etree._Element | None, int] = {}
    for block, mine in zip(blocks, chosen, strict=True):
        if mine:
            above = outline.parents.get(block.parent)
            beside[above] = beside.get(above, 0) + len(block.text)
    return [
        mine
        or (
            (block.parent.tag == "p" and block.furniture is None and not _leads_away(block))
            and beside.get(outline.parents.get(block.parent), 0) >= MIN_BESIDE_CHARS
        )
        for block, mine in zip(blocks, chosen, strict=True)
    ]


def _leads_away(block: Block) -> bool:
    return 2 * block.link_chars > len(block.text) and bool(_LEADS_AWAY.match(block.text))


def _with_lists(blocks: Sequence[Block], chosen: list[bool], inside: set[etree._Element]) -> list[bool]:
    """Return `chosen` with all items of the lists in the region that hold sentences."""
    items: dict[etree._Element | None, list[int]] = {}
    for at, block in enumerate(blocks):
        if block.kind == "item" and block.furniture is None and block.parent in inside:
            items.setdefault(block.list, []).append(at)
    for places in items.values():
        plain = sum(len(blocks[at].text) - blocks[at].link_chars for at in places)
        if plain >= MIN_ITEM_CHARS * len(places):
            for at in places:
                chosen[at] = True
    return chosen
