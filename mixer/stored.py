"""The rows of a materialised mixture: shards mapped into memory, each record batch checked when it is first touched.

A mixture's folder holds all that is needed: `mixture.json` (plan, components, shards) and `batches.parquet` (where each
record batch lies and its checksum). Ids are views of the mapped file, nothing is copied and no library formats a row:
that layer, not Arrow, is what makes `datasets` slow for training. Files are opened when a row of theirs is wanted, and
few stay open, so that a mixture may have more files than a process may map. Not here: batches and ranks (`feed`).
"""

import json
import mmap
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from mixer.assemble import SequenceBlock
from mixer.counts import Counts, RowCounts
from pipelines.engine.errors import CorruptionError, InputError

OPEN_FILES = 64
OPEN_BATCHES = 512


class Shards(Protocol):
    """What brings shards to the folder from elsewhere, and may remove them again: see `remote`."""

    def open(self, files: list[dict[str, Any]], number: int) -> BinaryIO:
        """Open one of the mixture's files."""
        ...


@dataclass(frozen=True, slots=True)
class _Batch:
    """A record batch as numpy views; `first` is its first row in the mixture."""

    first: int
    block: SequenceBlock


class StoredRows:
    """A mixture's folder as rows in training order."""

    def __init__(self, folder: Path, shards: Shards | None = None) -> None:
        """Read the folder's index; `shards` brings those that are not there yet.

        Raises InputError when it is no mixture, CorruptionError when files disagree.
        """
        self.folder = folder
        self._shards = shards
        self.facts = _facts(folder)
        self.plan: str = self.facts["plan"]
        self.sequences: int = self.facts["sequences"]
        self.sequence_tokens: int = self.facts["sequence_tokens"]
        self._files: OrderedDict[int, tuple[memoryview, pa.Schema]] = OrderedDict()
        self._batches: OrderedDict[int, _Batch] = OrderedDict()
        self._sound: set[int] = set()
        if self._starts[-1] != self.sequences:
            raise CorruptionError(
                f"{folder}: batches.parquet lists {self._starts[-1]:,} sequences, mixture.json {self.sequences:,}; "
                "copy the folder again, or run `medmix verify`"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is mapped behind when a data loader's worker gets a copy."""
        kept = {k: v for k, v in self.__dict__.items() if k not in ("_index", "_starts", "_counts")}
        return {**kept, "_files": OrderedDict(), "_batches": OrderedDict(), "_sound": set()}

    @property
    def components(self) -> list[dict[str, Any]]:
        """Return the ledger of each component, by `source_id`."""
        return list(self.facts["components"])

    def block(self, first: int, stop: int) -> SequenceBlock:
        """Return the rows [first, stop); views of the mapped file when they lie in one record batch.

        Raises CorruptionError when a batch is not what was written, InputError when its file is missing.
        """
        number, parts = bisect_right(self._starts, first) - 1, []
        while first < stop:
            batch = self._batch(number)
            until = min(stop, self._starts[number + 1])
            parts.append(batch.block.rows(first - batch.first, until - batch.first))
            number, first = number + 1, until
        return parts[0] if len(parts) == 1 else SequenceBlock.joined(parts)

    def window(self, first: int, stop: int) -> tuple[SequenceBlock, int, int]:
        """Return a block that holds the rows [first, stop), and which of its rows they are: nothing is even sliced.

        Raises as `block` does.
        """
        number = bisect_right(self._starts, first) - 1
        if stop > self._starts[number + 1]:
            return self.block(first, stop), 0, stop - first
        batch = self._batch(number)
        return batch.block, first - batch.first, stop - batch.first

    def counts(self, rows: int) -> Counts:
        """Return what the first `rows` rows hold of each component: a look-up and at most one record batch."""
        number = bisect_right(self._starts, rows) - 1
        rest = self.block(self._starts[number], rows) if rows > self._starts[number] else None
        return self._counts.upto(number, rest)

    @cached_property
    def _index(self) -> pa.Table:
        try:
            return pq.ParquetFile(self.folder / "batches.parquet", page_checksum_verification=True).read()
        except (OSError, pa.ArrowException) as error:
            raise CorruptionError(f"{self.folder / 'batches.parquet'}: cannot be read: {error}") from error

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum(self._index["rows"].to_numpy(), dtype=np.int64).tolist()]

    @cached_property
    def _counts(self) -> RowCounts:
        components = len(self.facts["components"])
        return RowCounts.of(self._index["sequences"], self._index["padding"], components, self.sequence_tokens)

    def _batch(self, number: int) -> _Batch:
        if number in self._batches:
            self._batches.move_to_end(number)
            return self._batches[number]
        entry = {name: self._index[name][number].as_py() for name in ("file", "offset", "size_bytes", "xxh3")}
        mapped, schema = self._file(entry["file"])
        raw = mapped[entry["offset"] : entry["offset"] + entry["size_bytes"]]
        if number not in self._sound:
            if xxhash.xxh3_64_intdigest(raw) != entry["xxh3"]:
                name = self.facts["files"][entry["file"]]["name"]
                raise CorruptionError(
                    f"{self.folder / name}: record batch at byte {entry['offset']:,} is not what was written (rows "
                    f"{self._starts[number]:,} to {self._starts[number + 1] - 1:,}); restore the file"
                )
            self._sound.add(number)
        self._batches[number] = _Batch(self._starts[number], _views(raw, schema))
        if len(self._batches) > OPEN_BATCHES:
            self._batches.popitem(last=False)
        return self._batches[number]

    def _file(self, number: int) -> tuple[memoryview, pa.Schema]:
        if number in self._files:
            self._files.move_to_end(number)
            return self._files[number]
        listed = self.facts["files"][number]
        path = self.folder / listed["name"]
        if self._shards is not None:  # what is mapped takes up room even when it was removed
            self._files.clear()
            self._batches.clear()
        try:
            with self._shards.open(self.facts["files"], number) if self._shards else path.open("rb") as file:
                mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: a shard of this mixture cannot be opened: {error}; copy it again") from error
        if len(mapped) != listed["size_bytes"]:
            raise CorruptionError(f"{path}: has {len(mapped):,} bytes, not {listed['size_bytes']:,}; copy it again")
        self._files[number] = mapped, pa.ipc.read_schema(pa.BufferReader(pa.py_buffer(mapped)))
        if len(self._files) > OPEN_FILES:
            self._files.popitem(last=False)
        return self._files[number]


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / "mixture.json"
    try:
        facts = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{folder}: no mixture.json here; give the folder of a mixture, as `medmix run` prints it"
        ) from None
    except (OSError, ValueError) as error:
        raise CorruptionError(f"{path}: cannot be read: {error}; copy the folder again") from error
    if not {"plan", "files", "components", "sequences", "sequence_tokens"} <= facts.keys():
        raise InputError(f"{path}: an older medmix wrote this mixture; run its run file again")
    return dict(facts)


def _views(raw: memoryview, schema: pa.Schema) -> SequenceBlock:
    """Return a record batch's columns without a copy; the first of a file comes after the schema."""
    reader = pa.BufferReader(pa.py_buffer(raw))
    message = pa.ipc.read_message(reader)
    if message.type == "schema":
        message = pa.ipc.read_message(reader)
    return SequenceBlock.of(pa.ipc.read_record_batch(message, schema))
