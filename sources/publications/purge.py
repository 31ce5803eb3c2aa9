"""Take articles out of a store for good: every pack that holds one is written again without it, in every release.

A list in the source's folder (`purged.json`, PMCIDs alone) is published first, and no later fetch brings back what it
names. Then packs and tables of decisions are written anew, the releases that listed the old ones are replaced, and the
old files removed; a kill between any two leaves a store that reads, and purging again goes on. Every version of an
article goes. Inventories keep its number, as they list what the bucket has. Not here: the runs that read the store
(`medmix remove`); a run made again reads the packs that changed, and no others.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.errors import InputError
from pipelines.engine.shard import PARQUET
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, as_buffer
from sources.document import bare_name
from sources.publications.article_facts import Facts, facts_of
from sources.publications.packs import Member, read_members, write_pack
from sources.publications.store import (
    DECIDED,
    PURGED,
    Packed,
    add_purged,
    read_releases,
    replace_release,
    sweep,
)

_NAMED = ["pmcid", "version", "metadata"]


@dataclass(frozen=True, slots=True)
class Purged:
    """What was taken out: PMCIDs, and how many packs were written again."""

    articles: tuple[int, ...]
    packs: int


def purge(storage: Storage, source: str, names: Iterable[str]) -> Purged:
    """Take the articles of a source out that go by any of the names: PMCID, PMID, DOI or URL, in any spelling.

    Only who holds the store's lock may. Raises InputError while a release is under way, CorruptionError.
    """
    if storage.list(f"{source}/begun"):
        raise InputError(f"source {source}: a release of it is under way; finish it with `medmix sources fetch` first")
    releases = read_releases(storage, source)
    wanted = set(map(bare_name, names))
    files = {packed.file.path: packed.file for release in releases for packed in release.packs}
    gone = {pmcid for ref in files.values() for pmcid in _named(storage, ref, wanted)}
    if not gone:
        return Purged((), 0)
    add_purged(storage, source, gone)
    written: dict[str, FileRef] = {}
    for release in releases:
        made = [_without(storage, source, number, one, gone, written) for number, one in enumerate(release.packs)]
        if made != list(release.packs):
            replace_release(storage, replace(release, packs=tuple(made)))
    sweep(storage, source)
    return Purged(tuple(sorted(gone)), sum(written[ref.path] != ref for ref in files.values()))


def _named(storage: Storage, ref: FileRef, wanted: Collection[str]) -> Iterator[int]:
    table = pq.read_table(pa.BufferReader(as_buffer(storage.read(ref))), columns=_NAMED)
    for row in table.to_pylist():
        name = f"PMC{row['pmcid']}"
        facts = facts_of(row["metadata"], name, row["version"])
        known = [name, f"{name}.{row['version']}"]
        known += [facts.doi, facts.pmid] if isinstance(facts, Facts) else []
        if not {bare_name(one) for one in known if one}.isdisjoint(wanted):
            yield row["pmcid"]


def _without(
    storage: Storage, source: str, number: int, packed: Packed, gone: Collection[int], written: dict[str, FileRef]
) -> Packed:
    """Return a pack and its decisions without the articles, written if need be; `written` knows those that were."""
    stem = f"{number:05d}"
    for ref in (packed.file, packed.decided):
        if ref.path in written:
            continue
        if not _holds(storage, ref, gone):
            written[ref.path] = ref
        elif ref is packed.file:
            members = (one for one in _members(storage, ref) if one.pmcid not in gone)
            written[ref.path] = write_pack(storage, f"{source}/packs", stem, members)
        else:
            written[ref.path] = _decided(storage, ref, f"{source}/decided", stem, gone)
    return replace(packed, file=written[packed.file.path], decided=written[packed.decided.path])


def _holds(storage: Storage, ref: FileRef, gone: Collection[int]) -> bool:
    ids = pq.read_table(pa.BufferReader(as_buffer(storage.read(ref))), columns=["pmcid"])["pmcid"]
    return bool(pc.any(pc.is_in(ids, value_set=pa.array(sorted(gone), pa.int64()))).as_py())


def _members(storage: Storage, ref: FileRef) -> Iterator[Member]:
    yield from read_members(pa.BufferReader(as_buffer(storage.read(ref))))


def _decided(storage: Storage, ref: FileRef, folder: str, stem: str, gone: Collection[int]) -> FileRef:
    """Write decisions again in which the articles were dropped, and nothing is said of them."""
    nothing = {"outcome": "dropped", "reason": PURGED, "detail": "", "md5": "", "metadata": None}
    table = pq.read_table(pa.BufferReader(as_buffer(storage.read(ref))), page_checksum_verification=True)
    rows = [{**row, **nothing} if row["pmcid"] in gone else row for row in table.to_pylist()]
    staged = storage.create(folder)
    with pq.ParquetWriter(pa.PythonFile(staged, mode="w"), DECIDED, **PARQUET) as writer:
        writer.write_table(pa.Table.from_pylist(rows, DECIDED))
    made = staged.commit(stem, "parquet")
    return FileRef(made.path, made.sha256, made.size_bytes, len(rows))
