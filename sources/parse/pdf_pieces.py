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
Kinds = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

THIN_HEIGHTS = 0.08
BASELINE_SHARE = 0.22
"""Share of a character box that lies under the baseline in ordinary text fonts."""
_INK, _SCRIPTABLE, _DIGIT, _LETTER = 1, 2, 4, 8
_KINDS = np.full(1 << 16, _INK, np.uint8)
"""What a character is, by its code point; those beyond are ink."""
_KINDS[[9, 10, 11, 12, 13, 32, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]] = 0
_KINDS[[*SCRIPTABLE.tolist(), HYPHEN_MARK]] |= _SCRIPTABLE
_KINDS[48:58] |= _DIGIT
_KINDS[[*range(65, 91), *range(97, 123), 0xB5, 0x3BC]] |= _LETTER


@dataclass(slots=True)
class Words:
    """Words of pages: character range and page of each, and the place of its first among the characters that count;
    of these index, kind, word they are in, and box in points from the corner of what is shown of the page."""

    start: Ints
    end: Ints
    page: Ints
    first: Ints
    at: Ints
    kind: Kinds
    word: Ints
    box: Floats
    """Rows left, bottom, right and top."""


@dataclass(slots=True)
class Pieces:
    """Parallel arrays: character range, page, box (rows left, bottom, right and top), baseline and height of each
    stretch of even height and baseline, and whether a space stands before it."""

    start: Ints
    end: Ints
    page: Ints
    box: Floats
    base: Floats
    height: Floats
    spaced: Mask


def find_words(codes: Codes, kinds: Kinds) -> tuple[Ints, Ints]:
    """Return [start, end) of each word: a run without white space, ended also by the mark of a line-end hyphen.

    The marks become hyphens, in place. White space must stand at the end.
    """
    ink = (kinds & _INK).view(np.bool_)
    edge = np.flatnonzero(ink[1:] != ink[:-1]) + 1
    if ink[0]:
        edge = np.concatenate(([0], edge))
    marks = np.flatnonzero(codes == HYPHEN_MARK)
    if not len(marks):
        return edge[::2], edge[1::2]
    codes[marks] = ord("-")
    cuts = marks[ink[marks + 1]] + 1
    starts, ends = np.concatenate((edge[::2], cuts)), np.concatenate((edge[1::2], cuts))
    return np.sort(starts, kind="stable"), np.sort(ends, kind="stable")


def find_words_boxes(text: Text, corners: Floats) -> Words:
    """Return the words with the boxes that layout needs, measured from `corners` (x, y) of what each page shows."""
    kinds = _KINDS.take(text.codes, mode="clip")
    start, end = find_words(text.codes, kinds)
    page, length = np.searchsorted(text.begins, start, "right") - 1, end - start
    if not len(start):
        return Words(start, end, page, start, start, kinds[:0], start, np.zeros((4, 0)))
    _, top, _, bottom = text.box.take(start, 0).T
    _, last_top, _, last_bottom = text.box.take(end - 1, 0).T
    uneven = np.abs(bottom - last_bottom) + np.abs(top - last_top) > 0.08 * np.maximum(top - bottom, 0.1)
    whole = (np.bitwise_or.reduceat(kinds, start) & _SCRIPTABLE > 0) | uneven
    count = np.where(whole, length, np.minimum(length, 2))
    first = np.cumsum(count) - count
    word = np.repeat(np.arange(len(start)), count)
    step = np.where(whole, 1, length - 1)
    at = start[word] + (np.arange(len(word)) - first[word]) * step[word]
    given, corner = text.box.take(at, 0), corners.take(page[word], 0)
    box = np.empty((4, len(at)))
    for side, (row, axis) in zip(box, ((0, 0), (3, 1), (2, 0), (1, 1)), strict=True):
        np.subtract(given[:, row], corner[:, axis], out=side)
    return Words(start, end, page, first, at, kinds[at], word, box)


def spread(starts: Ints, ends: Ints) -> Ints:
    """Return all indices of the ranges [start, end)."""
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())


def find_turned(words: Words, count: int) -> tuple[Mask, list[int]]:
    """Say which words run up or down their page, and the turn (1 up, -1 down) of each page that mostly does."""
    last = np.append(words.first[1:], len(words.at)) - 1
    run, rise = words.box[:2].take(last, 1) - words.box[:2].take(words.first, 1)
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
    left, bottom, right, top = box
    return np.stack((bottom, -right, top, -left) if quarter > 0 else (-top, left, -bottom, right))


def find_pieces(words: Words, kept: Mask | None) -> Pieces:
    """Cut words, all or those `kept`, where height or baseline changes, and a unit from the number before it."""
    at, kind, word, box = words.at, words.kind, words.word, words.box
    if kept is not None:
        shown = np.flatnonzero(kept[word])
        at, kind, word, box = at[shown], kind[shown], word[shown], box.take(shown, 1)
    tall = box[3] - box[1]
    base = box[1] + BASELINE_SHARE * tall
    jump = np.abs(np.diff(tall)) + np.abs(np.diff(base)) > 0.15 * np.maximum(tall[1:], tall[:-1])
    apart = word[1:] != word[:-1]
    apart[_thin_spaces(at, kind, box, tall)] = True
    heads = np.concatenate(([0], np.flatnonzero(jump | apart) + 1))[: len(at)]
    tails = np.concatenate((heads[1:] - 1, [len(at) - 1]))[: len(at)]
    begin, finish = box.take(heads, 1), box.take(tails, 1)
    ends = np.concatenate((np.minimum(begin[:2], finish[:2]), np.maximum(begin[2:], finish[2:])))
    spaced = np.concatenate(([True], apart))[heads]
    start, number = at[heads], word[heads]
    end = words.end[number]
    end[:-1] = np.where(number[1:] != number[:-1], end[:-1], start[1:])
    return Pieces(start, end, words.page[number], ends, base[heads], tall[heads], spaced)


def _thin_spaces(at: Ints, kind: Kinds, box: Floats, tall: Floats) -> Ints:
    """Return which of the characters `at`, less one, begin with a letter behind a digit and a thin space: `3 mm`.

    pdfium reports none there. Letters set close to a digit are 0.02 heights away at most, thin spaces are 0.12 wide.
    """
    near = np.flatnonzero((kind[:-1] & _DIGIT > 0) & (kind[1:] & _LETTER > 0))
    after = near + 1
    gap = box[0, after] - box[2, near]
    thin: Ints = near[(at[after] - at[near] == 1) & (gap > THIN_HEIGHTS * tall[after])]
    return thin


def piece_texts(string: str, codes: Codes, span: tuple[Ints, Ints], spaced: Mask, heads: Ints) -> list[str]:
    """Return the text of each stretch of pieces that begins at one of `heads`; `span` is where pieces start and end.

    It is cut out whole where single spaces part its pieces, else put together.
    """
    start, end = span
    gap = start[1:] - end[:-1]
    plain = np.concatenate(([True], np.where(spaced[1:], (gap == 1) & (codes[end[:-1]] == 32), gap == 0)))
    plain[heads] = True
    whole = np.logical_and.reduceat(plain, heads).tolist()
    ends = np.append(heads[1:], len(start))
    texts = [string[s:e] for s, e in zip(start[heads].tolist(), end[ends - 1].tolist(), strict=True)]
    for n in [n for n, is_whole in enumerate(whole) if not is_whole]:
        first, *more = range(int(heads[n]), int(ends[n]))
        texts[n] = string[start[first] : end[first]] + "".join(
            [" " * bool(spaced[k]) + string[start[k] : end[k]] for k in more]
        )
    return texts
