"""One compiled pass over texts: where an item of the reference index may stand.

A part is proposed where enough of its word sequences lie within a window of about its own length, so that a long
document does not collect them by chance; a short text also where enough of its own sequences lie in one part; whole
short parts where they stand; options where all of an item's stand close together in any order. Whatever is proposed
is compared as text afterwards (`contamination_evidence`), so a collision of hashes costs time and never a document.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.stages.compiled import compiled
from pipelines.stages.contamination_index import (
    ANCHOR,
    ANSWER_KIND,
    EXACT_WORDS,
    GRAM_WORDS,
    LEAST_PLAIN_WORDS,
    OPTION_KIND,
    PAIR,
    PREFIX_WORDS,
    WHOLE,
    Index,
)
from pipelines.stages.contamination_lookup import extended, find, key_of, may_hold, sequence_key
from pipelines.stages.contamination_words import Folding, Offsets, Places, Words, folding, split_words
from pipelines.stages.quality_tokens import Bytes

SHARE, INSIDE, EXACT, TOGETHER, PAIRED = range(5)
"""Part in a window of the text, text in the part, whole part, options as a set, stem with an option after it."""
ROW, RULE, PART, START, END = range(5)
"""Columns of what `propose` returns; start and end are bytes of the row's text."""
FLOOR = 0.25
"""Least share of sequences that is proposed; the last word is the policy's."""
OPTION_GAP_WORDS = 3
"""Words beside each option that may be no option's: its letter, `and`, `option`."""
PAIR_GAP_WORDS = 3
SHORT_TEXT_WORDS = 32
_LONGEST = EXACT_WORDS.stop - 1

Found = npt.NDArray[np.int64]


class Text(NamedTuple):
    """The words of one row, and the numbers of those words that are no numbers."""

    row: int
    words: Words
    plain: Places


@compiled
def _put(found: Found, row: int, rule: int, part: int, start: int, end: int) -> Found:
    """Write one proposal, into a larger array when it is full; returns the array, whose first cell counts them."""
    found[0, 0] += 1
    count = found[0, 0]
    if count == len(found):
        larger = np.empty((2 * count + 16, 5), np.int64)
        larger[:count] = found
        found = larger
    found[count, 0], found[count, 1], found[count, 2], found[count, 3], found[count, 4] = row, rule, part, start, end
    return found


@compiled
def window_words(plain_words: int) -> int:
    """Return how many words without numbers a copy of a part may spread over."""
    return plain_words + plain_words // 4 + 8


@compiled
def enough(matched: int, grams: int) -> bool:
    """Say whether so many of a part's sequences are worth a comparison."""
    return matched >= min(grams, 2) and matched >= FLOOR * grams


@compiled
def _gram_slot(words: Words, plain: Places, first: int, index: Index) -> int:
    value = np.uint64(0)
    for at in range(first, first + GRAM_WORDS):
        value = extended(value, words.hashes[plain[at]])
    return find(index.grams, key_of(value, GRAM_WORDS))


@compiled
def _add_hits(hits: Found, slot: int, first: int, index: Index) -> Found:
    """Add (part, place in the text, place in the part) of each posting; the first cell counts them."""
    for posting in range(index.grams.firsts[slot], index.grams.lasts[slot]):
        hits[0, 0] += 1
        count = hits[0, 0]
        if count == len(hits):
            larger = np.empty((2 * count, 3), np.int64)
            larger[:count] = hits
            hits = larger
        hits[count, 0], hits[count, 1], hits[count, 2] = index.gram_parts[posting], first, index.gram_places[posting]
    return hits


@compiled
def _gram_hits(text: Text, index: Index) -> tuple[Found, int]:
    """Return (part, place in the text, place in the part) of each hit, and sequences of the text that count.

    In a long text every other sequence is looked up, and both neighbours of one that is found.
    """
    hits, counted, looked = np.zeros((64, 3), np.int64), 0, -1
    last = len(text.plain) - GRAM_WORDS
    step = 1 if len(text.plain) < SHORT_TEXT_WORDS else 2
    for first in range(0, last + 1, step):
        slot = _gram_slot(text.words, text.plain, first, index)
        if slot < 0:
            counted += step
            continue
        counted += step * (index.grams.firsts[slot] < index.grams.lasts[slot])
        for near in range(max(looked + 1, first - step + 1), min(first + step, last + 1)):
            slot = _gram_slot(text.words, text.plain, near, index)
            if slot >= 0:
                hits = _add_hits(hits, slot, near, index)
            looked = near
    return hits[1 : hits[0, 0] + 1], counted


@compiled
def _best_window(hits: Found, begin: int, end: int, part: int, index: Index) -> tuple[int, int, int]:
    """Return (matched sequences, first hit, last hit) of the fullest window among hits [begin, end) of one part."""
    counts = np.zeros(index.part_plain[part], np.int32)
    left, matched, best, best_left, best_right = begin, 0, 0, begin, begin
    width = window_words(index.part_plain[part]) - GRAM_WORDS
    for right in range(begin, end):
        matched += counts[hits[right, 2]] == 0
        counts[hits[right, 2]] += 1
        while hits[right, 1] - hits[left, 1] > width or counts[hits[left, 2]] > 1:
            counts[hits[left, 2]] -= 1
            matched -= counts[hits[left, 2]] == 0
            left += 1
        if matched > best:
            best, best_left, best_right = matched, left, right
        elif best and hits[left, 1] > hits[best_right, 1] and enough(best, index.part_grams[part]):
            break
    return best, best_left, best_right


@compiled
def _part_windows(hits: Found, text: Text, index: Index, found: Found) -> Found:
    """Propose every window that holds enough of a part; `hits` are sorted by part and place."""
    begin = 0
    while begin < len(hits):
        part, end = hits[begin, 0], begin
        while end < len(hits) and hits[end, 0] == part:
            end += 1
        while end - begin >= min(index.part_grams[part], 2):
            matched, first, last = _best_window(hits, begin, end, part, index)
            if not enough(matched, index.part_grams[part]):
                break
            start = text.words.starts[text.plain[hits[first, 1]]]
            stop = text.words.ends[text.plain[hits[last, 1] + GRAM_WORDS - 1]]
            found = _put(found, text.row, SHARE, part, start, stop)
            begin = last + 1
        begin = end
    return found


@compiled
def _inside_parts(hits: Found, text: Text, index: Index, counted: int, found: Found) -> Found:
    """Propose the parts that hold enough of a whole short text."""
    begin = 0
    while begin < len(hits):
        part, end, matched = hits[begin, 0], begin, 0
        while end < len(hits) and hits[end, 0] == part:
            matched += end == begin or hits[end, 1] != hits[end - 1, 1]
            end += 1
        if matched >= 2 and 2 * matched >= counted and index.part_plain[part] >= len(text.plain):
            stop = text.words.ends[len(text.words.ends) - 1]
            found = _put(found, text.row, INSIDE, part, text.words.starts[0], stop)
        begin = end
    return found


@compiled
def _place_of(words: Words, part: int, index: Index, near: int, low: int, taken: Places) -> int:
    """Return where a part stands whole in the words from `low` that `taken` covers: the free place next to `near`."""
    size, high = index.part_words[part], low + len(taken)
    for away in range(len(taken)):
        for first in (near - away, near + away):
            if first < low or first + size > high or words.hashes[first] != index.part_firsts[part]:
                continue
            if taken[first - low : first - low + size].any():
                continue
            if sequence_key(words.hashes, first, size) == index.part_keys[part]:
                return int(first)
    return -1


@compiled
def _begins(words: Words, part: int, index: Index, low: int, high: int) -> bool:
    """Say whether the first word of a part is among words [low, high): most look no further than this."""
    there = False
    for at in range(low, high):
        there |= words.hashes[at] == index.part_firsts[part]
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
            and not _begins(words, part, index, low, high)
        ):
            return -1, -1
    taken = np.zeros(high - low, np.int32)
    left, right = high, low
    for part in range(index.item_firsts[item], index.item_firsts[item + 1]):
        size = index.part_words[part]
        if index.part_kinds[part] != OPTION_KIND or size == 0:
            continue
        place = _place_of(words, part, index, first, low, taken)
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
            found = _put(found, text.row, EXACT, part, start, end)
        if roles & PAIR:
            last = _end_of_pair(words, first + size, part, index)
            if last > 0:
                found = _put(found, text.row, PAIRED, part, start, words.ends[last - 1])
        if roles & ANCHOR:
            begin, last = _options_around(words, first, part, index)
            if last > 0:
                found = _put(found, text.row, TOGETHER, part, words.starts[begin], words.ends[last - 1])
    return found


@compiled
def _wholes(text: Text, index: Index, found: Found) -> Found:
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


@compiled
def _sorted_hits(hits: Found) -> Found:
    order = np.argsort((hits[:, 0] << 32) + hits[:, 1], kind="mergesort")
    return hits[order]


@compiled
def _plain(words: Words) -> Places:
    plain, many = np.empty(len(words.numbers), np.int32), 0
    for at in range(len(words.numbers)):
        plain[many] = at
        many += words.numbers[at] == 0
    return plain[:many]


@compiled
def _scan(data: Bytes, offsets: Offsets, tables: Folding, index: Index) -> Found:
    found = np.zeros((64, 5), np.int64)
    for row in range(len(offsets) - 1):
        words = split_words(data[offsets[row] : offsets[row + 1]], tables)
        text = Text(row, words, _plain(words))
        found = _wholes(text, index, found)
        hits, counted = _gram_hits(text, index)
        if len(hits):
            hits = _sorted_hits(hits)
            found = _part_windows(hits, text, index, found)
            if len(text.plain) >= LEAST_PLAIN_WORDS:
                found = _inside_parts(hits, text, index, counted, found)
    return found[1 : found[0, 0] + 1]


def propose(texts: pa.Array, index: Index) -> Found:
    """Return what may stand in an Arrow string array: `ROW, RULE, PART, START, END`, in row order."""
    texts = texts.cast(pa.large_string())
    _, raw_offsets, raw = texts.buffers()
    offsets = np.frombuffer(raw_offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(raw, dtype=np.uint8) if raw is not None and raw.size else np.empty(0, dtype=np.uint8)
    if not len(texts):
        return np.empty((0, 5), np.int64)
    return _scan(data, offsets, folding(), index)
