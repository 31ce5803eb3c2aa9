"""sha256 of input files, remembered beside the run so that a second look at a large source is cheap.

A digest is known again only when size, both time stamps and inode are unchanged, and never for a file that changed
just before it was read: within one tick of the clock a second change would not show. The file may be deleted at any
time, and one that is damaged is as good as none. Not here: which files a source has (`sources.files`).
"""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from pipelines.engine.errors import CorruptionError, InputError
from pipelines.engine.hashing import seal, unseal

FRESH_NS = 2_000_000_000
"""A file that changed less long ago is digested again the next time."""


class DigestCache:
    """Size and sha256 of files by path, kept in one JSON file; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def digest(self, path: Path) -> tuple[int, str]:
        """Return size in bytes and sha256 of a file. Raises InputError when it cannot be read, or changes meanwhile."""
        try:
            with path.open("rb") as file:
                mark = _mark(os.fstat(file.fileno()))
                known = self._known.get(str(path))
                if known and known[:4] == mark:
                    return mark[0], str(known[4])
                value = hashlib.file_digest(file, "sha256").hexdigest()
                unchanged = _mark(os.fstat(file.fileno())) == mark
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error
        if not unchanged:
            raise InputError(f"{path}: changes while it is read; run again when whatever writes it is done")
        if time.time_ns() - max(mark[1:3]) > FRESH_NS:
            self._known[str(path)] = [*mark, value]
        return mark[0], value

    def save(self) -> None:
        """Write the cache. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(seal({"files": self._known}))
        scratch.replace(self._path)


def _mark(stat: os.stat_result) -> list[int]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _read(path: Path) -> dict[str, list[Any]]:
    """Return the entries of the sealed cache file; none of one that is absent or damaged."""
    try:
        found: dict[str, list[Any]] = unseal(path.read_bytes(), path.name)["files"]
    except (OSError, CorruptionError, KeyError):
        return {}
    return found
