"""Pieces of a PDF page -> fragments: stretches of one line, with their box, font size, weight and text.

Pieces are joined while they run on along one line; a wide gap ends a fragment, which is how table cells and columns
come apart. Raised and lowered marks are put to the character they belong to, also where the file draws them apart.
Reading order is not decided here, and no character is judged: that is `pdf_columns` and `pdf_text`.
"""

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from sources.parse.pdf_pieces import (
    BASELINE_SHARE,
    Ints,
    Mask,
    Pieces,
    find_boxes,
    find_codes,
    find_pieces,
    find_turned,
    find_words,
    turn_upright,
)
from sources.parse.pdf_text import Piece, decode, join_pieces, settle

FontReader = Callable[[int], tuple[float, float, bool, bytes]]

GAP_HEIGHTS = 1.05
"""A gap wider than this many box heights ends a fragment (a space is about 0.2, a column gutter over 1)."""
SPACE_HEIGHTS = 0.06
"""Less than this between a character and a raised or lowered one is no space, though pdfium reports one."""
MIXED = b""
"""Name of the font of a fragment that has several."""
_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)


@dataclass(slots=True)
class Fragment:
    """A stretch of a line: text, box in points (y grows upwards), baseline, box height, size, weight and font name."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    height: float
    size: float
    bold: bool
    face: bytes


@dataclass(slots=True)
class PageText:
    """What a page holds: its fragments in the file's own order, text set at another angle, and page size in points."""

    fragments: list[Fragment]
    turned: str
    width: float
    height: float


def read_page(textpage: Any, bounds: tuple[float, float, float, float]) -> PageText:
    """Return the fragments of a pypdfium2 text page; empty when it has no characters.

    `bounds` is what of the page is shown (left, bottom, right, top); what lies wholly outside it is left out.
    """
    left, bottom, right, top = bounds
    width, height = right - left, top - bottom
    raw, count = textpage.raw, textpage.count_chars()
    codes = find_codes(textpage, raw, count)
    starts, ends = find_words(codes)
    if not len(starts):
        return PageText([], "", width, height)
    box = find_boxes(raw, codes, starts, ends) - np.array([left, bottom, left, bottom])
    turned, quarter = find_turned(box, starts, ends)
    if quarter:
        box, turned = turn_upright(box, quarter), np.zeros_like(turned)
        width, height = height, width
    text = decode(codes)
    aside = settle(" ".join(text[s:e] for s, e in zip(starts[turned].tolist(), ends[turned].tolist(), strict=True)))
    pieces = find_pieces(box, starts[~turned], ends[~turned])
    found = _fragments(raw, text, pieces, None if quarter else bottom)
    shown = [f for f in found if f.x1 > 0 and f.x0 < width and f.y1 > 0 and f.y0 < height]
    return PageText(shown, aside, width, height)


def _fragments(raw: Any, text: str, pieces: Pieces, bottom: float | None) -> list[Fragment]:
    """Join pieces that run on along one line and give each stretch its text, main size and weight."""
    if not len(pieces.start):
        return []
    font = _font_reader(raw)
    if bottom is not None:
        _true_heights(pieces, font, bottom)
    breaks, spaced = _joints(pieces)
    order = _reattached(pieces, breaks)
    if order is not None:
        pieces = Pieces(*(getattr(pieces, name)[order] for name in Pieces.__slots__))
        breaks, spaced = _joints(pieces)
    heads = np.concatenate(([0], np.flatnonzero(breaks) + 1))
    spaced[heads] = False
    uneven = np.zeros(len(heads), bool)
    for values in (pieces.height, pieces.base):
        spread = np.maximum.reduceat(values, heads) - np.minimum.reduceat(values, heads)
        uneven |= spread > 0.1 * pieces.height[heads]
    words = [text[s:e] for s, e in zip(pieces.start.tolist(), pieces.end.tolist(), strict=True)]
    bounds = [*heads.tolist(), len(words)]
    low, high = np.minimum.reduceat(pieces.box, heads).tolist(), np.maximum.reduceat(pieces.box, heads).tolist()
    found = []
    for n, (a, b) in enumerate(pairwise(bounds)):
        if uneven[n]:
            found.append(_uneven_fragment(slice(a, b), pieces, words, spaced, font))
            continue
        line = "".join([" " + w if s else w for w, s in zip(words[a:b], spaced[a:b].tolist(), strict=True)])
        (x0, y0), (x1, y1) = low[n][:2], high[n][2:]
        size, _, bold, face = _common_font(font, pieces, a, b - 1)
        found.append(
            Fragment(settle(line), x0, y0, x1, y1, float(pieces.base[a]), float(pieces.height[a]), size, bold, face)
        )
    return found


def _common_font(font: FontReader, pieces: Pieces, first: int, last: int) -> tuple[float, float, bool, bytes]:
    """Return the font of a fragment's first piece, not bold and of no name when its last piece has another."""
    size, foot, bold, face = font(int(pieces.start[first]))
    if last > first:
        _, _, its_bold, its_face = font(int(pieces.end[last]) - 1)
        bold, face = bold and its_bold, face if its_face == face else MIXED
    return size, foot, bold, face


def _true_heights(pieces: Pieces, font: FontReader, bottom: float) -> None:
    """Replace, in place, height and baseline of pieces whose box is far taller than most: symbol fonts, titles."""
    for i in np.flatnonzero(pieces.height > 1.2 * np.median(pieces.height)).tolist():
        size, foot, _, _ = font(int(pieces.start[i]))
        pieces.height[i], pieces.base[i] = 1.1 * size, foot - bottom
        pieces.box[i, 1] = pieces.base[i] - BASELINE_SHARE * size
        pieces.box[i, 3] = pieces.base[i] + (1 - BASELINE_SHARE) * size


def _joints(pieces: Pieces) -> tuple[Mask, Mask]:
    """Say between which neighbours a fragment ends, and before which pieces a space stands."""
    box, tall = pieces.box, np.maximum(pieces.height, 0.1)
    gap = np.maximum(box[1:, 0] - box[:-1, 2], box[:-1, 0] - box[1:, 2])
    most = np.maximum(tall[1:], tall[:-1])
    shift = np.abs(np.diff(pieces.base)) / most
    mark = (np.minimum(tall[1:], tall[:-1]) < 0.8 * most) & (shift < 0.95) & (np.abs(gap) < 0.2 * most)
    breaks = (shift > 0.55) & ~mark | (gap > GAP_HEIGHTS * most)
    even = np.minimum(tall[1:], tall[:-1]) > 0.87 * most
    return breaks, np.concatenate(([False], pieces.spaced[1:] & (even | (gap > SPACE_HEIGHTS * most))))


def _reattached(pieces: Pieces, breaks: Mask) -> Ints | None:
    """Return an order that puts raised and lowered marks which the file draws apart from their line behind their host.

    A mark is a lone short piece, clearly lower than the piece that ends where it begins and within its height.
    """
    alone = np.concatenate(([True], breaks)) & np.concatenate((breaks, [True]))
    marks = np.flatnonzero(alone & (pieces.end - pieces.start <= 4) & (pieces.height < 0.85 * np.median(pieces.height)))
    place = np.arange(len(pieces.start), dtype=float)
    for i in marks[:400].tolist():
        tall, rise = pieces.height, pieces.base[i] - pieces.base
        near = np.abs(pieces.box[:, 2] - pieces.box[i, 0]) < 0.2 * tall
        hosts = np.flatnonzero(near & (np.abs(rise) < 0.95 * tall) & (tall * 0.85 > tall[i]))
        if len(hosts):
            place[i] = hosts[0] + 0.5
            pieces.spaced[i] = False
    return np.argsort(place, kind="stable") if len(marks) else None


def _uneven_fragment(span: slice, pieces: Pieces, words: list[str], spaced: Mask, font: FontReader) -> Fragment:
    """Return a fragment in which pieces are raised, lowered or small.

    Boxes of symbol fonts are far taller than their characters, so such pieces are asked for their size.
    """
    box, length, first = pieces.box[span], pieces.end[span] - pieces.start[span], pieces.start[span].tolist()
    tall, base = pieces.height[span], pieces.base[span]
    main = int(np.argmax(length))
    uneven = np.flatnonzero(np.abs(tall - tall[main]) + np.abs(base - base[main]) > 0.1 * tall[main]).tolist()
    fonts = {i: font(first[i]) for i in [main, *uneven]}
    if uneven:
        weight = {i: int(length[i]) for i in uneven} | {main: int(length.sum() - length[uneven].sum())}
        words_long = [i for i in fonts if weight[i] > 1]
        tallest = max(fonts[i][0] for i in words_long or fonts)
        main = max(weight, key=lambda i: (fonts[i][0] > 0.8 * tallest, weight[i], -i))
    size, foot, _, _ = fonts[main]
    _, _, bold, face = _common_font(font, pieces, span.start, span.stop - 1)
    ratio, rise = np.ones(len(first)), np.zeros(len(first))
    for i in uneven:
        ratio[i], rise[i] = fonts[i][0] / max(size, 0.1), (fonts[i][1] - foot) / max(size, 0.1)
    parts = [Piece(*p) for p in zip(words[span], spaced[span].tolist(), ratio.tolist(), rise.tolist(), strict=True)]
    even = np.abs(rise) < 0.05
    x0, y0, x1, y1 = box[:, 0].min(), box[even, 1].min(), box[:, 2].max(), box[even, 3].max()
    text, at, height = settle(join_pieces(parts)), float(base[main]), float(tall[main])
    return Fragment(text, float(x0), float(y0), float(x1), float(y1), at, height, size, bold, face)


def _font_reader(raw: Any) -> FontReader:
    """Return a function from a character's index to its size in points, baseline, whether it is bold, and font name."""
    matrix, name, flags = pdfium.FS_MATRIX(), ctypes.create_string_buffer(256), ctypes.c_int()
    x, y = ctypes.c_double(), ctypes.c_double()

    def font(index: int) -> tuple[float, float, bool, bytes]:
        pdfium.FPDFText_GetMatrix(raw, index, matrix)
        pdfium.FPDFText_GetCharOrigin(raw, index, x, y)
        size = pdfium.FPDFText_GetFontSize(raw, index) * (matrix.c**2 + matrix.d**2) ** 0.5
        length = pdfium.FPDFText_GetFontInfo(raw, index, name, 256, flags)
        bold = bool(length and _BOLD.search(name.value)) or pdfium.FPDFText_GetFontWeight(raw, index) >= 650
        return round(size, 2), y.value, bold, name.value if length else b""

    return font
