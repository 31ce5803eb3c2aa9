"""Main text that the vote missed: what stands between, beside or around chosen blocks and reads like body text.

Measured on the WHO, CDC and NGC pages, the vote alone keeps 47-97 % of a guideline's words: it passes over lists,
boxes, small tables and whole sections. Three rules, each about the element that a block stands in, bring them back;
none takes a block from furniture (menus, footers, dialogs), unless the votes show that the element which calls itself
furniture holds the main text. The thresholds were set on news and guideline pages together, so that recall of
guidelines rises and precision on news stays above trafilatura's F1.
"""

import re
from collections.abc import Iterable, Sequence

from lxml import etree

from sources.parse.html_blocks import Block

REGION_SHARE = 0.9
"""The main region is the smallest element with this share of the chosen text."""
LYING_SHARE = 0.5
"""Furniture with this share of the chosen text is not furniture."""
MAX_LINK_SHARE = 0.33
INSIDE_CHARS = 150
"""Plain text that makes an element body text when it stands in the main region."""
OUTSIDE_CHARS = 600
"""The same anywhere after the first chosen block (boxes, appendices, tables at the end)."""
MAJORITY_SHARE = 0.8
"""In an element whose text is chosen to this share, single quantities and items are chosen too."""
MIN_TABLE_LINES = 3
"""Header, rule, one row and one more: fewer lines are a footer set as a table."""

_INNER = frozenset({
    "p", "li", "ul", "ol", "menu", "dir", "dl", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "table",
    "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "center", "figure", "figcaption", "caption",
    "summary", "a", "span", "b", "i", "em", "strong", "font", "u", "small",
})  # fmt: skip
_QUANTITY = re.compile(
    r"\d\s*(?:%|‰|mg|µg|μg|mcg|ng|g|kg|ml|mL|l|L|dl|dL|mmol|µmol|mol|IU|U|mEq|kcal|cm|mm|mmHg|bpm|°|/)(?![a-zA-Z])"
    r"|\d\s*(?:hours?|min(?:utes?)?|days?|weeks?|months?|years?)\b|[<>≤≥±]\s*\d"
)


def fill_gaps(body: etree._Element, blocks: Sequence[Block], votes: Sequence[bool]) -> list[bool]:
    """Return which of `blocks` are main text, given which were chosen; every chosen block stays chosen."""
    chosen_chars = _sums(body, ((b, len(b.text)) for b, vote in zip(blocks, votes, strict=True) if vote))
    lying = LYING_SHARE * chosen_chars.get(body, 0)
    own = [b.furniture is None or chosen_chars.get(b.furniture, 0) >= lying for b in blocks]
    first, last = _main_range(body, blocks, votes, chosen_chars)
    kept = _fill_containers(blocks, votes, own, range(first, last))
    kept = _fill_headings(blocks, kept, own, range(first, last))
    return _fill_majority(body, blocks, kept, own, range(first, last))


def _sums(body: etree._Element, weighted: Iterable[tuple[Block, int]]) -> dict[etree._Element, int]:
    """Return for each element the sum of the weights of the blocks in it, in time linear in the tree."""
    sums: dict[etree._Element, int] = {}
    for block, weight in weighted:
        sums[block.parent] = sums.get(block.parent, 0) + weight
    for element in reversed(list(body.iter())):
        parent = element.getparent()
        if element is not body and element in sums and parent is not None:
            sums[parent] = sums.get(parent, 0) + sums[element]
    return sums


def _main_range(
    body: etree._Element, blocks: Sequence[Block], votes: Sequence[bool], chosen_chars: dict[etree._Element, int]
) -> tuple[int, int]:
    """Return [first, last) of the blocks of the main region, from its page heading on."""
    region = body
    while inner := [e for e in region if chosen_chars.get(e, 0) >= REGION_SHARE * chosen_chars[body]]:
        region = inner[0]
    inside = set(region.iter())
    places = [i for i, block in enumerate(blocks) if block.parent in inside or votes[i]]
    first = next(i for i in places if blocks[i].parent in inside)
    headings = [i for i in range(first + 1) if blocks[i].kind == "heading" and blocks[i].level == 1]
    return (headings[-1] if headings else first), max(i for i in places if blocks[i].parent in inside) + 1


def _container(block: Block) -> etree._Element:
    """Return the innermost element around a block that is not part of a paragraph, list or table."""
    element = block.parent
    parent = element.getparent()
    while element.tag in _INNER and parent is not None:
        element, parent = parent, parent.getparent()
    return element


def _is_linked(block: Block) -> bool:
    return block.link_chars > MAX_LINK_SHARE * len(block.text)


def _fill_containers(blocks: Sequence[Block], votes: Sequence[bool], own: Sequence[bool], main: range) -> list[bool]:
    """Take plain blocks beside a chosen one, and those in elements with enough plain text of their own."""
    containers = [_container(block) for block in blocks]
    beside = {container for container, vote in zip(containers, votes, strict=True) if vote}
    inside_chars: dict[etree._Element, int] = {}
    outside_chars: dict[etree._Element, int] = {}
    for i, block in enumerate(blocks):
        if not own[i] or i < main.start:
            continue
        plain = len(block.text) - block.link_chars
        outside_chars[containers[i]] = outside_chars.get(containers[i], 0) + plain
        if i in main and not votes[i] and not _is_linked(block):
            inside_chars[containers[i]] = inside_chars.get(containers[i], 0) + plain
    kept = list(votes)
    for i, block in enumerate(blocks):
        if own[i] and i >= main.start and not _is_linked(block):
            container = containers[i]
            kept[i] = (
                kept[i]
                or (i in main and (container in beside or inside_chars.get(container, 0) >= INSIDE_CHARS))
                or outside_chars[container] >= OUTSIDE_CHARS
            )
    return kept


def _fill_headings(blocks: Sequence[Block], kept: list[bool], own: Sequence[bool], main: range) -> list[bool]:
    """Take a heading when what it heads was taken."""
    for i in reversed(main):
        if blocks[i].kind == "heading" and own[i] and i + 1 < len(blocks) and kept[i + 1]:
            kept[i] = True
    return kept


def _fill_majority(
    body: etree._Element, blocks: Sequence[Block], kept: list[bool], own: Sequence[bool], main: range
) -> list[bool]:
    """Take tables, and the quantities and items of elements that are almost wholly main text."""
    every = _sums(body, ((b, len(b.text)) for b, mine, k in zip(blocks, own, kept, strict=True) if mine or k))
    taken = _sums(body, ((b, len(b.text)) for b, k in zip(blocks, kept, strict=True) if k))
    mainly: dict[etree._Element, bool] = {}
    for element in body.iter():
        share = taken.get(element, 0) >= MAJORITY_SHARE * every.get(element, 1)
        above = None if element is body else element.getparent()
        mainly[element] = share or (above is not None and mainly.get(above, False))
    for i in range(main.start, len(blocks)):
        if own[i] and not kept[i]:
            mine = mainly.get(blocks[i].parent, False)
            kept[i] = _is_grid(blocks[i]) or (mine and _is_substance(blocks[i], in_main=i in main))
    return kept


def _is_grid(block: Block) -> bool:
    return block.kind == "table" and not _is_linked(block) and block.text.count("\n") >= MIN_TABLE_LINES


def _is_substance(block: Block, *, in_main: bool) -> bool:
    if block.kind in ("item", "definition"):
        return in_main and (not _is_linked(block) or block.text[-1] in ".:;。")
    return bool(_QUANTITY.search(block.text))
