"""Characters of a PDF page -> pieces: stretches of a word whose height and baseline stay the same, with their font.

pdfium gives one character a call, and a call from Python costs fifty times what pdfium does in it (0.8 us, 0.01 us).
So the loops over characters are machine code (numba, cached beside Python's own caches) that calls pdfium's functions
by name. Only the box of the first and the last character of a word counts, unless the word can hold a raised or
lowered one. Everything compiled is in this file, as numba's cache sees no change in another. Not here: strings.
"""

import ctypes
from typing import Any, NamedTuple

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
import numpy.ma  # numba imports it at its first call, where a sandbox forbids to keep the bytecode
import numpy.typing as npt
import pypdfium2.raw as pdfium
from numba import njit, types

Codes = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Fonts = npt.NDArray[np.uint64]

BASELINE_SHARE = 0.22
"""Share of a character box that lies under the baseline in ordinary text fonts."""
SPACE, SCRIPT = 1, 2
"""Classes of characters, see `find_words` and `find_boxes`."""
HYPHEN_MARK = 0xFFFE
"""What pdfium's text has for a hyphen at a line's end; asked for by itself, the character is 2."""


class Pieces(NamedTuple):
    """Parallel arrays of stretches of even height and baseline: character range, box, baseline, height, whether a
    space stands before it, and the font of its first character: size, origin's height on the page, handle."""

    start: Ints
    end: Ints
    box: Floats
    base: Floats
    height: Floats
    spaced: Mask
    size: Floats
    foot: Floats
    font: Fonts


def _pdfium_function(name: str, result: Any, *arguments: Any) -> Any:
    """Make a function of pdfium callable from machine code by its name, also from code that comes from the cache."""
    address = ctypes.cast(getattr(pdfium, name), ctypes.c_void_p).value
    llvmlite.binding.add_symbol(name, address)
    return types.ExternalFunction(name, result(*arguments))


_page, _index, _pointer = types.uint64, types.int32, types.uint64
_unicode = _pdfium_function("FPDFText_GetUnicode", types.uint32, _page, _index)
_text = _pdfium_function("FPDFText_GetText", types.int32, _page, _index, _index, _pointer)
_loose_box = _pdfium_function("FPDFText_GetLooseCharBox", types.int32, _page, _index, _pointer)
_matrix = _pdfium_function("FPDFText_GetMatrix", types.int32, _page, _index, _pointer)
_origin = _pdfium_function("FPDFText_GetCharOrigin", types.int32, _page, _index, _pointer, _pointer)
_font_size = _pdfium_function("FPDFText_GetFontSize", types.float64, _page, _index)
_text_object = _pdfium_function("FPDFText_GetTextObject", _pointer, _page, _index)
_object_font = _pdfium_function("FPDFTextObj_GetFont", _pointer, _pointer)

_codes_t, _classes_t = types.uint32[::1], types.uint8[::1]
_ints_t, _floats_t, _boxes_t, _mask_t = types.int64[::1], types.float64[::1], types.float64[:, ::1], types.bool_[::1]


@njit(types.void(_page, _codes_t, _codes_t), cache=True)  # type: ignore[untyped-decorator]
def find_codes(page: int, clean: Codes, codes: Codes) -> None:
    """Fill `codes` with one UTF-16 unit a character of a text page (its address), as the table `clean` maps them.

    pdfium's text is used when it aligns with the characters, else each is asked for.
    """
    count = len(codes)
    units = np.empty(count + 1, np.uint16)
    aligned = _text(page, 0, count, units.ctypes.data) == count + 1
    for i in range(count):
        code = units[i] if aligned else _unicode(page, i)
        if code == 2 and not aligned:
            code = HYPHEN_MARK
        codes[i] = clean[code] if code < len(clean) else code


@njit(types.UniTuple(_ints_t, 2)(_codes_t, _classes_t), cache=True)  # type: ignore[untyped-decorator]
def find_words(codes: Codes, classes: npt.NDArray[np.uint8]) -> tuple[Ints, Ints]:
    """Return [start, end) of each word: a run without white space, ended also by the mark of a line-end hyphen.

    The mark becomes a hyphen, in place.
    """
    count = len(codes)
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    words = 0
    inside = False
    for i in range(count):
        ink = not classes[codes[i] & 0xFFFF] & SPACE
        if inside and (not ink or codes[i - 1] == HYPHEN_MARK):
            ends[words] = i
            words += 1
            inside = False
        if ink and not inside:
            starts[words] = i
            inside = True
    if inside:
        ends[words] = count
        words += 1
    for i in range(count):
        if codes[i] == HYPHEN_MARK:
            codes[i] = 45
    return starts[:words].copy(), ends[:words].copy()


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fetch(page: int, box: Floats, first: int, last: int) -> None:
    """Put the loose boxes (font ascent to descent) of the characters [first, last) into `box`."""
    cell = np.zeros(4, np.float32)
    for i in range(first, last):
        if not np.isnan(box[i, 0]):
            continue
        cell[:] = 0
        _loose_box(page, i, cell.ctypes.data)
        box[i, 0], box[i, 1], box[i, 2], box[i, 3] = cell[0], cell[3], cell[2], cell[1]


@njit(_boxes_t(_page, _codes_t, _classes_t, _ints_t, _ints_t), cache=True)  # type: ignore[untyped-decorator]
def find_boxes(page: int, codes: Codes, classes: npt.NDArray[np.uint8], starts: Ints, ends: Ints) -> Floats:
    """Return boxes (left, bottom, right, top) a character; NaN for the inner ones of words of even letters."""
    box = np.full((len(codes), 4), np.nan)
    for n in range(len(starts)):
        start, end = starts[n], ends[n]
        _fetch(page, box, start, start + 1)
        _fetch(page, box, end - 1, end)
        a, b = box[start], box[end - 1]
        whole = abs(a[1] - b[1]) + abs(a[3] - b[3]) > 0.1 * max(a[3] - a[1], 0.1)
        for i in range(start, end):
            whole |= classes[codes[i] & 0xFFFF] & SCRIPT != 0
        if whole:
            _fetch(page, box, start, end)
    return box


@njit(types.void(_boxes_t, types.float64, types.float64), cache=True)  # type: ignore[untyped-decorator]
def shift(box: Floats, left: float, bottom: float) -> None:
    """Move boxes so that (left, bottom) becomes the origin, in place."""
    for i in range(len(box)):
        box[i, 0], box[i, 1] = box[i, 0] - left, box[i, 1] - bottom
        box[i, 2], box[i, 3] = box[i, 2] - left, box[i, 3] - bottom


def find_turned(box: Floats, starts: Ints, ends: Ints) -> tuple[Mask, int]:
    """Say which words run up or down the page, and the turn (1 up, -1 down) when most of the page does."""
    turned, rise = np.zeros(len(starts), np.bool_), np.zeros(len(starts))
    long = _turn(box, starts, ends, turned, rise)
    count = int(turned.sum())
    if 2 * count > long and count > 3:
        return turned, 1 if np.median(rise[turned]) > 0 else -1
    return turned, 0


@njit(types.int64(_boxes_t, _ints_t, _ints_t, _mask_t, _floats_t), cache=True)  # type: ignore[untyped-decorator]
def _turn(box: Floats, starts: Ints, ends: Ints, turned: Mask, rise: Floats) -> int:
    """Fill in by how much each word rises and whether more than it runs; return the number of words long enough."""
    long = 0
    for n in range(len(starts)):
        first, last = starts[n], ends[n] - 1
        rise[n] = box[last, 1] - box[first, 1]
        if last - first > 1:
            long += 1
            turned[n] = abs(rise[n]) > 2 * abs(box[last, 0] - box[first, 0]) and abs(rise[n]) > 2
    return long


def turn_upright(box: Floats, quarter: int) -> Floats:
    """Turn boxes of a page whose text runs up (1) or down (-1), so that its lines run to the right."""
    left, bottom, right, top = box.T
    sides = (bottom, -right, top, -left) if quarter > 0 else (-top, left, -bottom, right)
    return np.stack(sides, axis=1)


pieces_t = types.NamedTuple(
    (_ints_t, _ints_t, _boxes_t, _floats_t, _floats_t, _mask_t, _floats_t, _floats_t, types.uint64[::1]), Pieces
)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fonts(page: int, at: Ints) -> tuple[Floats, Floats, Fonts]:
    """Return size in points (to a hundredth), height of the origin and handle of the font of the characters `at`."""
    size, foot, font = np.empty(len(at)), np.empty(len(at)), np.zeros(len(at), np.uint64)
    matrix, x, y = np.zeros(6, np.float32), np.zeros(1), np.zeros(1)
    for n in range(len(at)):
        i = at[n]
        _matrix(page, i, matrix.ctypes.data)
        _origin(page, i, x.ctypes.data, y.ctypes.data)
        c, d = np.float64(matrix[2]), np.float64(matrix[3])
        size[n] = np.rint(_font_size(page, i) * np.sqrt(c * c + d * d) * 100) / 100
        foot[n] = y[0]
        drawn = _text_object(page, i)
        if drawn:
            font[n] = _object_font(drawn)
    return size, foot, font


@njit(pieces_t(_page, _boxes_t, _ints_t, _ints_t), cache=True)  # type: ignore[untyped-decorator]
def find_pieces(page: int, box: Floats, starts: Ints, ends: Ints) -> Pieces:
    """Cut words where height or baseline changes; a character without a box is like the one before it."""
    most = (ends - starts).sum()
    start, end, spaced = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.bool_)
    count = 0
    for n in range(len(starts)):
        start[count], spaced[count] = starts[n], True
        before = box[starts[n]]
        for i in range(starts[n] + 1, ends[n]):
            here = box[i]
            if np.isnan(here[0]):
                continue
            tall, was = here[3] - here[1], before[3] - before[1]
            shift = (here[1] + BASELINE_SHARE * tall) - (before[1] + BASELINE_SHARE * was)
            if abs(tall - was) + abs(shift) > 0.15 * max(tall, was):
                end[count] = i
                count += 1
                start[count], spaced[count] = i, False
            before = here
        end[count] = ends[n]
        count += 1
    start, end, spaced = start[:count].copy(), end[:count].copy(), spaced[:count].copy()
    whole = np.empty((count, 4))
    for n in range(count):
        a, b = box[start[n]], box[end[n] - 1]
        if np.isnan(b[0]):
            b = a
        whole[n, 0], whole[n, 1] = min(a[0], b[0]), min(a[1], b[1])
        whole[n, 2], whole[n, 3] = max(a[2], b[2]), max(a[3], b[3])
    height = np.array([box[i, 3] - box[i, 1] for i in start])
    base = np.array([box[i, 1] + BASELINE_SHARE * (box[i, 3] - box[i, 1]) for i in start])
    size, foot, font = _fonts(page, start)
    return Pieces(start, end, whole, base, height, spaced, size, foot, font)


@njit(types.uint64[::1](_page, _ints_t), cache=True)  # type: ignore[untyped-decorator]
def find_fonts(page: int, at: Ints) -> Fonts:
    """Return the handles of the fonts of the characters `at`; they hold as long as the page is open."""
    fonts: Fonts = _fonts(page, at)[2]
    return fonts
