"""Parts of items proposed by their word sequences: enough of them within a window of about the part's own length.

A long document does not collect them by chance so; a short text is also proposed where enough of its own sequences lie
in one part. Not here: parts that are too short for it (`contamination_wholes`).
"""

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_found import INSIDE, SHARE, Found, Text, larger, put
from pipelines.stages.contamination_index import GRAM_WORDS, Index
from pipelines.stages.contamination_lookup import Lookup, extended, find, key_of
from pipelines.stages.contamination_words import Places
from pipelines.stages.quality_repeats import Hashes

FLOOR = 0.25
"""Least share of sequences that is proposed; the last word is the policy's."""
SHORT_TEXT_WORDS = 32


@compiled
def window_words(plain_words: int) -> int:
    """Return how many words without numbers a copy of a part may spread over."""
    return plain_words + plain_words // 4 + 8


@compiled
def enough(matched: int, grams: int) -> bool:
    """Say whether so many of a part's sequences are worth a comparison."""
    return matched >= min(grams, 2) and matched >= FLOOR * grams


@compiled
def _gram_slot(hashes: Hashes, plain: Places, first: int, grams: Lookup) -> int:
    value = np.uint64(0)
    for at in range(first, first + GRAM_WORDS):
        value = extended(value, hashes[plain[at]])
    return find(grams, key_of(value, GRAM_WORDS))


@compiled
def _add_hits(hits: Found, first: int, parts: Places, places: Places) -> Found:
    """Add (part, place in the text, place in the part) of each posting; the first cell counts them."""
    for posting in range(len(parts)):
        hits[0, 0] += 1
        count = hits[0, 0]
        if count == len(hits):
            hits = larger(hits)
        hits[count, 0], hits[count, 1], hits[count, 2] = parts[posting], first, places[posting]
    return hits


@compiled
def gram_hits(text: Text, index: Index) -> tuple[Found, int]:
    """Return (part, place in the text, place in the part) of each hit, and sequences of the text that count.

    In a long text every other sequence is looked up, and both neighbours of one that is found.
    """
    hits, counted, looked = np.zeros((64, 3), np.int64), 0, -1
    hashes, grams = text.words.hashes, index.grams
    last = len(text.plain) - GRAM_WORDS
    step = 1 if len(text.plain) < SHORT_TEXT_WORDS else 2
    for first in range(0, last + 1, step):
        slot = _gram_slot(hashes, text.plain, first, grams)
        if slot < 0:
            counted += step
            continue
        counted += step * (grams.firsts[slot] < grams.lasts[slot])
        for near in range(max(looked + 1, first - step + 1), min(first + step, last + 1)):
            slot = _gram_slot(hashes, text.plain, near, grams)
            if slot >= 0:
                begin, end = grams.firsts[slot], grams.lasts[slot]
                hits = _add_hits(hits, near, index.gram_parts[begin:end], index.gram_places[begin:end])
            looked = near
    return hits[1 : hits[0, 0] + 1], counted


@compiled
def _best_window(hits: Found, begin: int, end: int, plain_words: int, grams: int) -> tuple[int, int, int]:
    """Return (matched sequences, first hit, last hit) of the fullest window among hits [begin, end) of one part.

    The part has so many words without numbers, and so many sequences that are not boilerplate.
    """
    counts = np.zeros(plain_words, np.int32)
    left, matched, best, best_left, best_right = begin, 0, 0, begin, begin
    width = window_words(plain_words) - GRAM_WORDS
    for right in range(begin, end):
        matched += counts[hits[right, 2]] == 0
        counts[hits[right, 2]] += 1
        while hits[right, 1] - hits[left, 1] > width or counts[hits[left, 2]] > 1:
            counts[hits[left, 2]] -= 1
            matched -= counts[hits[left, 2]] == 0
            left += 1
        if matched > best:
            best, best_left, best_right = matched, left, right
        elif best and hits[left, 1] > hits[best_right, 1] and enough(best, grams):
            break
    return best, best_left, best_right


@compiled
def part_windows(hits: Found, text: Text, index: Index, found: Found) -> Found:
    """Propose every window that holds enough of a part; `hits` are sorted by part and place."""
    begin = 0
    while begin < len(hits):
        part, end = hits[begin, 0], begin
        while end < len(hits) and hits[end, 0] == part:
            end += 1
        grams = index.part_grams[part]
        while end - begin >= min(grams, 2):
            matched, first, last = _best_window(hits, begin, end, index.part_plain[part], grams)
            if not enough(matched, grams):
                break
            start = text.words.starts[text.plain[hits[first, 1]]]
            stop = text.words.ends[text.plain[hits[last, 1] + GRAM_WORDS - 1]]
            found = put(found, text.row, SHARE, part, start, stop)
            begin = last + 1
        begin = end
    return found


@compiled
def inside_parts(hits: Found, text: Text, index: Index, counted: int, found: Found) -> Found:
    """Propose the parts that hold enough of a whole short text."""
    begin = 0
    while begin < len(hits):
        part, end, matched = hits[begin, 0], begin, 0
        while end < len(hits) and hits[end, 0] == part:
            matched += end == begin or hits[end, 1] != hits[end - 1, 1]
            end += 1
        if matched >= 2 and 2 * matched >= counted and index.part_plain[part] >= len(text.plain):
            stop = text.words.ends[len(text.words.ends) - 1]
            found = put(found, text.row, INSIDE, part, text.words.starts[0], stop)
        begin = end
    return found


@compiled
def sorted_hits(hits: Found) -> Found:
    """Return hits by part and then by place in the text."""
    order = np.argsort((hits[:, 0] << 32) + hits[:, 1], kind="mergesort")
    return hits[order]
