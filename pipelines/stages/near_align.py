"""Align the tokens of two near duplicates, in compiled code: which token of one stands for which of the other.

Runs of `SHINGLE` tokens that occur once in each text are anchors; the longest chain of anchors in the order of both
texts is kept (patience diff, as in Bram Cohen's), and what lies between is aligned by longest common subsequence where
that is affordable. A stretch that is too long for that is left unaligned, so it counts as different, never as equal.
Not here: what a difference means (`near_guard`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.near_letters import Hashes
from pipelines.stages.near_signature import SHINGLE, shingle
from pipelines.stages.near_tokens import Places
from pipelines.stages.quality_repeats import table_size

MAX_CELLS = 1 << 22
"""Largest product of two lengths that is aligned token by token."""
Partners = npt.NDArray[np.int64]


@compiled
def _slot(slots: Places, shingles: Hashes, value: np.uint64) -> np.int64:
    """Return the slot of a shingle in an open table of places in `shingles`, -1 where a slot is free."""
    slot = np.int64(value & np.uint64(len(slots) - 1))
    while slots[slot] >= 0 and shingles[slots[slot]] != value:
        slot = (slot + 1) & (len(slots) - 1)
    return slot


@compiled
def _anchors(one: Hashes, other: Hashes) -> Places:
    """Return (place in one, place in other) of shingles that occur once in each, ordered by the first."""
    mine, theirs = np.empty(len(one), np.uint64), np.empty(len(other), np.uint64)
    size, other_size = shingle(one, len(one), mine), shingle(other, len(other), theirs)
    slots, anchors = np.full(table_size(size), -1), np.empty((size, 2), np.int64)
    counts = np.zeros((size, 2), np.int64)  # how often the shingle that is first seen there occurs in each text
    for place in range(size):
        slot = _slot(slots, mine, mine[place])
        if slots[slot] < 0:
            slots[slot] = place
        counts[slots[slot], 0] += 1
    for place in range(other_size):
        first = slots[_slot(slots, mine, theirs[place])]
        if first >= 0:
            counts[first, 1] += 1
            anchors[first, 0], anchors[first, 1] = first, place
    count = 0
    for place in range(size):
        if counts[place, 0] == 1 and counts[place, 1] == 1:
            anchors[count, 0], anchors[count, 1] = anchors[place, 0], anchors[place, 1]
            count += 1
    return anchors[:count]


@compiled
def _chain(places: Places) -> Places:
    """Return the items of the longest increasing subsequence of `places`, in order."""
    tails, ends = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
    before = np.full(len(places), -1, np.int64)
    length = 0
    for item in range(len(places)):
        at, end = 0, length
        while at < end:
            middle = (at + end) // 2
            at, end = (middle + 1, end) if tails[middle] < places[item] else (at, middle)
        before[item] = ends[at - 1] if at else -1
        tails[at], ends[at] = places[item], item
        length = max(length, at + 1)
    chain = np.empty(length, np.int64)
    item = ends[length - 1] if length else -1
    for at in range(length - 1, -1, -1):
        chain[at] = item
        item = before[item]
    return chain


@compiled
def _fill(one: Hashes, other: Hashes, partners: Partners, first: int, second: int) -> None:
    """Align two short stretches, which begin at `first` and `second`, by longest common subsequence."""
    begin, ends = 0, (len(one), len(other))
    while begin < min(ends) and one[begin] == other[begin]:
        partners[first + begin] = second + begin
        begin += 1
    back = 0
    while back < min(ends) - begin and one[ends[0] - 1 - back] == other[ends[1] - 1 - back]:
        partners[first + ends[0] - 1 - back] = second + ends[1] - 1 - back
        back += 1
    rows, columns = ends[0] - back - begin, ends[1] - back - begin
    if rows == 0 or columns == 0 or rows * columns > MAX_CELLS:
        return
    longest = np.zeros((rows + 1, columns + 1), np.int32)
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            if one[begin + row] == other[begin + column]:
                longest[row, column] = longest[row + 1, column + 1] + 1
            else:
                longest[row, column] = max(longest[row + 1, column], longest[row, column + 1])
    row, column = 0, 0
    while row < rows and column < columns:
        if one[begin + row] == other[begin + column]:
            partners[first + begin + row] = second + begin + column
            row, column = row + 1, column + 1
        elif longest[row + 1, column] >= longest[row, column + 1]:
            row += 1
        else:
            column += 1


@compiled
def _pin(anchors: Places, chain: Places, partners: Partners) -> None:
    """Pair the tokens of the anchors in the chain."""
    last_first, last_second = -1, -1
    for item in chain:
        for place in range(SHINGLE):
            first, second = anchors[item, 0] + place, anchors[item, 1] + place
            if first > last_first and second > last_second and first < len(partners):
                partners[first] = second
                last_first, last_second = first, second


@compiled
def _between(one: Hashes, other: Hashes, partners: Partners) -> None:
    """Align what lies between tokens that have partners."""
    first, second = 0, 0
    for place in range(len(one) + 1):
        end = place == len(one)
        if not end and partners[place] < 0:
            continue
        partner = len(other) if end else partners[place]
        if first < place and second < partner:
            _fill(one[first:place], other[second:partner], partners, first, second)
        first, second = place + 1, partner + 1


def align(one: Hashes, other: Hashes) -> Partners:
    """Return for each token of `one` its partner's place in `other`, -1 for none; partners keep the order."""
    partners = np.full(len(one), -1, np.int64)
    if len(one) >= SHINGLE and len(other) >= SHINGLE:
        anchors = _anchors(one, other)
        _pin(anchors, _chain(np.ascontiguousarray(anchors[:, 1])), partners)
    _between(one, other, partners)
    return partners


@compiled
def differences(partners: Partners, size: int) -> Places:
    """Return the stretches without partners as rows (begin, end in one, begin, end in the other of `size` tokens)."""
    found = np.empty((len(partners) + 1, 4), np.int64)
    count, first, second = 0, 0, 0
    for place in range(len(partners) + 1):
        end = place == len(partners)
        if not end and partners[place] < 0:
            continue
        partner = size if end else partners[place]
        if first < place or second < partner:
            found[count, 0], found[count, 1], found[count, 2], found[count, 3] = first, place, second, partner
            count += 1
        first, second = place + 1, partner + 1
    return found[:count]
