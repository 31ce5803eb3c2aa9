"""Exact verification: the Jaccard similarity of two texts' shingle sets, and the clinical guard's word on them.

A signature only proposes. Every proposed pair is measured on the full sets, and every pair above the floor is aligned
and judged by `near_guard`. Both findings are written, the reason of a refusal too, so that whoever doubts can look.
Not here: which pairs (`near_pairs`), and what follows (`near_steps`).
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from pipelines.stages.dedup_near import FLOOR
from pipelines.stages.near_guard import contradiction
from pipelines.stages.near_pairs import Pairs, Ranks
from pipelines.stages.near_signature import jaccard, shingle_sets

VERDICTS = pa.schema(
    [("better", pa.int64()), ("other", pa.int64()), ("jaccard", pa.float64()), ("contradiction", pa.string())]
)
"""Ordinals of two documents, how alike they are, and what kind of thing they contradict each other in ("": nothing)."""


def verify(pairs: Pairs, documents: Ranks, texts: pa.Array) -> pa.Table:
    """Return `VERDICTS` for the pairs that are at least `FLOOR` alike; `documents` are sorted and belong to `texts`."""
    places = np.searchsorted(documents, pairs)
    sets = shingle_sets(texts)
    found = [(row, jaccard(sets[one], sets[other])) for row, (one, other) in enumerate(places.tolist())]
    alike = [(row, value) for row, value in found if value >= FLOOR]
    rows = np.array([row for row, _ in alike], np.int64)
    return pa.table(
        [
            pairs[rows, 0],
            pairs[rows, 1],
            pa.array([value for _, value in alike], pa.float64()),
            pa.array(_judged(texts, places[rows].tolist()), pa.string()),
        ],
        schema=VERDICTS,
    )


def _judged(texts: pa.Array, places: Iterable[tuple[int, int]]) -> list[str]:
    return [contradiction(texts[one].as_py(), texts[other].as_py()) for one, other in places]
