"""One shard task at work: what a stage reads and writes through, and the account it cannot forget.

Input files are verified before a byte is used, tables are counted in as they are read, and `commit` refuses to
publish a record while the conservation law does not hold. Records that did not go on are listed with stage, reason
and detail (never text) in a side file. A row that killed a worker is skipped here and quarantined. Not here: retries.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.hashing import derive_seed
from pipelines.engine.ledger import Counts, Ledger
from pipelines.engine.manifest import ShardRecord, record_path, stage_folder, task_key, whole_identity
from pipelines.engine.stage import KILLED, FileRef, Rejected, ShardTask, Stage, declared_reasons
from pipelines.engine.storage import StagedFile, Storage, as_buffer

BATCH_ROWS = 512
REJECTS = pa.schema(
    [(n, pa.string()) for n in ("source", "key", "outcome", "reason", "detail")] + [("tokens", pa.int64())]
)
PARQUET = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}


class TableFile:
    """A Parquet file of one shard, written in row groups of whatever size the tables have."""

    def __init__(self, staged: StagedFile) -> None:
        self.staged = staged
        self.rows = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append a table; the first one fixes the schema."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(pa.PythonFile(self.staged, mode="w"), table.schema, **PARQUET)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.rows += table.num_rows

    def finish(self) -> None:
        """Write the footer."""
        if self._writer is not None:
            self._writer.close()


class Shard:
    """Reads, writes and accounts for one task; `rows` narrows the documents to a range (to find a poison row)."""

    def __init__(
        self, storage: Storage, stage: Stage, task: ShardTask, *, skip: Mapping[int, str], rows: range | None
    ) -> None:
        self.storage = storage
        self.task = task
        self.stage = stage
        self.skip = skip
        self.ledger = Ledger()
        self.facts: dict[str, Any] = {}
        self._rows = rows
        self._folder = stage_folder(stage.name, stage.version)
        self._home = task.folder or self._folder
        self._tables: dict[str, TableFile] = {}
        self._sinks: dict[str, tuple[StagedFile, str, str]] = {}
        self._rejects: list[tuple[str, str, str, str, str, int]] = []
        self._sizes: dict[str, tuple[int, int]] = {}

    # --- reading -------------------------------------------------------------------------------------------------

    def inputs(self, role: str) -> tuple[FileRef, ...]:
        """Return the files of a role; none when the task has no such role."""
        return tuple(self.task.inputs.get(role, ()))

    def read(self, ref: FileRef) -> memoryview:
        """Return a committed file's verified bytes."""
        return self.storage.read(ref)

    def tables(self, role: str, batch_rows: int = BATCH_ROWS, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield verified tables of at most `batch_rows` rows, page checksums checked too; of the named columns, if any.

        Columns that are not asked for are not decoded, but their bytes are verified with the file.
        """
        for ref in self.inputs(role):
            file = pq.ParquetFile(pa.BufferReader(as_buffer(self.read(ref))), page_checksum_verification=True)
            for batch in file.iter_batches(batch_size=batch_rows, columns=names and list(names)):
                yield pa.Table.from_batches([batch])

    def table(self, ref: FileRef) -> pa.Table:
        """Return a whole committed table, verified, page checksums checked too."""
        return self.columns(ref, None)

    def columns(self, ref: FileRef, names: list[str] | None) -> pa.Table:
        """Return the named columns of a committed table, all of them for None, verified as `table` does."""
        source = pa.BufferReader(as_buffer(self.read(ref)))
        return pq.read_table(source, columns=names, page_checksum_verification=True)

    def schema(self, role: str) -> pa.Schema | None:
        """Return the schema of a role's first file, None when it has no file: an empty one yields no table."""
        for ref in self.inputs(role):
            return pq.read_schema(pa.BufferReader(as_buffer(self.read(ref))))
        return None

    def documents(
        self, *, with_poison: bool = False, names: Sequence[str] | None = None
    ) -> Iterator[tuple[range, pa.Table]]:
        """Yield (row numbers in the shard, table) of the task's documents, each row counted in.

        Rows that killed a worker are quarantined here and left out, unless the caller sees to those in `skip`.
        """
        at = 0
        for table in self.tables("documents", names=names):
            rows = range(at, at + table.num_rows)
            at = rows.stop
            if self._rows is not None:
                low, high = max(rows.start, self._rows.start), min(rows.stop, self._rows.stop)
                if low >= high:
                    continue
                table, rows = table.slice(low - rows.start, high - low), range(low, high)
            self.arrived(table)
            if with_poison:
                yield rows, table
            else:
                yield from self._without_poison(rows, table)

    def _without_poison(self, rows: range, table: pa.Table) -> Iterator[tuple[range, pa.Table]]:
        start = rows.start
        for row in [*sorted(row for row in self.skip if row in rows), rows.stop]:
            if start < row:
                yield range(start, row), table.slice(start - rows.start, row - start)
            if row < rows.stop:
                why = Rejected(KILLED, self.skip[row], quarantine=True)
                self.reject_row(table.slice(row - rows.start, 1), why)
            start = row + 1

    # --- the account ---------------------------------------------------------------------------------------------

    def arrived(self, table: pa.Table) -> None:
        """Count rows of a table with `source` and `tokens` in."""
        for source, records, tokens in _sums(table):
            counts = self.ledger.of(source)
            counts.records_in += records
            counts.tokens_in += tokens

    def kept(self, table: pa.Table) -> None:
        """Count rows of the input as kept."""
        for source, records, tokens in _sums(table):
            counts = self.ledger.of(source)
            counts.records_kept += records
            counts.tokens_kept += tokens

    def wrote(self, table: pa.Table) -> None:
        """Count rows of the output."""
        for source, records, tokens in _sums(table):
            counts = self.ledger.of(source)
            counts.records_out += records
            counts.tokens_out += tokens

    def count(self, source: str) -> Counts:
        """Return the counts of a source, for stages whose records are not table rows."""
        return self.ledger.of(source)

    def reject_row(self, row: pa.Table, why: Rejected) -> None:
        """Count and list the one row of a table of documents."""
        self.reject(row["source"][0].as_py(), row["key"][0].as_py(), row["tokens"][0].as_py(), why)

    def reject(self, source: str, key: str, tokens: int, why: Rejected) -> None:
        """Count one record as dropped or quarantined, and list it."""
        counts = self.ledger.of(source)
        records, weights = (
            (counts.quarantined, counts.quarantined_tokens)
            if why.quarantine
            else (counts.dropped, counts.dropped_tokens)
        )
        records[why.reason] += 1
        weights[why.reason] += tokens
        outcome = "quarantined" if why.quarantine else "dropped"
        self._rejects.append((source, key, outcome, why.reason, why.detail, tokens))

    def seed(self, *parts: str | int) -> int:
        """Return a seed from the stage's name, the shard and `parts`."""
        return derive_seed(self.stage.name, self.task.shard, *parts)

    # --- writing -------------------------------------------------------------------------------------------------

    def write(self, table: pa.Table, role: str = "main", below: str = "") -> None:
        """Append a table to the shard's Parquet file of a role, which may have a folder of its own `below`."""
        if role not in self._tables:
            self._tables[role] = TableFile(self.storage.create(f"{self._home}/{below}".rstrip("/")))
        self._tables[role].write(table)

    def write_aside(self, table: pa.Table, role: str) -> None:
        """Append a table to a file of a role in the stage's own folder, also where results go to another one."""
        if role not in self._tables:
            self._tables[role] = TableFile(self.storage.create(self._folder))
        self._tables[role].write(table)

    def sink(self, role: str, extension: str, stem: str | None = None) -> StagedFile:
        """Return a binary sink for a file that is not Parquet."""
        staged = self.storage.create(self._home)
        self._sinks[role] = (staged, extension, stem or self.task.shard)
        return staged

    def named(self, role: str, name: str) -> StagedFile:
        """Return a binary sink for a file that others look for under a fixed name, such as `state.json`."""
        staged = self.storage.create(self._home)
        self._sinks[role] = (staged, "", name)
        return staged

    def sized(self, role: str, rows: int, tokens: int = 0) -> None:
        """Tell the rows and tokens of a file written through `sink`."""
        self._sizes[role] = (rows, tokens)

    def commit(self) -> ShardRecord:
        """Check the account, make every file durable, publish the record, and return it."""
        where = f"{self.stage.name}, shard {self.task.shard}"
        self.ledger.check(where, declared_reasons(self.stage.name, self.stage.reasons))
        if self._rejects:
            columns = zip(*self._rejects, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, REJECTS, strict=True)]
            self.write_aside(pa.Table.from_arrays(arrays, schema=REJECTS), "rejects")
        files = {role: self._commit_table(role, table) for role, table in sorted(self._tables.items())}
        for role, (staged, extension, stem) in sorted(self._sinks.items()):
            ref = staged.commit(stem, extension) if extension else staged.replace(f"{self._home}/{stem}")
            rows, tokens = self._sizes.get(role, (0, 0))
            files[role] = FileRef(ref.path, ref.sha256, ref.size_bytes, rows, tokens)
        key = task_key(self.stage.name, self.stage.version, whole_identity(self.stage), self.task)
        record = ShardRecord(self.task.shard, key, files, self.ledger, self.facts)
        self.storage.publish_sealed(record_path(self._folder, self.task.shard, key), record.to_json())
        return record

    def abandon(self) -> None:
        """Take back the staging files of a task that will not commit, as far as the disk lets us."""
        staged = [table.staged for table in self._tables.values()] + [sink[0] for sink in self._sinks.values()]
        for file in staged:
            file.abandon()

    def _commit_table(self, role: str, table: TableFile) -> FileRef:
        table.finish()
        stem = self.task.shard if role == "main" else f"{self.task.shard}.{role}"
        ref = table.staged.commit(stem, "parquet")
        tokens = self.ledger.total().tokens_out if role == "main" else 0
        return FileRef(ref.path, ref.sha256, ref.size_bytes, table.rows, tokens)


def _sums(table: pa.Table) -> list[tuple[str, int, int]]:
    """Return (source, rows, tokens) of a table with these columns, sources sorted."""
    if table.num_rows == 0:
        return []
    coded = table["source"].combine_chunks().dictionary_encode()
    codes, names = coded.indices.to_numpy(), coded.dictionary.to_pylist()
    tokens = np.zeros(len(names), np.int64)
    np.add.at(tokens, codes, table["tokens"].to_numpy())
    records = np.bincount(codes, minlength=len(names))
    return sorted(zip(names, records.tolist(), tokens.tolist(), strict=True))
