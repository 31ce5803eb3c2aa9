"""How much of a text repeats: items and n-grams that came before, counted by their hashes in compiled code.

Follows Rae et al. 2021 (Gopher), table A1: characters in repeated items, in the commonest n-gram, and in n-grams
that came before (each character once). An n-gram that occurs once is no repetition, also in a text of two words.
Hashes are 64 bits wide; a text would need billions of words for a chance collision. Not here: what an item is.
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled

Hashes = npt.NDArray[np.uint64]
Lengths = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@compiled
def slot_of(keys: Hashes, key: np.uint64) -> int:
    """Return the slot of `key` (never 0) in an open hash table, or the free slot where it belongs."""
    mask = np.uint64(len(keys) - 1)
    at = (key * _GOLDEN) >> np.uint64(20) & mask
    while keys[at] != _ZERO and keys[at] != key:
        at = (at + _ONE) & mask
    return int(at)


@compiled
def table_size(items: int) -> int:
    """Return the size of an open hash table for `items` keys: a power of two, at most half full."""
    size = 16
    while size < 2 * items:
        size *= 2
    return size


@compiled
def duplicates(hashes: Hashes, lengths: Lengths) -> tuple[int, int]:
    """Return (how many items came before, their characters)."""
    keys = np.zeros(table_size(len(hashes)), dtype=np.uint64)
    count, chars = 0, 0
    for item in range(len(hashes)):
        key = hashes[item] | _ONE
        slot = slot_of(keys, key)
        if keys[slot] == key:
            count += 1
            chars += lengths[item]
        keys[slot] = key
    return count, chars


@compiled
def top_gram(grams: Hashes, ends: Lengths, n: int, keys: Hashes, counts: Places, firsts: Places) -> int:
    """Return the characters (a space between words) of the commonest n-gram times its count; 0 when none repeats."""
    keys[:] = 0
    best, best_first = 1, -1
    for first in range(len(grams)):
        key = grams[first] | _ONE
        slot = slot_of(keys, key)
        if keys[slot] == _ZERO:
            keys[slot], counts[slot], firsts[slot] = key, 0, first
        counts[slot] += 1
        found = counts[slot]
        if found > best or (found == best and best_first > firsts[slot]):
            best, best_first = found, firsts[slot]
    if best_first < 0:
        return 0
    return int(best * (ends[best_first + n] - ends[best_first] + n - 1))


@compiled
def duplicate_grams(grams: Hashes, ends: Lengths, n: int, keys: Hashes) -> int:
    """Return the characters in n-grams that came before, none counted twice."""
    keys[:] = 0
    chars, first = 0, 0
    while first < len(grams):
        key = grams[first] | _ONE
        slot = slot_of(keys, key)
        if keys[slot] == key:
            chars += ends[first + n] - ends[first]
            first += n
        else:
            keys[slot] = key
            first += 1
    return chars
