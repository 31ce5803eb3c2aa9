"""Token ids into sequences: the one copy between mapped token shards and the rows of a training shard.

A packing says which stretch of which document stands where; here the stretches are copied with their marks, and the
rest of each row is filled with the pad id. The rows of a block may come from several components in any order, which
is what a schedule asks for. Not here: writing blocks (`shards`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mixer.pack import Ints, Packed
from mixer.target import Target
from pipelines.engine.compiled import compiled

Ids = npt.NDArray[np.uint16 | np.uint32]


@dataclass(frozen=True, slots=True)
class TokenShards:
    """Token ids of all documents, as shards: `values[k]` with `offsets[k]`, documents numbered through the shards.

    The documents of shard k are those from `firsts[k]` on; `firsts` ends with the number of all documents. Document d
    of them all has the spans `masked[span_ends[d]:span_ends[d + 1]]`, (start, stop) of tokens that are no targets.
    """

    values: tuple[Ids, ...]
    offsets: tuple[Ints, ...]
    firsts: Ints
    masked: Ints
    span_ends: Ints

    @classmethod
    def of(cls, tables: Sequence[pa.Table]) -> "TokenShards":
        """Return the shards as `mixer.tokenize` wrote them, without a copy of the ids of single-chunk tables."""
        arrays = [chunk for table in tables for chunk in table["ids"].chunks]
        values = tuple(array.values.to_numpy() for array in arrays)
        offsets = tuple(array.offsets.to_numpy().astype(np.int64) for array in arrays)
        lists = [chunk for table in tables for chunk in table["masked"].chunks]
        edges = np.concatenate([np.zeros(0, np.int64), *(chunk.flatten().to_numpy() for chunk in lists)])
        counts = np.concatenate([np.zeros(1, np.int64), *(pc.list_value_length(chunk).to_numpy() for chunk in lists)])
        firsts = np.cumsum([0, *(len(one) - 1 for one in offsets)])
        return cls(values, offsets, firsts, edges.reshape(-1, 2), np.cumsum(counts) // 2)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a block that come from one component: row `rows[i]` is packed sequence `picked[i]`.

    The documents of `packed` are numbered as in `TokenShards`.
    """

    packed: Packed
    rows: Ints
    picked: Ints
    source_id: int


@dataclass(frozen=True, slots=True)
class SequenceBlock:
    """Some sequences: `input_ids` (n, S); row r has `doc_lens[offsets[r]:offsets[r+1]]`, its padding and component.

    `masked[ends[r]:ends[r+1]]` are its spans (start, stop) of places whose tokens are no targets, in order.
    """

    input_ids: Ids
    doc_lens: npt.NDArray[np.int32]
    offsets: Ints
    pad_len: npt.NDArray[np.int32]
    source_id: npt.NDArray[np.int16]
    masked: npt.NDArray[np.int32]
    ends: Ints

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> "SequenceBlock":
        """Return a record batch of `sequence_schema` as views of its columns."""
        ids, lens = batch["input_ids"], batch["doc_lens"]
        size = ids.type.list_size
        values = ids.values.to_numpy().reshape(-1, size)[ids.offset : ids.offset + len(ids)]
        offsets = lens.offsets.to_numpy().astype(np.int64)
        doc_lens = lens.values.to_numpy()[offsets[0] : offsets[-1]]
        spans = batch["masked"]
        ends = spans.offsets.to_numpy().astype(np.int64)
        masked = spans.values.to_numpy()[ends[0] : ends[-1]].reshape(-1, 2)
        told = batch["pad_len"].to_numpy(), batch["source_id"].to_numpy()
        return cls(values, doc_lens, offsets - offsets[0], *told, masked, (ends - ends[0]) // 2)

    @classmethod
    def joined(cls, blocks: Sequence["SequenceBlock"]) -> "SequenceBlock":
        """Return the rows of several blocks in order, copied."""
        return cls(
            np.concatenate([block.input_ids for block in blocks]),
            np.concatenate([block.doc_lens for block in blocks]),
            _end_to_end([block.offsets for block in blocks]),
            np.concatenate([block.pad_len for block in blocks]),
            np.concatenate([block.source_id for block in blocks]),
            np.concatenate([block.masked for block in blocks]),
            _end_to_end([block.ends for block in blocks]),
        )

    def rows(self, first: int, stop: int) -> "SequenceBlock":
        """Return the rows [first, stop) without copying ids."""
        a, b = int(self.offsets[first]), int(self.offsets[stop])
        c, d = int(self.ends[first]), int(self.ends[stop])
        cut = slice(first, stop)
        offsets, ends = self.offsets[first : stop + 1] - a, self.ends[first : stop + 1] - c
        told = self.pad_len[cut], self.source_id[cut]
        return SequenceBlock(self.input_ids[cut], self.doc_lens[a:b], offsets, *told, self.masked[c:d], ends)

    def to_batch(self, schema: pa.Schema) -> pa.RecordBatch:
        """Return the rows as one record batch of `schema`, sharing the ids."""
        ids = pa.FixedSizeListArray.from_arrays(pa.array(self.input_ids.reshape(-1)), self.input_ids.shape[1])
        lens = pa.ListArray.from_arrays(pa.array(self.offsets.astype(np.int32)), pa.array(self.doc_lens))
        edges = pa.array((2 * self.ends).astype(np.int32)), pa.array(self.masked.reshape(-1).astype(np.int32))
        columns = [ids, lens, pa.array(self.pad_len), pa.array(self.source_id), pa.ListArray.from_arrays(*edges)]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _end_to_end(offsets: Sequence[Ints]) -> Ints:
    """Return the offsets of lists that stand one after the other."""
    begins = np.cumsum([0, *(one[-1] for one in offsets)])
    return np.concatenate([*(one[:-1] + begin for one, begin in zip(offsets, begins, strict=False)), begins[-1:]])


@dataclass(frozen=True, slots=True)
class Laid:
    """The pieces of a part, row by row: number in the packing, row, rank in the row, and start and length in tokens."""

    piece: Ints
    row: Ints
    rank: Ints
    start: Ints
    length: Ints
    pad_len: Ints
    """Padding of each of the part's rows."""


def lay_out(part: Part) -> Laid:
    """Return where the pieces of a part stand; the work grows with the part, not with its packing."""
    packed = part.packed
    first = packed.offsets[part.picked]
    counts = packed.offsets[part.picked + 1] - first
    ends = np.cumsum(counts)
    rank = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
    piece = np.repeat(first, counts) + rank
    length = packed.tokens[piece] + packed.bos[piece] + packed.eos[piece]
    filled = np.concatenate([np.zeros(1, np.int64), np.cumsum(length)])
    before = filled[ends - counts]
    start = filled[:-1] - np.repeat(before, counts)
    pad_len = packed.sequence_tokens - (filled[ends] - before)
    return Laid(piece, np.repeat(part.rows, counts), rank, start, length, pad_len)


def assemble(parts: Sequence[Part], tokens: TokenShards, target: Target) -> SequenceBlock:
    """Return the block whose rows the parts fill, each exactly once; every token is copied once."""
    size = parts[0].packed.sequence_tokens
    rows = sum(len(part.rows) for part in parts)
    ids = np.empty((rows, size), dtype=target.id_dtype)
    pad_len, source_id = np.empty(rows, np.int32), np.empty(rows, np.int16)
    laid = [lay_out(part) for part in parts]
    for part, one in zip(parts, laid, strict=True):
        pad_len[part.rows] = one.pad_len
        source_id[part.rows] = part.source_id
        _fill(part.packed, one, tokens, target, ids.reshape(-1))
    _pad(ids, pad_len, target.fill_id)
    counts = np.bincount(np.concatenate([one.row for one in laid]), minlength=rows) + (pad_len > 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    doc_lens = np.empty(offsets[-1], np.int32)
    doc_lens[(offsets[1:] - 1)[pad_len > 0]] = pad_len[pad_len > 0]
    for one in laid:
        doc_lens[offsets[one.row] + one.rank] = one.length
    spans = [_masked(part.packed, one, tokens) for part, one in zip(parts, laid, strict=True)]
    row, span = np.concatenate([row for row, _ in spans]), np.concatenate([span for _, span in spans])
    order = np.lexsort((span[:, 0], row))
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(row, minlength=rows))])
    return SequenceBlock(ids, doc_lens, offsets, pad_len, source_id, span[order].astype(np.int32), ends)


def _masked(packed: Packed, laid: Laid, tokens: TokenShards) -> tuple[Ints, Ints]:
    """Return the row and the places (start, stop) of each span of a part that is no target."""
    document = packed.document[laid.piece]
    first = tokens.span_ends[document]
    counts = tokens.span_ends[document + 1] - first
    at = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    piece = laid.piece[at]
    begin = packed.start[piece]
    span = tokens.masked[first[at] + within].clip(begin[:, None], (begin + packed.tokens[piece])[:, None])
    span = span + (laid.start[at] + packed.bos[piece] - begin)[:, None]
    inside = span[:, 0] < span[:, 1]
    return laid.row[at][inside], span[inside]


def _fill(packed: Packed, laid: Laid, tokens: TokenShards, target: Target, flat: Ids) -> None:
    """Copy the pieces of one part to their places, token shard by token shard, those that it needs."""
    at = laid.row * packed.sequence_tokens + laid.start
    document = packed.document[laid.piece]
    marks = target.bos_id or 0, target.eos_id or 0
    shard = np.searchsorted(tokens.firsts, document, side="right") - 1
    for number in np.unique(shard):
        mine = np.flatnonzero(shard == number)
        piece = laid.piece[mine]
        begin = tokens.offsets[number][document[mine] - tokens.firsts[number]] + packed.start[piece]
        stretches = (at[mine], begin, packed.tokens[piece])
        _copy(flat, tokens.values[number], stretches, (packed.bos[piece], packed.eos[piece]), marks)


@compiled
def _copy(flat: Ids, values: Ids, pieces: Any, has: Any, marks: tuple[int, int]) -> None:
    """Copy pieces (place in `flat`, begin in `values`, tokens) with their marks."""
    at, begin, tokens = pieces
    bos, eos = has
    for i in range(len(at)):
        place, count = at[i], tokens[i]
        if bos[i]:
            flat[place] = marks[0]
            place += 1
        flat[place : place + count] = values[begin[i] : begin[i] + count]
        if eos[i]:
            flat[place + count] = marks[1]


@compiled
def _pad(ids: Ids, pad_len: npt.NDArray[np.int32], fill: int) -> None:
    for row in range(len(ids)):
        ids[row, ids.shape[1] - pad_len[row] :] = fill
