"""Training shards: packed sequences as an Arrow stream that `datasets.load_from_disk` opens without a cast.

Each row is one sequence: `input_ids` of fixed length, `doc_lens` (tokens of each piece, marks included, and last the
padding if there is any: they add up to the length), `pad_len`, `source_id`, the component, and `masked`, the places
whose tokens are no targets (start, stop, start, stop, ...: what opens a turn, what a user says). Batches have 1,000
rows and a checksum each, which a reader can test at its first touch. The layout is that of `Dataset.save_to_disk` in
datasets 5.2. Not here: filling the rows (`assemble`), naming and committing files.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import xxhash

from mixer.assemble import SequenceBlock

BATCH_ROWS = 1000


class Sink(Protocol):
    """Where the bytes of a shard go: an open binary file, or whatever commits one."""

    def write(self, data: Any, /) -> Any:
        """Take all bytes of `data`."""
        ...


BATCH_INDEX = pa.schema(
    [
        pa.field("file", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("xxh3", pa.uint64(), nullable=False),
        pa.field("rows", pa.int32(), nullable=False),
        pa.field("sequences", pa.list_(pa.int32()), nullable=False),
        pa.field("padding", pa.list_(pa.int64()), nullable=False),
    ]
)
"""One row a record batch: its file (numbered through the mixture), where it lies there, the XXH3-64 of those bytes (the
first batch of a file holds the schema too), its rows, and its sequences and tokens of padding by component."""


@dataclass(frozen=True, slots=True)
class BatchSum:
    """What `BATCH_INDEX` tells of a record batch but for its file; counts reach up to its last component."""

    offset: int
    size_bytes: int
    xxh3: int
    rows: int
    sequences: list[int]
    padding: list[int]


class SequenceWriter:
    """Write blocks as one Arrow stream in batches of `BATCH_ROWS`; `close` writes the rest and the end mark."""

    def __init__(self, sink: Sink, sequence_tokens: int, id_type: pa.DataType) -> None:
        self.rows = 0
        self.sums: list[BatchSum] = []
        self._tap = _Tap(sink)
        self._schema = sequence_schema(sequence_tokens, id_type)
        self._stream = pa.ipc.new_stream(pa.PythonFile(self._tap, mode="w"), self._schema)
        self._waiting: list[SequenceBlock] = []

    def write(self, block: SequenceBlock) -> None:
        """Add the rows of a block; its arrays must not change afterwards."""
        first, total = 0, len(block.pad_len)
        while first < total:
            take = min(total - first, BATCH_ROWS - sum(len(waiting.pad_len) for waiting in self._waiting))
            self._waiting.append(block.rows(first, first + take))
            first += take
            if sum(len(waiting.pad_len) for waiting in self._waiting) == BATCH_ROWS:
                self._flush()

    def close(self) -> list[BatchSum]:
        """Write what waits and the end of the stream; the sink stays open. Returns the batches' checksums."""
        if self._waiting:
            self._flush()
        self._stream.close()
        return self.sums

    def _flush(self) -> None:
        batch = pa.concat_batches([block.to_batch(self._schema) for block in self._waiting])
        offset = self._tap.start()
        self._stream.write_batch(batch)
        self.rows += batch.num_rows
        self._waiting = []
        component, pad_len = batch["source_id"].to_numpy(), batch["pad_len"].to_numpy()
        sequences = np.bincount(component).tolist()
        padding = np.bincount(component, weights=pad_len).astype(np.int64).tolist()
        size_bytes = self._tap.position - offset
        self.sums.append(BatchSum(offset, size_bytes, self._tap.digest(), batch.num_rows, sequences, padding))


class _Tap:
    """Passes bytes on to the sink, counts them and takes their checksum."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.position = 0
        self._hash = xxhash.xxh3_64()

    def start(self) -> int:
        self._hash.reset()
        return self.position

    def digest(self) -> int:
        return self._hash.intdigest()

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self._sink.write(data)
        self.position += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the sink's owner decides when bytes go to disk."""


def sequence_schema(sequence_tokens: int, id_type: pa.DataType) -> pa.Schema:
    """Return the Arrow schema of training shards, with the features that `datasets` reads."""
    info = {"info": {"features": features(sequence_tokens, id_type)}}
    fields = [
        pa.field("input_ids", pa.list_(id_type, sequence_tokens)),
        pa.field("doc_lens", pa.list_(pa.int32())),
        pa.field("pad_len", pa.int32()),
        pa.field("source_id", pa.int16()),
        pa.field("masked", pa.list_(pa.int32())),
    ]
    return pa.schema(fields, metadata={"huggingface": json.dumps(info)})


def features(sequence_tokens: int, id_type: pa.DataType) -> dict[str, Any]:
    """Return the features of training shards in the JSON form of `datasets`."""

    def value(dtype: str) -> dict[str, Any]:
        return {"dtype": dtype, "_type": "Value"}

    return {
        "input_ids": {"feature": value(str(id_type)), "length": sequence_tokens, "_type": "List"},
        "doc_lens": {"feature": value("int32"), "_type": "List"},
        "pad_len": value("int32"),
        "source_id": value("int16"),
        "masked": {"feature": value("int32"), "_type": "List"},
    }


def dataset_info(sequence_tokens: int, id_type: pa.DataType) -> dict[str, Any]:
    """Return the content of `dataset_info.json`."""
    told = {"citation": "", "description": "", "homepage": "", "license": ""}
    return {**told, "features": features(sequence_tokens, id_type)}


def state(file_names: Sequence[str], fingerprint: str) -> dict[str, Any]:
    """Return the content of `state.json`: shards in order, and a fingerprint that follows from their content."""
    return {
        "_data_files": [{"filename": name} for name in file_names],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
