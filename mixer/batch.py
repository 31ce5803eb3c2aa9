"""What a trainer takes for one step on one rank: ids, labels, positions and the bounds of documents.

All follow from `doc_lens`, never from a search for EOS. A document sees itself alone: positions begin anew at each
piece, `cu_seqlens` bounds the pieces (padding is a segment of its own, so every token lies in one), and no label
crosses a border. Each is made when it is asked for, in one pass over the mapped ids: a trainer with attention of
variable length takes bounds and no positions, an evaluation takes ids alone. Not here: which rows a rank gets (`feed`).
"""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from mixer.assemble import SequenceBlock
from pipelines.engine.compiled import compiled

IGNORED = -100
"""The label of a place that is not trained: PyTorch's `ignore_index`."""
Labels = Literal["next", "same"]
"""`next`: the label of a place is the token after it. `same`: it is the token itself, for models that shift by one
inside (those of `transformers`). Either way each token that follows another one of its document is a target once."""
Longs = npt.NDArray[np.int64]
Value = TypeVar("Value")


class Once(Generic[Value]):
    """An attribute made when it is first asked for: `functools.cached_property` without the lock that it takes before
    Python 3.12, which costs more than all else that Python does for a batch."""

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> Value:
        """Make the value and leave it in the owner, where Python finds it from then on."""
        value = owner.__dict__[self._make.__name__] = self._make(owner)
        return value


class Batch:
    """The rows [first, first + n) of a mixture, S tokens each; `kind` says what labels are.

    They are the rows [low, high) of `block`, by default all of them; nothing is cut out before it is asked for.
    """

    def __init__(self, block: SequenceBlock, first: int, kind: Labels, rows: tuple[int, int] | None = None) -> None:
        self._block = block
        self.first = first
        self.kind = kind
        self._low, self._high = rows or (0, len(block.pad_len))

    def __len__(self) -> int:
        """Return how many rows the batch has."""
        return self._high - self._low

    @Once
    def input_ids(self) -> Longs:
        """Return the ids, (n, S) int64."""
        ids = self._block.input_ids[self._low : self._high]
        wide = np.empty(ids.shape, np.int64)
        _copy(wide, ids)
        return wide

    @Once
    def labels(self) -> Longs:
        """Return the labels, (n, S) int64, `IGNORED` where a document ends (begins, for `same`), in
        padding, and where the token named is masked."""
        block = self._block
        ids = block.input_ids[self._low : self._high]
        labels = np.empty(ids.shape, np.int64)
        stretches = block.offsets, block.doc_lens, block.pad_len, block.ends, block.masked
        _label(labels, ids, self._low, stretches, self.kind == "next")
        return labels

    @Once
    def positions(self) -> npt.NDArray[np.int32]:
        """Return the place of each token in its piece, (n, S) int32."""
        return _positions(self._doc_lens, len(self), self._block.input_ids.shape[1])  # type: ignore[no-any-return]

    @Once
    def cu_seqlens(self) -> npt.NDArray[np.int32]:
        """Return where pieces begin and end in the rows laid end to end, (pieces + 1,) int32."""
        bounds = np.zeros(len(self._doc_lens) + 1, np.int32)
        self._doc_lens.cumsum(out=bounds[1:])
        return bounds

    @Once
    def _doc_lens(self) -> npt.NDArray[np.int32]:
        offsets = self._block.offsets
        return self._block.doc_lens[offsets[self._low] : offsets[self._high]]

    @property
    def source_id(self) -> npt.NDArray[np.int16]:
        """Return the component of each row, (n,) int16."""
        return self._block.source_id[self._low : self._high]

    @property
    def max_seqlen(self) -> int:
        """Return the tokens of the longest piece."""
        return int(self._doc_lens.max(initial=0))

    @property
    def targets(self) -> int:
        """Return how many labels are trained: what a loss over uneven slices is divided by."""
        return int(np.count_nonzero(self.labels != IGNORED))

    def micro(self, rows: int) -> "list[Batch]":
        """Return the batch as batches of at most so many rows, in order."""
        lows = range(self._low, self._high, rows)
        return [
            Batch(self._block, self.first + low - self._low, self.kind, (low, min(low + rows, self._high)))
            for low in lows
        ]


@compiled
def _copy(to: Any, ids: Any) -> None:
    """Widen ids: a plain loop, of which the compiler makes vectors. Arrays that machine code makes cost more to return
    than numpy's to fill."""
    for row in range(len(ids)):
        _copy_row(to[row], ids[row])


@compiled
def _copy_row(to: Any, source: Any) -> None:
    for place in range(len(source)):
        to[place] = source[place]


@compiled
def _label(labels: Any, ids: Any, low: int, stretches: Any, ahead: bool) -> None:
    """Fill labels row by row: the ids, moved by one for `ahead`, then what is ignored; `ids` begins at row `low`."""
    offsets, doc_lens, pad_len, ends, masked = stretches
    rows, size = ids.shape
    for row in range(rows):
        _copy_row(labels[row], ids[row, 1:] if ahead else ids[row])
        place = 0
        for piece in range(offsets[low + row], offsets[low + row + 1]):
            begin, place = place, place + doc_lens[piece]
            labels[row, place - 1 if ahead else begin] = IGNORED
        labels[row, size - pad_len[low + row] :] = IGNORED
        for span in range(ends[low + row], ends[low + row + 1]):
            labels[row, max(masked[span, 0] - ahead, 0) : max(masked[span, 1] - ahead, 0)] = IGNORED


@compiled
def _positions(doc_lens: Any, rows: int, size: int) -> Any:
    positions = np.empty((rows, size), np.int32)
    flat, at = positions.reshape(-1), 0
    for length in doc_lens:
        piece = flat[at : at + length]
        for place in range(len(piece)):
            piece[place] = place
        at += length
    return positions
