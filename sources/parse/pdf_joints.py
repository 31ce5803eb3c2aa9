"""Pieces of a PDF page -> stretches: which neighbouring pieces run on along one line, and before which a space stands.

A wide gap ends a stretch, which is how table cells and columns come apart. Raised and lowered marks go to the
character they belong to, also where the file draws them apart. Machine code, as pages have a thousand pieces and
numpy's calls cost more than their work; cached by file, so nothing compiled is called from another. Not here: text.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from sources.parse.pdf_pieces import BASELINE_SHARE, Codes, Floats, Ints, Mask, Pieces, pieces_t

GAP_HEIGHTS = 1.05
"""A gap wider than this many box heights ends a fragment (a space is about 0.2, a column gutter over 1)."""
SPACE_HEIGHTS = 0.06
"""Less than this between a character and a raised or lowered one is no space, though pdfium reports one."""
MAX_MARKS = 400


class Stretches(NamedTuple):
    """Pieces in the order of their lines, and of each stretch: its first piece, the one after its last, its box (left,
    bottom, right, top), whether heights or baselines differ in it, and whether it reads as the file's own text."""

    pieces: Pieces
    head: Ints
    stop: Ints
    box: Floats
    uneven: Mask
    plain: Mask


_codes_t, _mask_t, _ints_t, _boxes_t = types.uint32[::1], types.bool_[::1], types.int64[::1], types.float64[:, ::1]


def find_stretches(pieces: Pieces, codes: Codes) -> Stretches:
    """Return the stretches of at least one piece; `spaced` of the result holds only inside a stretch."""
    breaks, spaced = _joints(pieces)
    place = _places(pieces, breaks, 0.85 * median(pieces.height))
    if len(place):
        order = np.argsort(place, kind="stable")
        pieces = Pieces._make(values[order] for values in pieces)
        breaks, spaced = _joints(pieces)
    pieces.spaced[:] = spaced & ~breaks
    head = np.flatnonzero(breaks)
    stop = np.append(head[1:], len(breaks))
    box, uneven, plain = np.empty((len(head), 4)), np.empty(len(head), np.bool_), np.empty(len(head), np.bool_)
    _measure(pieces, head, stop, box)
    _judge(pieces, codes, head, stop, uneven, plain)
    return Stretches(pieces, head, stop, box, uneven, plain)


def median(values: Floats) -> float:
    """Return the median of at least one number (`np.median` costs five times as much on a page's pieces)."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


@njit(types.void(pieces_t, types.float64, types.float64), cache=True)  # type: ignore[untyped-decorator]
def true_heights(pieces: Pieces, limit: float, bottom: float) -> None:
    """Replace, in place, height and baseline of pieces whose box is taller than `limit`: symbol fonts, titles.

    `bottom` is the page's lower edge in the coordinates of the fonts' origins.
    """
    for i in range(len(pieces.height)):
        if pieces.height[i] > limit:
            size = pieces.size[i]
            pieces.height[i], pieces.base[i] = 1.1 * size, pieces.foot[i] - bottom
            pieces.box[i, 1] = pieces.base[i] - BASELINE_SHARE * size
            pieces.box[i, 3] = pieces.base[i] + (1 - BASELINE_SHARE) * size


@njit(types.UniTuple(_mask_t, 2)(pieces_t), cache=True)  # type: ignore[untyped-decorator]
def _joints(pieces: Pieces) -> tuple[Mask, Mask]:
    """Say which pieces begin a stretch, and before which a space stands."""
    box, height, base = pieces.box, pieces.height, pieces.base
    breaks, spaced = np.ones(len(base), np.bool_), np.zeros(len(base), np.bool_)
    for i in range(1, len(base)):
        gap = max(box[i, 0] - box[i - 1, 2], box[i - 1, 0] - box[i, 2])
        less, most = max(min(height[i], height[i - 1]), 0.1), max(height[i], height[i - 1], 0.1)
        shift = abs(base[i] - base[i - 1]) / most
        mark = less < 0.8 * most and shift < 0.95 and abs(gap) < 0.2 * most
        breaks[i] = (shift > 0.55 and not mark) or gap > GAP_HEIGHTS * most
        spaced[i] = pieces.spaced[i] and (less > 0.87 * most or gap > SPACE_HEIGHTS * most)
    return breaks, spaced


@njit(types.float64[::1](pieces_t, _mask_t, types.float64), cache=True)  # type: ignore[untyped-decorator]
def _places(pieces: Pieces, breaks: Mask, limit: float) -> Floats:
    """Return where each piece belongs: marks that the file draws apart from their line go behind their host.

    A mark is a lone short piece, lower than `limit`, than the piece that ends where it begins, and within its height.
    It loses the space before it. Empty when no mark has a host.
    """
    box, height, base = pieces.box, pieces.height, pieces.base
    place = np.empty(len(base))
    marks = hosted = 0
    for i in range(len(base)):
        place[i] = i
        alone = breaks[i] and (i + 1 == len(base) or breaks[i + 1])
        if not alone or pieces.end[i] - pieces.start[i] > 4 or height[i] >= limit or marks == MAX_MARKS:
            continue
        marks += 1
        for j in range(len(base)):
            beside = abs(box[j, 2] - box[i, 0]) < 0.2 * height[j] and height[j] * 0.85 > height[i]
            if beside and abs(base[i] - base[j]) < 0.95 * height[j]:
                place[i] = j + 0.5
                pieces.spaced[i] = False
                hosted += 1
                break
    return place if hosted else place[:0]


@njit(types.void(pieces_t, _ints_t, _ints_t, _boxes_t), cache=True)  # type: ignore[untyped-decorator]
def _measure(pieces: Pieces, head: Ints, stop: Ints, box: Floats) -> None:
    """Fill in the box of each stretch."""
    sides = pieces.box
    for n in range(len(head)):
        for side in range(4):
            box[n, side] = sides[head[n], side]
        for i in range(head[n] + 1, stop[n]):
            box[n, 0], box[n, 1] = min(box[n, 0], sides[i, 0]), min(box[n, 1], sides[i, 1])
            box[n, 2], box[n, 3] = max(box[n, 2], sides[i, 2]), max(box[n, 3], sides[i, 3])


_judge_t = types.void(pieces_t, _codes_t, _ints_t, _ints_t, _mask_t, _mask_t)


@njit(_judge_t, cache=True)  # type: ignore[untyped-decorator]
def _judge(pieces: Pieces, codes: Codes, head: Ints, stop: Ints, uneven: Mask, plain: Mask) -> None:
    """Say of which stretches heights or baselines differ, and which stand in the page's text with single spaces."""
    height, base, end = pieces.height, pieces.base, pieces.end
    for n in range(len(head)):
        first = head[n]
        low, high, lowest, highest = height[first], height[first], base[first], base[first]
        plain[n] = True
        for i in range(first + 1, stop[n]):
            low, high = min(low, height[i]), max(high, height[i])
            lowest, highest = min(lowest, base[i]), max(highest, base[i])
            space = 1 if pieces.spaced[i] else 0
            if pieces.start[i] != end[i - 1] + space or (space and codes[end[i - 1]] != 32):
                plain[n] = False
        uneven[n] = max(high - low, highest - lowest) > 0.1 * height[first]
