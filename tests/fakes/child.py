"""Runs the toy stages in a process of its own: to be killed at an operation, or under another environment.

As a program, `python -m fakes.child OUT [--ray]`, it prints the sha256 of every committed file as JSON.
"""

import json
import sys
from pathlib import Path

from fakes.disk import Fault, FaultyDisk
from fakes.runs import digests, run_inline
from fakes.stages import Events, toy_run

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import run_stages
from pipelines.engine.runtime import RayRuntime, Resources
from pipelines.engine.storage import Storage

SHARDS, ROWS = 2, 24


def run_and_die(out: str, at: int) -> None:
    """Run on a real disk, and be killed by SIGKILL at operation `at`."""
    run_inline(FaultyDisk(LocalDisk(Path(out)), Fault(at, kill=True)), toy_run(SHARDS, ROWS))


def sweep_and_die(out: str, inputs: str, at: int) -> None:
    """Train the proxies of a tiny experiment on a real disk, and be killed by SIGKILL at operation `at`."""
    from fakes.experiments import tiny_sweep

    stages = tiny_sweep(Path(inputs), proxy={"checkpoint_steps": 2})
    run_inline(FaultyDisk(LocalDisk(Path(out)), Fault(at, kill=True)), stages)


def main(out: str, *, ray: bool) -> None:
    disk = LocalDisk(Path(out))
    if ray:
        storage = Storage(disk)
        runtime = RayRuntime(storage, workers=2, address=None, resources=Resources())
        run_stages(storage, toy_run(SHARDS, ROWS), lambda: runtime, Events())
    else:
        run_inline(disk, toy_run(SHARDS, ROWS))
    print(json.dumps(digests(disk), sort_keys=True))


if __name__ == "__main__":
    main(sys.argv[1], ray="--ray" in sys.argv)
