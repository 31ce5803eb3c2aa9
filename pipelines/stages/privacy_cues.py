"""The table of all cue words, by which the scan hears them: a tree over bytes, and the three bytes that begin them.

Case of ASCII letters does not matter, that of others does. A word may be a stem, which others go on from. Not here:
which words there are (`privacy_kinds`, `privacy_names`), and what must follow them (`privacy_scan`).
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

STEM = "*"
"""At the end of a cue word that may be the beginning of a longer one."""
ENDS = 1 << 31
FOLDED_BITS = 5

Ints = npt.NDArray[np.int64]
States = npt.NDArray[np.uint32]
Signs = npt.NDArray[np.uint8]


class Cues(NamedTuple):
    """The tree: next state by state and class of byte, class by byte; by state bits and bytes.

    The table is flat and its states are where their rows begin, 0 where no word goes on; one that ends a word has
    `ENDS` set. `folded` makes `FOLDED_BITS` bits of each byte, `begins` tells of three such whether a word may begin
    so. `least` has rows (bits, digits that must stand in a row near their cues).
    """

    steps: States
    classes: States
    bits: Ints
    sizes: Ints
    folded: Signs
    begins: Signs
    least: Ints


def build_cues(words: Mapping[str, int], least: Mapping[int, int]) -> Cues:
    """Return the table for cue words and their bits, and bits and their digits; the size of a stem is negative."""
    folded: dict[bytes, tuple[int, int]] = {}
    for word, bit in words.items():
        key = word.removesuffix(STEM).encode().lower()  # bytes know the case of ASCII alone
        sign = -1 if word.endswith(STEM) or key[-1] >= 128 else 1
        known, size = folded.get(key, (0, len(key)))
        folded[key] = (known | bit, min(size, sign * len(key)))
    letters = sorted({byte for key in folded for byte in key})
    classes = np.zeros(256, np.uint32)
    for number, byte in enumerate(letters, 1):
        classes[byte] = classes[ord(chr(byte).upper()) if byte < 128 else byte] = number
    tree, ends = _tree(folded, classes)
    width = len(letters) + 1
    steps = np.zeros((len(tree), width), np.uint32)
    for state, nexts in enumerate(tree):
        for symbol, child in nexts.items():
            steps[state, symbol] = child * width | (ENDS if ends[child][0] else 0)
    bits, sizes = (np.array(column, np.int64) for column in zip(*ends, strict=True))
    least_rows = np.array(sorted(least.items()), np.int64).reshape(-1, 2)
    return Cues(steps.ravel(), classes, bits, sizes, *_begins(folded), least_rows)


def _tree(
    folded: Mapping[bytes, tuple[int, int]], classes: States
) -> tuple[list[dict[int, int]], list[tuple[int, int]]]:
    """Return the children of every state by class, and the bits and size of the word that ends there."""
    tree: list[dict[int, int]] = [{}]
    ends = [(0, 0)]
    for key, end in folded.items():
        state = 0
        for byte in key:
            state = tree[state].setdefault(int(classes[byte]), len(tree))
            if state == len(tree):
                tree.append({})
                ends.append((0, 0))
        ends[state] = end
    return tree, ends


def _begins(words: Collection[bytes]) -> tuple[Signs, Signs]:
    """Return (what each byte is folded to, which three folded bytes begin a word); letters are kept apart."""
    size, letters = 1 << FOLDED_BITS, b"abcdefghijklmnopqrstuvwxyz"
    folded = np.zeros(256, np.uint8)
    others = sorted({byte for word in words for byte in word[:3]} - set(letters))
    folded[others] = len(letters) + 1 + np.arange(len(others)) % (size - len(letters) - 1)
    folded[list(letters)] = folded[list(letters.upper())] = np.arange(1, len(letters) + 1)
    begins = np.zeros((size, size, size), np.uint8)
    for word in words:
        begin: list[int | slice] = [int(folded[byte]) for byte in word[:3]]
        begins[tuple(begin + [slice(None)] * (3 - len(begin)))] = 1
    return folded, begins.ravel()
