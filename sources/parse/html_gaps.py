"""Main text that the vote missed: what stands between, beside or around chosen blocks and reads like body text.

Measured on the WHO, CDC and NGC pages, the vote alone keeps 47-97 % of a guideline's words: it passes over lists,
boxes, small tables and whole sections. Three rules, each about the element that a block stands in, bring them back;
none takes a block from furniture (menus, footers, dialogs), unless the votes show that the element which calls itself
furniture holds the main text, or it is a box within the main text that warns or doses.
The thresholds were set on news and guideline pages together, so that recall of
guidelines rises and precision on news stays above trafilatura's F1.
"""

import re
from collections.abc import Sequence

from lxml import etree

from sources.parse.html_blocks import Block
from sources.parse.html_furniture import is_surely_furniture
from sources.parse.html_outline import Outline

REGION_SHARE = 0.9
"""The main region is the smallest element with this share of the chosen text."""
LYING_SHARE = 0.5
"""Furniture with this share of the chosen text is not furniture."""
MAX_LINK_SHARE = 0.33
INSIDE_CHARS = 150
"""Plain text that makes an element body text when it stands in the main region, whatever it says."""
OUTSIDE_CHARS = 600
"""The same anywhere after the first chosen block (boxes, appendices, tables at the end)."""
MIN_SENTENCE_WORDS = 3
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
    r"\d\s*(?:%|‰|mg|µg|μg|mcg|ng|g|kg|ml|mL|l|L|dl|dL|mmol|µmol|mol|IU|U|mEq|kcal|cm|mm|mmHg|bpm|°|/)(?![a-zA-Z])|\d/(?:day|week|month|hour|min|kg|dose)\b"
    r"|\d\s*(?:hours?|min(?:utes?)?|days?|weeks?|months?|years?)\b|[<>≤≥±]\s*\d"
)


_DATE = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d\b|\b(?:19|20)\d\d\b")
_BYLINE = re.compile(
    r"(?:\w+ ){0,2}(?:by|von|par|por) (?-i:[A-ZÀ-Þ])|(?:auteur|autor|author|redaktion|photo|foto|image|credit|"
    r"text|texte|texto|текст|автор)e?s?: |(?:last )?(?:updated|published|posted)\b",
    re.IGNORECASE,
)
_CITATION = re.compile(r"\b(?:19|20)\d\d\b.{0,40}?;\s*\d+[^:;]{0,20}:\s*\w?\d+")
"""Year, volume and page, as references end: they are text even where all of it is a link."""
_COUNTS = re.compile(rf"{_QUANTITY.pattern}|\d\s?[-–]\s?\d", re.IGNORECASE)
_HEADING_NAME = re.compile(r"head(?:er|ing|line)?s?\d*(?:$|[\s_-])|title\d*(?:$|[\s_-])", re.IGNORECASE)
MAX_NAMED_HEADING_CHARS = 80
MAX_BYLINE_CHARS = 100

_WARNING = re.compile(
    r"\b(?:not|never|avoid|stop|contra-?indicat\w*|warning|caution|danger|dos(?:e|age)|max(?:imum)?)\b", re.IGNORECASE
)


def fill_gaps(
    outline: Outline, blocks: Sequence[Block], votes: Sequence[bool], region: etree._Element | None = None
) -> list[bool]:
    """Return which of `blocks` are main text, given which were chosen; every chosen block stays chosen.

    The main region is `region`, or else the smallest element that holds most of what was chosen.
    """
    chosen_chars = outline.sums((b, len(b.text)) for b, vote in zip(blocks, votes, strict=True) if vote)
    lying = LYING_SHARE * chosen_chars.get(outline.root, 0)
    own = [b.furniture is None or chosen_chars.get(b.furniture, 0) >= lying for b in blocks]
    if region is None:
        region = outline.region(chosen_chars, REGION_SHARE)
    first, last = _main_range(outline, blocks, region)
    own = _own_boxes(outline, blocks, own, range(first, last))
    for i in range(first, votes.index(True)):
        own[i] = own[i] and not _is_byline(blocks[i])
    kept = _fill_containers(outline, blocks, votes, own, range(first, last))
    kept = _fill_headings(blocks, kept, own, range(first, last))
    return _fill_majority(outline, blocks, kept, own, range(first, last))


def _own_boxes(outline: Outline, blocks: Sequence[Block], own: Sequence[bool], main: range) -> list[bool]:
    """Return `own` with the boxes of the main region that only name or tag call furniture and that say something.

    A warning stands in an `aside`, a class "share-decision" holds a paragraph: each is body text when it lies in the
    main region, has a sentence or quantity of its own and is not mostly links.
    """
    doubtful = [i for i in main if not own[i] and _may_be_box(outline, blocks[i].furniture)]
    chars = outline.sums((blocks[i], len(blocks[i].text)) for i in doubtful)
    links = outline.sums((blocks[i], blocks[i].link_chars) for i in doubtful if blocks[i].link_chars)
    telling = {blocks[i].furniture for i in doubtful if _says_something(blocks[i])}
    found = list(own)
    for i in doubtful:
        box = blocks[i].furniture
        found[i] = box is not None and box in telling and links.get(box, 0) <= MAX_LINK_SHARE * chars.get(box, 1)
    return found


def _may_be_box(outline: Outline, furniture: etree._Element | None) -> bool:
    """Say whether neither the element nor one around it is furniture beyond doubt."""
    return furniture is not None and not any(map(is_surely_furniture, (furniture, *outline.above(furniture))))


def _is_byline(block: Block) -> bool:
    """Say whether a block above the body text only names its author or day."""
    if block.kind == "heading" or len(block.text) > MAX_BYLINE_CHARS or block.text[-1] in ".!?;":
        return False
    names_someone = _BYLINE.match(block.text) or _DATE.search(block.text)
    return bool(names_someone) and not _QUANTITY.search(_DATE.sub("", block.text))


def _says_something(block: Block) -> bool:
    if block.kind == "heading" or _is_linked(block):
        return False
    is_sentence = block.text[-1] in ".!;" and len(block.text.split()) >= MIN_SENTENCE_WORDS
    return is_sentence or bool(_QUANTITY.search(block.text)) or bool(_WARNING.search(block.text))


def _main_range(outline: Outline, blocks: Sequence[Block], region: etree._Element) -> tuple[int, int]:
    """Return [first, last) of the blocks of the main region, from its page heading on."""
    inside = outline.below(region)
    places = [i for i, block in enumerate(blocks) if block.parent in inside]
    headings = [i for i in range(places[0] + 1) if blocks[i].kind == "heading" and blocks[i].level == 1]
    return (headings[-1] if headings else places[0]), places[-1] + 1


def _container(outline: Outline, block: Block) -> etree._Element:
    """Return the innermost element around a block that is not part of a paragraph, list or table."""
    element = block.parent
    while element.tag in _INNER and element is not outline.root:
        element = outline.parents[element]
    return element


def _is_linked(block: Block) -> bool:
    return block.link_chars > MAX_LINK_SHARE * len(block.text)


def _fill_containers(
    outline: Outline, blocks: Sequence[Block], votes: Sequence[bool], own: Sequence[bool], main: range
) -> list[bool]:
    """Take plain blocks beside a chosen or telling one, and those in elements with enough plain text of their own."""
    containers = [_container(outline, block) for block in blocks]
    beside = {container for container, vote in zip(containers, votes, strict=True) if vote}
    inside_chars: dict[etree._Element, int] = {}
    outside_chars: dict[etree._Element, int] = {}
    for i, block in enumerate(blocks):
        if own[i] and i >= main.start:
            plain = len(block.text) - block.link_chars
            outside_chars[containers[i]] = outside_chars.get(containers[i], 0) + plain
            if i in main and not votes[i] and not _is_linked(block):
                inside_chars[containers[i]] = inside_chars.get(containers[i], 0) + plain
    among = {element for element in inside_chars if outline.parents.get(element) in beside}
    taken = beside | among | {element for element, chars in inside_chars.items() if chars >= INSIDE_CHARS}
    taken |= {containers[i] for i in main if own[i] and containers[i] not in taken and _says_something(blocks[i])}
    kept = list(votes)
    for i, block in enumerate(blocks):
        if own[i] and i >= main.start and not _is_linked(block):
            kept[i] = kept[i] or (i in main and containers[i] in taken) or outside_chars[containers[i]] >= OUTSIDE_CHARS
    return kept


def _fill_headings(blocks: Sequence[Block], kept: list[bool], own: Sequence[bool], main: range) -> list[bool]:
    """Take a heading when what it heads was taken or when it counts something, and references that are links."""
    for i in reversed(main):
        if own[i] and not kept[i]:
            heads = i + 1 < len(blocks) and kept[i + 1] and _is_heading(blocks[i])
            kept[i] = heads or bool((_COUNTS if blocks[i].kind == "heading" else _CITATION).search(blocks[i].text))
    return kept


def _is_heading(block: Block) -> bool:
    """Say whether a block is a heading, by its tag or by the name of a short line without links."""
    if block.kind == "heading":
        return True
    if block.kind != "paragraph" or block.link_chars or len(block.text) > MAX_NAMED_HEADING_CHARS:
        return False
    return bool(_HEADING_NAME.search(block.parent.get("class") or ""))


def _fill_majority(
    outline: Outline, blocks: Sequence[Block], kept: list[bool], own: Sequence[bool], main: range
) -> list[bool]:
    """Take tables, and the quantities and items of elements that are almost wholly main text."""
    every = outline.sums((b, len(b.text)) for b, mine, k in zip(blocks, own, kept, strict=True) if mine or k)
    taken = outline.sums((b, len(b.text)) for b, k in zip(blocks, kept, strict=True) if k)
    mainly = {outline.root: taken.get(outline.root, 0) >= MAJORITY_SHARE * every.get(outline.root, 1)}
    for element, parent in outline.parents.items():
        mainly[element] = mainly[parent] or taken.get(element, 0) >= MAJORITY_SHARE * every.get(element, 1)
    for i in range(main.start, len(blocks)):
        if own[i] and not kept[i]:
            mine = mainly[blocks[i].parent]
            kept[i] = _is_grid(blocks[i]) or (mine and _is_substance(blocks[i], in_main=i in main))
    return kept


def _is_grid(block: Block) -> bool:
    return block.kind == "table" and not _is_linked(block) and block.text.count("\n") >= MIN_TABLE_LINES


def _is_substance(block: Block, *, in_main: bool) -> bool:
    if block.kind in ("item", "definition"):
        return in_main and (not _is_linked(block) or block.text[-1] in ".:;。")
    return bool(_QUANTITY.search(block.text))
