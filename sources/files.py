"""The `files` connector: which files a source has, their digests, and how they fall into shards.

Listing is a pure function of folder content: sorted paths, include and exclude patterns, sha256 of every file. Files
are grouped in path order until a shard has its bytes; a large plain JSONL is cut into byte ranges, a large Parquet file
into ranges of row groups. Hidden files are left out. A link that leaves the folder is refused unless the source says
`follow_links`: an unpacked download must not pull in files from elsewhere, and must not lose a linked folder without a
word. Not here: reading what is inside.
"""

import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from pipelines.engine.errors import ConfigError, InputError
from sources.catalog import SourceConfig
from sources.digests import DigestCache
from sources.parquet_groups import groups_by_bytes

RANGED_SUFFIXES = {".jsonl", ".ndjson"}
PARQUET = ".parquet"
YAML = (".yaml", ".yml")
CUT = frozenset({*RANGED_SUFFIXES, PARQUET})


@dataclass(frozen=True, slots=True)
class RawFile:
    """One input file: `key` is its path relative to the source's folder."""

    key: str
    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A file, or a range [start, end) of a large one; end None: the whole file.

    It is in bytes, in row groups (Parquet), or in the patients that are asked for (YAML).
    """

    file: RawFile
    start: int = 0
    end: int | None = None


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


def list_files(
    config: SourceConfig, path: Path, cache: DigestCache, apart: Collection[Path] = frozenset()
) -> list[RawFile]:
    """Return the files of a source in key order, without those below the folders `apart`, which the run itself writes.

    Raises InputError when a source that is not optional has none, ConfigError when the source lies in such a folder.
    """
    written = frozenset(map(os.path.realpath, apart))
    real = Path(os.path.realpath(path))
    for own in sorted(written & {str(real), *map(str, real.parents)}):
        raise ConfigError(f"source {config.name}: {path} lies in {own}, which this run writes; move one of them")
    found = [(path.name, path)] if path.is_file() else list(_walk(config, path, "", written))
    chosen = sorted((key, file) for key, file in found if _matches(config, key))
    if not chosen and not config.optional:
        raise InputError(f"source {config.name}: {path} has {len(found)} files, none matches include {config.include}")
    for key, file in chosen:
        _check(config, path, key, file)
    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(cache.digest, [file for _, file in chosen]))
    return [RawFile(key, file, size, sha256) for (key, file), (size, sha256) in zip(chosen, digests, strict=True)]


def _walk(
    config: SourceConfig, folder: Path, prefix: str, apart: frozenset[str], above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Path]]:
    """Yield (key, path) of every file and link to one below a folder, without hidden ones and the folders `apart`."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed: {error.strerror}; check its permissions") from error
    above = above | {os.path.realpath(folder)}
    for entry in entries:
        key = prefix + entry.name
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            if entry.is_file() or entry.is_symlink():
                yield key, folder / entry.name
        elif os.path.realpath(entry.path) in apart:
            continue
        elif not entry.is_symlink() or _may_enter(config, key, Path(entry.path), above):
            yield from _walk(config, folder / entry.name, f"{key}/", apart, above)


def _may_enter(config: SourceConfig, key: str, link: Path, above: frozenset[str]) -> bool:
    """Say whether to walk into a linked folder: not again into one that is walked anyway, else only as declared."""
    target = os.path.realpath(link)
    if any(matches_pattern(f"{key}/-", pattern) or matches_pattern(key, pattern) for pattern in config.exclude):
        return False
    if any(target == one or target.startswith(one.rstrip("/") + "/") or one.startswith(target + "/") for one in above):
        return False
    if not config.follow_links:
        raise _link_error(config, link, target)
    return True


def _check(config: SourceConfig, root: Path, key: str, file: Path) -> None:
    """Refuse names that no text can hold, links to nothing, and links that leave the folder undeclared."""
    try:
        os.fspath(file).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"source {config.name}: the name of the file {os.fsencode(file)!r} is not UTF-8; rename it, or `exclude` it"
        ) from None
    if not file.is_symlink() or file == root:
        return
    target = os.path.realpath(file)
    if not file.exists():
        raise InputError(
            f"source {config.name}: {file} is a link to {target}, which is not there; mend or `exclude` it"
        )
    inside = target.startswith(os.path.realpath(root).rstrip("/") + "/")
    if not inside and not config.follow_links:
        raise _link_error(config, file, target)


def _link_error(config: SourceConfig, link: Path, target: str) -> InputError:
    return InputError(
        f"source {config.name}: {link} is a link out of the folder, to {target}; "
        "set `follow_links: true` when that is meant, or `exclude` it"
    )


def _matches(config: SourceConfig, key: str) -> bool:
    if key in (config.urls, config.held_out):
        return False
    return any(matches_pattern(key, p) for p in config.include) and not any(
        matches_pattern(key, p) for p in config.exclude
    )


def matches_pattern(key: str, pattern: str) -> bool:
    """Match a relative path: `**` spans folders, also none; a pattern without a slash matches in any folder.

    A slash at the start is that of the source's folder; one at the end means everything in that folder.
    """
    return _glob_parts(tuple(key.split("/")), _parts(pattern))


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str, ...]:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if "/" not in pattern:
        parts = ["**", *parts]
    if pattern.endswith("/"):
        parts.append("**")
    if parts[-1:] == ["**"]:
        parts.append("*")
    return tuple(part for at, part in enumerate(parts) if part != "**" or parts[at - 1 : at] != ["**"])


def _glob_parts(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return any(_glob_parts(names[skip:], parts[1:]) for skip in range(len(names)))
    return fnmatchcase(names[0], parts[0]) and _glob_parts(names[1:], parts[1:])


def into_shards(files: list[RawFile], shard_bytes: int, cut: Collection[str] = CUT) -> Iterator[list[Slice]]:
    """Yield the slices of each shard, in order, about `shard_bytes` each; large files of a suffix in `cut` are cut."""
    group: list[Slice] = []
    size = 0
    for file in files:
        ranges = _ranges(file, shard_bytes, cut) if file.size_bytes > shard_bytes else []
        if ranges:
            if group:
                yield group
                group, size = [], 0
            yield from ([Slice(file, *one)] for one in ranges)
            continue
        if group and size + file.size_bytes > shard_bytes:
            yield group
            group, size = [], 0
        group.append(Slice(file))
        size += file.size_bytes
    if group:
        yield group


def _ranges(file: RawFile, shard_bytes: int, cut: Collection[str]) -> list[tuple[int, int]]:
    """Return the ranges that a large file is read in, none when it can only be read whole."""
    suffix = file.path.suffix.lower()
    if suffix not in cut:
        return []
    if suffix == PARQUET:
        return groups_by_bytes(file.path, file.size_bytes, shard_bytes)
    starts = range(0, file.size_bytes, shard_bytes)
    return [(start, min(start + shard_bytes, file.size_bytes)) for start in starts]
