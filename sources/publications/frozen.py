"""What the store holds for a run of a source in packs: the files of its release, in the order of the packs.

Only a sealed release is read, none that is under way, and no file is opened to be read here. Every pack is there, also
an empty one, so a pack's number is its place and an article's shard never changes. Not here: fetching
(`pipelines.fetch_packs`), and reading (`sources.extract`).
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.disk import LocalDisk
from pipelines.engine.errors import ConfigError, CorruptionError
from pipelines.engine.hashing import digest
from pipelines.engine.storage import Storage
from sources.catalog import SourceConfig
from sources.files import RawFile
from sources.publications.store import Release, read_releases, release_of


@dataclass(frozen=True, slots=True)
class Frozen:
    """The packs of a release, and notes for the user."""

    files: list[RawFile]
    notes: list[str]


def frozen(config: SourceConfig, store: Path) -> Frozen | None:
    """Return the packs of a source's release, None when it is not frozen. Raises ConfigError, CorruptionError."""
    storage = Storage(LocalDisk(store))
    releases = read_releases(storage, config.name)
    release = release_of(releases, config.release or "")
    if release is None:
        return None
    check_selection(config, release)
    files = []
    for packed in release.packs:
        ref = packed.file
        if storage.size(ref.path) != ref.size_bytes:
            raise CorruptionError(
                f"{store / ref.path}: not the {ref.size_bytes} bytes that were stored; restore it from a copy, or move "
                f"{store / config.name} away and fetch again"
            )
        files.append(RawFile(ref.path, store / ref.path, ref.size_bytes, ref.sha256))
    return Frozen(files, [_note(config, release, releases)])


def selection_of(config: SourceConfig) -> str:
    """Return the digest of what a source selects by: the inventory is frozen, so it is named by the release."""
    assert config.pmc_oa is not None
    return digest({**config.pmc_oa.identity(), "inventory": None})


def check_selection(config: SourceConfig, release: Release) -> None:
    """Raise ConfigError when a release was frozen by another selection than the run file's."""
    wanted = config.pmc_oa.inventory if config.pmc_oa else None
    if release.selection != selection_of(config) or not release.inventory.name.startswith(wanted or ""):
        raise ConfigError(
            f"source {config.name}: release {release.label!r} was frozen from inventory {release.inventory.name} with "
            "another selection than `pmc_oa` has now; give the new selection a `release` of its own"
        )


def _note(config: SourceConfig, release: Release, releases: list[Release]) -> str:
    articles = sum(packed.file.rows for packed in release.packs)
    told = f"source {config.name}: release {release.label}, inventory {release.inventory.name}, {articles} articles"
    if releases[-1].label != release.label:
        told += f"; the store has a newer release, {releases[-1].label}"
    return told
