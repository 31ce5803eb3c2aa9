"""From band hashes to pairs of documents that may be near duplicates, each pair once and the better document first.

Documents with one band hash are a bucket. In a bucket of up to `FULL` documents every pair is a candidate, so there
nothing is missed. A larger one (a template with thousands of children) would be quadratic: there each document is
paired with the `LEADERS` best documents of the bucket, one of which stays whatever happens, and with its `NEIGHBOURS`
when the bucket is sorted by all bands, where the most alike stand side by side. What can be missed is a pair whose
every common bucket is large, which has no leader in it, and are nowhere neighbours: both then stay, none is lost
wrongly. Not here: whether a pair is alike (`near_verify`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.near_letters import Hashes

FULL, LEADERS, NEIGHBOURS = 48, 16, 8

Ranks = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]
"""Shape (n, 2): ordinals of the better document and of the other."""
MAX_PARTS = 256


def parts_for(amount: int, amount_a_part: int) -> int:
    """Return a power of two of parts, so that each has about `amount_a_part`."""
    parts = 1
    while parts < MAX_PARTS and amount > parts * amount_a_part:
        parts *= 2
    return parts


def entries(bands: Hashes, documents: Ranks, part: int, parts: int) -> tuple[Hashes, Ranks]:
    """Return the (band hash, document) of those bands, shape (documents, bands), that fall in one part of all hashes.

    `parts` is a power of two; parts are ranges of hashes, so that all of a bucket are in one.
    """
    shift = np.uint64(64 - (parts.bit_length() - 1))
    here = np.full(bands.shape, parts == 1) if parts == 1 else (bands >> shift) == np.uint64(part)
    return bands[here], np.broadcast_to(documents[:, None], bands.shape)[here]


def buckets(hashes: Hashes, documents: Ranks) -> list[Ranks]:
    """Return the documents of every bucket of two or more, each sorted."""
    if not len(hashes):
        return []
    order = np.lexsort((documents, hashes))
    hashes, documents = hashes[order], documents[order]
    starts = (
        np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])) if len(hashes) else np.empty(0, np.int64)
    )
    ends = np.append(starts[1:], len(hashes))
    return [documents[start:end] for start, end in zip(starts, ends, strict=True) if end - start > 1]


@compiled
def _all_pairs(members: Ranks, sizes: Ranks, out: Pairs) -> None:
    """Write every pair within each bucket; buckets stand one behind the other in `members`."""
    begin, count = 0, 0
    for size in sizes:
        for first in range(begin, begin + size):
            for second in range(first + 1, begin + size):
                out[count, 0], out[count, 1] = members[first], members[second]
                count += 1
        begin += size


def full_pairs(small: list[Ranks]) -> Pairs:
    """Return every pair within buckets."""
    if not small:
        return np.empty((0, 2), np.int64)
    sizes = np.array([len(bucket) for bucket in small], np.int64)
    out = np.empty((int((sizes * (sizes - 1) // 2).sum()), 2), np.int64)
    _all_pairs(np.concatenate(small), sizes, out)
    return out


def large_pairs(members: Ranks, ranks: Ranks, bands: Hashes) -> Pairs:
    """Return the pairs of one large bucket: `ranks` and `bands` are those of `members`."""
    best = members[np.argsort(ranks, kind="stable")[:LEADERS]]
    led = np.stack([np.repeat(best, len(members)), np.tile(members, len(best))], axis=1)
    alike = members[np.lexsort((ranks, *bands.T[::-1]))]
    near = [np.stack([alike[:-step], alike[step:]], axis=1) for step in range(1, min(NEIGHBOURS, len(alike) - 1) + 1)]
    return np.concatenate([led[led[:, 0] != led[:, 1]], *near])


def oriented(pairs: Pairs, documents: Ranks, ranks: Ranks) -> Pairs:
    """Return each pair once, the better first, sorted; `ranks` are those of `documents`, which are sorted."""
    if not len(pairs):
        return pairs
    first, second = ranks[np.searchsorted(documents, pairs[:, 0])], ranks[np.searchsorted(documents, pairs[:, 1])]
    swapped = np.where((first > second)[:, None], pairs[:, ::-1], pairs)
    return np.unique(swapped, axis=0)
