"""Group the differences of two texts by the sentences that they touch, and say which groups need judgement at all.

Most differences between near duplicates are plain words within a sentence that is otherwise the same, which the guard
passes whatever stands around them. They are seen here, in compiled code; a word that is not surely plain, a sentence of
which nothing is left, or one of which more than half differs is handed to the guard. Not here: judgement
(`near_guard`).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.near_letters import DIGITS, Hashes
from pipelines.stages.near_stretches import is_border
from pipelines.stages.near_tokens import SIGN, STARTS, Flags, Places, Tokens
from pipelines.stages.near_words import PLAIN
from pipelines.stages.quality_chars import word_hash
from pipelines.stages.quality_tokens import Bytes

SAME_SENTENCE = 0.5
"""Share of differing tokens up to which a sentence counts as the same one."""


class Text(NamedTuple):
    """A text's bytes and tokens, the segment (sentence or line, counted from 1) of each token, where each begins."""

    data: Bytes
    hashes: Hashes
    spans: Places
    flags: Flags
    segments: Places
    begins: Places


class _Marks(NamedTuple):
    """Of each segment of a text: the last region that touched it, and how many of its tokens differ there."""

    region: Places
    tokens: Places


def segmented(data: bytes, tokens: Tokens) -> Text:
    """Return a text with its segments; `begins` ends with the number of tokens."""
    starts = tokens.flags & STARTS > 0
    begins = np.append(np.flatnonzero(starts), len(starts))
    return Text(np.frombuffer(data, np.uint8), *tokens, np.cumsum(starts), begins)


@lru_cache(maxsize=1)
def plain_hashes() -> Hashes:
    """Return the hashes of the plain words in ASCII letters, sorted; others are left to the guard."""
    return np.array(sorted(word_hash(word) for word in PLAIN if word.isascii() and word.isalpha()), np.uint64)


@compiled
def _is_plain(text: Text, place: int, plain: Hashes) -> bool:
    """Say whether a token is surely a plain word: ASCII letters alone, and no single capital (vitamin A)."""
    begin, end, flags = text.spans[place, 0], text.spans[place, 1], text.flags[place]
    if flags & (DIGITS | SIGN) or (end - begin == 1 and text.data[begin] < 97 and not flags & STARTS):
        return False
    for byte in text.data[begin:end]:
        if not 97 <= byte | 32 <= 122:
            return False
    at = np.searchsorted(plain, text.hashes[place])
    return bool(at < len(plain) and plain[at] == text.hashes[place])


@compiled
def touched(text: Text, begin: int, end: int) -> tuple[int, int]:
    """Return [first, end) of the segments that a stretch lies in; of an empty one the segment that it parts, if any."""
    if begin < end:
        return text.segments[begin], text.segments[end - 1] + 1
    if 0 < begin < len(text.segments) and not is_border(text.flags, begin):
        return text.segments[begin], text.segments[begin] + 1
    return 0, 0


@compiled
def _meets(text: Text, begin: int, end: int, marks: Places, region: int) -> bool:
    first, last = touched(text, begin, end)
    meets = False
    for segment in range(first, last):
        meets = meets or marks[segment, 0] == region
    return meets


@compiled
def _mark(text: Text, begin: int, end: int, marks: Places, region: int) -> int:
    """Mark the segments that a stretch touches, and return the tokens of those that were not marked before.

    `marks` tells of each segment the last region that touched it, and how many of its tokens differ there.
    """
    first, last = touched(text, begin, end)
    size = 0
    for segment in range(first, last):
        if marks[segment, 0] != region:
            marks[segment, 0], marks[segment, 1] = region, 0
            size += text.begins[segment] - text.begins[segment - 1]
    for place in range(begin, end):
        marks[text.segments[place], 1] += 1
    return size


@compiled
def _is_left(text: Text, begin: int, end: int, marks: Places, plain: Hashes) -> bool:
    """Say whether a stretch is plain words, and something is left of each segment that it lies in."""
    for place in range(begin, end):
        segment = text.segments[place]
        is_gone = marks[segment, 1] >= text.begins[segment] - text.begins[segment - 1]
        if is_gone or not _is_plain(text, place, plain):
            return False
    return True


@compiled
def _is_new(run: Places, mine: int, theirs: int) -> bool:
    """Say whether more than half of the segments that a run touches, `mine` and `theirs` tokens, differs."""
    one, other = 0, 0
    for row in range(len(run)):
        one += run[row, 1] - run[row, 0]
        other += run[row, 3] - run[row, 2]
    has_grown = mine and theirs and not (one and other)  # one sentence is the other with something more in it
    return not has_grown and one + other > SAME_SENTENCE * (mine + theirs)


@compiled
def _are_left(run: Places, one: Text, other: Text, mine: Places, theirs: Places, plain: Hashes) -> bool:
    for row in range(len(run)):
        if not _is_left(one, run[row, 0], run[row, 1], mine, plain):
            return False
        if not _is_left(other, run[row, 2], run[row, 3], theirs, plain):
            return False
    return True


@compiled
def regions(stretches: Places, one: Text, other: Text, plain: Hashes) -> Places:
    """Return [first, end) of the runs of stretches that touch the same segments on either side and must be judged."""
    found = np.empty((len(stretches), 2), np.int64)
    if not len(stretches):
        return found
    mine, theirs = np.full((len(one.begins), 2), -1), np.full((len(other.begins), 2), -1)
    count, first, size, other_size = 0, 0, 0, 0
    for place in range(len(stretches) + 1):
        is_end = place == len(stretches)
        row = stretches[place - is_end]
        is_same = not is_end and (
            _meets(one, row[0], row[1], mine, first) or _meets(other, row[2], row[3], theirs, first)
        )
        if place and not is_same:
            run = stretches[first:place]
            if _is_new(run, size, other_size) or not _are_left(run, one, other, mine, theirs, plain):
                found[count, 0], found[count, 1] = first, place
                count += 1
            first, size, other_size = place, 0, 0
        if not is_end:
            size += _mark(one, row[0], row[1], mine, first)
            other_size += _mark(other, row[2], row[3], theirs, first)
    return found[:count]
