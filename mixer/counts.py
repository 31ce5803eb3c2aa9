"""How much of each component the first n rows of a mixture hold, without reading them.

Sums over whole blocks of rows are kept, so the counts at any row are a look-up and a count over at most one block. The
feed tells by it what a run has seen of each source, on every rank alike and without asking the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mixer.assemble import SequenceBlock

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Sequences and trained tokens (padding left out) of each component, by `source_id`."""

    sequences: Ints
    tokens: Ints


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Sums over the first so many blocks: `sequences[b]` and `padding[b]` hold one number a component."""

    sequences: Ints
    padding: Ints
    sequence_tokens: int

    @classmethod
    def of(
        cls, sequences: Sequence[Any] | pa.ChunkedArray, padding: Any, components: int, sequence_tokens: int
    ) -> "RowCounts":
        """Sum up lists by block, each as long as the last component that its block has."""
        return cls(_summed(sequences, components), _summed(padding, components), sequence_tokens)

    def upto(self, blocks: int, rest: SequenceBlock | None) -> Counts:
        """Return the counts of the first `blocks` blocks and of the rows of `rest`."""
        sequences, padding = self.sequences[blocks], self.padding[blocks]
        if rest is not None:
            size = len(sequences)
            sequences = sequences + np.bincount(rest.source_id, minlength=size)
            padding = padding + np.bincount(rest.source_id, weights=rest.pad_len, minlength=size).astype(np.int64)
        return Counts(sequences, sequences * self.sequence_tokens - padding)


def _summed(lists: Any, components: int) -> Ints:
    counts = np.zeros((len(lists) + 1, components), np.int64)
    array = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else pa.array(lists, pa.list_(pa.int64()))
    lengths = np.diff(array.offsets.to_numpy())
    row = np.repeat(np.arange(1, len(array) + 1), lengths)
    column = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    counts[row, column] = array.flatten().to_numpy()
    return counts.cumsum(axis=0)
