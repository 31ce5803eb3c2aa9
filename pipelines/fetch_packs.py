"""Freeze and fetch the sources that come in packs (`pmc_oa`): what `medmix sources fetch` does for them.

A release is begun by freezing an inventory, and goes on with that one however often it is stopped; it is sealed, and
seen by a run, when all its packs are there. What could not be had is quarantined with its reason and is asked for again
by the next release. Not here: what is decided of an article (`sources.publications.pack_fetch`).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ConfigError
from pipelines.engine.events import Events
from pipelines.engine.manifest import Manifest
from pipelines.engine.objects import open_objects, root_of
from pipelines.engine.runtime import InlineRuntime, RayRuntime, Resources, Runtime
from pipelines.engine.storage import Storage
from pipelines.run import How
from sources.catalog import SourceConfig
from sources.publications.frozen import check_selection, selection_of
from sources.publications.inventory import Inventory, freeze
from sources.publications.pack_fetch import Freezing
from sources.publications.stage import FreezePacks
from sources.publications.store import (
    Packed,
    Release,
    begin,
    begun,
    read_begun,
    read_purged,
    read_releases,
    release_of,
    seal_release,
    sweep,
)

AT_ONCE = 4
"""Packs that are fetched side by side, each with its own `connections`."""
LONGEST_S = 30 * 86400.0
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Froze:
    """A release that is sealed, and the ledger of fetching it, None when it was sealed before."""

    release: Release
    manifest: Manifest | None


def check_packs(source: SourceConfig) -> None:
    """Raise ConfigError when a source in packs does not say what a release of it needs."""
    if not _LABEL.fullmatch(source.release or ""):
        raise ConfigError(
            f"source {source.name}: `release` names the frozen selection, in letters, digits, dots, dashes; e.g. the "
            f"date of the inventory (given: {source.release!r})"
        )


def freeze_release(source: SourceConfig, store: Path, storage: Storage, how: How, events: Events) -> Froze:
    """Bring the release of a source to its seal. Raises MedmixError."""
    assert source.pmc_oa is not None
    assert source.release is not None
    releases = read_releases(storage, source.name)
    standing = release_of(releases, source.release)
    if standing:
        check_selection(source, standing)
        return Froze(standing, None)
    sweep(storage, source.name)
    earlier = releases[-1] if releases else None
    inventory = _inventory(source, storage, earlier)
    events.emit(
        "note", text=f"source {source.name}: release {source.release} is frozen from inventory {inventory.name}"
    )
    freezing = Freezing(source.name, source.release, source.pmc_oa, selection_of(source), inventory, earlier)
    stage = FreezePacks(freezing, root_of(source.path), store, read_purged(storage, source.name))
    manifest = _run(storage, stage, how, events)
    packs = tuple(Packed.from_json(shard.facts["pack"]) for shard in manifest.shards)
    release = Release(source.name, len(releases) + 1, source.release, freezing.selection, inventory, packs)
    seal_release(storage, release)
    told = ", ".join(f"{name} {count}" for name, count in release.changes.items()) or "nothing"
    events.emit("note", text=f"source {source.name}: release {release.label} against the one before: {told}")
    return Froze(release, manifest)


def _inventory(source: SourceConfig, storage: Storage, earlier: Release | None) -> Inventory:
    """Return the inventory that a release under way was begun with, or freeze one now."""
    assert source.pmc_oa is not None
    assert source.release is not None
    config, label = source.pmc_oa, source.release
    if earlier and earlier.inventory.packs != config.packs:
        raise ConfigError(
            f"source {source.name}: pmc_oa.packs was {earlier.inventory.packs} in release {earlier.label} and cannot "
            f"become {config.packs}, as articles would change places; keep it, or give the source another name"
        )
    body = read_begun(storage, source.name, label)
    if body and body["selection"] == selection_of(source):
        return Inventory.from_json(body["inventory"])
    if body:
        raise ConfigError(
            f"source {source.name}: release {label!r} was begun with another selection; go on with that, give the new "
            f"selection a `release` of its own, or remove {begun(source.name, label)} from the store"
        )
    objects = open_objects(root_of(source.path), config.endpoint, config.timeout_s, config.connections)
    inventory = freeze(objects, config.inventory, config.packs, storage, f"{source.name}/inventories")
    begin(storage, source.name, label, selection_of(source), inventory)
    return inventory


def _run(storage: Storage, stage: FreezePacks, how: How, events: Events) -> Manifest:
    runtime: Runtime | None = None

    def start() -> Runtime:
        nonlocal runtime
        resources = Resources(timeout_s=LONGEST_S)
        runtime = (
            InlineRuntime(storage)
            if how.inline
            else RayRuntime(storage, workers=how.workers or AT_ONCE, address=how.address, resources=resources)
        )
        return runtime

    try:
        return run_stages(storage, [PlannedStage(stage)], start, events)[stage.name]
    finally:
        if runtime is not None:
            runtime.close()
