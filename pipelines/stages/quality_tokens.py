"""Split UTF-8 bytes into tokens in compiled code: the word splitter of the quality statistics.

A word is a run of letters, marks and numbers (0.5, 140/90 and 5-10 are one word); a letter of a script without
spaces is a word of its own; any other visible character is a token by itself, and so is
a row of the same one (...). Words are never copied: a token is its hash and what was seen in it. Needs valid UTF-8,
which Arrow guarantees. Not here: statistics (`quality_scan`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import LATIN, MARK, SPACE, SPLIT, VOWEL, WORD
from pipelines.stages.quality_repeats import Hashes, Lengths

Bytes = npt.NDArray[np.uint8]
Table = npt.NDArray[np.uint16]

CHARS, BITS, LETTERS, VOWELS, CODE = range(5)
"""Columns of `seen`: characters, class bits of them all, Latin letters, Latin vowels, the last code point."""
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
def _inside_number(data: Bytes, at: int) -> bool:
    """Say whether the byte at `at` is one of . , - / : between two ASCII digits."""
    if at == 0 or at + 1 >= len(data) or not (44 <= data[at] <= 47 or data[at] == 58):
        return False
    return bool(48 <= data[at - 1] <= 57 and 48 <= data[at + 1] <= 57)


@compiled
def split_tokens(data: Bytes, table: Table, hashes: Hashes, lowered: Hashes, seen: Lengths) -> int:
    """Split `data` into tokens and return how many.

    Fills the hash of each token, its hash in ASCII lower case, and its row of `seen`.
    """
    count, at, last, open_word, split_word, symbol = 0, 0, 0, False, False, -1
    while at < len(data):
        code, size = decode(data, at)
        bits = int(table[code]) if code < len(table) else 0
        if bits & SPACE:
            open_word, symbol = False, -1
            at += size
            continue
        part = bits & WORD or (open_word and _inside_number(data, at))
        joins = part and open_word and not bits & SPLIT and (not split_word or bits & MARK)
        if not joins and (part or code != symbol):
            last = count
            count += 1
            hashes[last], lowered[last], seen[last] = FNV_START, FNV_START, 0
            open_word, split_word = bits & WORD != 0, bits & SPLIT != 0
        symbol = -1 if part else code
        for byte in data[at : at + size]:
            lower = byte + 32 if 65 <= byte <= 90 else byte
            hashes[last] = (hashes[last] ^ np.uint64(byte)) * FNV_PRIME
            lowered[last] = (lowered[last] ^ np.uint64(lower)) * FNV_PRIME
        seen[last, CHARS] += 1
        seen[last, BITS] |= bits
        seen[last, LETTERS] += bits & LATIN != 0
        seen[last, VOWELS] += bits & VOWEL != 0
        seen[last, CODE] = code
        at += size
    return count
