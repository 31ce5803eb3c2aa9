"""A bucket as a disk: the same primitives as `disk.LocalDisk`, so that the commit protocol above is one for both.

An object appears whole or not at all and is never renamed. So what is being written waits in an unnamed file of this
machine's scratch folder (TMPDIR; small ones in memory), and `rename` and `publish` are what puts it into the bucket,
`publish` on the condition that nothing stands under the name. Who dies before has left nothing, here or there, but for
parts of a large object, which a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) clears away.
"""

import errno
import mmap
import os
import posixpath
import tempfile
from typing import IO

from pipelines.engine.bucket import ABSENT, Bucket

IN_MEMORY_BYTES = 8 << 20
"""What is larger goes through the scratch folder, so that memory stays bounded."""


class ScratchHandle:
    """A file that has no name yet, on this machine."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`. Raises OSError, for a full scratch folder naming it."""
        try:
            self._file.write(data)
        except OSError as error:
            where = f"in the scratch folder {tempfile.gettempdir()} (TMPDIR)"
            raise OSError(error.errno, f"{error.strerror} {where}") from error

    def sync(self) -> None:
        """Do nothing: the store makes durable what it takes."""

    def close(self) -> None:
        """Do nothing: the content is needed until it has its name."""


class S3Disk:
    """The objects below `s3://bucket/prefix`, on any store that speaks S3."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._scratch: dict[str, IO[bytes]] = {}

    def __reduce__(self) -> tuple[type["S3Disk"], tuple[Bucket]]:
        """Go to another process without what is being written in this one."""
        return S3Disk, (self.bucket,)

    def open_new(self, path: str) -> ScratchHandle:
        """Begin a file on this machine; the bucket sees nothing of it."""
        if path in self._scratch:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self._scratch[path] = _scratch_file()
        return ScratchHandle(self._scratch[path])

    def rename(self, source: str, target: str) -> None:
        """Put what was written into the bucket."""
        with self._taken(source) as file:
            self.bucket.put(_key(target), file)

    def publish(self, source: str, target: str) -> bool:
        """Put it there unless something stands under the name; the store decides between two writers."""
        with self._taken(source) as file:
            try:
                self.bucket.put(_key(target), file, **ABSENT)
            except FileExistsError:
                return False
            return True

    def sync_folder(self, path: str) -> None:
        """Do nothing: a name is durable when it was taken."""

    def read(self, path: str) -> memoryview:
        """Fetch the object: into memory, or into an unnamed file that is mapped."""
        with _scratch_file() as file:
            self.bucket.fetch(_key(path), file.write)
            if file.tell() <= IN_MEMORY_BYTES:
                file.seek(0)
                return memoryview(file.read())
            file.flush()
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def size(self, path: str) -> int | None:
        """Ask for the size of the object."""
        return self.bucket.size(_key(path))

    def list(self, folder: str) -> list[str]:
        """List the objects below the folder; a missing one is empty."""
        return self.bucket.keys(_key(folder))

    def remove(self, path: str) -> None:
        """Forget what was being written, or delete an object that is there."""
        if path in self._scratch:
            self._taken(path).close()
            return
        if self.bucket.size(_key(path)) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.bucket.delete(_key(path))

    def _taken(self, path: str) -> IO[bytes]:
        if path not in self._scratch:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._scratch.pop(path)


def _scratch_file() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)


def _key(path: str) -> str:
    """Return a path without dots, as keys are mere text; the root is empty."""
    key = posixpath.normpath(path)
    return "" if key == "." else key
