"""MinHash signatures of texts in one compiled pass over their bytes: tokens, shingles, minima and bands.

Broder 1997: the share of equal minima of two texts estimates the Jaccard similarity s of their sets of word 5-grams.
`bands` groups of `rows` minima are hashed, and two texts that agree in a band are candidates, which has probability
1 - (1 - s^rows)^bands. The permutations are x -> a x + b mod 2^32 over mixed 64-bit shingle hashes, with constants
drawn once by splitmix64 from a fixed seed, so equal texts have equal signatures on any machine. Not here: which
candidates are alike (`near_verify`).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.compiled import compiled
from pipelines.stages.near_letters import Hashes
from pipelines.stages.near_tokens import Alphabet, Places, Tokens, alphabet, room, tokenize
from pipelines.stages.quality_tokens import Bytes

SHINGLE = 5
"""Tokens in a shingle; a shorter text is one shingle."""
SEED = 0x6D65646D6978
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN, _BASE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_U27, _U30, _U31, _U32 = (np.uint64(bits) for bits in (27, 30, 31, 32))

Minima = npt.NDArray[np.uint32]


class Permutations(NamedTuple):
    """The constants of bands * rows permutations, band by band."""

    factors: Minima
    terms: Minima


@compiled
def mixed(value: np.uint64) -> np.uint64:
    """Return splitmix64's finalizer of a value: every bit of it moves every bit of the result."""
    value = (value ^ (value >> _U30)) * _MIX_1
    value = (value ^ (value >> _U27)) * _MIX_2
    return value ^ (value >> _U31)


@lru_cache(maxsize=8)
def permutations(count: int) -> Permutations:
    """Return `count` permutations; the first of a larger number are those of a smaller one."""
    seeds = (np.arange(1, 2 * count + 1, dtype=np.uint64) * _GOLDEN) + np.uint64(SEED)
    drawn = np.array([mixed(seed) >> _U32 for seed in seeds], dtype=np.uint32)
    return Permutations(drawn[::2] | np.uint32(1), drawn[1::2].copy())


@compiled
def shingle(hashes: Hashes, count: int, out: Hashes) -> int:
    """Write the hash of every run of `SHINGLE` tokens to `out`, and return how many: one for a shorter text."""
    size = min(count, SHINGLE)
    if count == 0:
        return 0
    for first in range(count - size + 1):
        value = _GOLDEN
        for place in range(first, first + size):
            value = (value ^ hashes[place]) * _BASE
        out[first] = mixed(value)
    return count - size + 1


@compiled
def _minima(shingles: Hashes, draws: Permutations, narrow: Minima, out: Minima) -> None:
    for place in range(len(shingles)):
        narrow[place] = shingles[place] >> _U32
    for permutation in range(len(out)):
        factor, term = draws.factors[permutation], draws.terms[permutation]
        least = np.uint32(0xFFFFFFFF)
        for place in range(np.uint64(len(shingles))):  # unsigned, so that the loop becomes one of vectors
            value = np.uint32(np.uint32(factor * narrow[place]) + term)
            least = value if value < least else least
        out[permutation] = least


@compiled
def band_hashes(minima: Minima | Hashes, out: Hashes) -> None:
    """Fill the hash of every band, each from as many minima as the others."""
    rows = len(minima) // len(out)
    for band in range(len(out)):
        value = np.uint64(band) + _GOLDEN
        for row in range(rows):
            value = mixed(value ^ np.uint64(minima[band * rows + row])) + _GOLDEN
        out[band] = value


@compiled
def _sign_rows(
    data: Bytes, offsets: Places, signs: Alphabet, draws: Permutations, found: Tokens, out: npt.NDArray[np.uint64]
) -> Places:
    """Write the bands of every text to `out`, and return how many tokens each has."""
    shingles, narrow = np.empty(len(found.hashes), np.uint64), np.empty(len(found.hashes), np.uint32)
    minima = np.empty(len(draws.factors), np.uint32)
    counts = np.zeros(len(offsets) - 1, np.int64)
    for row in range(len(offsets) - 1):
        counts[row] = tokenize(data[offsets[row] : offsets[row + 1]], signs, found)
        many = shingle(found.hashes, counts[row], shingles)
        if many:
            _minima(shingles[:many], draws, narrow, minima)
            band_hashes(minima, out[row])
    return counts


def texts_of(texts: pa.Array) -> tuple[Bytes, Places]:
    """Return (bytes, offsets) of an Arrow string array without nulls, not copied."""
    texts = texts.cast(pa.large_string())
    _, raw_offsets, raw = texts.buffers()
    offsets = np.frombuffer(raw_offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(raw, np.uint8) if raw is not None and raw.size else np.empty(0, np.uint8), offsets


def sign(texts: pa.Array, bands: int, rows: int) -> tuple[npt.NDArray[np.uint64], Places]:
    """Return the band hashes, shape (texts, bands), and the tokens of each text; one without tokens has no bands."""
    out = np.zeros((len(texts), bands), np.uint64)
    if not len(texts):
        return out, np.empty(0, np.int64)
    data, offsets = texts_of(texts)
    return out, _sign_rows(
        data, offsets, alphabet(), permutations(bands * rows), room(int(np.diff(offsets).max())), out
    )


@compiled
def _shingle_rows(data: Bytes, offsets: Places, signs: Alphabet, found: Tokens, out: Hashes, ends: Places) -> None:
    """Write the shingles of all texts one behind the other, and where those of each end."""
    at = 0
    for row in range(len(offsets) - 1):
        count = tokenize(data[offsets[row] : offsets[row + 1]], signs, found)
        at += shingle(found.hashes, count, out[at:])
        ends[row] = at


def shingle_sets(texts: pa.Array) -> list[Hashes]:
    """Return the sorted set of shingles of each text."""
    data, offsets = texts_of(texts)
    sizes = np.diff(offsets)
    out, ends = np.empty(int(sizes.sum()), np.uint64), np.empty(len(sizes), np.int64)
    _shingle_rows(data, offsets, alphabet(), room(int(sizes.max(initial=0))), out, ends)
    return [_distinct(np.sort(part)) for part in np.split(out, ends)[:-1]]


def _distinct(ordered: Hashes) -> Hashes:
    """Return each of sorted values once; sorting is five times as fast as the hash table of `np.unique`."""
    found: Hashes = ordered[np.append(np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[:-1])]
    return found


@compiled
def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the share of two sorted sets' union that both have; 0 for empty sets."""
    left, right, both = 0, 0, 0
    while left < len(one) and right < len(other):
        if one[left] == other[right]:
            both, left, right = both + 1, left + 1, right + 1
        elif one[left] < other[right]:
            left += 1
        else:
            right += 1
    union = len(one) + len(other) - both
    return both / union if union else 0.0
