"""What a trainer takes for one step on one rank: ids, labels, positions and the bounds of documents.

All follow from `doc_lens`, never from a search for EOS. A document sees itself alone: positions begin anew at each
piece, `cu_seqlens` bounds the pieces (padding is a segment of its own, so every token lies in one), and no label
crosses a border. Each is made when it is asked for, in one pass over the mapped ids: a trainer with attention of
variable length takes bounds and no positions, an evaluation takes ids alone. Not here: which rows a rank gets (`feed`).
"""

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from mixer.assemble import SequenceBlock

IGNORED = -100
"""The label of a place that is not trained: PyTorch's `ignore_index`."""
Labels = Literal["next", "same"]
"""`next`: the label of a place is the token after it. `same`: it is the token itself, for models that shift by one
inside (those of `transformers`). Either way each token that follows another one of its document is a target once."""
Longs = npt.NDArray[np.int64]


class Batch:
    """The rows [first, first + n) of a mixture, S tokens each; `kind` says what labels are."""

    def __init__(self, block: SequenceBlock, first: int, kind: Labels) -> None:
        self.block = block
        self.first = first
        self.kind = kind

    def __len__(self) -> int:
        """Return how many rows the batch has."""
        return len(self.block.pad_len)

    @cached_property
    def input_ids(self) -> Longs:
        """Return the ids, (n, S) int64."""
        return self.block.input_ids.astype(np.int64)

    @cached_property
    def labels(self) -> Longs:
        """Return the labels, (n, S) int64, `IGNORED` where a document ends (begins, for `same`), in
        padding, and where the token named is masked."""
        ids, bounds = self.block.input_ids, self.cu_seqlens
        labels = np.empty(ids.shape, np.int64)
        flat = labels.reshape(-1)
        if self.kind == "next":
            flat[:-1] = ids.reshape(-1)[1:]
            flat[bounds[1:] - 1] = IGNORED
        else:
            flat[:] = ids.reshape(-1)
            flat[bounds[:-1]] = IGNORED
        for row in np.flatnonzero(self.block.pad_len):
            labels[row, ids.shape[1] - self.block.pad_len[row] :] = IGNORED
        if len(self.block.masked):
            flat[self._masked_labels()] = IGNORED
        return labels

    def _masked_labels(self) -> npt.NDArray[np.bool_]:
        """Say of each label whether the token that it names is no target, over the rows laid end to end."""
        row = np.repeat(np.arange(len(self)), np.diff(self.block.ends))
        spans = self.block.masked + (row * self.block.input_ids.shape[1])[:, None]
        edges = np.zeros(self.block.input_ids.size + 1, np.int8)
        np.add.at(edges, spans[:, 0], 1)
        np.add.at(edges, spans[:, 1], -1)
        masked: npt.NDArray[np.bool_] = edges.cumsum()[:-1] > 0
        return masked if self.kind == "same" else np.append(masked[1:], False)

    @cached_property
    def positions(self) -> npt.NDArray[np.int32]:
        """Return the place of each token in its piece, (n, S) int32."""
        starts = np.repeat(self.cu_seqlens[:-1], self.block.doc_lens)
        positions = np.arange(self.block.input_ids.size, dtype=np.int32)
        positions -= starts
        return positions.reshape(self.block.input_ids.shape)

    @cached_property
    def cu_seqlens(self) -> npt.NDArray[np.int32]:
        """Return where pieces begin and end in the rows laid end to end, (pieces + 1,) int32."""
        bounds = np.zeros(len(self.block.doc_lens) + 1, np.int32)
        self.block.doc_lens.cumsum(out=bounds[1:])
        return bounds

    @property
    def source_id(self) -> npt.NDArray[np.int16]:
        """Return the component of each row, (n,) int16."""
        return self.block.source_id

    @property
    def max_seqlen(self) -> int:
        """Return the tokens of the longest piece."""
        return int(self.block.doc_lens.max(initial=0))

    @property
    def targets(self) -> int:
        """Return how many labels are trained: what a loss over uneven slices is divided by."""
        return int(np.count_nonzero(self.labels != IGNORED))

    def micro(self, rows: int) -> "list[Batch]":
        """Return the batch as batches of at most so many rows, in order."""
        stops = [min(at + rows, len(self)) for at in range(0, len(self), rows)]
        return [
            Batch(self.block.rows(at, stop), self.first + at, self.kind)
            for at, stop in zip([0, *stops], stops, strict=False)
        ]
