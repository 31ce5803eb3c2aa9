"""Dying workers: what is tried again, how the row that kills is found, and that everything else is kept."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.disk import MemoryDisk
from fakes.poison import Broken, MortalRuntime, Poison, PoisonReader, poison_run
from fakes.stages import Events, Seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import StageError, StorageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.runtime import Failure
from pipelines.engine.settle import MAX_POISON_ROWS, RETRIES, settle
from pipelines.engine.shard import Shard
from pipelines.engine.stage import KILLED, Batch
from pipelines.engine.storage import Storage, as_buffer
from pipelines.engine.work import Order


def run_mortal(
    planned: list[PlannedStage], events: Events | None = None
) -> tuple[MortalRuntime, Storage, dict[str, Manifest]]:
    storage = Storage(MemoryDisk())
    runtime = MortalRuntime(storage)
    return runtime, storage, run_stages(storage, planned, lambda: runtime, events or Events())


def rows_of(storage: Storage, manifest: Manifest, role: str = "main") -> list[dict[str, Any]]:
    tables = [pq.read_table(pa.BufferReader(as_buffer(storage.read(ref)))) for ref in manifest.files(role)]
    return [row for table in tables for row in table.to_pylist()]


def seeded_keys(shards: int, rows: int) -> list[str]:
    _, storage, manifests = run_mortal([PlannedStage(Seeds("alpha", shards, rows))])
    return [row["key"] for row in rows_of(storage, manifests["seeds_alpha"])]


KEYS = seeded_keys(3, 20)


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(KEYS), min_size=1, max_size=6),
    st.sampled_from(["died", "oom", "timeout"]),
    st.sampled_from(["documents", "attributes", "reader"]),
)
def test_exactly_the_poison_rows_are_set_apart(poison: set[str], how: str, form: str) -> None:
    keys = frozenset(poison)
    deaths = dict.fromkeys(keys, how)
    stage = PoisonReader(deaths) if form == "reader" else Poison(deaths, writes=form)
    _, storage, manifests = run_mortal(poison_run(stage, 3, 20))
    manifest = manifests["poison"]
    total = manifest.ledger.total()
    assert total.records_in == len(KEYS)
    if form == "attributes":
        rows = rows_of(storage, manifest)
        failed = {key: row["failed"] for key, row in zip(KEYS, rows, strict=True) if row["failed"]}
        assert failed == dict.fromkeys(keys, f"{KILLED}: {how}")
        assert all((row["letters"] is None) == (key in keys) for key, row in zip(KEYS, rows, strict=True))
    else:
        rejects = rows_of(storage, manifest, "rejects")
        assert {row["key"]: (row["outcome"], row["reason"], row["detail"]) for row in rejects} == dict.fromkeys(
            keys, ("quarantined", KILLED, how)
        )
        assert [row["key"] for row in rows_of(storage, manifest)] == [key for key in KEYS if key not in keys]
        assert total.quarantined == {KILLED: len(keys)}


def test_a_worker_that_dies_once_costs_one_retry_and_no_byte(tmp_path: Path) -> None:
    calm = run_mortal(poison_run(Poison(), 3, 20))
    events = Events()
    dying = Poison({KEYS[0]: "died"}, marker=str(tmp_path / "met"))
    runtime, storage, _ = run_mortal(poison_run(dying, 3, 20), events)
    assert storage.disk.files() == calm[1].disk.files()
    assert [told["reason"] for told in events.of("shard_retried")] == ["died"]
    assert len(runtime.executed) == 3 + 3 + 1


def test_the_search_is_bounded_and_runs_alone() -> None:
    runtime, _, _ = run_mortal(poison_run(Poison({KEYS[0]: "died"}), 3, 20))
    whole = [order for order in runtime.executed if order.stage.name == "poison" and order.probe is None]
    probes = [order for order in runtime.executed if order.probe is not None]
    assert len(whole) == 3 + RETRIES + 1 + 1
    assert len(probes) <= 6
    assert runtime.most_at_once <= 2 * runtime.slots


class Dies(Poison):
    """Loses its worker whatever the rows."""

    def apply(self, table: pa.Table) -> Batch:
        if table.num_rows:
            self.meet("died")
        return Batch(table)


class DiesOfMany(Poison):
    """Loses its worker only when it sees many rows at once: memory, not one record."""

    def apply(self, table: pa.Table) -> Batch:
        if table.num_rows > 1:
            self.meet("died")
        return Batch(table)


def test_a_death_that_no_single_record_explains_is_told() -> None:
    with pytest.raises(StageError, match=r"poison, shard alpha-00000: the worker was lost .*no single record.*memory"):
        run_mortal(poison_run(DiesOfMany(), 1, 20))


def test_a_stage_that_always_dies_gives_up_after_a_bounded_number_of_rows() -> None:
    with pytest.raises(StageError, match=f"more than {MAX_POISON_ROWS} records"):
        run_mortal(poison_run(Dies(), 1, 40))


def test_an_error_in_a_shard_is_told_at_once_without_its_text() -> None:
    storage = Storage(MemoryDisk())
    runtime = MortalRuntime(storage)
    planned = [
        PlannedStage(Seeds("alpha", 3, 5)),
        PlannedStage(Broken(Poison()), {"documents": ("seeds_alpha",)}),
    ]
    with pytest.raises(StageError, match="poison, shard alpha-00000: LookupError") as caught:
        run_stages(storage, planned, lambda: runtime, Events())
    assert "patient" not in str(caught.value)
    assert [order.stage.name for order in runtime.executed].count("poison") == 1
    runtime.close()


class OutOfSpace(Rows):
    def run(self, shard: Shard) -> None:
        raise StorageError("no space")


def test_a_storage_error_keeps_its_class() -> None:
    storage = Storage(MemoryDisk())
    planned = [
        PlannedStage(Seeds("alpha", 3, 5)),
        PlannedStage(OutOfSpace(Poison()), {"documents": ("seeds_alpha",)}),
    ]
    with pytest.raises(StorageError, match="no space"):
        run_stages(storage, planned, lambda: MortalRuntime(storage), Events())


def test_whoever_stops_listening_leaves_no_order_behind() -> None:
    storage = Storage(MemoryDisk())
    runtime = MortalRuntime(storage)
    stage = Seeds("alpha", 9, 5)
    running = settle(runtime, [Order(stage, task) for task in stage.tasks({})], lambda *told: None)
    next(running)
    running.close()
    runtime.close()
    assert len(runtime.executed) == 1


def test_a_failure_of_kind_error_without_class_is_a_stage_error() -> None:
    class Failing(MortalRuntime):
        def wait(self) -> tuple[Order, Failure]:
            return self._orders.pop(0), Failure("error", "ValueError at x.py:1")

    storage = Storage(MemoryDisk())
    with pytest.raises(StageError, match=r"seeds_alpha, shard alpha-00000: ValueError at x\.py:1.*report"):
        run_stages(storage, [PlannedStage(Seeds("alpha", 1, 5))], lambda: Failing(storage), Events())
