"""Pieces of a PDF page -> fragments: stretches of one line, with their box, font size, weight and text.

Pieces are joined while they run on along one line; a wide gap ends a fragment, which is how table cells and columns
come apart. Raised and lowered marks are put to the character they belong to, also where the file draws them apart.
Reading order is not decided here, and no character is judged: that is `pdf_columns` and `pdf_text`.
"""

from typing import Any

import numpy as np

from sources.parse.pdf_calls import address_of, feet_at, sizes_at
from sources.parse.pdf_fonts import weights_and_names
from sources.parse.pdf_fragment import Fragment, PageText
from sources.parse.pdf_pieces import (
    BASELINE_SHARE,
    Codes,
    Floats,
    Ints,
    Mask,
    Pieces,
    find_codes,
    find_pieces,
    find_turned,
    find_words_boxes,
    turn_upright,
)
from sources.parse.pdf_rules import Rules
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
LOWERED_HEIGHTS = 0.5
"""A small character further below its neighbour belongs to another line."""


def read_page(textpage: Any, bounds: tuple[float, float, float, float], rules: Rules) -> PageText:
    """Return the fragments of a pypdfium2 text page; empty when it has no characters.

    `bounds` is what of the page is shown (left, bottom, right, top); what lies wholly outside it is left out. Text on
    both sides of a vertical one of `rules` is two fragments.
    """
    left, bottom, right, top = bounds
    width, height = right - left, top - bottom
    page, count = address_of(textpage.raw), textpage.count_chars()
    codes = find_codes(textpage, page, count)
    words = find_words_boxes(page, codes, (left, bottom))
    if not len(words.start):
        return PageText([], "", width, height)
    turned, quarter = find_turned(words)
    text, aside = decode(codes), ""
    if quarter:
        words.box = turn_upright(words.box, quarter)
        width, height, rules = height, width, Rules([], [])
    elif turned.any():
        ranges = zip(words.start[turned].tolist(), words.end[turned].tolist(), strict=True)
        aside = settle(" ".join([text[s:e] for s, e in ranges]))
    pieces = find_pieces(words, codes, ~turned if aside else None)
    found = _fragments(page, (codes, text), pieces, None if quarter else bottom, rules)
    shown = [f for f in found if f.x1 > 0 and f.x0 < width and f.y1 > 0 and f.y0 < height]
    return PageText(shown, aside, width, height, rules)


def _fragments(
    page: int, written: tuple[Codes, str], pieces: Pieces, bottom: float | None, rules: Rules
) -> list[Fragment]:
    """Join pieces that run on along one line and give each stretch its text, main size and weight."""
    if not len(pieces.start):
        return []
    if bottom is not None:
        _true_heights(pieces, page, bottom)
    breaks, spaced = _joints(pieces)
    order = _reattached(pieces, breaks)
    if order is not None:
        pieces = Pieces(*(getattr(pieces, name)[order] for name in Pieces.__slots__))
        breaks, spaced = _joints(pieces)
    if rules.down and len(pieces.start) * len(rules.down) < MAX_MEETINGS:
        breaks |= _ruled_apart(pieces, rules)
    codes, text = written
    heads = np.concatenate(([0], np.flatnonzero(breaks) + 1))
    tails = np.concatenate((heads[1:], [len(pieces.start)])) - 1
    spaced[heads] = False
    first, last = pieces.start[heads].tolist(), (pieces.end[tails] - 1).tolist()
    bold, face = weights_and_names(page, first, last)
    low, high = np.minimum.reduceat(pieces.box, heads), np.maximum.reduceat(pieces.box, heads)
    columns = (low[:, 0], low[:, 1], high[:, 2], high[:, 3], pieces.base[heads], pieces.height[heads])
    texts = _texts(text, codes, pieces, spaced, heads, tails)
    numbers = (column.tolist() for column in columns)
    found = list(map(Fragment, texts, *numbers, sizes_at(page, first).tolist(), bold, face))
    _note_gaps(found, text, pieces, heads, tails)
    _note_spaces(found, codes, pieces.end[tails])
    rewrite_uneven(found, text, page, pieces, spaced, np.stack((heads, tails + 1), axis=1))
    return found


def _texts(text: str, codes: Codes, pieces: Pieces, spaced: Mask, heads: Ints, tails: Ints) -> list[str]:
    """Return the text of each fragment: cut out whole where single spaces part its pieces, else put together."""
    start, end = pieces.start, pieces.end
    gap = start[1:] - end[:-1]
    plain = np.where(spaced[1:], (gap == 1) & (codes[end[:-1]] == 32), gap == 0)
    plain = np.concatenate(([True], plain))
    plain[heads] = True
    whole = np.logical_and.reduceat(plain, heads).tolist()
    texts = [text[s:e] for s, e in zip(start[heads].tolist(), end[tails].tolist(), strict=True)]
    for n in [n for n, is_whole in enumerate(whole) if not is_whole]:
        span = slice(int(heads[n]), int(tails[n]) + 1)
        words = zip(start[span].tolist(), end[span].tolist(), spaced[span].tolist(), strict=True)
        texts[n] = "".join([" " + text[s:e] if apart else text[s:e] for s, e, apart in words])
    unsettled = ((codes == 0) | (codes >> 11 == SURROGATES)).any()
    return [settle(line) for line in texts] if unsettled else texts


def _note_gaps(found: list[Fragment], text: str, pieces: Pieces, heads: Ints, tails: Ints) -> None:
    """Note, in place, where within fragments the space is wider than between words: narrow gutters of tables."""
    gap = pieces.box[1:, 0] - pieces.box[:-1, 2]
    wide = gap > WIDE_HEIGHTS * pieces.height[1:]
    wide[heads[1:] - 1] = False
    many = np.add.reduceat(np.concatenate((wide, [False])).astype(int), heads) > MAX_WIDE
    at = np.flatnonzero(wide)
    number = np.searchsorted(heads, at, "right") - 1
    chosen = ~many[number]
    at, number = at[chosen], number[chosen]
    start, end = pieces.start[at + 1].tolist(), pieces.end[tails[number]].tolist()
    edges = zip(pieces.box[at, 2].tolist(), pieces.box[at + 1, 0].tolist(), strict=True)
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


def _true_heights(pieces: Pieces, page: int, bottom: float) -> None:
    """Replace, in place, height and baseline of pieces whose box is far taller than most: symbol fonts, titles."""
    tall = np.flatnonzero(pieces.height > 1.2 * _median(pieces.height))
    if not len(tall):
        return
    at = pieces.start[tall].tolist()
    size, base = sizes_at(page, at), feet_at(page, at) - bottom
    pieces.height[tall], pieces.base[tall] = 1.1 * size, base
    pieces.box[tall, 1] = base - BASELINE_SHARE * size
    pieces.box[tall, 3] = base + (1 - BASELINE_SHARE) * size


def _joints(pieces: Pieces) -> tuple[Mask, Mask]:
    """Say between which neighbours a fragment ends, and before which pieces a space stands."""
    box, tall = pieces.box, np.maximum(pieces.height, 0.1)
    gap = np.maximum(box[1:, 0] - box[:-1, 2], box[:-1, 0] - box[1:, 2])
    most = np.maximum(tall[1:], tall[:-1])
    shift = np.abs(np.diff(pieces.base)) / most
    mark = (np.minimum(tall[1:], tall[:-1]) < 0.8 * most) & (shift < 0.95) & (np.abs(gap) < 0.2 * most)
    mark &= np.where(tall[1:] < tall[:-1], -1, 1) * np.diff(pieces.base) < LOWERED_HEIGHTS * most
    breaks = (shift > 0.55) & ~mark | (gap > GAP_HEIGHTS * most)
    even = np.minimum(tall[1:], tall[:-1]) > 0.87 * most
    return breaks, np.concatenate(([False], pieces.spaced[1:] & (even | (gap > SPACE_HEIGHTS * most))))


def _ruled_apart(pieces: Pieces, rules: Rules) -> Mask:
    """Say between which neighbours of a line a vertical rule stands."""
    at, low, high = np.array(rules.down).T[:, None, :]
    box, base = pieces.box, pieces.base
    left, right = np.minimum(box[:-1, 2], box[1:, 2]), np.maximum(box[:-1, 0], box[1:, 0])
    between = (at >= left[:, None] - 1) & (at <= right[:, None] + 1) & (base[1:, None] > low) & (base[1:, None] < high)
    return np.asarray(between.any(axis=1))


def _reattached(pieces: Pieces, breaks: Mask) -> Ints | None:
    """Return an order that puts raised and lowered marks which the file draws apart from their line behind their host.

    A mark is a lone short piece, clearly lower than the piece that ends where it begins and within its height.
    """
    alone = np.concatenate(([True], breaks)) & np.concatenate((breaks, [True]))
    marks = np.flatnonzero(alone & (pieces.end - pieces.start <= 4) & (pieces.height < 0.85 * _median(pieces.height)))
    place = np.arange(len(pieces.start), dtype=float)
    for i in marks[:400].tolist():
        tall, rise = pieces.height, pieces.base[i] - pieces.base
        near = np.abs(pieces.box[:, 2] - pieces.box[i, 0]) < 0.2 * tall
        hosts = np.flatnonzero(near & (np.abs(rise) < 0.95 * tall) & (tall * 0.85 > tall[i]))
        if len(hosts):
            place[i] = hosts[0] + 0.5
            pieces.spaced[i] = False
    return np.argsort(place, kind="stable") if len(marks) else None


def _median(values: Floats) -> float:
    """Return the upper median (numpy's own costs more than the rest of a page's arithmetic)."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])
