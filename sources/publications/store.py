"""What the store keeps of a source in packs: sealed releases, and before them the packs that are done.

Below the source's folder: `releases/000001.json` (sealed, numbered in the order in which they were frozen, published
last), `packs/` (the articles), `decided/` (for each pack what became of every article version, so that the next
release asks only for what changed), `begun/LABEL/` (the frozen inventory and the packs done so far of a release that is
not sealed yet, and the articles of packs under way), `purged.json` (articles taken out for good). Readers trust sealed
releases alone. A kill costs the requests that were under way. Not here: fetching, and what is in a pack
(`sources.publications.packs`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipelines.engine.errors import CorruptionError
from pipelines.engine.hashing import seal
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import STAGING, Storage
from sources.publications.inventory import Inventory

FORMAT = 1
PURGED = "removal_requested"
"""Why an article is not in a pack from which it was taken out."""
DECIDED = pa.schema(
    [("pmcid", pa.int64()), ("version", pa.int32()), ("etag", pa.string())]
    + [(name, pa.string()) for name in ("outcome", "reason", "detail", "md5")]
    + [("metadata", pa.binary())]
)
"""One row for each article version of the inventory; `metadata` is null where it was not asked for or not had."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One pack of a release, the table of what was decided in it, and what changed against the release before."""

    file: FileRef
    decided: FileRef
    changes: dict[str, int]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Packed":
        """Return what `asdict` gave."""
        return cls(FileRef(**value["file"]), FileRef(**value["decided"]), value["changes"])


@dataclass(frozen=True, slots=True)
class Release:
    """A frozen selection; `selection` is the digest of what was selected by."""

    source: str
    number: int
    label: str
    selection: str
    inventory: Inventory
    packs: tuple[Packed, ...]

    @property
    def changes(self) -> dict[str, int]:
        """Return how many articles are new, changed, unchanged, or left since the release before, by reason."""
        total: Counter[str] = Counter()
        for pack in self.packs:
            total.update(pack.changes)
        return dict(sorted(total.items()))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        packs = [asdict(pack) for pack in self.packs]
        return {**asdict(self), "format": FORMAT, "inventory": self.inventory.to_json(), "packs": packs}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Release":
        """Return the release that `to_json` wrote."""
        packs = tuple(Packed.from_json(pack) for pack in value["packs"])
        own = {name: value[name] for name in ("source", "number", "label", "selection")}
        return cls(**own, inventory=Inventory.from_json(value["inventory"]), packs=packs)


def read_releases(storage: Storage, source: str) -> list[Release]:
    """Return the sealed releases of a source in order. Raises CorruptionError, also when one of them is missing."""
    releases: list[Release] = []
    count = len([path for path in storage.list(f"{source}/releases") if STAGING not in path])
    for number in range(1, count + 1):
        path = _release_path(source, number)
        body = storage.read_sealed(path)
        if body is None or (body.get("format"), body.get("source"), body.get("number")) != (FORMAT, source, number):
            raise CorruptionError(
                f"{path}: missing, or another list than its name says; restore it, or move the folder {source} away "
                "and fetch again"
            )
        releases.append(Release.from_json(body))
    return releases


def release_of(releases: list[Release], label: str) -> Release | None:
    """Return the release of a label, None when none is sealed."""
    return next((release for release in releases if release.label == label), None)


def seal_release(storage: Storage, release: Release) -> None:
    """Publish a release, after which readers see it, and remove what was only needed on the way."""
    storage.publish_sealed(_release_path(release.source, release.number), release.to_json())
    for path in storage.list(begun(release.source, release.label)):
        storage.remove(path)


def replace_release(storage: Storage, release: Release) -> None:
    """Replace a sealed release by one whose packs were written again (`purge`)."""
    storage.replace_file(_release_path(release.source, release.number), seal(release.to_json()))


def read_purged(storage: Storage, source: str) -> frozenset[int]:
    """Return the PMCIDs that were taken out of the store for good. Raises CorruptionError."""
    body = storage.read_sealed(f"{source}/purged.json")
    return frozenset(body["pmcids"]) if body else frozenset()


def add_purged(storage: Storage, source: str, pmcids: Iterable[int]) -> None:
    """Add PMCIDs to those that are never brought again."""
    every = sorted({*read_purged(storage, source), *pmcids})
    storage.replace_file(f"{source}/purged.json", seal({"format": FORMAT, "pmcids": every}))


def begun(source: str, label: str) -> str:
    """Return the folder of a release that is under way."""
    return f"{source}/begun/{label}"


def read_begun(storage: Storage, source: str, label: str) -> dict[str, Any] | None:
    """Return selection and inventory that a release under way was begun with, None when there is none."""
    return storage.read_sealed(f"{begun(source, label)}/inventory.json")


def begin(storage: Storage, source: str, label: str, selection: str, inventory: Inventory) -> None:
    """Fix what a release is frozen from: a later fetch of the same label goes on with this."""
    body = {"format": FORMAT, "selection": selection, "inventory": inventory.to_json()}
    storage.publish_sealed(f"{begun(source, label)}/inventory.json", body)


def read_packed(storage: Storage, source: str, label: str, pack: int) -> Packed | None:
    """Return a pack of a release under way, None when it is not done."""
    body = storage.read_sealed(_packed_path(source, label, pack))
    return Packed.from_json(body) if body else None


def seal_packed(storage: Storage, source: str, label: str, pack: int, packed: Packed) -> None:
    """Say that a pack is done."""
    storage.publish_sealed(_packed_path(source, label, pack), asdict(packed))


def stored_files(storage: Storage, source: str) -> dict[str, FileRef]:
    """Return every file that a sealed release, or one under way, lists: path -> reference."""
    refs = [ref for one in read_releases(storage, source) for ref in _refs(one.inventory, one.packs)]
    for path in storage.list(f"{source}/begun"):
        if path.endswith(".json") and STAGING not in path:
            body = storage.read_sealed(path) or {}
            if "inventory" in body:
                refs.append(Inventory.from_json(body["inventory"]).table)
            elif "decided" in body:
                refs += _refs(None, (Packed.from_json(body),))
    return {ref.path: ref for ref in refs}


def _refs(inventory: Inventory | None, packs: tuple[Packed, ...]) -> list[FileRef]:
    return [*([inventory.table] if inventory else []), *(ref for one in packs for ref in (one.file, one.decided))]


def _release_path(source: str, number: int) -> str:
    return f"{source}/releases/{number:06d}.json"


def _packed_path(source: str, label: str, pack: int) -> str:
    return f"{begun(source, label)}/{pack:05d}.json"


def sweep(storage: Storage, source: str) -> None:
    """Remove what a killed fetch left beside what is listed; only who holds the store's lock may."""
    for path in leftovers(storage, source):
        storage.remove(path)


def leftovers(storage: Storage, source: str) -> list[str]:
    """Return the files of a source that nothing lists: staging files, and packs whose seal never came."""
    listed = stored_files(storage, source)
    kept = [path for folder in ("packs", "decided", "inventories") for path in storage.list(f"{source}/{folder}")]
    lists = [path for folder in ("releases", "begun") for path in storage.list(f"{source}/{folder}")]
    return sorted([path for path in kept if path not in listed] + [path for path in lists if STAGING in path])
