"""Freezing a release as a stage of the engine: one shard for each pack, every article version with its outcome.

The stage runs on the store, as a crawl does. A pack is sealed by itself before its shard commits, so a kill between the
two costs nothing. A shard's name and parameters follow from the frozen inventory and the selection, so a release that
is done is never asked for again. Not here: which releases there are (`pipelines.fetch_packs`).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.objects import open_objects
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Rejected, ShardTask
from sources.publications.pack_fetch import REASONS, Freezing, PackFetch, decisions_of
from sources.publications.store import Packed, begun, read_packed, seal_packed

KEPT = pa.schema([("source", pa.string()), ("key", pa.string())])
"""One row for each article version that is kept."""


class FreezePacks:
    """Fetches the packs of one release into the store that the stage runs on."""

    version = "1"
    reasons = REASONS

    def __init__(self, freezing: Freezing, root: str, store: Path, purged: Collection[int] = ()) -> None:
        """`purged` are the articles that the store must not hold, as it lists them."""
        self._purged = sorted(purged)
        self.name = f"freeze-{freezing.source}"
        self._freezing, self._root, self._store = freezing, root, store

    def identity(self) -> dict[str, Any]:
        """Return nothing: each task says what it freezes."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a pack."""
        one = self._freezing
        earlier = digest(asdict(one.earlier)) if one.earlier else ""
        told = {"label": one.label, "selection": one.selection, "earlier": earlier}
        told |= {"purged": digest(self._purged)} if self._purged else {}
        params = {**told, "inventory": digest(one.inventory.to_json())}
        return [ShardTask(f"{one.source}-{n:05d}", params={**params, "pack": n}) for n in range(one.inventory.packs)]

    def run(self, shard: Shard) -> None:
        """Bring a pack, unless it is sealed already, and count what became of each version."""
        one, pack = self._freezing, shard.task.params["pack"]
        packed = read_packed(shard.storage, one.source, one.label, pack) or self._fetched(shard, pack)
        counts, rows = shard.count(one.source), []
        for decision in decisions_of(shard.storage, packed):
            counts.records_in += 1
            if decision.outcome == "kept":
                counts.records_kept += 1
                counts.records_out += 1
                rows.append({"source": one.source, "key": decision.name})
            else:
                why = Rejected(decision.reason, decision.detail, quarantine=decision.outcome == "quarantined")
                shard.reject(one.source, decision.name, 0, why)
        shard.facts["pack"] = asdict(packed)
        shard.write(pa.Table.from_pylist(rows, KEPT))

    def _fetched(self, shard: Shard, pack: int) -> Packed:
        one = self._freezing
        config = one.config
        objects = open_objects(self._root, config.endpoint, config.timeout_s, config.connections)
        spool = self._store / begun(one.source, one.label) / f"spool-{pack:05d}"
        work = PackFetch(one, pack, objects, shard.storage, spool)
        packed = work.run()
        seal_packed(shard.storage, one.source, one.label, pack, packed)
        work.clear()
        return packed
