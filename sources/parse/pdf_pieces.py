"""Characters of PDF pages -> pieces: stretches of a word whose height and baseline stay the same.

Layout needs the box of the first and the last character of each word, and of all characters of words that can hold a
raised or lowered one. It is worked out for several pages at once; no word and no piece reaches over two of them.
Words end at white space and at the mark that pdfium sets for a hyphen at a line's end.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sources.parse.pdf_page import HYPHEN_MARK, Text
from sources.parse.pdf_text import SCRIPTABLE

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


@dataclass(slots=True)
class Words:
    """Words of pages: character range and page of each; and the characters that count: index, word it is in, box in
    points from the corner of what is shown of its page."""

    start: Ints
    end: Ints
    page: Ints
    at: Ints
    word: Ints
    box: Floats


@dataclass(slots=True)
class Pieces:
    """Parallel arrays: character range, page, box, baseline and height of each stretch of even height and baseline."""

    start: Ints
    end: Ints
    page: Ints
    box: Floats
    base: Floats
    height: Floats
    spaced: Mask


def find_words(codes: Codes) -> tuple[Ints, Ints]:
    """Return [start, end) of each word: a run without white space, ended also by the mark of a line-end hyphen."""
    ink = np.concatenate(([False], ~_IS_SPACE[codes & 0xFFFF], [False]))
    edge = np.flatnonzero(ink[1:] != ink[:-1])
    cuts = np.flatnonzero(codes == HYPHEN_MARK) + 1
    cuts = cuts[ink[np.minimum(cuts + 1, len(ink) - 1)]]
    codes[codes == HYPHEN_MARK] = ord("-")
    return np.sort(np.concatenate((edge[::2], cuts))), np.sort(np.concatenate((edge[1::2], cuts)))


def find_words_boxes(text: Text, corners: Floats) -> Words:
    """Return the words with the boxes that layout needs, measured from `corners` (x, y) of what each page shows."""
    codes, box = text.codes, text.box
    starts, ends = find_words(codes)
    pages = np.searchsorted(text.begins, starts, "right") - 1
    if not len(starts):
        return Words(starts, ends, pages, starts, starts, np.zeros((0, 4)))
    mixed = np.add.reduceat(_IS_SCRIPTABLE[codes & 0xFFFF], starts, dtype=np.int64) > 0
    first, last = box[starts], box[ends - 1]
    tall = np.maximum(first[:, 1] - first[:, 3], 0.1)
    uneven = np.abs(first[:, 3] - last[:, 3]) + np.abs(first[:, 1] - last[:, 1]) > 0.08 * tall
    whole = mixed | uneven & (ends - starts > 2)
    wanted = np.zeros(len(codes), bool)
    wanted[starts] = wanted[ends - 1] = True
    wanted[_spread(starts[whole], ends[whole])] = True
    at = np.flatnonzero(wanted)
    word = np.searchsorted(starts, at, "right") - 1
    upright = box[at][:, [0, 3, 2, 1]].astype(np.float64) - corners[pages[word]][:, [0, 1, 0, 1]]
    return Words(starts, ends, pages, at, word, upright)


def _spread(starts: Ints, ends: Ints) -> Ints:
    """Return all indices of the ranges [start, end)."""
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())


def find_turned(words: Words, count: int) -> tuple[Mask, list[int]]:
    """Say which words run up or down their page, and the turn (1 up, -1 down) of each page that mostly does."""
    new = words.word[1:] != words.word[:-1]
    first = words.box[np.concatenate(([True], new))]
    last = words.box[np.concatenate((new, [True]))]
    rise, run = last[:, 1] - first[:, 1], last[:, 0] - first[:, 0]
    long = words.end - words.start > 2
    turned = long & (np.abs(rise) > 2 * np.abs(run)) & (np.abs(rise) > 2)
    turns = [0] * count
    if turned.any():
        many, of = (np.bincount(words.page[which], minlength=count) for which in (turned, long))
        for number in np.flatnonzero((many > 3) & (2 * many > of)).tolist():
            turns[number] = 1 if np.median(rise[turned & (words.page == number)]) > 0 else -1
    return turned, turns


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
    box = np.concatenate((low, high), axis=1)
    return Pieces(start, end, words.page[word[heads]], box, base[heads], tall[heads], spaced)


def _thin_spaces(codes: Codes, at: Ints, box: Floats, tall: Floats) -> Mask:
    """Say before which of the characters `at`, save the first, a thin space parts a letter from a digit: `3 mm`.

    pdfium reports none there. Letters set close to a digit are 0.02 heights away at most, thin spaces are 0.12 wide.
    """
    code = codes[at]
    digit, letter = (code >= 48) & (code < 58), (code | 32 >= 97) & (code | 32 < 123) | (code == 0xB5) | (code == 0x3BC)
    gap = box[1:, 0] - box[:-1, 2]
    return np.asarray(digit[:-1] & letter[1:] & (np.diff(at) == 1) & (gap > THIN_HEIGHTS * tall[1:]))
