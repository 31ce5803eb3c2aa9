"""Run a `RowStage` over a shard: batches for speed, single rows when a batch fails, one outcome for each row.

A Python error in a record never costs its neighbours: the batch is tried again row by row, and the row that fails is
quarantined with the error's class and a digest of its traceback. An attribute stage keeps its rows aligned with the
documents, so there a failed row gets nulls and the reason in the column `failed`, for `consolidate` to act on.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa

from pipelines.engine.errors import StageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.sandbox import attempt
from pipelines.engine.shard import Shard
from pipelines.engine.stage import KILLED, Batch, FileRef, Rejected, RowStage, ShardTask

FAILED = pa.field("failed", pa.string())


class Rows:
    """A `RowStage` as a `Stage`: one task for each shard of its documents."""

    def __init__(self, stage: RowStage) -> None:
        self.stage = stage
        self.name = stage.name
        self.version = stage.version
        self.reasons = stage.reasons

    def identity(self) -> dict[str, object]:
        """Return the row stage's identity."""
        return self.stage.identity()

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each shard of the role `documents`, with its co-partitioned attributes."""
        return co_partitioned(inputs)

    def run(self, shard: Shard) -> None:
        """Apply the row stage to every batch and write what goes on."""
        wrote, counted = False, Counter(self._counters())
        for rows, table in shard.documents(with_poison=True, names=getattr(self.stage, "reads", None)):
            written = []
            for part, batch in self._treat(shard, rows, table):
                self._account(shard, part, batch)
                written.append(batch.table)
            whole = pa.concat_tables(written)
            if whole.num_rows:
                shard.write(whole)
                wrote = True
        shard.ledger.counters.update(self._counters() - counted)
        if not wrote:
            shard.write(self._empty(shard))

    def _counters(self) -> Counter[str]:
        """Return the stage's own statistics so far, if it keeps any: those of a datatrove block."""
        return Counter(getattr(self.stage, "counters", {}))

    def _empty(self, shard: Shard) -> pa.Table:
        """Return a table without rows, in the stage's own schema, for a shard with no surviving row."""
        schema = shard.schema("documents")
        if schema is None:
            return pa.table({})
        return self._finish(self.stage.apply(schema.empty_table())).table

    def _treat(self, shard: Shard, rows: range, table: pa.Table) -> Iterator[tuple[pa.Table, Batch]]:
        poisoned = [row - rows.start for row in shard.skip if row in rows]
        if not poisoned:
            whole = attempt(self.stage.apply, table)
            if whole.value is not None:
                yield table, self._finish(whole.value)
                return
        for index in range(table.num_rows):
            row = table.slice(index, 1)
            if index in poisoned:
                yield row, self._failed(row, KILLED, shard.skip[rows.start + index])
                continue
            one = attempt(self.stage.apply, row)
            yield (
                row,
                (
                    self._finish(one.value)
                    if one.value is not None
                    else self._failed(row, f"{self.name}.error", one.error or "")
                ),
            )

    def _finish(self, batch: Batch) -> Batch:
        if self.stage.writes != "attributes":
            return batch
        nulls = pa.nulls(batch.table.num_rows, pa.string())
        return Batch(batch.table.append_column(FAILED, nulls), batch.rejected)

    def _failed(self, row: pa.Table, reason: str, detail: str) -> Batch:
        if self.stage.writes != "attributes":
            return Batch(row.slice(0, 0), {0: Rejected(reason, detail, quarantine=True)})
        schema = self.stage.apply(row.slice(0, 0)).table.schema
        given = {(field.name, field.type) for field in row.schema}
        columns = [row[f.name] if (f.name, f.type) in given else pa.nulls(1, f.type) for f in schema]
        return Batch(pa.Table.from_arrays([*columns, pa.array([f"{reason}: {detail}"])], schema=schema.append(FAILED)))

    def _account(self, shard: Shard, table: pa.Table, batch: Batch) -> None:
        gone, there = len(batch.rejected), range(table.num_rows)
        if batch.table.num_rows != len(there) - gone or any(index not in there for index in batch.rejected):
            raise StageError(
                f"{self.name}, shard {shard.task.shard}: of {len(there)} rows it rejected {gone} and returned "
                f"{batch.table.num_rows}; each row must be either; this is a defect of the stage, please report it"
            )
        keep = [index for index in range(table.num_rows) if index not in batch.rejected]
        if len(keep) == table.num_rows:
            shard.kept(table)
        else:
            shard.kept(table.take(pa.array(keep, pa.int64())))
        for index, why in batch.rejected.items():
            shard.reject_row(table.slice(index, 1), why)
        if self.stage.writes == "documents":
            shard.wrote(batch.table)


def co_partitioned(inputs: Mapping[str, Manifest]) -> list[ShardTask]:
    """Return one task a shard of `documents`; another role gives its file of the same shard, or all its files."""
    tasks = []
    documents = inputs["documents"]
    for index, record in enumerate(documents.shards):
        files: dict[str, tuple[FileRef, ...]] = {"documents": (record.main,)}
        for role, manifest in inputs.items():
            if role == "documents":
                continue
            same = len(manifest.shards) == len(documents.shards) and manifest.shards[index].shard == record.shard
            files[role] = (manifest.shards[index].main,) if same else tuple(manifest.files())
        tasks.append(ShardTask(record.shard, files))
    return tasks
