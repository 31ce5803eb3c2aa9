"""The rows of a virtual mixture: the same sequences as the shards would hold, made from tokens when they are wanted.

A plan and the tokenised components are enough, so an experiment with another ratio writes nothing but its plan. Token
files are mapped, the order and the packing are held in memory (some 20 bytes a sequence and 40 a piece of a document).
Not here: the plan (`mixture`), and writing rows (`materialise`).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixer.assemble import Part, SequenceBlock, TokenShards, assemble
from mixer.counts import Counts, RowCounts
from mixer.pack import Packed
from mixer.target import Target
from pipelines.engine.manifest import Manifest
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, as_buffer

COUNTED_ROWS = 1 << 16


class VirtualRows:
    """A plan over tokens as rows in training order, byte for byte those of `StoredRows`."""

    def __init__(self, storage: Storage, plan: Manifest, tokens: Sequence[FileRef], target: Target) -> None:
        """Map the token files and read the plan. Raises CorruptionError when a file is not what its manifest says."""
        record = plan.shards[0]
        self.plan = plan.digest
        self.facts: dict[str, Any] = dict(record.facts)
        self.sequences: int = record.facts["sequences"]
        self.sequence_tokens: int = record.facts["sequence_tokens"]
        self._storage = storage
        self._record = record
        self._target = target
        self._refs = tuple(tokens)

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is mapped and read behind when a data loader's worker gets a copy."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_tokens", "_order", "_packed", "_counts")}

    @property
    def components(self) -> list[dict[str, Any]]:
        """Return the ledger of each component, by `source_id`."""
        return list(self.facts["components"])

    def block(self, first: int, stop: int) -> SequenceBlock:
        """Return the rows [first, stop), every token copied once."""
        block = self._order.slice(first, stop - first)
        return assemble(parts_of(block, self._packed), self._tokens, self._target)

    def window(self, first: int, stop: int) -> tuple[SequenceBlock, int, int]:
        """Return a block that holds the rows [first, stop), and which of its rows they are."""
        return self.block(first, stop), 0, stop - first

    def counts(self, rows: int) -> Counts:
        """Return what the first `rows` rows hold of each component."""
        blocks, rest = divmod(rows, COUNTED_ROWS)
        return self._counts.upto(blocks, self.block(rows - rest, rows) if rest else None)

    @cached_property
    def _tokens(self) -> TokenShards:
        tables = [pa.ipc.open_stream(as_buffer(self._storage.read(ref))).read_all() for ref in self._refs]
        return TokenShards.of(tables)

    @cached_property
    def _order(self) -> pa.Table:
        return self._table("main").combine_chunks()

    @cached_property
    def _packed(self) -> list[Packed]:
        names = [component["name"] for component in self.facts["components"]]
        return [packed_of(self._table(f"pieces.{name}"), self.sequence_tokens) for name in names]

    @cached_property
    def _counts(self) -> RowCounts:
        return row_counts(self._order, self._packed, self.sequence_tokens)

    def _table(self, role: str) -> pa.Table:
        source = pa.BufferReader(as_buffer(self._storage.read(self._record.files[role])))
        return pq.read_table(source, page_checksum_verification=True)


def row_counts(order: pa.Table, packed: Sequence[Packed], sequence_tokens: int) -> RowCounts:
    """Return the sums over blocks of COUNTED_ROWS rows of a plan's order."""
    component, picked = order["component"].to_numpy(), order["packed"].to_numpy()
    sizes = [one.sequences for one in packed]
    pads = np.concatenate([one.pad_tokens for one in packed] or [np.zeros(0, np.int64)])
    pad = pads[np.cumsum([0, *sizes])[component] + picked]
    size, sequences, padding = len(sizes), [], []
    for first in range(0, len(component), COUNTED_ROWS):
        here = component[first : first + COUNTED_ROWS]
        sequences.append(np.bincount(here, minlength=size))
        padding.append(np.bincount(here, weights=pad[first : first + COUNTED_ROWS], minlength=size).astype(int))
    return RowCounts.of(sequences, padding, size, sequence_tokens)


def parts_of(order: pa.Table, packed: Sequence[Packed]) -> list[Part]:
    """Return a stretch of a plan's order as the rows of each component."""
    component, picked = order["component"].to_numpy(), order["packed"].to_numpy()
    places = [(int(index), np.flatnonzero(component == index)) for index in np.unique(component)]
    return [Part(packed[index], rows, picked[rows], index) for index, rows in places]


def packed_of(pieces: pa.Table, sequence_tokens: int) -> Packed:
    """Return a component's packing from its pieces; documents are numbered over all shards of tokens."""
    sequence = pieces["sequence"].to_numpy()
    count = int(sequence[-1]) + 1 if len(sequence) else 0
    offsets = np.searchsorted(sequence, np.arange(count + 1))
    columns = [pieces[name].to_numpy() for name in ("row", "start", "tokens")]
    marks = [pc.cast(pieces[name], pa.uint8()).to_numpy().astype(np.bool_) for name in ("bos", "eos")]
    return Packed(sequence_tokens, offsets, *columns, *marks)
