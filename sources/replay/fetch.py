"""Fetch a source on the hub into the store: freeze the list, bring what is missing, verify, seal.

A stop at any point costs at most the bytes in flight: a file goes on where it broke, a row group that is there is not
asked for again. Whole files are held against the digest that the hub lists (sha256 of LFS, else the git blob's sha1);
a row group has no digest of its own upstream, but the commit is fixed, and its length and page checksums are. Not here:
which files (`choose`, `draw`), and what a run does with them (`frozen`).
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.hub import PINNED, HubFile, HubRepo, commit_of
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage
from sources.catalog import SourceConfig
from sources.parquet_groups import Footer, read_footer
from sources.parse.parquet_window import pack
from sources.parse.record_fields import leading_names
from sources.replay.choose import CARD, choose_files
from sources.replay.draw import Drawn, draw
from sources.replay.settings import HubConfig
from sources.replay.store import PART, FrozenList, freeze, home, path_of, read_list, read_release, seal_release

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class HubFetched:
    """What a fetch brought: the list, and how many of its parts were missing."""

    source: str
    frozen: FrozenList
    brought: int

    @property
    def told(self) -> str:
        """Return a line for the user."""
        frozen = self.frozen
        return (
            f"{self.source}: {frozen.repo} at {frozen.revision[:12]}, {len(frozen.parts)} parts, "
            f"{frozen.size_bytes:,} bytes, {self.brought} brought now; release {frozen.release}"
        )


def check_pinned(source: str, hub: HubConfig, *, ask: bool) -> None:
    """Raise ConfigError unless the revision is a commit; `ask` has the hub say which commit it is now."""
    if PINNED.fullmatch(hub.revision):
        return
    told = f"source {source}: hub.revision {hub.revision!r} may move; pin the commit, 40 hex digits"
    if not ask:
        raise ConfigError(f"{told}; `medmix sources fetch` asks the hub which it is now")
    try:
        now = commit_of(hub.repo, hub.revision)
    except InputError as error:
        raise ConfigError(f"{told} ({error})") from error
    raise ConfigError(f"{told}: it is {now} now")


def fetch_hub(source: SourceConfig, storage: Storage, store: Path, seed: int) -> HubFetched:
    """Bring a source to its sealed release. Raises ConfigError, InputError, StorageError."""
    hub = source.hub
    assert hub is not None
    check_pinned(source.name, hub, ask=True)
    folder = home(source.name, hub, seed)
    repo = HubRepo(hub.repo, hub.revision)
    footers: dict[str, Footer] = {}
    frozen = read_list(storage, folder)
    if frozen is None:
        parts = _selected(hub, repo, seed, footers, _text_columns(source))
        frozen = FrozenList(hub.repo, hub.revision, tuple(parts))
        freeze(storage, folder, frozen)
    if read_release(storage, folder) is not None:
        return HubFetched(source.name, frozen, 0)
    missing = [part for part in frozen.parts if not (store / path_of(folder, part)).exists()]
    bring = _bringer(repo, store, folder, footers)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(bring, missing))
    refs = [_ref(store, path_of(folder, part)) for part in frozen.parts]
    seal_release(storage, folder, frozen, refs)
    return HubFetched(source.name, frozen, len(missing))


def _text_columns(source: SourceConfig) -> set[str]:
    """Return the first names of the fields that a source's text comes from."""
    fields = source.options.get("fields") or {"text": "text"}
    return {name for field in ("text", "messages") for name in leading_names(fields.get(field, ""))}


def _selected(hub: HubConfig, repo: HubRepo, seed: int, footers: dict[str, Footer], columns: set[str]) -> list[Drawn]:
    listed = repo.files()
    card = next((file for file in listed if file.path == CARD), None)
    text = repo.read(CARD, 0, card.size_bytes).decode("utf-8", "replace") if card and not hub.files else ""
    chosen = choose_files(hub, listed, text)
    if hub.tokens is None:
        return [Drawn(file) for file in chosen]
    return draw(chosen, hub.tokens, seed, lambda file: _footer(repo, file, footers), columns)


def _footer(repo: HubRepo, file: HubFile, footers: dict[str, Footer]) -> Footer | None:
    """Return the footer of a file on the hub, kept for the row groups that follow."""
    if file.path not in footers:
        found = read_footer(lambda start, end: repo.read(file.path, start, end), file.size_bytes)
        if found is None:
            return None
        footers[file.path] = found
    return footers[file.path]


def _bringer(repo: HubRepo, store: Path, folder: str, footers: dict[str, Footer]) -> Callable[[Drawn], None]:
    def bring(part: Drawn) -> None:
        target = store / path_of(folder, part)
        target.parent.mkdir(parents=True, exist_ok=True)
        held = target.with_name(f"{target.name}{PART}")
        if part.window is None:
            repo.download(part.file, held)
            _check_digest(repo, part.file, held)
        else:
            footer = _footer(repo, part.file, footers)
            if footer is None:
                raise InputError(f"{repo.name}, {part.file.path}: its footer was read before and cannot be read now")
            group = repo.read(part.file.path, part.window.start_byte, part.window.end_byte)
            held.write_bytes(pack(part.window, group, footer.data))
        _settle(held, target)

    return bring


def _check_digest(repo: HubRepo, file: HubFile, held: Path) -> None:
    """Raise InputError, and drop the bytes, unless they are those that the hub lists."""
    wanted = file.sha256 or file.blob
    with held.open("rb") as raw:
        if file.sha256:
            found = hashlib.file_digest(raw, "sha256").hexdigest()
        else:
            sha1 = hashlib.sha1(f"blob {file.size_bytes}\0".encode(), usedforsecurity=False)
            while block := raw.read(1 << 20):
                sha1.update(block)
            found = sha1.hexdigest()
    if found != wanted:
        held.unlink()
        raise InputError(
            f"{repo.name}, {file.path} at {repo.revision[:12]}: what came has the digest {found[:16]}…, the hub lists "
            f"{wanted[:16]}…; it was dropped, fetch again"
        )


def _settle(held: Path, target: Path) -> None:
    """Give a whole file its name, durably."""
    with held.open("rb") as raw:
        os.fsync(raw.fileno())
    held.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _ref(store: Path, path: str) -> FileRef:
    with (store / path).open("rb") as raw:
        return FileRef(path, hashlib.file_digest(raw, "sha256").hexdigest(), (store / path).stat().st_size)
