"""Short parts of items proposed where they stand whole, and options where all of an item's stand close together.

The options may stand in any order, and a stem of few words counts only with an option after it. Not here: parts that
are long enough to be told by their sequences (`contamination_windows`).
"""

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_found import EXACT, PAIRED, TOGETHER, Found, Text, put
from pipelines.stages.contamination_index import (
    ANCHOR,
    ANSWER_KIND,
    EXACT_WORDS,
    OPTION_KIND,
    PAIR,
    PREFIX_WORDS,
    WHOLE,
    Index,
)
from pipelines.stages.contamination_lookup import extended, find, key_of, may_hold, sequence_key
from pipelines.stages.contamination_words import Places, Words
from pipelines.stages.quality_repeats import Hashes

OPTION_GAP_WORDS = 3
"""Words beside each option that may be no option's: its letter, `and`, `option`."""
PAIR_GAP_WORDS = 3
_LONGEST = EXACT_WORDS.stop - 1


@compiled
def _place_of(hashes: Hashes, key: np.uint64, size: int, near: int, low: int, taken: Places) -> int:
    """Return where `size` words with this key stand from `low` on, within `taken`: the free place next to `near`."""
    high = low + len(taken)
    for away in range(len(taken)):
        for first in (near - away, near + away):
            if first < low or first + size > high or sequence_key(hashes, first, size) != key:
                continue
            if not taken[first - low : first - low + size].any():
                return int(first)
    return -1


@compiled
def _holds(hashes: Hashes, word: np.uint64) -> bool:
    """Say whether a word, the first of a part, is among these: most look no further than this."""
    there = False
    for one in hashes:
        there |= one == word
    return there


@compiled
def _options_around(words: Words, first: int, anchor: int, index: Index) -> tuple[int, int]:
    """Return the first word and the word after the last of an item's options around one of them, (-1, -1) for none."""
    item = index.part_items[anchor]
    total, many = 0, 0
    for part in range(index.item_firsts[item], index.item_firsts[item + 1]):
        if index.part_kinds[part] == OPTION_KIND:
            total += index.part_words[part]
            many += 1
    room = total + many * OPTION_GAP_WORDS
    low, high = max(0, first - room), min(len(words.hashes), first + room + index.part_words[anchor])
    for part in range(index.item_firsts[item], index.item_firsts[item + 1]):
        if (
            index.part_kinds[part] == OPTION_KIND
            and index.part_words[part]
            and not _holds(words.hashes[low:high], index.part_firsts[part])
        ):
            return -1, -1
    taken = np.zeros(high - low, np.int32)
    left, right = high, low
    for part in range(index.item_firsts[item], index.item_firsts[item + 1]):
        size = index.part_words[part]
        if index.part_kinds[part] != OPTION_KIND or size == 0:
            continue
        place = _place_of(words.hashes, index.part_keys[part], size, first, low, taken)
        if place < 0:
            return -1, -1
        taken[place - low : place - low + size] = 1
        left, right = min(left, place), max(right, place + size)
    return (left, right) if right - left <= room else (-1, -1)


@compiled
def _end_of_pair(words: Words, after: int, stem: int, index: Index) -> int:
    """Return the word after an option of the stem's item, or its answer, that begins near word `after`, or -1."""
    item = index.part_items[stem]
    for part in range(index.item_firsts[item], index.item_firsts[item + 1]):
        size = index.part_words[part]
        if size == 0 or (index.part_kinds[part] != OPTION_KIND and index.part_kinds[part] != ANSWER_KIND):
            continue
        for first in range(after, min(after + PAIR_GAP_WORDS + 1, len(words.hashes) - size + 1)):
            if sequence_key(words.hashes, first, size) == index.part_keys[part]:
                return int(first + size)
    return -1


@compiled
def _whole(text: Text, index: Index, first: int, size: int, slot: int, found: Found) -> Found:
    """Propose what the parts of one sequence stand for."""
    words = text.words
    start, end = words.starts[first], words.ends[first + size - 1]
    for posting in range(index.exact.firsts[slot], index.exact.lasts[slot]):
        part, roles = index.exact_parts[posting], index.exact_roles[posting]
        if roles & WHOLE or (roles & PAIR and size == len(words.hashes)):
            found = put(found, text.row, EXACT, part, start, end)
        if roles & PAIR:
            last = _end_of_pair(words, first + size, part, index)
            if last > 0:
                found = put(found, text.row, PAIRED, part, start, words.ends[last - 1])
        if roles & ANCHOR:
            begin, last = _options_around(words, first, part, index)
            if last > 0:
                found = put(found, text.row, TOGETHER, part, words.starts[begin], words.ends[last - 1])
    return found


@compiled
def wholes(text: Text, index: Index, found: Found) -> Found:
    """Propose parts that stand whole: alone, with an option after them, or as one of all options."""
    words = text.words.hashes
    for first in range(len(words)):
        value = np.uint64(0)
        for size in range(1, min(_LONGEST, len(words) - first) + 1):
            value = extended(value, words[first + size - 1])
            if size == PREFIX_WORDS and not may_hold(index.prefixes, key_of(value, size)):
                break
            if not index.lengths[size]:
                continue
            slot = find(index.exact, key_of(value, size))
            if slot >= 0:
                found = _whole(text, index, first, size, slot, found)
    return found
