"""Hash tables of word sequences, as flat arrays that workers map: sequence -> the parts of items that hold it.

A sequence's key is a polynomial of its words' hashes, mixed with its length; a filter of one bit a key answers most
questions without a look at the table. Keys go in by size, so the arrays depend on the set alone. A collision only
proposes a comparison (`contamination_evidence` reads the words). Not here: which sequences are looked for.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_words import Flags, Places, mixed
from pipelines.stages.quality_repeats import Hashes, slot_of, table_size

_BASE = np.uint64(0x9FB21C651E98DF25)
_LENGTH = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)
BITS_A_KEY, FEW_KEYS = 8, 1 << 16
"""Twice as many bits for few keys: their filter still fits a cache."""


class Lookup(NamedTuple):
    """`filter` has a bit a key; postings [firsts, lasts) of the key in the same slot; equal ends are boilerplate."""

    filter: Hashes
    keys: Hashes
    firsts: Places
    lasts: Places


@compiled
def extended(value: np.uint64, word: np.uint64) -> np.uint64:
    """Return the polynomial of a sequence with one more word; that of no words is 0."""
    return value * _BASE + word


@compiled
def key_of(value: np.uint64, words: int) -> np.uint64:
    """Return the key of a sequence of so many words from its polynomial; never 0."""
    return mixed(value + np.uint64(words) * _LENGTH) | _ONE


@compiled
def sequence_key(hashes: Hashes, first: int, words: int) -> np.uint64:
    """Return the key of `words` words from `first`."""
    value = np.uint64(0)
    for at in range(first, first + words):
        value = extended(value, hashes[at])
    return key_of(value, words)


@compiled
def may_hold(bits: Hashes, key: np.uint64) -> bool:
    """Say whether a filter's bit for a key is set."""
    bit = (key >> np.uint64(7)) & np.uint64(len(bits) * 64 - 1)
    return bool((bits[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & _ONE)


@compiled
def find(lookup: Lookup, key: np.uint64) -> int:
    """Return the slot of a key, -1 when it is not there."""
    if not may_hold(lookup.filter, key):
        return -1
    slot = np.int64(slot_of(lookup.keys, key))  # without a sign numba would make the result a float
    return int(slot) if lookup.keys[slot] == key else -1


@compiled
def _insert(lookup: Lookup, keys: Hashes, firsts: Places, lasts: Places) -> None:
    for at in range(len(keys)):
        slot = slot_of(lookup.keys, keys[at])
        lookup.keys[slot], lookup.firsts[slot], lookup.lasts[slot] = keys[at], firsts[at], lasts[at]


@compiled
def _set_bits(bits: Hashes, keys: Hashes) -> None:
    for key in keys:
        bit = (key >> np.uint64(7)) & np.uint64(len(bits) * 64 - 1)
        bits[bit >> np.uint64(6)] |= _ONE << (bit & np.uint64(63))


def filter_of(keys: Hashes) -> Hashes:
    """Return a filter of distinct keys, `BITS_A_KEY` or more bits for each."""
    wanted = len(keys) * BITS_A_KEY * (2 if len(keys) <= FEW_KEYS else 1)
    bits = np.zeros(max(table_size(wanted // 2) // 64, 1), np.uint64)
    _set_bits(bits, keys)
    return bits


def lookup_of(keys: Hashes, firsts: Places, lasts: Places) -> Lookup:
    """Return the table of distinct keys in rising order, with the range of postings of each."""
    size = table_size(len(keys))
    empty = np.zeros(size, np.uint64), np.zeros(size, np.int32), np.zeros(size, np.int32)
    lookup = Lookup(filter_of(keys), *empty)
    _insert(lookup, keys, firsts, lasts)
    return lookup


def grouped(keys: Hashes, order: npt.NDArray[np.int64], set_aside: Flags) -> tuple[Hashes, Places, Places]:
    """Return distinct keys and their ranges in `keys[order]` (sorted); keys set aside get an empty range."""
    ranked = keys[order]
    new = np.concatenate(([True], ranked[1:] != ranked[:-1])) if len(ranked) else np.zeros(0, bool)
    firsts = np.flatnonzero(new)
    lasts = np.append(firsts[1:], len(ranked))
    return ranked[firsts], firsts.astype(np.int32), np.where(set_aside[order][firsts], firsts, lasts).astype(np.int32)
