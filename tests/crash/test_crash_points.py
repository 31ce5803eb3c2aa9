"""The process exits, or the disk fails, at every single storage operation; the next run must give the same bytes."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.disk import Fault, FaultyDisk, MemoryDisk, SimulatedExit
from fakes.runs import digests, run_inline
from fakes.s3 import s3_disk, s3_store
from fakes.stages import tiny_run, toy_run

from pipelines.engine.disk import Disk, LocalDisk
from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import StorageError
from pipelines.engine.storage import STAGING, Storage
from pipelines.engine.verify import sweep, verify

ERRORS = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EROFS, errno.EDQUOT)
SMALL = tiny_run()
WIDE = toy_run(shards=2, rows=24)


def reference(planned: list[PlannedStage]) -> tuple[dict[str, str], list[str]]:
    disk = FaultyDisk(MemoryDisk())
    run_inline(disk, planned)
    return digests(disk.disk), disk.operations


def interrupt(
    planned: list[PlannedStage], fault: Fault, under: Disk | None = None
) -> tuple[MemoryDisk, FaultyDisk, BaseException]:
    disk = FaultyDisk(under or MemoryDisk(), fault)
    with pytest.raises((SimulatedExit, StorageError)) as caught:
        run_inline(disk, planned)
    return disk.disk, disk, caught.value


def check_error(error: BaseException, disk: FaultyDisk, fault: Fault) -> None:
    name, path = disk.operations[fault.at - 1].split(" ", 1)
    assert type(error) is StorageError, (name, error)
    assert path in str(error), (name, str(error))
    assert errno.errorcode[fault.error] in str(error)
    assert "run again" in str(error) or "choose another" in str(error)


def check_resume(disk: Disk, planned: list[PlannedStage], expected: dict[str, str], where: str) -> None:
    left = digests(disk)
    assert left.items() <= expected.items(), f"a final name shows other bytes after {where}"
    run_inline(disk, planned)
    assert digests(disk) == expected, f"resume differs after {where}"


def every_point(planned: list[PlannedStage], faults: Callable[[int], list[Fault]]) -> int:
    expected, operations = reference(planned)
    for at in range(1, len(operations) + 1):
        for fault in faults(at):
            disk, faulty, error = interrupt(planned, fault)
            if fault.error is not None:
                check_error(error, faulty, fault)
            check_resume(disk, planned, expected, f"{fault} at {faulty.operations[at - 1]}")
    return len(operations)


def test_exit_at_every_operation_then_resume_gives_the_same_bytes() -> None:
    assert every_point(SMALL, lambda at: [Fault(at)]) > 120


def test_io_error_at_every_operation_is_told_and_resume_gives_the_same_bytes() -> None:
    assert every_point(SMALL, lambda at: [Fault(at, ERRORS[at % 5], persistent=at % 2 == 0)]) > 120


@pytest.mark.nightly
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_every_error_at_every_operation(after: bool, persistent: bool) -> None:
    points = every_point(WIDE, lambda at: [Fault(at, ERRORS[(at + turn) % 5], after, persistent) for turn in (0, 2)])
    assert points > 300


@pytest.mark.nightly
def test_exit_at_every_operation_of_a_wide_run() -> None:
    assert every_point(WIDE, lambda at: [Fault(at), Fault(at, after=True)]) > 300


def on_a_store(points: slice) -> int:
    """As `every_point`, on a bucket: exits before and after an operation took effect, and errors of the store."""
    expected, operations = reference(SMALL)
    with s3_store() as store:
        for turn, at in enumerate(range(1, len(operations) + 1)[points]):
            fault = (Fault(at), Fault(at, after=True), Fault(at, errno.EIO), Fault(at, errno.EIO, after=True))[turn % 4]
            disk, faulty, error = interrupt(SMALL, fault, s3_disk(store))
            if fault.error is not None:
                check_error(error, faulty, fault)
            check_resume(disk, SMALL, expected, f"{fault} at {faulty.operations[at - 1]}")
            verdict = verify(Storage(disk))
            assert (verdict.problems, verdict.orphans, verdict.superseded) == ([], [], [])
    return len(operations)


def test_exits_and_errors_on_a_store_leave_nothing_and_resume_gives_the_same_bytes() -> None:
    assert on_a_store(slice(None, None, 29)) > 120


@pytest.mark.nightly
def test_exits_and_errors_at_every_operation_on_a_store() -> None:
    assert on_a_store(slice(None)) > 120


def naming_operations(planned: list[PlannedStage]) -> list[int]:
    _, operations = reference(planned)
    return [at for at, told in enumerate(operations, 1) if told.split()[0] in {"rename", "publish", "sync_folder"}]


def test_an_unknown_outcome_of_a_commit_deletes_nothing() -> None:
    """The rename or publish took effect and then reported an error: what stands must stay, and be used on resume."""
    expected, _ = reference(SMALL)
    for at in naming_operations(SMALL):
        disk, faulty, error = interrupt(SMALL, Fault(at, errno.EIO, after=True))
        check_error(error, faulty, Fault(at, errno.EIO))
        name, path = faulty.operations[at - 1].split(" ", 1)
        assert name == "sync_folder" or path in disk.names
        check_resume(disk, SMALL, expected, f"error after {name} {path}")


def test_two_crashes_in_a_row_and_a_sweep_leave_exactly_the_run() -> None:
    expected, operations = reference(SMALL)
    for first in range(5, len(operations), 23):
        disk, _, _ = interrupt(SMALL, Fault(first))
        again = FaultyDisk(disk, Fault(15))
        with pytest.raises(SimulatedExit):
            run_inline(again, SMALL)
        check_resume(disk, SMALL, expected, f"exits at {first} and 15")
        verdict = verify(Storage(disk))
        assert verdict.problems == []
        assert verdict.superseded == []
        assert all(STAGING in path for path in verdict.orphans)
        sweep(Storage(disk), verdict)
        assert set(disk.names) == set(expected)


def test_a_failed_run_leaves_no_open_file(tmp_path: Path) -> None:
    _, operations = reference(SMALL)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for at in range(1, len(operations), 9):
        disk = FaultyDisk(LocalDisk(tmp_path / str(at)), Fault(at, errno.ENOSPC))
        with pytest.raises(StorageError):
            run_inline(disk, SMALL)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
