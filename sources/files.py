"""The `files` connector: which files a source has, their digests, and how they fall into shards.

Listing is a pure function of folder content: sorted paths, include and exclude patterns, sha256 of every file. Files
are grouped in path order until a shard has its bytes; a large plain JSONL is cut into byte ranges. Digests are
remembered by size and time stamp beside the run, so a second look is cheap. Not here: reading what is inside.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.engine.errors import ConfigError, InputError
from sources.catalog import SourceConfig

RANGED_SUFFIXES = {".jsonl"}


@dataclass(frozen=True, slots=True)
class RawFile:
    """One input file: `key` is its path relative to the source's folder."""

    key: str
    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A file, or the byte range [start, end) of a large one; end None means the whole file."""

    file: RawFile
    start: int = 0
    end: int | None = None


class DigestCache:
    """sha256 by (path, size, mtime, inode), kept in one JSON file that may be deleted at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[Any]] = {}
        if path.is_file():
            try:
                self._known = json.loads(path.read_bytes())
            except ValueError:
                self._known = {}

    def digest(self, path: Path) -> str:
        """Return the sha256 of a file, from the cache when its stat is unchanged. Raises InputError."""
        try:
            stat = path.stat()
            mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
            known = self._known.get(str(path))
            if known and known[:4] == mark:
                return str(known[4])
            with path.open("rb") as file:
                value = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error
        self._known[str(path)] = [*mark, value]
        return value

    def save(self) -> None:
        """Write the cache."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(f".{os.getpid()}")
        scratch.write_text(json.dumps(self._known, sort_keys=True))
        scratch.replace(self._path)


def folder_of(config: SourceConfig, base: Path) -> Path | None:
    """Return the absolute path of a source, None when an optional one is not there. Raises ConfigError, InputError."""
    expanded = os.path.expandvars(config.path)
    if "$" in expanded:
        if config.optional:
            return None
        raise ConfigError(f"source {config.name}: path {config.path!r} names a variable that is not set; export it")
    path = (base / Path(expanded).expanduser()).absolute()
    if path.exists():
        return path
    if config.optional:
        return None
    raise InputError(f"source {config.name}: {path} does not exist; correct `path`, or set `optional: true`")


def list_files(config: SourceConfig, path: Path, cache: DigestCache) -> list[RawFile]:
    """Return the files of a source in key order. Raises InputError when a source that is not optional has none."""
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    root = path.parent if path.is_file() else path
    chosen = [(key, p) for p in found if _matches(config, key := p.relative_to(root).as_posix())]
    chosen.sort()
    if not chosen and not config.optional:
        raise InputError(f"source {config.name}: {path} has {len(found)} files, none matches include {config.include}")
    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(cache.digest, [p for _, p in chosen]))
    return [RawFile(key, p, p.stat().st_size, sha) for (key, p), sha in zip(chosen, digests, strict=True)]


def _matches(config: SourceConfig, key: str) -> bool:
    if key == config.urls or any(part.startswith(".") for part in key.split("/")):
        return False
    return any(_glob(key, p) for p in config.include) and not any(_glob(key, p) for p in config.exclude)


def _glob(key: str, pattern: str) -> bool:
    """Match a relative path: `**` spans folders, also none; a pattern without a slash matches in any folder."""
    parts = pattern.split("/") if "/" in pattern else ["**", pattern]
    return _glob_parts(key.split("/"), parts)


def _glob_parts(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_glob_parts(names[skip:], parts[1:]) for skip in range(len(names) + 1))
    return bool(names) and PurePosixPath(names[0]).match(parts[0]) and _glob_parts(names[1:], parts[1:])


def into_shards(files: list[RawFile], shard_bytes: int) -> Iterator[list[Slice]]:
    """Yield the slices of each shard, in order, about `shard_bytes` each."""
    group: list[Slice] = []
    size = 0
    for file in files:
        if file.size_bytes > shard_bytes and file.path.suffix in RANGED_SUFFIXES:
            if group:
                yield group
                group, size = [], 0
            for start in range(0, file.size_bytes, shard_bytes):
                yield [Slice(file, start, min(start + shard_bytes, file.size_bytes))]
            continue
        if group and size + file.size_bytes > shard_bytes:
            yield group
            group, size = [], 0
        group.append(Slice(file))
        size += file.size_bytes
    if group:
        yield group


def read_url_table(path: Path, name: str) -> dict[str, tuple[str, str | None]]:
    """Return key -> (url, retrieved) of a tab-separated table with a header. Raises InputError."""
    table: dict[str, tuple[str, str | None]] = {}
    try:
        lines = (path / name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path / name}: the URL table cannot be read: {error}") from error
    header = [cell.strip().lower() for cell in lines[0].split("\t")] if lines else []
    file_at = next((header.index(n) for n in ("file", "key") if n in header), None)
    url_at = header.index("url") if "url" in header else None
    if file_at is None or url_at is None:
        raise InputError(f"{path / name}: the URL table needs the columns file and url, but has {header}")
    retrieved_at = header.index("retrieved") if "retrieved" in header else None
    for line in lines[1:]:
        cells = line.split("\t") + [""] * len(header)
        if cells[file_at]:
            table[cells[file_at]] = (cells[url_at], (retrieved_at is not None and cells[retrieved_at]) or None)
    return table
