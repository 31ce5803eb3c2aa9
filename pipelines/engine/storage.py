"""The commit protocol, the only code that writes data files.

A file is written under a unique staging name, synced, hashed on the way, renamed to its final name, and its
folder is synced. Lists of files (records, manifests) are published only if absent and come last, so a reader who
opens nothing but what a manifest lists can never see half a commit. Reads give bytes whose size and sha256 were
checked. A failing disk is told as a StorageError with what, where and what to do; nothing is deleted on failure.
"""

import errno
import hashlib
import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.engine.disk import Disk, LocalDisk
from pipelines.engine.errors import CorruptionError, StorageError
from pipelines.engine.hashing import digest, seal, sha256_bytes, unseal
from pipelines.engine.stage import FileRef

STAGING = ".stage-"
BUFFER_BYTES = 1 << 20
_REMEDY = {
    errno.ENOSPC: "free some space there, then run again: finished shards are kept",
    errno.EDQUOT: "raise the quota or free some space, then run again: finished shards are kept",
    errno.EROFS: "the file system is read-only: choose another out folder",
    errno.EACCES: "you have no permission there: choose another out folder",
    errno.EMFILE: "raise the limit of open files (ulimit -n), then run again",
    errno.EEXIST: "there is a file of that name: choose another out folder",
    errno.ENOTDIR: "a file stands where a folder is needed: choose another out folder",
    errno.ENOENT: "check its name, then run again: finished shards are kept",
    errno.ECONNRESET: "check the network and AWS_ENDPOINT_URL, then run again: finished shards are kept",
    errno.EPERM: "the file system there may lack hard links: choose an out folder on another one",
}


@contextmanager
def told(what: str, path: str) -> Iterator[None]:
    """Turn an OSError of the disk into a StorageError that a person can act on."""
    try:
        yield
    except OSError as error:
        code = error.errno or 0
        remedy = _REMEDY.get(code, "check the disk, then run again: finished shards are kept")
        name = errno.errorcode.get(code, type(error).__name__)
        raise StorageError(f"{what} {path} failed: {error.strerror or error} ({name}); {remedy}") from error


class StagedFile(io.RawIOBase):
    """A binary sink under a staging name; `commit` gives it its final name, and until then it does not exist."""

    def __init__(self, disk: Disk, folder: str) -> None:
        super().__init__()
        self._disk = disk
        self._folder = folder
        self._staging = f"{folder}/{STAGING}{uuid.uuid4().hex}"
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._abandoned = False
        self.size_bytes = 0
        with told("creating", self._staging):
            self._handle = disk.open_new(self._staging)

    def writable(self) -> bool:
        """Always; the file can only be appended to."""
        return True

    def tell(self) -> int:
        """Return the bytes written so far."""
        return self.size_bytes

    def write(self, data: Any) -> int:
        """Append `data`; once abandoned, swallow it: a Parquet writer ends its file even when it is only collected.

        Parquet headers come in pieces of a few bytes, so small pieces are gathered before they go to the disk.
        """
        view = memoryview(data).cast("B")
        if self._abandoned:
            return view.nbytes
        self.size_bytes += view.nbytes
        if view.nbytes < BUFFER_BYTES:
            self._buffer += view
            if len(self._buffer) >= BUFFER_BYTES:
                self._drain()
        else:
            self._drain()
            self._append(view)
        return view.nbytes

    def _drain(self) -> None:
        if self._buffer:
            full, self._buffer = self._buffer, bytearray()
            self._append(full)

    def _append(self, data: bytearray | memoryview) -> None:
        with told("writing", self._staging):
            self._handle.write(memoryview(data))
        self._hash.update(data)

    def commit(self, stem: str, extension: str) -> FileRef:
        """Make the content durable as `folder/stem-<16 hex of sha256>.extension` and return its reference."""
        self._finish()
        sha256 = self._hash.hexdigest()
        target = f"{self._folder}/{stem}-{sha256[:16]}.{extension}"
        with told("renaming", target):
            self._disk.rename(self._staging, target)
            self._disk.sync_folder(self._folder)
        return FileRef(target, sha256, self.size_bytes)

    def publish(self, target: str) -> bool:
        """Make the content durable as `target` if that does not exist; say whether it was this one."""
        self._finish()
        with told("publishing", target):
            published = self._disk.publish(self._staging, target)
            self._disk.sync_folder(self._folder)
        return published

    def replace(self, target: str) -> FileRef:
        """Make the content durable as `target`, replacing an earlier one atomically (plans and reports only)."""
        self._finish()
        with told("renaming", target):
            self._disk.rename(self._staging, target)
            self._disk.sync_folder(self._folder)
        return FileRef(target, self._hash.hexdigest(), self.size_bytes)

    def abandon(self) -> None:
        """Remove the staging file; a disk that refuses even that leaves an orphan for `medmix verify`."""
        self._abandoned = True
        self._buffer.clear()
        with suppress(OSError):
            self._handle.close()
        with suppress(OSError):
            self._disk.remove(self._staging)

    def _finish(self) -> None:
        try:
            self._drain()
            with told("syncing", self._staging):
                self._handle.sync()
        finally:
            with told("closing", self._staging):
                self._handle.close()


class Storage:
    """One run folder (or any root) on a disk."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    def create(self, folder: str) -> StagedFile:
        """Open a new staged file in `folder`."""
        return StagedFile(self.disk, folder)

    def read(self, ref: FileRef) -> memoryview:
        """Return the content of a committed file. Raises CorruptionError unless size and sha256 are as recorded."""
        data = self._read(ref.path)
        if data is None:
            raise CorruptionError(
                f"{ref.path}: listed in a manifest but missing; restore it, or remove the manifest and run again"
            )
        if data.nbytes != ref.size_bytes:
            raise CorruptionError(
                f"{ref.path}: {data.nbytes} bytes, but its manifest says {ref.size_bytes}; restore it from a copy"
            )
        if (found := sha256_bytes(data)) != ref.sha256:
            raise CorruptionError(
                f"{ref.path}: sha256 is {found[:16]}…, but its manifest says {ref.sha256[:16]}…; "
                "restore it from a copy, or remove it and its record and run again"
            )
        return data

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes, None when absent."""
        with told("looking at", path):
            return self.disk.size(path)

    def list(self, folder: str) -> list[str]:
        """Return all file paths under a folder, sorted."""
        with told("listing", folder):
            return self.disk.list(folder)

    def remove(self, path: str) -> None:
        """Remove a file (only `medmix verify --sweep` does)."""
        with told("removing", path):
            self.disk.remove(path)

    def sync_folder(self, folder: str) -> None:
        """Return when the names in a folder are durable."""
        with told("syncing", folder):
            self.disk.sync_folder(folder)

    def read_sealed(self, path: str) -> dict[str, Any] | None:
        """Return the body of a sealed JSON file, None when absent. Raises CorruptionError."""
        data = self._read(path)
        return None if data is None else unseal(bytes(data), path)

    def publish_sealed(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Publish a sealed JSON file if absent; return the body that stands, which may be an earlier writer's."""
        if self._staged(path, seal(body)).publish(path):
            return body
        standing = self.read_sealed(path)
        if standing is None or digest(standing) != digest(body):
            raise CorruptionError(f"{path}: another content stands under this identity; remove it and run again")
        return body

    def replace_file(self, path: str, data: bytes) -> FileRef:
        """Write or replace a derived file (plan, report) atomically."""
        return self._staged(path, data).replace(path)

    def _read(self, path: str) -> memoryview | None:
        with told("reading", path), suppress(FileNotFoundError, NotADirectoryError):
            return self.disk.read(path)
        return None

    def _staged(self, path: str, data: bytes) -> StagedFile:
        staged = self.create(path.rpartition("/")[0] or ".")
        try:
            staged.write(data)
        except StorageError:
            staged.abandon()
            raise
        return staged


def local_storage(root: Path) -> Storage:
    """Return the storage of a local or shared folder. Raises StorageError when it cannot be made."""
    with told("making the folder", str(root)):
        root.mkdir(parents=True, exist_ok=True)
    return Storage(LocalDisk(root))


def as_buffer(data: memoryview) -> pa.Buffer:
    """Return verified bytes as an Arrow buffer without a copy."""
    return pa.py_buffer(data)
