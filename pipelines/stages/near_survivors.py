"""Who stays among verified near duplicates: nobody goes through a chain, and no clinical twin behind a gap.

Union-find would put A, B and C together when A is like B and B like C, and remove C for A, with which it was never
compared. Here a document goes only for one that it was verified against and that stays. And a document that contradicts
another (a clinical twin) does not go for one that both are like: that one merely leaves the contradictory sentence out.
Arrays alone, so that memory is a few bytes a pair. Not here: verifying.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.near_pairs import Pairs, Ranks


class Neighbours(NamedTuple):
    """Those that each rank r is in a pair with: `others[starts[r] : starts[r + 1]]`, sorted."""

    starts: Ranks
    others: Ranks


@compiled
def _has(starts: Ranks, others: Ranks, one: int, other: int) -> bool:
    low, high = starts[one], starts[one + 1]
    while low < high:
        middle = (low + high) // 2
        if others[middle] < other:
            low = middle + 1
        else:
            high = middle
    return bool(low < starts[one + 1] and others[low] == other)


@compiled
def _choose(pairs: Pairs, fixed: npt.NDArray[np.bool_], same: Neighbours, against: Neighbours, survivor: Ranks) -> None:
    """Fill `survivor`, for pairs sorted by the worse document and then the better."""
    for at in range(len(pairs)):
        better, other = pairs[at, 0], pairs[at, 1]
        if survivor[other] >= 0 or survivor[better] >= 0 or fixed[other]:
            continue
        stands = True
        for place in range(against.starts[other], against.starts[other + 1]):
            stands = stands and not _has(same.starts, same.others, better, against.others[place])
        if stands:
            survivor[other] = better


def _neighbours(pairs: Pairs, size: int) -> Neighbours:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    return Neighbours(np.searchsorted(both[:, 0], np.arange(size + 1)), np.ascontiguousarray(both[:, 1]))


def survivors(pairs: Pairs, contradictions: Pairs, fixed: npt.NDArray[np.bool_]) -> Ranks:
    """Return for each rank that of the document that replaces it, -1 for one that stays.

    `pairs` are ranks (better, other) of verified near duplicates, `contradictions` ranks of documents that contradict
    each other; `fixed` documents are never replaced. Each document goes to the best that may stand for it.
    """
    survivor, size = np.full(len(fixed), -1, np.int64), len(fixed)
    ordered = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]
    _choose(ordered, fixed, _neighbours(pairs, size), _neighbours(contradictions, size), survivor)
    return survivor
