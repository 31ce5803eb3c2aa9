"""A second driver is refused at once and told why; a dead one frees the folder; a stale one is taken over."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.engine.errors import LockedError, StorageError
from pipelines.engine.lock import LOCK_NAMES, STALE_S, RunLock

HOLDER = (
    "import os, sys, time; from pathlib import Path; from pipelines.engine.lock import RunLock\n"
    "with RunLock(Path(sys.argv[1]), owner='medmix run a.yaml'):\n"
    "    {inside}\n"
    "    print('held', flush=True); time.sleep(600)\n"
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@contextmanager
def holder(folder: Path, inside: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock, in a group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(inside=inside), str(folder)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_second_driver_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path) as process, pytest.raises(LockedError) as refusal, RunLock(tmp_path):
        pass
    message = str(refusal.value)
    for part in (str(tmp_path), f"pid {process.pid}", os.uname().nodename, "since 20", "medmix run a.yaml", "kill"):
        assert part in message


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(LockedError), RunLock(tmp_path):
        pass
    with RunLock(tmp_path):
        pass


def test_kill_9_frees_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path):
        pass
    with RunLock(tmp_path) as lock:
        assert lock.notice == ""


FORKS = "r, w = os.pipe(); os.fork() or (os.write(w, b'x'), time.sleep(600)); os.read(r, 1)"
SPAWNS = "os.posix_spawn('/bin/sleep', ['sleep', '9'], {})"


@pytest.mark.parametrize("inside", [FORKS, SPAWNS])
def test_children_do_not_keep_the_lock(tmp_path: Path, inside: str) -> None:
    with holder(tmp_path, inside) as process:
        process.kill()
        process.wait()
        with RunLock(tmp_path):
            pass


def test_the_folder_is_left_without_an_owner(tmp_path: Path) -> None:
    with RunLock(tmp_path / "a" / "run") as lock:
        lock.beat()
        lock.check()
    assert {path.name for path in (tmp_path / "a" / "run").iterdir()} <= LOCK_NAMES - {".lock.json"}


def foreign(folder: Path, clock: Clock, heartbeat_s: float) -> None:
    """Leave the record of a driver on another machine, whose flock does not reach us."""
    record = {"host": "node7", "machine": "other", "pid": 4242, "process_start": "1", "command": "medmix run b.yaml"}
    record |= {"started": clock.now_s - 500, "heartbeat": clock.now_s - heartbeat_s}  # type: ignore[dict-item]
    (folder / ".lock.json").write_text(json.dumps(record))


def test_a_fresh_heartbeat_from_another_machine_refuses(tmp_path: Path) -> None:
    clock = Clock()
    foreign(tmp_path, clock, STALE_S - 1)
    with pytest.raises(LockedError, match=r"pid 4242 on node7 since 2023-11-14 .*heartbeat 59 s ago"):
        RunLock(tmp_path, clock=clock).__enter__()
    assert "node7" in (tmp_path / ".lock.json").read_text()


def test_a_stale_heartbeat_from_another_machine_is_taken_over_with_a_notice(tmp_path: Path) -> None:
    clock = Clock()
    foreign(tmp_path, clock, STALE_S + 1)
    with RunLock(tmp_path, clock=clock) as lock:
        assert "node7" in lock.notice
        assert json.loads((tmp_path / ".lock.json").read_text())["pid"] == os.getpid()


def test_a_heartbeat_is_renewed_and_keeps_the_folder(tmp_path: Path) -> None:
    clock = Clock()
    with RunLock(tmp_path, clock=clock, machine="here") as lock:
        clock.now_s += STALE_S + 1
        lock.beat()
        clock.now_s += 1
        record = json.loads((tmp_path / ".lock.json").read_text())
        assert clock.now_s - record["heartbeat"] == 1
        assert clock.now_s - record["started"] == STALE_S + 2


def test_a_driver_that_lost_its_lock_learns_it_and_leaves_the_new_owner_alone(tmp_path: Path) -> None:
    clock = Clock()
    with RunLock(tmp_path, clock=clock) as lock:
        foreign(tmp_path, clock, 0)
        lock.beat()
        with pytest.raises(LockedError, match="node7"):
            lock.check()
    assert "node7" in (tmp_path / ".lock.json").read_text()


@pytest.mark.parametrize("torn", ["", "{", "[]", "null", '{"pid": 1'])
def test_a_torn_record_does_not_block(tmp_path: Path, torn: str) -> None:
    (tmp_path / ".lock.json").write_text(torn)
    with RunLock(tmp_path):
        pass


def test_the_record_holds_no_secret(tmp_path: Path) -> None:
    with RunLock(tmp_path, owner="medmix run --token hf_AbCdEfGhIjKl01234567"):
        assert "hf_" not in (tmp_path / ".lock.json").read_text()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot lock"):
        RunLock(tmp_path / "file" / "run").__enter__()


def test_the_heartbeat_thread_beats_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.engine.lock.HEARTBEAT_S", 0.01)
    clock = Clock()
    with RunLock(tmp_path, clock=clock):
        clock.now_s += 100
        for _ in range(500):
            if json.loads((tmp_path / ".lock.json").read_text())["heartbeat"] == clock.now_s:
                return
            time.sleep(0.01)
    pytest.fail("no heartbeat within 5 s")
