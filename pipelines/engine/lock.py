"""One driver per run folder: an exclusive lock with an owner record and a heartbeat.

On one machine the kernel's `flock` decides: it is exact, and a `kill -9` frees it at once. A shared file system may
not carry it to other machines, so the owner record beside it decides between machines: a heartbeat younger than a
minute refuses, an older one is taken over, with a notice. The lock files are not data, and `verify` passes them over.
Not here: fencing of writers that lost the lock; commits are write-once, so the worst is work done twice; and runs on a
store, which have no kernel to ask (`lease`).
"""

import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.engine.errors import LockedError, StorageError
from pipelines.engine.secrets import redact

OWNER = ".lock.json"
LOCK_NAMES = frozenset({".lock", OWNER, ".lock.json.new"})
"""Every file a lock may leave in its folder."""
HEARTBEAT_S = 5.0
STALE_S = 60.0

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_held: set[int] = set()


def _close_in_fork() -> None:
    """A forked child must not keep the lock alive when its parent is killed."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_fork)


class RunLock:
    """Context manager that holds `folder` (made if absent) for this process; `owner` says for whom, in words.

    Raises LockedError at once when another driver holds it, and StorageError when the folder cannot be written.
    `notice` is empty, or says whose stale lock was taken over. `machine` and `clock` are for tests.
    """

    def __init__(
        self,
        folder: Path,
        owner: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
        machine: str | None = None,
    ) -> None:
        self.notice = ""
        self._folder = folder
        self._record_path = folder / OWNER
        self._clock = clock
        self._machine = machine or this_machine()
        self._owner = owner
        self._descriptor = -1
        self._record: dict[str, Any] = {}
        self._stop = threading.Event()
        self._heart: threading.Thread

    def __enter__(self) -> "RunLock":
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(
                f"{self._folder}: cannot lock the run folder ({error.strerror}); choose another, or make it writable"
            ) from error
        _held.add(self._descriptor)
        with ExitStack() as undo:
            undo.callback(self._release)
            self._acquire()
            undo.pop_all()
        self._stop.clear()
        self._heart = threading.Thread(target=self._keep_beating, name="run-lock-heartbeat", daemon=True)
        self._heart.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._heart.join()  # a beat under way must not bring the record back
        if self._is_ours(_read(self._record_path)):
            self._record_path.unlink(missing_ok=True)
        self._release()

    def check(self) -> None:
        """Raise LockedError when another machine took the lock over (this one was stopped for over a minute)."""
        record = _read(self._record_path)
        if record and not self._is_ours(record):
            raise self._refusal(record, "took this run over while this process was stopped; let it finish")

    def beat(self) -> None:
        """Renew the heartbeat, unless another owner has taken over."""
        if self._is_ours(_read(self._record_path)):
            self._write()

    def _acquire(self) -> None:
        record = _read(self._record_path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = record.get("pid", "that pid")
            raise self._refusal(record, f"wait until it ends, or stop it (kill {pid}); then run again") from None
        except OSError as error:
            raise StorageError(
                f"{self._folder}: the file system refuses locks ({error.strerror}); use a local or POSIX run folder"
            ) from error
        if record and record.get("machine") != self._machine:
            if self._age_s(record) < STALE_S:
                advice = f"stop it there; if that machine is gone, run again {STALE_S:.0f} s after its last heartbeat"
                raise self._refusal(record, advice)
            self.notice = f"{self._folder}: took over a stale lock, was {self._describe(record)}"
        self._record = owner_record(self._owner, self._machine, self._clock())
        self._write()

    def _write(self) -> None:
        fresh = self._folder / ".lock.json.new"
        fresh.write_text(json.dumps({**self._record, "heartbeat": self._clock()}))
        fresh.replace(self._record_path)

    def _keep_beating(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            with suppress(OSError):  # a full disk must not end the run; flock still holds
                self.beat()

    def _release(self) -> None:
        _held.discard(self._descriptor)
        os.close(self._descriptor)

    def _is_ours(self, record: dict[str, Any]) -> bool:
        return bool(self._record) and all(record.get(name) == value for name, value in self._record.items())

    def _age_s(self, record: dict[str, Any]) -> float:
        return self._clock() - float(record.get("heartbeat", 0.0))

    def _refusal(self, record: dict[str, Any], advice: str) -> LockedError:
        return LockedError(f"{self._folder} is {self._describe(record)}; {advice}")

    def _describe(self, record: dict[str, Any]) -> str:
        return described(record, self._age_s(record))


def owner_record(owner: str | None, machine: str, now_s: float) -> dict[str, Any]:
    """Return who holds a lock from now on, without secrets; `owner` is this process' command line by default."""
    return {
        "host": socket.gethostname(),
        "machine": machine,
        "pid": os.getpid(),
        "process_start": process_start("self"),
        "command": redact(owner if owner is not None else " ".join(sys.argv)),
        "started": now_s,
    }


def described(record: dict[str, Any], age_s: float) -> str:
    """Say in words who holds a lock, and when that was last renewed."""
    if not record:
        return "held by a driver that has not yet said who it is"
    since = datetime.fromtimestamp(float(record.get("started", 0)), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"held by pid {record.get('pid')} on {record.get('host')} since {since} "
        f"(last heartbeat {age_s:.0f} s ago): {record.get('command')}"
    )


def _read(path: Path) -> dict[str, Any]:
    """Return the owner record; empty when there is none or it is torn."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def this_machine() -> str:
    """Return what tells kernels apart: `flock` is exact within one, whatever its containers call themselves."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else socket.gethostname()


def process_start(pid: str) -> str:
    """Return the start of a process in clock ticks since boot, which tells it from a later one with its pid."""
    stat = Path("/proc") / pid / "stat"
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""
