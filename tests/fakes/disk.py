"""Disks that fail: the n-th primitive fails, exits or kills, and a disk that forgets what was not synced.

`FaultyDisk` counts every primitive operation of the disk under it, handles included. An exit raises a BaseException
and leaves the disk dead, so that no clean-up code gets to touch it, as after a real exit. `MemoryDisk` keeps what a
power loss would keep: content that was synced and names whose folder was synced, the rest by a seeded coin.
"""

import errno
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine.disk import Disk, Handle


class SimulatedExit(BaseException):
    """The process is gone; nothing may catch this."""


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Fault:
    """What happens at operation `at` (from 1): an OSError with `error`, or an exit when that is None.

    `after` lets the operation take effect first; `persistent` makes all later operations fail too.
    """

    at: int
    error: int | None = None
    after: bool = False
    persistent: bool = False
    kill: bool = False


class FaultyDisk:
    def __init__(self, disk: Disk, fault: Fault | None = None) -> None:
        self.disk = disk
        self.fault = fault
        self.operations: list[str] = []
        self.dead = False

    def open_new(self, path: str) -> Handle:
        return FaultyHandle(self, path, self.do("open_new", path, lambda: self.disk.open_new(path)))

    def rename(self, source: str, target: str) -> None:
        self.do("rename", target, lambda: self.disk.rename(source, target))

    def publish(self, source: str, target: str) -> bool:
        return self.do("publish", target, lambda: self.disk.publish(source, target))

    def sync_folder(self, path: str) -> None:
        self.do("sync_folder", path, lambda: self.disk.sync_folder(path))

    def read(self, path: str) -> memoryview:
        return self.do("read", path, lambda: self.disk.read(path))

    def size(self, path: str) -> int | None:
        return self.do("size", path, lambda: self.disk.size(path))

    def list(self, folder: str) -> list[str]:
        return self.do("list", folder, lambda: self.disk.list(folder))

    def remove(self, path: str) -> None:
        self.do("remove", path, lambda: self.disk.remove(path))

    def do(self, name: str, path: str, action: Callable[[], Any]) -> Any:
        """Run one primitive, with the fault before or after it."""
        if self.dead:
            raise SimulatedExit
        self.operations.append(f"{name} {path}")
        here, fault = len(self.operations), self.fault
        hit = fault is not None and (here == fault.at or (fault.persistent and here > fault.at))
        if hit and not fault.after:
            self._fail(fault, path)
        try:
            return action()
        finally:
            if hit:  # also when what was asked for is not there
                self._fail(fault, path)

    def next_fails(self) -> bool:
        return self.fault is not None and len(self.operations) + 1 == self.fault.at and not self.dead

    def _fail(self, fault: Fault, path: str) -> None:
        if fault.error is not None:
            raise OSError(fault.error, os.strerror(fault.error), path)
        self.dead = True
        if fault.kill:
            kill_this_process()
        raise SimulatedExit


class FaultyHandle:
    def __init__(self, owner: FaultyDisk, path: str, handle: Handle) -> None:
        self._owner = owner
        self._path = path
        self._handle = handle

    def write(self, data: bytes | memoryview) -> None:
        """Append; a write that fails has written its first half."""
        view = memoryview(data).cast("B")
        if self._owner.next_fails():
            self._handle.write(view[: view.nbytes // 2])
            view = view[view.nbytes // 2 :]
        self._owner.do("write", self._path, lambda: self._handle.write(view))

    def sync(self) -> None:
        self._owner.do("sync", self._path, self._handle.sync)

    def close(self) -> None:
        """Close; a close that reports an error has closed all the same, as on Linux."""
        try:
            self._owner.do("close", self._path, self._handle.close)
        except OSError:
            self._handle.close()
            raise


@dataclass
class Inode:
    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""


@dataclass(frozen=True)
class NameChange:
    """A change of names that a power loss may keep or lose as a whole."""

    added: tuple[tuple[str, Inode], ...] = ()
    removed: tuple[str, ...] = ()


class MemoryHandle:
    def __init__(self, inode: Inode) -> None:
        self._inode = inode

    def write(self, data: bytes | memoryview) -> None:
        self._inode.content += memoryview(data).cast("B")

    def sync(self) -> None:
        self._inode.durable = bytes(self._inode.content)

    def close(self) -> None:
        pass


class MemoryDisk:
    """Files in memory. `names` is what processes see, `durable` what is on the device, `pending` what lies between."""

    def __init__(self) -> None:
        self.names: dict[str, Inode] = {}
        self.durable: dict[str, Inode] = {}
        self.pending: dict[str, list[NameChange]] = {}

    def open_new(self, path: str) -> Handle:
        if path in self.names:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        inode = Inode()
        self._change(path, NameChange(added=((path, inode),)))
        return MemoryHandle(inode)

    def rename(self, source: str, target: str) -> None:
        self._change(target, NameChange(((target, self._inode(source)),), (source,)))

    def publish(self, source: str, target: str) -> bool:
        inode = self._inode(source)
        published = target not in self.names
        if published:
            self._change(target, NameChange(added=((target, inode),)))
        self.remove(source)
        return published

    def sync_folder(self, path: str) -> None:
        for change in self.pending.pop(_folder(f"{path}/x"), []):
            _apply(self.durable, change)

    def read(self, path: str) -> memoryview:
        return memoryview(bytes(self._inode(path).content))

    def size(self, path: str) -> int | None:
        return len(self.names[path].content) if path in self.names else None

    def list(self, folder: str) -> list[str]:
        return sorted(path for path in self.names if path.startswith(f"{folder}/") or folder == ".")

    def remove(self, path: str) -> None:
        self._inode(path)
        self._change(path, NameChange(removed=(path,)))

    def power_loss(self, coin: random.Random | None = None) -> "MemoryDisk":
        """Return the disk as found after the power came back: the worst case, or what a seeded coin let survive."""
        after = MemoryDisk()
        names = dict(self.durable)
        if coin is not None:
            changes = [change for folder in sorted(self.pending) for change in self.pending[folder]]
            coin.shuffle(changes)
            for change in changes:
                if coin.random() < 0.5:
                    _apply(names, change)
        for path, inode in names.items():
            content = _survivor(inode, coin)
            after.names[path] = Inode(bytearray(content), content)
        after.durable = dict(after.names)
        return after

    def files(self) -> dict[str, bytes]:
        """Return all files by path."""
        return {path: bytes(self.names[path].content) for path in sorted(self.names)}

    def _inode(self, path: str) -> Inode:
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return self.names[path]

    def _change(self, path: str, change: NameChange) -> None:
        _apply(self.names, change)
        self.pending.setdefault(_folder(path), []).append(change)


def _folder(path: str) -> str:
    return os.path.normpath(path.rpartition("/")[0] or ".")


def _apply(names: dict[str, Inode], change: NameChange) -> None:
    names.update(change.added)
    for path in change.removed:
        names.pop(path, None)


def _survivor(inode: Inode, coin: random.Random | None) -> bytes:
    """What is left of a file: what was synced, and of the rest nothing, a part of it, or blocks of zeros."""
    unsynced = bytes(inode.content[len(inode.durable) :])
    if coin is None or not unsynced:
        return inode.durable
    kept = unsynced[: coin.randrange(len(unsynced) + 1)]
    return inode.durable + (kept if coin.random() < 0.7 else bytes(len(kept)))
