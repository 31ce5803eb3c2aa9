"""What a worker does for one task, in whichever process it runs: run the stage, commit, and report small facts.

Kept apart from the runtimes so that the inline and the Ray runtime execute the very same function. A probe runs the
stage on some rows and commits nothing: it finds the row that kills a worker.
"""

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.engine.manifest import ShardRecord
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask, Stage
from pipelines.engine.storage import Storage


@dataclass(frozen=True, slots=True)
class Order:
    """A task to execute; `skip` maps poison rows to why, `probe` narrows to rows and commits nothing."""

    stage: Stage
    task: ShardTask
    skip: Mapping[int, str] = field(default_factory=dict)
    probe: range | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an order: a record (None for a probe), and facts that are not data."""

    record: ShardRecord | None
    seconds: float
    worker_rss_bytes: int


def execute(storage: Storage, order: Order) -> Report:
    """Run one order to its commit. Raises whatever the stage or the storage raises."""
    started = time.monotonic()
    shard = Shard(storage, order.stage, order.task, skip=order.skip, rows=order.probe)
    record = None
    try:
        order.stage.run(shard)
        record = shard.commit() if order.probe is None else None
    finally:
        if record is None:
            shard.abandon()
    rss_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Report(record, time.monotonic() - started, rss_bytes)
