"""Read the tokens of UTF-8 bytes in compiled code: the words of the quality statistics.

They are never copied: a token is its hash and what was seen in it. Needs valid UTF-8, which Arrow guarantees.
Not here: where they begin (`quality_words`), statistics (`quality_scan`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import LATIN, SPACE, VOWEL
from pipelines.stages.quality_repeats import Hashes, Lengths

Bytes = npt.NDArray[np.uint8]
Table = npt.NDArray[np.uint16]
Begins = npt.NDArray[np.bool_]

CHARS, BITS, LETTERS, VOWELS = range(4)
"""Columns of `seen`: characters, class bits of them all, Latin letters, Latin vowels."""
FNV_START = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)


@compiled
def decode(data: Bytes, at: int) -> tuple[int, int]:
    """Return (code point, bytes) of the character at `at`."""
    first = data[at]
    if first < 0x80:
        return int(first), 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (data[at + 1] & 0x3F), 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((data[at + 1] & 0x3F) << 6) | (data[at + 2] & 0x3F), 3
    high = ((first & 0x07) << 18) | ((data[at + 1] & 0x3F) << 12)
    return high | ((data[at + 2] & 0x3F) << 6) | (data[at + 3] & 0x3F), 4


@compiled
def read_tokens(data: Bytes, begins: Begins, table: Table, hashes: Hashes, lowered: Hashes, seen: Lengths) -> int:
    """Read the tokens of `data`, which begin where `begins` says and end at white space, and return how many.

    Fills the hash of each token, its hash in ASCII lower case, and its row of `seen`.
    """
    count, at, last = 0, 0, 0
    while at < len(data):
        code, size = decode(data, at)
        bits = int(table[code]) if code < len(table) else 0
        if bits & SPACE:
            at += size
            continue
        if begins[at]:
            last = count
            count += 1
            hashes[last], lowered[last], seen[last] = FNV_START, FNV_START, 0
        for byte in data[at : at + size]:
            lower = byte + 32 if 65 <= byte <= 90 else byte
            hashes[last] = (hashes[last] ^ np.uint64(byte)) * FNV_PRIME
            lowered[last] = (lowered[last] ^ np.uint64(lower)) * FNV_PRIME
        seen[last, CHARS] += 1
        seen[last, BITS] |= bits
        seen[last, LETTERS] += bits & LATIN != 0
        seen[last, VOWELS] += bits & VOWEL != 0
        at += size
    return count
