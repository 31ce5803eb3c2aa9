"""A mixture that lies in an object store: its shards are brought to a bounded local cache when the feed wants them.

`open_remote("s3://bucket/mixture", cache, most_bytes)` gives the rows that the feed takes; any URL of fsspec will do. A
shard is fetched whole, its sha256 is held against the mixture's list before a byte is used, and the next one is fetched
meanwhile; the shards used longest ago make room. Processes of one machine may share a cache, and each may go over its
bound by the shard that it fetches. Nothing is ever written to the store. Not here: reading rows (`stored`), which
checks every record batch again at its first touch.
"""

import contextlib
import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from mixer.stored import StoredRows
from pipelines.engine.errors import CorruptionError, InputError
from pipelines.engine.hashing import sha256_bytes

INDEX = ("mixture.json", "batches.parquet")
TRIES = 5
_PIECE_BYTES = 8 << 20


def open_remote(url: str, cache: Path, most_bytes: int) -> StoredRows:
    """Return the rows of the mixture whose folder is at `url`; at most `most_bytes` of shards lie in `cache` at a time.

    Raises InputError when there is no mixture, or no room for two of its shards; CorruptionError as StoredRows does.
    """
    folder = cache / sha256_bytes(url.encode())[:16]
    folder.mkdir(parents=True, exist_ok=True)
    shards = RemoteShards(url.rstrip("/"), folder, most_bytes)
    for name in INDEX:
        shards.download(name, None)
    rows = StoredRows(folder, shards)
    largest = max((file["size_bytes"] for file in rows.facts["files"]), default=0)
    if most_bytes < 2 * largest:
        raise InputError(
            f"{url}: a cache of {most_bytes:,} bytes has no room for two shards, the largest of which has {largest:,}; "
            "allow more"
        )
    return rows


class RemoteShards:
    """The shards below `url`, those at hand in `folder`."""

    def __init__(self, url: str, folder: Path, most_bytes: int) -> None:
        self._url = url
        self._folder = folder
        self._most_bytes = most_bytes
        self._thread: ThreadPoolExecutor | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the thread behind when a data loader's worker gets a copy."""
        return {**self.__dict__, "_thread": None}

    def open(self, files: list[dict[str, Any]], number: int) -> BinaryIO:
        """Open a shard once it is at hand, and begin to fetch the one after it.

        Raises InputError when it cannot be fetched, CorruptionError when it is not the one that the mixture lists.
        """
        self._thread = self._thread or ThreadPoolExecutor(1)  # one, so that nothing is fetched or removed side by side
        path: Path = self._folder / files[number]["name"]
        for _ in range(TRIES):
            self._thread.submit(self._fetch, files[number]).result()
            if path.exists():  # else another process made room
                break
        file = path.open("rb")  # before the next one is fetched, which may remove this one
        if number + 1 < len(files):
            self._thread.submit(self._fetch, files[number + 1])  # what fails here fails again when it is wanted
        return file

    def download(self, name: str, sha256: str | None) -> None:
        """Fetch one file to its place, whole or not at all."""
        import fsspec

        digest = hashlib.sha256()
        descriptor, written = tempfile.mkstemp(dir=self._folder, prefix="part-")
        try:
            with os.fdopen(descriptor, "wb") as to, fsspec.open(f"{self._url}/{name}", "rb") as source:
                while piece := source.read(_PIECE_BYTES):
                    digest.update(piece)
                    to.write(piece)
            if sha256 not in (None, digest.hexdigest()):
                raise CorruptionError(f"{self._url}/{name}: is not the shard that the mixture lists; upload it again")
            Path(written).replace(self._folder / name)
        except (OSError, ValueError, ImportError) as error:
            raise InputError(f"{self._url}/{name}: cannot be fetched: {error}") from error
        finally:
            Path(written).unlink(missing_ok=True)

    def _fetch(self, file: dict[str, Any]) -> None:
        path = self._folder / file["name"]
        with contextlib.suppress(OSError):
            os.utime(path)  # used now, so that it goes last
            return
        self._make_room(file["size_bytes"])
        self.download(file["name"], file["sha256"])

    def _make_room(self, size_bytes: int) -> None:
        """Remove shards, the one used longest ago first, until so many bytes fit."""
        with_age = []
        for path in self._folder.glob("*.arrow"):
            with contextlib.suppress(OSError):  # another rank may have removed it
                with_age.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        used = sum(size for _, size, _ in with_age)
        for _, size, path in sorted(with_age):
            if used + size_bytes <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            used -= size
