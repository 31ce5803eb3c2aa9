"""Row stages: one outcome for each row, neighbours unharmed, attributes aligned, schemas kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.disk import MemoryDisk
from fakes.runs import run_inline
from fakes.stages import Lengths, Seeds, Shorten

from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import StageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import BATCH_ROWS
from pipelines.engine.stage import Batch, Rejected
from pipelines.engine.storage import Storage, as_buffer


@dataclass(frozen=True)
class Filter:
    """A row stage made of a function over keys: it names a reason, raises, or gives None to keep."""

    decide: Callable[[str], str | None]
    name: str = "filter"
    version: str = "1"
    reasons: frozenset[str] = frozenset({"no"})
    writes: str = "documents"

    def identity(self) -> dict[str, Any]:
        return {}

    def apply(self, table: pa.Table) -> Batch:
        said = [self.decide(key) for key in table["key"].to_pylist()]
        rejected = {at: Rejected(reason) for at, reason in enumerate(said) if reason}
        return Batch(table.filter(pa.array([not reason for reason in said], pa.bool_())), rejected)


def run_filter(decide: Callable[[str], str | None], rows: int = 9, shards: int = 1) -> tuple[Storage, Manifest]:
    disk = MemoryDisk()
    planned = [
        PlannedStage(Seeds("alpha", shards, rows)),
        PlannedStage(Rows(Filter(decide)), {"documents": ("seeds_alpha",)}),
    ]
    return Storage(disk), run_inline(disk, planned)["filter"]


def tables(storage: Storage, manifest: Manifest, role: str = "main") -> list[pa.Table]:
    return [pq.read_table(pa.BufferReader(as_buffer(storage.read(ref)))) for ref in manifest.files(role)]


def raising(keys: set[int]) -> Callable[[str], str | None]:
    def decide(key: str) -> str | None:
        if int(key[-10:-4]) in keys:
            raise ValueError(key)
        return None

    return decide


def test_a_python_error_costs_its_row_only_and_never_shows_its_message() -> None:
    storage, manifest = run_filter(raising({1, 4}))
    [rejects] = tables(storage, manifest, "rejects")
    rows = rejects.to_pylist()
    assert [row["key"] for row in rows] == ["alpha/000001.txt", "alpha/000004.txt"]
    assert {(row["outcome"], row["reason"]) for row in rows} == {("quarantined", "filter.error")}
    assert all(row["detail"].startswith("ValueError ") and "txt" not in row["detail"] for row in rows)
    assert manifest.ledger.total().quarantined_tokens == {"filter.error": 24}


def test_a_row_that_raises_does_not_break_the_file_into_pieces() -> None:
    storage, manifest = run_filter(raising({5}), rows=300)
    [ref] = manifest.files()
    assert pq.ParquetFile(pa.BufferReader(as_buffer(storage.read(ref)))).metadata.num_row_groups == 1


@pytest.mark.parametrize("reason", ["no", "raises"])
def test_a_shard_with_no_surviving_row_commits_and_keeps_its_schema(reason: str) -> None:
    def decide(key: str) -> str | None:
        if reason == "raises":
            raise ValueError
        return reason

    disk = MemoryDisk()
    planned = [
        PlannedStage(Seeds("alpha", 2, 9)),
        PlannedStage(Rows(Filter(decide)), {"documents": ("seeds_alpha",)}),
        PlannedStage(Rows(Shorten()), {"documents": ("filter",)}),
        PlannedStage(Rows(Lengths()), {"documents": ("shorten",)}),
    ]
    manifests = run_inline(disk, planned)
    for name, columns in (
        ("filter", ["id", "source", "key", "text", "tokens"]),
        ("shorten", ["id", "source", "key", "text", "tokens"]),
        ("lengths", ["id", "length", "failed"]),
    ):
        found = tables(Storage(disk), manifests[name])
        assert [table.num_rows for table in found] == [0, 0]
        assert [table.column_names for table in found] == [columns, columns]


def test_the_size_of_batches_changes_no_row() -> None:
    """A shard longer than one batch gives the rows that a short one gives."""
    decide = {True: "no", False: None}
    storage, manifest = run_filter(lambda key: decide[int(key[-10:-4]) % 3 == 0], rows=2 * BATCH_ROWS + 7)
    [kept] = tables(storage, manifest)
    assert all(int(key[-10:-4]) % 3 for key in kept["key"].to_pylist())
    total = manifest.ledger.total()
    assert (total.records_kept, total.records_out) == (kept.num_rows, kept.num_rows)
    assert total.records_in == kept.num_rows + total.dropped["no"]


def test_attributes_stay_aligned_with_their_documents() -> None:
    disk = MemoryDisk()
    planned = [PlannedStage(Seeds("alpha", 2, 40)), PlannedStage(Rows(Lengths()), {"documents": ("seeds_alpha",)})]
    manifests = run_inline(disk, planned)
    documents, findings = (tables(Storage(disk), manifests[name]) for name in ("seeds_alpha", "lengths"))
    failed = 0
    for one, other in zip(documents, findings, strict=True):
        assert one["id"].to_pylist() == other["id"].to_pylist()
        for text, length, why in zip(
            *(column.to_pylist() for column in (one["text"], other["length"], other["failed"])), strict=True
        ):
            assert (length, why) == (len(text), None) or (
                length is None and why.startswith("lengths.error: RuntimeError")
            )
            failed += why is not None
    assert failed


@dataclass(frozen=True)
class Seen:
    """Tells the columns that it was given, and raises on some rows."""

    reads: tuple[str, ...] = ("id", "source", "key", "tokens")
    name: str = "seen"
    version: str = "1"
    reasons: frozenset[str] = frozenset()
    writes: str = "attributes"

    def identity(self) -> dict[str, Any]:
        return {}

    def apply(self, table: pa.Table) -> Batch:
        if any(key.endswith("3.txt") for key in table["key"].to_pylist()):
            raise ValueError("three")
        given = pa.repeat(",".join(table.schema.names), table.num_rows)
        return Batch(pa.table({"id": table["id"], "columns": given}))


def test_a_stage_is_given_the_columns_that_it_reads() -> None:
    disk = MemoryDisk()
    planned = [PlannedStage(Seeds("alpha", 1, 10)), PlannedStage(Rows(Seen()), {"documents": ("seeds_alpha",)})]
    found = tables(Storage(disk), run_inline(disk, planned)["seen"])[0]
    given = [columns for columns in found["columns"].to_pylist() if columns]
    assert {frozenset(columns.split(",")) for columns in given} == {frozenset(Seen().reads)}
    assert 0 < len(given) == found.num_rows - 1


def test_a_reason_that_was_not_declared_stops_the_shard() -> None:
    with pytest.raises(StageError, match="reason 'odd' is not declared"):
        run_filter(lambda key: "odd")


@dataclass(frozen=True)
class Forgetful(Filter):
    """Rejects a row that there is not."""

    def apply(self, table: pa.Table) -> Batch:
        return Batch(table.slice(0, max(0, table.num_rows - 1)), {99: Rejected("no")} if table.num_rows else {})


def test_a_rejected_row_that_does_not_exist_stops_the_shard() -> None:
    disk = MemoryDisk()
    planned = [
        PlannedStage(Seeds("alpha", 1, 9)),
        PlannedStage(Rows(Forgetful(lambda key: None)), {"documents": ("seeds_alpha",)}),
    ]
    with pytest.raises(StageError):
        run_inline(disk, planned)


@dataclass(frozen=True)
class Silent(Filter):
    """Gives back fewer rows than it kept."""

    def apply(self, table: pa.Table) -> Batch:
        return Batch(table.slice(1))


def test_a_stage_that_drops_rows_without_a_reason_stops_the_shard() -> None:
    disk = MemoryDisk()
    planned = [
        PlannedStage(Seeds("alpha", 1, 9)),
        PlannedStage(Rows(Silent(lambda key: None)), {"documents": ("seeds_alpha",)}),
    ]
    with pytest.raises(StageError, match=r"filter, shard alpha-00000: of \d rows it rejected 0 and returned \d"):
        run_inline(disk, planned)
