"""SIGKILL to a real process on a real file system at random operations, up to three times in a row, then resume."""

import multiprocessing
import random
import signal
from pathlib import Path

import pytest
from fakes.child import ROWS, SHARDS, run_and_die
from fakes.disk import FaultyDisk, MemoryDisk
from fakes.runs import digests, run_inline
from fakes.stages import toy_run

from pipelines.engine.disk import LocalDisk
from pipelines.engine.storage import Storage
from pipelines.engine.verify import sweep, verify

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["fakes.child"])


def killed_again_and_again(tmp_path: Path, seed: int, operations: int) -> LocalDisk:
    """Start the run one to three times in the same folder, each killed at a seeded operation."""
    draw = random.Random(seed)
    out = tmp_path / str(seed)
    for _ in range(draw.randrange(1, 4)):
        child = PROCESSES.Process(target=run_and_die, args=(str(out), draw.randrange(1, operations)))
        child.start()
        child.join()
        assert child.exitcode in (-signal.SIGKILL, 0), f"seed {seed}"
    return LocalDisk(out)


def check_kills(tmp_path: Path, seeds: range) -> None:
    whole = FaultyDisk(MemoryDisk())
    planned = toy_run(SHARDS, ROWS)
    run_inline(whole, planned)
    expected = digests(whole.disk)
    for seed in seeds:
        disk = killed_again_and_again(tmp_path, seed, len(whole.operations))
        assert digests(disk).items() <= expected.items(), f"seed {seed}"
        run_inline(disk, planned)
        assert digests(disk) == expected, f"seed {seed}"
        verdict = verify(Storage(disk))
        assert (verdict.problems, verdict.superseded) == ([], []), f"seed {seed}"
        sweep(Storage(disk), verdict)
        assert disk.list("stages") == sorted(expected), f"seed {seed}"


def test_kill_9_at_random_operations_then_resume(tmp_path: Path) -> None:
    check_kills(tmp_path, range(5))


@pytest.mark.nightly
def test_kill_9_a_hundred_times(tmp_path: Path) -> None:
    check_kills(tmp_path, range(100, 200))
