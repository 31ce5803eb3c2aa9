"""What a trainer takes for one step on one rank: ids, labels, positions and the bounds of documents.

All follow from `doc_lens`, never from a search for EOS. A document sees itself alone: positions begin anew at each
piece, `cu_seqlens` bounds the pieces (padding is a segment of its own, so every token lies in one), and no label
crosses a border. One pass over the ids in compiled code fills everything. Not here: which rows a rank gets (`feed`).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from mixer.assemble import SequenceBlock

IGNORED = -100
"""The label of a place that is not trained: PyTorch's `ignore_index`."""
Labels = Literal["next", "same"]
"""`next`: the label of a place is the token after it. `same`: it is the token itself, for models that shift by one
inside (those of `transformers`). Either way each token that follows another one of its document is a target once."""
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows [first, first + n) of a mixture, S tokens each.

    `input_ids` and `labels` are (n, S) int64, `positions` (n, S) int32, `cu_seqlens` (pieces + 1,) int32 over the rows
    laid end to end, `source_id` (n,) int16.
    """

    first: int
    input_ids: Longs
    labels: Longs
    positions: npt.NDArray[np.int32]
    cu_seqlens: npt.NDArray[np.int32]
    source_id: npt.NDArray[np.int16]

    @classmethod
    def of(cls, block: SequenceBlock, first: int, labels: Labels) -> "Batch":
        """Return the batch of a block whose first row is row `first` of the mixture."""
        shape = block.input_ids.shape
        ids, targets = np.empty(shape, np.int64), np.empty(shape, np.int64)
        positions = np.empty(shape, np.int32)
        _fill(
            block.input_ids, block.doc_lens, block.offsets, block.pad_len, (ids, targets, positions), labels == "same"
        )
        bounds = np.concatenate([[0], np.cumsum(block.doc_lens)]).astype(np.int32)
        return cls(first, ids, targets, positions, bounds, block.source_id)

    @property
    def max_seqlen(self) -> int:
        """Return the tokens of the longest piece."""
        return int(np.diff(self.cu_seqlens).max(initial=0))

    @property
    def targets(self) -> int:
        """Return how many labels are trained: what a loss over uneven slices is divided by."""
        return int(np.count_nonzero(self.labels != IGNORED))

    def micro(self, rows: int) -> "list[Batch]":
        """Return the batch as batches of at most so many rows, in order; ids are not copied."""
        size = self.input_ids.shape[1]
        parts = []
        for a in range(0, len(self.source_id), rows):
            b = min(a + rows, len(self.source_id))
            low, high = np.searchsorted(self.cu_seqlens, [a * size, b * size])
            bounds = self.cu_seqlens[low : high + 1] - np.int32(a * size)
            cut = slice(a, b)
            columns = self.input_ids[cut], self.labels[cut], self.positions[cut]
            parts.append(Batch(self.first + a, *columns, bounds, self.source_id[cut]))
        return parts


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fill(ids: Any, doc_lens: Any, offsets: Any, pad_len: Any, out: Any, same: bool) -> None:
    """Fill ids, labels and positions, piece by piece."""
    wide, labels, positions = out
    for row in range(ids.shape[0]):
        at = 0
        for piece in range(offsets[row], offsets[row + 1]):
            stop = at + doc_lens[piece]
            padding = stop == ids.shape[1] and pad_len[row] > 0
            for i in range(at, stop):
                wide[row, i] = ids[row, i]
                positions[row, i] = i - at
                if padding:
                    labels[row, i] = IGNORED
                elif same:
                    labels[row, i] = IGNORED if i == at else ids[row, i]
                else:
                    labels[row, i] = IGNORED if i + 1 == stop else ids[row, i + 1]
            at = stop
