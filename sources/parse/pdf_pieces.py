"""Characters of a PDF page -> pieces: stretches of a word whose height and baseline stay the same.

pdfium gives one character a call, so this asks only for what layout needs: the box of the first and the last
character of each word, and of all characters of words that can hold a raised or lowered one. Everything else is
numpy over whole pages. Words end at white space and at the mark that pdfium sets for a hyphen at a line's end.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sources.parse.pdf_calls import boxes_at, codes_at
from sources.parse.pdf_text import SCRIPTABLE, clean_codes

Codes = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BASELINE_SHARE = 0.22
"""Share of a character box that lies under the baseline in ordinary text fonts."""
_SPACES = np.array(
    [9, 10, 11, 12, 13, 32, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
)
_IS_SPACE, _IS_SCRIPTABLE = np.zeros(65536, bool), np.zeros(65536, bool)
_IS_SPACE[_SPACES], _IS_SCRIPTABLE[SCRIPTABLE] = True, True
_HYPHEN_MARK = 0xFFFE


@dataclass(slots=True)
class Pieces:
    """Parallel arrays: character range, box, baseline and height of each stretch of even height and baseline."""

    start: Ints
    end: Ints
    box: Floats
    base: Floats
    height: Floats
    spaced: Mask


def find_codes(textpage: Any, page: int, count: int) -> Codes:
    """Return one UTF-16 unit a character; pdfium's text is used when it aligns, else each character is asked for."""
    text = textpage.get_text_range().encode("utf-16-le", "surrogatepass") if count else b""
    if len(text) == 2 * count:
        codes = np.frombuffer(text, np.uint16).astype(np.uint32)
    else:
        codes = codes_at(page, count)
        codes[codes == 2] = _HYPHEN_MARK
    return clean_codes(codes)


def find_words(codes: Codes) -> tuple[Ints, Ints]:
    """Return [start, end) of each word: a run without white space, ended also by the mark of a line-end hyphen."""
    ink = np.concatenate(([False], ~_IS_SPACE[codes & 0xFFFF], [False]))
    edge = np.flatnonzero(ink[1:] != ink[:-1])
    cuts = np.flatnonzero(codes == _HYPHEN_MARK) + 1
    cuts = cuts[ink[np.minimum(cuts + 1, len(ink) - 1)]]
    codes[codes == _HYPHEN_MARK] = ord("-")
    return np.sort(np.concatenate((edge[::2], cuts))), np.sort(np.concatenate((edge[1::2], cuts)))


def find_boxes(page: int, codes: Codes, starts: Ints, ends: Ints) -> Floats:
    """Return boxes (left, bottom, right, top) a character; NaN for the inner ones of words of even letters."""
    box = np.full((len(codes), 4), np.nan)
    mixed = np.add.reduceat(np.concatenate((_IS_SCRIPTABLE[codes & 0xFFFF], [False])), starts) > 0
    wanted = np.zeros(len(codes), bool)
    wanted[starts] = wanted[ends - 1] = True
    wanted[_spread(starts[mixed], ends[mixed])] = True
    _fetch(page, box, np.flatnonzero(wanted))
    first, last = box[starts], box[ends - 1]
    tall = np.maximum(first[:, 3] - first[:, 1], 0.1)
    uneven = ~mixed & (np.abs(first[:, 1] - last[:, 1]) + np.abs(first[:, 3] - last[:, 3]) > 0.1 * tall)
    if uneven.any():
        _fetch(page, box, _spread(starts[uneven], ends[uneven]))
    return box


def _spread(starts: Ints, ends: Ints) -> Ints:
    """Return all indices of the ranges [start, end)."""
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())


def _fetch(page: int, box: Floats, at: Ints) -> None:
    """Put the boxes of the characters `at` into `box`."""
    box[at] = boxes_at(page, at.tolist())[:, [0, 3, 2, 1]]


def find_turned(box: Floats, starts: Ints, ends: Ints) -> tuple[Mask, int]:
    """Say which words run up or down the page, and the turn (1 up, -1 down) when most of the page does."""
    first, last = box[starts], box[ends - 1]
    rise, run = last[:, 1] - first[:, 1], last[:, 0] - first[:, 0]
    long = ends - starts > 2
    turned = long & (np.abs(rise) > 2 * np.abs(run)) & (np.abs(rise) > 2)
    if 2 * turned.sum() > long.sum() and turned.sum() > 3:
        return turned, 1 if np.median(rise[turned]) > 0 else -1
    return turned, 0


def turn_upright(box: Floats, quarter: int) -> Floats:
    """Turn boxes of a page whose text runs up (1) or down (-1), so that its lines run to the right."""
    left, bottom, right, top = box.T
    sides = (bottom, -right, top, -left) if quarter > 0 else (-top, left, -bottom, right)
    return np.stack(sides, axis=1)


def find_pieces(box: Floats, starts: Ints, ends: Ints) -> Pieces:
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
    return Pieces(start, end, whole, base[start], tall[start], ~np.isin(start, cuts))
