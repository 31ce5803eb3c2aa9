"""Pieces of PDF pages -> fragments: stretches of one line, with their box, font size, weight and text.

Pieces are joined while they run on along one line; a wide gap ends a fragment, which is how table cells and columns
come apart. Raised and lowered marks are put to the character they belong to, also where the file draws them apart.
Reading order is not decided here, and no character is judged: that is `pdf_columns` and `pdf_text`.
"""

from collections.abc import Sequence
from itertools import groupby, islice, pairwise

import numpy as np

from sources.parse.pdf_fonts import weights_and_names
from sources.parse.pdf_fragment import Fragment, PageText
from sources.parse.pdf_page import Batch, Text
from sources.parse.pdf_pieces import (
    BASELINE_SHARE,
    Codes,
    Floats,
    Ints,
    Mask,
    Pieces,
    find_pieces,
    find_turned,
    find_words_boxes,
    piece_texts,
    turn_upright,
)
from sources.parse.pdf_rules import NO_RULES, Rules
from sources.parse.pdf_text import decode, settle
from sources.parse.pdf_uneven import rewrite_uneven

GAP_HEIGHTS = 1.05
"""A gap wider than this many box heights ends a fragment (a space is about 0.2, a column gutter over 1)."""
WIDE_HEIGHTS = 0.34
"""A gap wider than this is noted, in case it turns out to part columns of a table."""
MAX_WIDE = 4
"""A line with more wide spaces than this is stretched to fill its column."""
SURROGATES = 0xD800 >> 11
"""What halves of UTF-16 pairs begin with."""
SPACE_HEIGHTS = 0.06
"""Less than this between a character and a raised or lowered one is no space, though pdfium reports one."""

MAX_MEETINGS = 10_000_000
"""A page with more words times rules than this is no table that anybody reads."""
MAX_MARKS = 400
"""So many marks of a page are looked at."""
LOWERED_HEIGHTS = 0.5
"""A small character further below its neighbour belongs to another line."""


def find_fragments(batch: Batch) -> list[PageText]:
    """Return the fragments of each page of a batch; none where it has no characters.

    What lies wholly outside of what a page shows is left out. Text on both sides of a vertical rule is two fragments.
    """
    pages, text = batch.pages, batch.text()
    bounds = [page.bounds for page in pages]
    sheets = [PageText([], "", b[2] - b[0], b[3] - b[1], rules) for b, rules in zip(bounds, batch.rules(), strict=True)]
    corners = np.array(bounds)[:, :2]
    words = find_words_boxes(text, corners)
    if not len(words.start):
        return sheets
    string = decode(text.codes)
    turned, turns = find_turned(words, len(pages))
    for number in [number for number, quarter in enumerate(turns) if quarter]:
        here = words.page[words.word] == number
        words.box[:, here] = turn_upright(words.box[:, here], turns[number])
        turned[words.page == number] = False
        sheet = sheets[number]
        sheet.width, sheet.height, sheet.rules = sheet.height, sheet.width, NO_RULES
    for number in np.unique(words.page[turned]).tolist():
        here = turned & (words.page == number)
        ranges = zip(words.start[here].tolist(), words.end[here].tolist(), strict=True)
        sheets[number].turned = settle(" ".join([string[s:e] for s, e in ranges]))
    pieces = find_pieces(words, ~turned if turned.any() else None)
    level = np.array([not quarter for quarter in turns])
    found, page = _fragments(text, string, pieces, (corners[:, 1], level), [sheet.rules for sheet in sheets])
    for sheet, (first, end) in zip(sheets, pairwise(np.searchsorted(page, np.arange(len(pages) + 1))), strict=True):
        right, top = sheet.width, sheet.height
        sheet.fragments = [f for f in found[first:end] if f.x1 > 0 and f.x0 < right and f.y1 > 0 and f.y0 < top]
    return sheets


def _fragments(
    text: Text, string: str, pieces: Pieces, feet: tuple[Floats, Mask], rules: Sequence[Rules]
) -> tuple[list[Fragment], Ints]:
    """Join pieces that run on along one line and give each stretch its text, main size and weight; and its page.

    `feet` are the lower edge of each page and whether its text runs level, so that baselines can be asked for.
    """
    if not len(pieces.start):
        return [], pieces.page
    _true_heights(pieces, text, feet)
    breaks, spaced = _joints(pieces)
    order = _reattached(pieces, breaks)
    if order is not None:
        pieces = Pieces(*(getattr(pieces, name).take(order, -1) for name in Pieces.__slots__))
        breaks, spaced = _joints(pieces)
    _part_at_rules(pieces, rules, breaks)
    heads = np.concatenate(([0], np.flatnonzero(breaks) + 1))
    tails = np.append(heads[1:], len(pieces.start)) - 1
    spaced[heads] = False
    first, last = text.run[pieces.start[heads]], text.run[pieces.end[tails] - 1]
    bold, face = weights_and_names(text.fonts, text.font[first], text.font[last])
    edges = [np.minimum.reduceat(side, heads) for side in pieces.box[:2]]
    edges += [np.maximum.reduceat(side, heads) for side in pieces.box[2:]]
    texts = piece_texts(string, text.codes, (pieces.start, pieces.end), spaced, heads)
    if ((text.codes == 0) | (text.codes >> 11 == SURROGATES)).any():
        texts = [settle(line) for line in texts]
    numbers = (column.tolist() for column in (*edges, pieces.base[heads], pieces.height[heads], text.size[first]))
    found = list(map(Fragment, texts, *numbers, bold, face))
    _note_gaps(found, string, pieces, heads, tails)
    _note_spaces(found, text.codes, pieces.end[tails])
    rewrite_uneven(found, text, string, pieces, spaced, np.stack((heads, tails + 1), axis=1))
    return found, pieces.page[heads]


def _note_gaps(found: list[Fragment], text: str, pieces: Pieces, heads: Ints, tails: Ints) -> None:
    """Note, in place, where within fragments the space is wider than between words: narrow gutters of tables."""
    gap = pieces.box[0, 1:] - pieces.box[2, :-1]
    wide = gap > WIDE_HEIGHTS * pieces.height[1:]
    wide[heads[1:] - 1] = False
    at = np.flatnonzero(wide)
    number = np.searchsorted(heads, at, "right") - 1
    chosen = np.bincount(number, minlength=len(heads))[number] <= MAX_WIDE
    at, number = at[chosen], number[chosen]
    start, end = pieces.start[at + 1].tolist(), pieces.end[tails[number]].tolist()
    edges = zip(pieces.box[2, at].tolist(), pieces.box[0, at + 1].tolist(), strict=True)
    for n, s, e, (left, right) in zip(number.tolist(), start, end, edges, strict=True):
        behind = settle(text[s:e])
        if found[n].text.endswith(behind):
            found[n].gaps += ((left, right, behind),)


def _note_spaces(found: list[Fragment], codes: Codes, ends: Ints) -> None:
    """Note, in place, behind which fragments in Hangul the file has a space: lines end within words as well."""
    last = codes[ends - 1]
    hangul = (last >= 0xAC00) & (last < 0xD7A4)
    for n in np.flatnonzero(hangul).tolist():
        found[n].spaced = bool(ends[n] < len(codes) and codes[ends[n]] == 32)


def _true_heights(pieces: Pieces, text: Text, feet: tuple[Floats, Mask]) -> None:
    """Replace, in place, height and baseline of pieces whose box is far taller than most: symbol fonts, titles."""
    bottom, level = feet
    tall = np.flatnonzero((pieces.height > 1.2 * _medians(pieces)) & level[pieces.page])
    run = text.run[pieces.start[tall]]
    size, base = text.size[run], text.foot[run] - bottom[pieces.page[tall]]
    pieces.height[tall], pieces.base[tall] = 1.1 * size, base
    pieces.box[1, tall] = base - BASELINE_SHARE * size
    pieces.box[3, tall] = base + (1 - BASELINE_SHARE) * size


def _joints(pieces: Pieces) -> tuple[Mask, Mask]:
    """Say between which neighbours a fragment ends, and before which pieces a space stands."""
    (left, _, right, _), tall = pieces.box, np.maximum(pieces.height, 0.1)
    gap = np.maximum(left[1:] - right[:-1], left[:-1] - right[1:])
    most, least, rise = np.maximum(tall[1:], tall[:-1]), np.minimum(tall[1:], tall[:-1]), np.diff(pieces.base)
    shift = np.abs(rise) / most
    mark = (least < 0.8 * most) & (shift < 0.95) & (np.abs(gap) < 0.2 * most)
    mark &= np.where(tall[1:] < tall[:-1], -1, 1) * rise < LOWERED_HEIGHTS * most
    breaks = (shift > 0.55) & ~mark | (gap > GAP_HEIGHTS * most) | (pieces.page[1:] != pieces.page[:-1])
    even = least > 0.87 * most
    return breaks, np.concatenate(([False], pieces.spaced[1:] & (even | (gap > SPACE_HEIGHTS * most))))


def _part_at_rules(pieces: Pieces, rules: Sequence[Rules], breaks: Mask) -> None:
    """Set, in place, a break between neighbours of a line where a vertical rule of their page stands."""
    ends = np.searchsorted(pieces.page, np.arange(len(rules) + 1)).tolist()
    for number, (first, end) in enumerate(pairwise(ends)):
        down = rules[number].down
        if not len(down) or not 1 < end - first <= MAX_MEETINGS // len(down):
            continue
        at, low, high = down[np.argsort(down[:, 0])].T
        box, base = pieces.box[:, first:end], pieces.base[first + 1 : end]
        left, right = np.minimum(box[2, :-1], box[2, 1:]) - 1, np.maximum(box[0, :-1], box[0, 1:]) + 1
        meets = np.searchsorted(at, right, "right") > np.searchsorted(at, left)
        near = np.flatnonzero(meets & ~breaks[first : end - 1])
        left, right, base = left[near, None], right[near, None], base[near, None]
        between = (at >= left) & (at <= right) & (base > low) & (base < high)
        breaks[first + near[between.any(axis=1)]] = True


def _reattached(pieces: Pieces, breaks: Mask) -> Ints | None:
    """Return an order that puts raised and lowered marks which the file draws apart from their line behind their host.

    A mark is a lone short piece, clearly lower than the piece that ends where it begins and within its height.
    """
    alone = np.concatenate(([True], breaks)) & np.concatenate((breaks, [True]))
    low = pieces.height < 0.85 * _medians(pieces)
    marks = np.flatnonzero(alone & (pieces.end - pieces.start <= 4) & low)
    place = np.arange(len(pieces.start), dtype=float)
    moved = False
    for page, of_page in groupby(marks.tolist(), key=lambda i: pieces.page[i]):
        first, end = np.searchsorted(pieces.page, (page, page + 1)).tolist()
        right, base, tall = pieces.box[2, first:end], pieces.base[first:end], pieces.height[first:end]
        for i in islice(of_page, MAX_MARKS):
            near = np.abs(right - pieces.box[0, i]) < 0.2 * tall
            near &= (np.abs(pieces.base[i] - base) < 0.95 * tall) & (tall * 0.85 > pieces.height[i])
            hosts = np.flatnonzero(near)
            if len(hosts):
                place[i] = first + hosts[0] + 0.5
                pieces.spaced[i] = False
                moved = True
    return np.argsort(place, kind="stable") if moved else None


def _medians(pieces: Pieces) -> Floats:
    """Return the upper median of the heights of each piece's page."""
    begins = np.flatnonzero(np.diff(pieces.page, prepend=-1))
    lengths = np.diff(begins, append=len(pieces.page))
    of_pages = [np.partition(tall, len(tall) // 2)[len(tall) // 2] for tall in np.split(pieces.height, begins[1:])]
    return np.repeat(of_pages, lengths)
