"""Characters of a PDF page -> fragments: stretches of one line, with their box, font size and weight.

pdfium gives one character a call, so this asks only for what layout needs: the box of the first and the last
character of each word, and of all characters of words that can hold a raised or lowered one. Everything else is
numpy over whole pages. Words are cut where height or baseline changes, then joined while they run on along one
line; a wide gap ends a fragment, which is how table cells and columns come apart. Reading order is not decided
here, and no character is judged: that is `pdf_text` and `pdf_columns`.
"""

import ctypes
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from sources.parse.pdf_text import SCRIPTABLE, Piece, clean_codes, join_pieces, visible

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
FontReader = Callable[[int], tuple[float, float, bool, bytes]]

BASELINE_SHARE = 0.22
"""Share of a character box that lies under the baseline in ordinary text fonts."""
GAP_HEIGHTS = 1.05
"""A gap wider than this many box heights ends a fragment (a space is about 0.2, a column gutter over 1)."""
SPACE_HEIGHTS = 0.06
MIXED = b""
"""Name of the font of a fragment that has several."""
_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)
_SPACES = np.array(
    [9, 10, 11, 12, 13, 32, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
)
_HYPHEN_MARK = 0xFFFE


@dataclass(slots=True)
class Fragment:
    """A stretch of one line: text, box in points (y grows upwards), baseline, box height, font size, weight and name."""

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


@dataclass(slots=True)
class _Pieces:
    """Parallel arrays: character range, box, baseline and height of each stretch of even height and baseline."""

    start: Ints
    end: Ints
    box: Floats
    base: Floats
    height: Floats
    spaced: Mask


def read_page(textpage: Any, width: float, height: float) -> PageText:
    """Return the fragments of a pypdfium2 text page of `width` x `height` points; empty when it has no characters."""
    raw, count = textpage.raw, textpage.count_chars()
    codes = _codes(textpage, raw, count)
    starts, ends = _words(codes)
    if not len(starts):
        return PageText([], "", width, height)
    box = _boxes(raw, codes, starts, ends)
    turned, quarter = _turned(box, starts, ends)
    if quarter:
        box, turned = _upright(box, quarter), np.zeros_like(turned)
        width, height = height, width
    aside = " ".join(visible(codes[s:e]) for s, e in zip(starts[turned], ends[turned], strict=True))
    pieces = _pieces(box, starts[~turned], ends[~turned])
    return PageText(_fragments(raw, codes, pieces, not quarter), aside, width, height)


def _codes(textpage: Any, raw: Any, count: int) -> npt.NDArray[np.uint32]:
    """Return one code point a character; pdfium's text is used when it aligns, else each character is asked for."""
    text = textpage.get_text_range() if count else ""
    if len(text) == count:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    else:
        codes = np.fromiter(map(pdfium.FPDFText_GetUnicode, repeat(raw), range(count)), np.uint32, count)
        codes[codes == 2] = _HYPHEN_MARK
    return clean_codes(codes)


def _words(codes: npt.NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Return [start, end) of each word: a run without white space, ended also by the mark of a line-end hyphen."""
    ink = np.concatenate(([False], ~np.isin(codes, _SPACES), [False]))
    edge = np.flatnonzero(ink[1:] != ink[:-1])
    cuts = np.flatnonzero(codes == _HYPHEN_MARK) + 1
    cuts = cuts[ink[np.minimum(cuts + 1, len(ink) - 1)]]
    codes[codes == _HYPHEN_MARK] = ord("-")
    return np.sort(np.concatenate((edge[::2], cuts))), np.sort(np.concatenate((edge[1::2], cuts)))


def _boxes(raw: Any, codes: npt.NDArray[np.uint32], starts: Ints, ends: Ints) -> Floats:
    """Return boxes (left, bottom, right, top) a character; NaN for the inner ones of words of even letters."""
    box = np.full((len(codes), 4), np.nan)
    mixed = np.add.reduceat(np.concatenate((np.isin(codes, SCRIPTABLE), [False])), starts) > 0
    _fetch(raw, box, np.unique(np.concatenate((starts, ends - 1, _spread(starts[mixed], ends[mixed])))))
    first, last = box[starts], box[ends - 1]
    tall = np.maximum(first[:, 3] - first[:, 1], 0.1)
    uneven = ~mixed & (np.abs(first[:, 1] - last[:, 1]) + np.abs(first[:, 3] - last[:, 3]) > 0.1 * tall)
    if uneven.any():
        _fetch(raw, box, _spread(starts[uneven], ends[uneven]))
    return box


def _spread(starts: Ints, ends: Ints) -> Ints:
    """Return all indices of the ranges [start, end)."""
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())


def _fetch(raw: Any, box: Floats, at: Ints) -> None:
    """Ask pdfium for the loose boxes (font ascent to descent) of the characters `at` and put them into `box`."""
    cells = (pdfium.FS_RECTF * len(at))()
    deque(map(pdfium.FPDFText_GetLooseCharBox, repeat(raw), at.tolist(), cells), maxlen=0)
    box[at] = np.frombuffer(cells, np.float32).reshape(-1, 4)[:, [0, 3, 2, 1]]


def _turned(box: Floats, starts: Ints, ends: Ints) -> tuple[Mask, int]:
    """Say which words run up or down the page, and the turn (1 up, -1 down) when most of the page does."""
    first, last = box[starts], box[ends - 1]
    rise, run = last[:, 1] - first[:, 1], last[:, 0] - first[:, 0]
    long = ends - starts > 2
    turned = long & (np.abs(rise) > 2 * np.abs(run)) & (np.abs(rise) > 2)
    if 2 * turned.sum() > long.sum() and turned.sum() > 3:
        return turned, 1 if np.median(rise[turned]) > 0 else -1
    return turned, 0


def _upright(box: Floats, quarter: int) -> Floats:
    """Turn boxes of a page whose text runs up (1) or down (-1), so that its lines run to the right."""
    left, bottom, right, top = box.T
    sides = (bottom, -right, top, -left) if quarter > 0 else (-top, left, -bottom, right)
    return np.stack(sides, axis=1)


def _pieces(box: Floats, starts: Ints, ends: Ints) -> _Pieces:
    """Cut words where height or baseline changes."""
    known = np.where(np.isnan(box[:, 0]), 0, np.arange(len(box)))
    filled = box[np.maximum.accumulate(known)]
    tall = filled[:, 3] - filled[:, 1]
    base = filled[:, 1] + BASELINE_SHARE * tall
    jump = np.abs(np.diff(tall)) + np.abs(np.diff(base)) > 0.15 * np.maximum(tall[1:], tall[:-1])
    inner = np.zeros(len(box) + 1, bool)
    inner[_spread(starts, ends)] = True
    inner[starts] = False
    cuts = np.flatnonzero(jump & inner[1 : len(box)]) + 1
    start, end = np.sort(np.concatenate((starts, cuts))), np.sort(np.concatenate((ends, cuts)))
    edges = np.stack((filled[start], box[end - 1]))
    edges = np.where(np.isnan(edges), filled[start], edges)
    whole = np.concatenate((edges[..., :2].min(axis=0), edges[..., 2:].max(axis=0)), axis=1)
    return _Pieces(start, end, whole, base[start], tall[start], ~np.isin(start, cuts))


def _fragments(raw: Any, codes: npt.NDArray[np.uint32], pieces: _Pieces, level: bool) -> list[Fragment]:
    """Join pieces that run on along one line and give each stretch its text, main size and weight."""
    if not len(pieces.start):
        return []
    font = _font_reader(raw)
    if level:
        _true_heights(pieces, font)
    breaks, spaced = _joints(pieces)
    order = _reattached(pieces, breaks)
    if order is not None:
        pieces = _Pieces(*(getattr(pieces, name)[order] for name in _Pieces.__slots__))
        breaks, spaced = _joints(pieces)
    tall = pieces.height
    bounds = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(tall)]
    texts = [visible(codes[s:e]) for s, e in zip(pieces.start.tolist(), pieces.end.tolist(), strict=True)]
    return [_fragment(slice(a, b), pieces, texts, spaced, font) for a, b in zip(bounds, bounds[1:], strict=False)]


def _true_heights(pieces: _Pieces, font: FontReader) -> None:
    """Replace, in place, height and baseline of pieces whose box is far taller than most (symbol fonts, also titles)."""
    for i in np.flatnonzero(pieces.height > 1.2 * np.median(pieces.height)).tolist():
        size, foot, _, _ = font(int(pieces.start[i]))
        pieces.height[i], pieces.base[i] = 1.1 * size, foot
        pieces.box[i, 1], pieces.box[i, 3] = foot - BASELINE_SHARE * size, foot + (1 - BASELINE_SHARE) * size


def _joints(pieces: _Pieces) -> tuple[Mask, Mask]:
    """Say between which neighbours a fragment ends, and before which pieces a space stands."""
    box, tall = pieces.box, np.maximum(pieces.height, 0.1)
    gap = np.maximum(box[1:, 0] - box[:-1, 2], box[:-1, 0] - box[1:, 2])
    most = np.maximum(tall[1:], tall[:-1])
    shift = np.abs(np.diff(pieces.base)) / most
    mark = (np.minimum(tall[1:], tall[:-1]) < 0.8 * most) & (shift < 0.75) & (np.abs(gap) < 0.2 * most)
    breaks = (shift > 0.55) & ~mark | (gap > GAP_HEIGHTS * most)
    return breaks, np.concatenate(([False], pieces.spaced[1:] & (gap > SPACE_HEIGHTS * most)))


def _reattached(pieces: _Pieces, breaks: Mask) -> Ints | None:
    """Return an order that puts raised and lowered marks which the file draws apart from their line behind their host.

    A mark is a lone short piece, clearly lower than the piece that ends where it begins and within its height.
    """
    alone = np.concatenate(([True], breaks)) & np.concatenate((breaks, [True]))
    marks = np.flatnonzero(alone & (pieces.end - pieces.start <= 4) & (pieces.height < 0.85 * np.median(pieces.height)))
    place = np.arange(len(pieces.start), dtype=float)
    for i in marks[:400].tolist():
        tall, rise = pieces.height, pieces.base[i] - pieces.base
        near = np.abs(pieces.box[:, 2] - pieces.box[i, 0]) < 0.2 * tall
        hosts = np.flatnonzero(near & (np.abs(rise) < 0.75 * tall) & (tall * 0.85 > tall[i]))
        if len(hosts):
            place[i] = hosts[0] + 0.5
            pieces.spaced[i] = False
    return np.argsort(place, kind="stable") if len(marks) else None


def _fragment(span: slice, pieces: _Pieces, texts: list[str], spaced: Mask, font: FontReader) -> Fragment:
    """Return one fragment; size and baseline are those of most of its characters, and others may be raised or lowered.

    Boxes of symbol fonts are far taller than their characters, so pieces of uneven height are asked for their true size.
    """
    box, length, first = pieces.box[span], pieces.end[span] - pieces.start[span], pieces.start[span].tolist()
    tall, base = pieces.height[span], pieces.base[span]
    main = int(np.argmax(length))
    uneven = np.flatnonzero(np.abs(tall - tall[main]) + np.abs(base - base[main]) > 0.1 * tall[main]).tolist()
    fonts = {i: font(first[i]) for i in [main, *uneven]}
    if uneven:
        weight = {i: int(length[i]) for i in uneven} | {main: int(length.sum() - length[uneven].sum())}
        tallest = max(fonts[i][0] for i in fonts if weight[i] > 1 or len(weight) < 3)
        main = max(weight, key=lambda i: (fonts[i][0] > 0.8 * tallest, weight[i], -i))
    size, foot, bold, face = fonts[main]
    for _, _, its_bold, its_face in (font(first[0]), font(first[-1])):
        bold, face = bold and its_bold, face if its_face == face else MIXED
    ratio, rise = np.ones(len(first)), np.zeros(len(first))
    for i in uneven:
        ratio[i], rise[i] = fonts[i][0] / max(size, 0.1), (fonts[i][1] - foot) / max(size, 0.1)
    spaces = [False, *spaced[span.start + 1 : span.stop].tolist()]
    parts = [Piece(*p) for p in zip(texts[span], spaces, ratio.tolist(), rise.tolist(), strict=True)]
    even = np.abs(rise) < 0.05
    x0, x1, y0, y1 = box[:, 0].min(), box[:, 2].max(), box[even, 1].min(), box[even, 3].max()
    text = join_pieces(parts)
    return Fragment(text, *map(float, (x0, y0, x1, y1, base[main], tall[main])), size, bold, face)


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
