"""Runs planned stages on a given disk and tells what was committed."""

import hashlib
import random

from fakes.stages import Events

from pipelines.engine.disk import Disk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import Failure, InlineRuntime, Runtime
from pipelines.engine.storage import STAGING, Storage
from pipelines.engine.work import Order, Report


def run_inline(disk: Disk, planned: list[PlannedStage], events: Events | None = None) -> dict[str, Manifest]:
    """Run the stages in this process."""
    storage = Storage(disk)
    return run_stages(storage, planned, lambda: InlineRuntime(storage), events or Events())


def digests(disk: Disk) -> dict[str, str]:
    """Return the sha256 of every file that has a final name: shards, side files, records, manifests."""
    paths = [path for path in disk.list("stages") if STAGING not in path]
    return {path: hashlib.sha256(disk.read(path)).hexdigest() for path in paths}


class Shuffled:
    """A runtime that submits orders in an order drawn by a seed."""

    def __init__(self, runtime: Runtime, seed: int) -> None:
        self._runtime = runtime
        self._draw = random.Random(seed)
        self._waiting: list[Order] = []
        self.slots = runtime.slots

    def submit(self, order: Order) -> None:
        self._waiting.append(order)

    def wait(self) -> tuple[Order, Report | Failure]:
        self._draw.shuffle(self._waiting)
        while self._waiting:
            self._runtime.submit(self._waiting.pop())
        return self._runtime.wait()

    def drop(self) -> None:
        self._waiting.clear()
        self._runtime.drop()

    def close(self) -> None:
        self._runtime.close()
