"""Bring one pack of a release: decide each article version of the inventory, and fetch only what is not there yet.

What the release before knows of a version whose ETag is the same is taken over, its JSON and, with the same MD5, its
text. All else is fetched, several at a time, checked against the MD5 that the bucket tells (or its ETag), tried once
more when it differs, and spooled at once. Every version ends as kept, dropped or quarantined. When nothing at all can
be had any more the work stops, rather than quarantine what a network that is down withholds. Not here: the stage and
its account (`sources.publications.stage`), and retries of requests (`pipelines.engine.objects`).
"""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.errors import InputError
from pipelines.engine.objects import MISSING, REFUSED, UNREACHABLE, Lost, Objects
from pipelines.engine.shard import PARQUET
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, as_buffer
from sources.parse.part import Fault
from sources.publications import selection
from sources.publications.article_facts import Facts, facts_of
from sources.publications.inventory import Inventory, manifest_key, rows_of
from sources.publications.packs import Member, read_members, write_pack
from sources.publications.settings import PmcOaConfig
from sources.publications.spool import Spool, md5_of
from sources.publications.store import DECIDED, PURGED, Packed, Release, read_purged

LOST = frozenset({MISSING, REFUSED, UNREACHABLE, "md5_mismatch", "changed_since_inventory", "bad_metadata"})
REASONS = selection.REASONS | LOST | {"no_xml", PURGED}
_ASK_AGAIN = 2
_BATCHES = 4
"""Articles are asked for in batches of so many for each connection; after a batch the bucket must still answer."""
_TEXT_REASONS = ("article_type", "language", "mesh")
_MD5 = re.compile(r"[0-9a-f]{32}")
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one article version: a row of `store.DECIDED`."""

    pmcid: int
    version: int
    etag: str
    outcome: Literal["kept", "dropped", "quarantined"] = "kept"
    reason: str = ""
    detail: str = ""
    md5: str = ""
    metadata: bytes | None = None

    @property
    def key(self) -> Key:
        """Return what orders the versions in a pack."""
        return self.pmcid, self.version

    @property
    def name(self) -> str:
        """Return the name of the version's folder in the bucket."""
        return f"PMC{self.pmcid}.{self.version}"


@dataclass(frozen=True, slots=True)
class Freezing:
    """What all packs of a release under way share."""

    source: str
    label: str
    config: PmcOaConfig
    selection: str
    inventory: Inventory
    earlier: Release | None

    @property
    def is_same_selection(self) -> bool:
        """Say whether the release before was selected alike, so that what it decided by text still holds."""
        return self.earlier is not None and self.earlier.selection == self.selection


class PackFetch:
    """The work on one pack."""

    def __init__(self, freezing: Freezing, pack: int, objects: Objects, storage: Storage, spool: Path) -> None:
        self._freezing, self._pack, self._objects, self._storage = freezing, pack, objects, storage
        self._spool = Spool(spool)
        self._stem = f"{pack:05d}"
        self._before = freezing.earlier.packs[pack] if freezing.earlier else None
        self._earlier = {one.key: one for one in decisions_of(storage, self._before)} if self._before else {}

    def run(self) -> Packed:
        """Decide and fetch every version of the pack. Raises InputError when the bucket stops to answer."""
        decisions = self._decided()
        file = self._packed([one for one in decisions if one.outcome == "kept"])
        table = pa.Table.from_pylist([_row(one) for one in decisions], DECIDED)
        staged = self._storage.create(f"{self._freezing.source}/decided")
        with pq.ParquetWriter(pa.PythonFile(staged, mode="w"), DECIDED, **PARQUET) as writer:
            writer.write_table(table)
        ref = staged.commit(self._stem, "parquet")
        decided = FileRef(ref.path, ref.sha256, ref.size_bytes, table.num_rows)
        return Packed(file, decided, changes(self._earlier, decisions))

    def clear(self) -> None:
        """Remove the spool; call when the pack is sealed."""
        self._spool.clear()

    def _decided(self) -> list[Decision]:
        rows = rows_of(self._storage, self._freezing.inventory, self._pack).to_pylist()
        purged = read_purged(self._storage, self._freezing.source)
        newest = {row["pmcid"]: row["version"] for row in rows}  # rows are in order of versions
        out, waiting = [], []
        for row in rows:
            one = Decision(row["pmcid"], row["version"], row["etag"])
            if one.pmcid in purged:
                out.append(_not_kept(one, PURGED, ""))
            elif self._freezing.config.versions == "latest" and newest[one.pmcid] != one.version:
                out.append(_not_kept(one, "superseded", f"by version {newest[one.pmcid]}"))
            else:
                waiting.append(one)
        with ThreadPoolExecutor(self._freezing.config.connections) as pool:
            step = self._freezing.config.connections * _BATCHES
            for start in range(0, len(waiting), step):
                batch = list(pool.map(self._decide, waiting[start : start + step]))
                if any(one.reason == UNREACHABLE for one in batch):
                    self._check_answers()
                out += batch
        return sorted(out, key=lambda one: one.key)

    def _check_answers(self) -> None:
        """Raise InputError unless the bucket answers when asked for what it certainly knows."""
        found = self._objects.get(manifest_key(self._freezing.inventory.name))
        if isinstance(found, Lost) and found.reason == UNREACHABLE:
            raise InputError(
                f"source {self._freezing.source}: the bucket does not answer any more ({found.detail}); what was "
                "fetched is kept, fetch again later"
            )

    def _decide(self, one: Decision) -> Decision:
        earlier = self._earlier.get(one.key)
        known = earlier if earlier and earlier.etag == one.etag and earlier.metadata is not None else None
        metadata = known.metadata if known and known.metadata is not None else self._metadata(one)
        if isinstance(metadata, Decision):
            return metadata
        one = replace(one, metadata=metadata)
        facts = facts_of(metadata, f"PMC{one.pmcid}", one.version)
        if isinstance(facts, Fault):
            return _not_kept(one, facts.reason, facts.detail)
        if why := selection.without_text(self._freezing.config, facts):
            return _not_kept(one, *why)
        if known and known.reason in _TEXT_REASONS and self._freezing.is_same_selection:
            return replace(known, etag=one.etag)
        if earlier and earlier.outcome == "kept" and facts.md5 == earlier.md5 and self._may_take_over():
            return replace(one, md5=earlier.md5)
        return self._with_text(one, facts)

    def _may_take_over(self) -> bool:
        """Say whether a text that the release before kept need not be looked at again."""
        return self._freezing.is_same_selection or not selection.needs_text(self._freezing.config)

    def _metadata(self, one: Decision) -> bytes | Decision:
        name, key = f"{one.name}.json", f"metadata/{one.name}.json"
        etag = one.etag if _MD5.fullmatch(one.etag) else ""
        spooled = self._spool.get(name, etag)
        if spooled is not None:
            return spooled
        body = self._fetched(one, key, etag, "changed_since_inventory")
        if isinstance(body, bytes):
            self._spool.put(name, etag, body)
        return body

    def _with_text(self, one: Decision, facts: Facts) -> Decision:
        name, md5 = f"{one.name}.xml", facts.md5
        if not md5:
            etag = self._objects.etag(facts.xml_key)
            md5 = etag if isinstance(etag, str) and _MD5.fullmatch(etag) else ""
        xml = self._spool.get(name, md5) if md5 else None
        fetched = xml or self._fetched(one, facts.xml_key, md5, "md5_mismatch")
        if not isinstance(fetched, bytes):
            return fetched
        one = replace(one, md5=md5_of(fetched))
        if why := selection.with_text(self._freezing.config, fetched):
            return _not_kept(one, *why)
        if xml is None:
            self._spool.put(name, one.md5, fetched)
        return one

    def _fetched(self, one: Decision, key: str, md5: str, reason: str) -> bytes | Decision:
        """Return an object with the MD5 that was told, asked for twice at most; else the decision that it is lost."""
        told = ""
        for _ in range(_ASK_AGAIN):
            body = self._objects.get(key)
            if isinstance(body, Lost):
                return _not_kept(one, body.reason, body.detail)
            if not md5 or md5_of(body) == md5:
                return body
            told = f"{key}: {len(body)} bytes with MD5 {md5_of(body)}, but {md5} was told"
        return _not_kept(one, reason, told)

    def _packed(self, kept: list[Decision]) -> FileRef:
        """Return the pack of the kept versions: that of the release before when it is the same."""
        before = [one for one in self._earlier.values() if one.outcome == "kept"]
        if self._before and [_content(one) for one in kept] == [_content(one) for one in before]:
            return self._before.file
        return write_pack(self._storage, f"{self._freezing.source}/packs", self._stem, self._members(kept))

    def _members(self, kept: list[Decision]) -> Iterator[Member]:
        """Yield the kept versions in order, out of the pack of the release before or the spool, one at a time."""
        earlier = self._standing()
        standing = next(earlier, None)
        for one in kept:
            assert one.metadata is not None
            while standing and (standing.pmcid, standing.version) < one.key:
                standing = next(earlier, None)
            same = standing if standing and (standing.pmcid, standing.version) == one.key else None
            known = self._earlier.get(one.key)
            if same and known and known.md5 == one.md5:
                release = same.release if same.metadata == one.metadata else self._freezing.label
                yield Member(*one.key, release, one.metadata, same.xml)
                continue
            xml = self._spool.get(f"{one.name}.xml", one.md5)
            if xml is None:
                raise InputError(f"{one.name}: its spooled text is gone; do not touch the store, and fetch again")
            yield Member(*one.key, self._freezing.label, one.metadata, xml)

    def _standing(self) -> Iterator[Member]:
        if self._before:
            yield from read_members(pa.BufferReader(as_buffer(self._storage.read(self._before.file))))


def decisions_of(storage: Storage, packed: Packed) -> Iterator[Decision]:
    """Yield what was decided in a pack, in order."""
    data = storage.read(packed.decided)
    table = pq.read_table(pa.BufferReader(as_buffer(data)), page_checksum_verification=True)
    for row in table.to_pylist():
        yield Decision(**row)


def changes(before: dict[Key, Decision], now: list[Decision]) -> dict[str, int]:
    """Count articles against the release before: new, changed, unchanged, or left, by the reason for it (`gone`)."""
    counts: Counter[str] = Counter()
    for one in now:
        was = before.get(one.key)
        stood = was is not None and was.outcome == "kept"
        if one.outcome == "kept":
            counts["new" if not stood else "unchanged" if was and _content(was) == _content(one) else "changed"] += 1
        elif stood:
            counts[one.reason] += 1
    here = {one.key for one in now}
    counts["gone"] += sum(one.outcome == "kept" and key not in here for key, one in before.items())
    return dict(sorted((+counts).items()))


def _content(one: Decision) -> tuple[Any, ...]:
    return one.key, one.md5, one.metadata


def _row(one: Decision) -> dict[str, Any]:
    return {name: getattr(one, name) for name in DECIDED.names}


def _not_kept(one: Decision, reason: str, detail: str) -> Decision:
    outcome: Literal["dropped", "quarantined"] = "quarantined" if reason in LOST else "dropped"
    return replace(one, outcome=outcome, reason=reason, detail=detail)
