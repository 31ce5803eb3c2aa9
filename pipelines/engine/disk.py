"""The nine primitive operations that everything durable is made of, for a local or shared file system.

They are kept apart from the commit protocol (`storage`) so that the tests can put another disk underneath:
one that fails or loses power at the n-th operation. Primitives raise plain OSError. Paths are relative to the
root and use forward slashes. Not here: naming, digests, retries, error messages.
"""

import mmap
import os
from pathlib import Path
from typing import Protocol


class Handle(Protocol):
    """A new file being written."""

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`, all of it."""
        ...

    def sync(self) -> None:
        """Return when the content is durable."""
        ...

    def close(self) -> None:
        """Close; errors may surface here."""
        ...


class Disk(Protocol):
    """What a commit needs from a file system or object store."""

    def open_new(self, path: str) -> Handle:
        """Create `path`, which must not exist, and its folder if that is missing."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Give the file its final name; an existing `target` is replaced atomically."""
        ...

    def publish(self, source: str, target: str) -> bool:
        """Name the file `target` unless that exists already; say whether it was published."""
        ...

    def sync_folder(self, path: str) -> None:
        """Return when the names in the folder are durable."""
        ...

    def read(self, path: str) -> memoryview:
        """Return the whole content, mapped where possible."""
        ...

    def size(self, path: str) -> int | None:
        """Return the size in bytes, or None when there is no such file."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the paths of all files under `folder`, sorted."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file."""
        ...


class LocalHandle:
    """An unbuffered descriptor: what `write` returned from is in the kernel."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`, looping over short writes."""
        view = memoryview(data).cast("B")
        while view.nbytes:
            view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        """Flush to the device."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor, once: later its number may belong to another file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LocalDisk:
    """A folder of a POSIX file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open_new(self, path: str) -> LocalHandle:
        """Create the file exclusively; each folder made on the way is made durable by its parent's sync."""
        full = self.root / path
        self._make_folder(full.parent)
        return LocalHandle(os.open(full, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))

    def rename(self, source: str, target: str) -> None:
        """Rename within the root."""
        (self.root / source).rename(self.root / target)

    def publish(self, source: str, target: str) -> bool:
        """Link, which fails when the target exists, then drop the staging name."""
        try:
            os.link(self.root / source, self.root / target)
            published = True
        except FileExistsError:
            published = False
        (self.root / source).unlink()
        return published

    def sync_folder(self, path: str) -> None:
        """Flush the folder's entries to the device."""
        self._sync(self.root / path)

    def read(self, path: str) -> memoryview:
        """Map the file read-only."""
        with (self.root / path).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def size(self, path: str) -> int | None:
        """Return the size of a regular file."""
        full = self.root / path
        return full.stat().st_size if full.is_file() else None

    def list(self, folder: str) -> list[str]:
        """Walk the folder; a missing one is empty."""
        base = self.root / folder
        return sorted(p.relative_to(self.root).as_posix() for p in base.rglob("*") if p.is_file())

    def remove(self, path: str) -> None:
        """Unlink."""
        (self.root / path).unlink()

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            self._sync(folder.parent)

    @staticmethod
    def _sync(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
