"""Rows that take their worker with them, and a runtime in this process whose workers can die of it.

Real deaths (a segfault, a kill, a hang) are for Ray workers; `MortalRuntime` plays the same game without processes,
so that the policy of retries and bisection can be tested thousands of times.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from fakes.stages import DOCUMENT, Seeds

from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import MedmixError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows, co_partitioned
from pipelines.engine.runtime import Failure
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Batch, ShardTask, Stage
from pipelines.engine.storage import Storage
from pipelines.engine.work import Order, Report, execute


class WorkerDeath(BaseException):
    """A worker process is gone: `kind` is died, oom or timeout."""

    def __init__(self, kind: str = "died") -> None:
        super().__init__(kind)
        self.kind = kind


def lose_worker(how: str) -> None:
    """End or stop this process in the named way."""
    if how == "segv":
        ctypes.string_at(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "hang":
        time.sleep(3600)
    else:
        raise WorkerDeath(how)


@dataclass(frozen=True)
class Poison:
    """A row stage that loses its worker at some keys, each in its way; only once when there is a `marker` path."""

    deaths: Mapping[str, str] = field(default_factory=dict)
    marker: str = ""
    writes: str = "documents"
    name: str = "poison"
    version: str = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        return {}

    def apply(self, table: pa.Table) -> Batch:
        for key in table["key"].to_pylist():
            if key in self.deaths:
                self.meet(self.deaths[key])
        if self.writes == "documents":
            return Batch(table)
        return Batch(pa.table({"id": table["id"], "letters": pc.utf8_length(table["text"])}))

    def meet(self, how: str) -> None:
        if self.marker:
            if Path(self.marker).exists():
                return
            Path(self.marker).touch()
        lose_worker(how)


@dataclass(frozen=True)
class PoisonReader:
    """A stage of its own, not a row stage, that dies of the same rows."""

    deaths: Mapping[str, str] = field(default_factory=dict)
    name: str = "poison"
    version: str = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return co_partitioned(inputs)

    def run(self, shard: Shard) -> None:
        shard.write(DOCUMENT.empty_table())
        for _, table in shard.documents():
            for key in table["key"].to_pylist():
                if key in self.deaths:
                    lose_worker(self.deaths[key])
            shard.kept(table)
            shard.wrote(table)
            shard.write(table)


class Broken(Rows):
    """A defect of a stage, not of a record."""

    def run(self, shard: Shard) -> None:
        raise LookupError("text of a patient")


def poison_run(stage: Poison | PoisonReader, shards: int, rows: int) -> list[PlannedStage]:
    """Return a run of two stages: seeds, and the stage that dies of some of them."""
    second: Stage = Rows(stage) if isinstance(stage, Poison) else stage
    return [PlannedStage(Seeds("alpha", shards, rows)), PlannedStage(second, {"documents": ("seeds_alpha",)})]


@dataclass
class MortalRuntime:
    """Executes orders here; a WorkerDeath is a failure of the order, as when a process dies."""

    storage: Storage
    slots: int = 2
    executed: list[Order] = field(default_factory=list)
    most_at_once: int = 0
    _orders: list[Order] = field(default_factory=list)

    def submit(self, order: Order) -> None:
        self._orders.append(order)
        self.most_at_once = max(self.most_at_once, len(self._orders))

    def wait(self) -> tuple[Order, Report | Failure]:
        order = self._orders.pop(0)
        self.executed.append(order)
        try:
            return order, execute(self.storage, order)
        except WorkerDeath as death:
            return order, Failure(death.kind, "simulated")
        except MedmixError as error:
            return order, Failure("error", str(error), error)
        except Exception as error:
            return order, Failure("error", type(error).__name__)

    def service(self, name: str, factory: Callable[[], Any]) -> Any:
        return factory()

    def drop(self) -> None:
        self._orders.clear()

    def close(self) -> None:
        assert not self._orders
