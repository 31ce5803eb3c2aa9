"""Characters of a PDF page -> pieces: stretches of a word whose height and baseline stay the same.

pdfium gives one character a call, so this asks only for what layout needs: the box of the first and the last
character of each word, and of all characters of words that can hold a raised or lowered one. Everything else is
numpy over the boxes asked for. Words end at white space and at the mark that pdfium sets for a hyphen at a line's end.
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

THIN_HEIGHTS = 0.08
BASELINE_SHARE = 0.22
"""Share of a character box that lies under the baseline in ordinary text fonts."""
_SPACES = np.array(
    [9, 10, 11, 12, 13, 32, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
)
_IS_SPACE, _IS_SCRIPTABLE = np.zeros(65536, bool), np.zeros(65536, bool)
_IS_SPACE[_SPACES], _IS_SCRIPTABLE[SCRIPTABLE] = True, True
_HYPHEN_MARK = 0xFFFE


@dataclass(slots=True)
class Words:
    """Words of a page: character range of each; and the characters asked for: index, word it is in, box in points."""

    start: Ints
    end: Ints
    at: Ints
    word: Ints
    box: Floats


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
    text = _whole_text(textpage) if count else b""
    if len(text) == 2 * count:
        codes = np.frombuffer(text, np.uint16).astype(np.uint32)
    else:
        codes = codes_at(page, count)
        codes[codes == 2] = _HYPHEN_MARK
    return clean_codes(codes)


def _whole_text(textpage: Any) -> bytes:
    """Return a page's text in UTF-16; empty when it begins or ends with more hidden characters than pypdfium2 skips."""
    try:
        return bytes(textpage.get_text_range().encode("utf-16-le", "surrogatepass"))
    except RecursionError:
        return b""


def find_words(codes: Codes) -> tuple[Ints, Ints]:
    """Return [start, end) of each word: a run without white space, ended also by the mark of a line-end hyphen."""
    ink = np.concatenate(([False], ~_IS_SPACE[codes & 0xFFFF], [False]))
    edge = np.flatnonzero(ink[1:] != ink[:-1])
    cuts = np.flatnonzero(codes == _HYPHEN_MARK) + 1
    cuts = cuts[ink[np.minimum(cuts + 1, len(ink) - 1)]]
    codes[codes == _HYPHEN_MARK] = ord("-")
    return np.sort(np.concatenate((edge[::2], cuts))), np.sort(np.concatenate((edge[1::2], cuts)))


def find_words_boxes(page: int, codes: Codes, origin: tuple[float, float]) -> Words:
    """Return the words of a page with the boxes that layout needs, measured from `origin`, the shown page's corner."""
    starts, ends = find_words(codes)
    if not len(starts):
        return Words(starts, ends, starts, starts, np.zeros((0, 4)))
    mixed = np.add.reduceat(np.concatenate((_IS_SCRIPTABLE[codes & 0xFFFF], [False])), starts) > 0
    wanted = np.zeros(len(codes), bool)
    wanted[starts] = wanted[ends - 1] = True
    wanted[_spread(starts[mixed], ends[mixed])] = True
    at = np.flatnonzero(wanted)
    box = boxes_at(page, at.tolist())
    place = np.cumsum(wanted) - 1
    first, last = box[place[starts]], box[place[ends - 1]]
    tall = np.maximum(first[:, 1] - first[:, 3], 0.1)
    uneven = np.abs(first[:, 3] - last[:, 3]) + np.abs(first[:, 1] - last[:, 1]) > 0.08 * tall
    uneven &= ~mixed & (ends - starts > 2)
    if uneven.any():
        more = wanted.copy()
        more[_spread(starts[uneven], ends[uneven])] = True
        known, at = wanted[more], np.flatnonzero(more)
        whole = np.empty((len(at), 4), np.float32)
        whole[known], whole[~known] = box, boxes_at(page, at[~known].tolist())
        box = whole
    x, y = origin
    upright = box[:, [0, 3, 2, 1]].astype(np.float64) - np.array([x, y, x, y])
    return Words(starts, ends, at, np.searchsorted(starts, at, "right") - 1, upright)


def _spread(starts: Ints, ends: Ints) -> Ints:
    """Return all indices of the ranges [start, end)."""
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())


def find_turned(words: Words) -> tuple[Mask, int]:
    """Say which words run up or down the page, and the turn (1 up, -1 down) when most of the page does."""
    new = words.word[1:] != words.word[:-1]
    first = words.box[np.concatenate(([True], new))]
    last = words.box[np.concatenate((new, [True]))]
    rise, run = last[:, 1] - first[:, 1], last[:, 0] - first[:, 0]
    long = words.end - words.start > 2
    turned = long & (np.abs(rise) > 2 * np.abs(run)) & (np.abs(rise) > 2)
    count = np.count_nonzero(turned)
    if count > 3 and 2 * count > np.count_nonzero(long):
        return turned, 1 if np.median(rise[turned]) > 0 else -1
    return turned, 0


def turn_upright(box: Floats, quarter: int) -> Floats:
    """Turn boxes of a page whose text runs up (1) or down (-1), so that its lines run to the right."""
    left, bottom, right, top = box.T
    sides = (bottom, -right, top, -left) if quarter > 0 else (-top, left, -bottom, right)
    return np.stack(sides, axis=1)


def find_pieces(words: Words, codes: Codes, kept: Mask | None) -> Pieces:
    """Cut words, all or those `kept`, where height or baseline changes, and a unit from the number before it."""
    at, word, box = words.at, words.word, words.box
    if kept is not None:
        shown = kept[word]
        at, word, box = at[shown], word[shown], box[shown]
    tall = box[:, 3] - box[:, 1]
    base = box[:, 1] + BASELINE_SHARE * tall
    jump = np.abs(np.diff(tall)) + np.abs(np.diff(base)) > 0.15 * np.maximum(tall[1:], tall[:-1])
    other = word[1:] != word[:-1]
    apart = other | _thin_spaces(codes, at, box, tall)
    heads = np.concatenate(([0], np.flatnonzero(jump | apart) + 1))[: len(at)]
    tails = np.concatenate((heads[1:] - 1, [len(at) - 1]))[: len(at)]
    low, high = np.minimum(box[heads, :2], box[tails, :2]), np.maximum(box[heads, 2:], box[tails, 2:])
    spaced = np.concatenate(([True], apart))[heads]
    start, end = at[heads], words.end[word[heads]]
    end[:-1] = np.where(word[heads[1:]] != word[heads[:-1]], end[:-1], start[1:])
    return Pieces(start, end, np.concatenate((low, high), axis=1), base[heads], tall[heads], spaced)


def _thin_spaces(codes: Codes, at: Ints, box: Floats, tall: Floats) -> Mask:
    """Say before which of the characters `at`, save the first, a thin space parts a letter from a digit: `3 mm`.

    pdfium reports none there. Letters set close to a digit are 0.02 heights away at most, thin spaces are 0.12 wide.
    """
    code = codes[at]
    digit, letter = (code >= 48) & (code < 58), (code | 32 >= 97) & (code | 32 < 123) | (code == 0xB5) | (code == 0x3BC)
    gap = box[1:, 0] - box[:-1, 2]
    return np.asarray(digit[:-1] & letter[1:] & (np.diff(at) == 1) & (gap > THIN_HEIGHTS * tall[1:]))
