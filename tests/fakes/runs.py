"""Runs planned stages on a given disk and tells what was committed."""

import hashlib

from fakes.stages import Events

from pipelines.engine.disk import Disk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import STAGING, Storage


def run_inline(disk: Disk, planned: list[PlannedStage], events: Events | None = None) -> dict[str, Manifest]:
    """Run the stages in this process."""
    storage = Storage(disk)
    return run_stages(storage, planned, lambda: InlineRuntime(storage), events or Events())


def digests(disk: Disk) -> dict[str, str]:
    """Return the sha256 of every file that has a final name: shards, side files, records, manifests."""
    paths = [path for path in disk.list("stages") if STAGING not in path]
    return {path: hashlib.sha256(disk.read(path)).hexdigest() for path in paths}
