"""A keyed permutation of [0, n): the order of a component's sequences within one epoch, without storing it.

Four Feistel rounds over the next even number of bits, walked until the value falls below n (Black and Rogaway,
"Ciphers with arbitrary finite domains", 2002): any position is computed alone, in O(1) memory, and two epochs or
components have unrelated orders. Good for shuffling, not for secrets.
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.engine.hashing import derive_seed

ROUNDS = 4
Ints = npt.NDArray[np.int64]
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def permutation(positions: Ints, size: int, *key: str | int) -> Ints:
    """Return where the permutation of [0, size) keyed by `key` sends each position. Raises ValueError outside it."""
    if len(positions) and (positions.min() < 0 or positions.max() >= size):
        raise ValueError(f"positions must lie in [0, {size}), got {positions.min()} to {positions.max()}")
    half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    keys = [np.uint64(derive_seed(*key, round_number)) for round_number in range(ROUNDS)]
    return _walked(positions, np.uint64(size), np.uint64(half_bits), np.array(keys))


@compiled
def _walked(positions: Ints, size: np.uint64, half_bits: np.uint64, keys: npt.NDArray[np.uint64]) -> Ints:
    """Walk each position through the cipher until it falls below `size`."""
    found = np.empty(len(positions), np.int64)
    mask = (np.uint64(1) << half_bits) - np.uint64(1)
    for place in range(len(positions)):
        value = np.uint64(positions[place])
        while True:
            left, right = value >> half_bits, value & mask
            for key in keys:
                left, right = right, left ^ (_mixed(right ^ key) & mask)
            value = (left << half_bits) | right
            if value < size:
                break
        found[place] = value
    return found


@compiled
def _mixed(values: np.uint64) -> np.uint64:
    """Scramble 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_A
    values = (values ^ (values >> np.uint64(27))) * _MIX_B
    return values ^ (values >> np.uint64(31))
