"""Versions of the same guidance put in order: keys and dates of all documents in, series out.

Each rule needs dates that order its documents, and links none of a group where two could be of the same date: a wrong
link hides guidance, a missed one only repeats it. Groups that share a document are one series. Whole columns of keys,
one process, no text. Not here: what the keys are (`versions`, `version_keys`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.stages.version_keys import are_distinct, version_order

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("key", pa.string()),
        *(pa.field(name, pa.string()) for name in ("identifier", "url", "page", "title")),
        *(pa.field(name, pa.string()) for name in ("published", "version", "retrieved")),
        pa.field("tokens", pa.int64()),
    ]
)
SERIES = pa.schema([("id", pa.string()), ("survivor", pa.string()), ("supersedes", pa.string())])


class Version(NamedTuple):
    """One document of a series: what orders it, and where it comes from."""

    id: str
    source: str
    key: str
    published: str | None
    version: str | None
    retrieved: str | None


def resolve(keys: pa.Table, duplicates: Mapping[str, str] | None = None) -> pa.Table:
    """Return `SERIES`, in order of id: each document of a series, the newest (null for itself), the next older.

    `keys` are rows of `SCHEMA`; `duplicates` gives the survivor's id of documents that go anyway: such a row speaks for
    its survivor, so that a page that went back to an earlier text counts as of its latest date. Newest is decided by
    date of publication, then version, then time of retrieval, each only where all of a series have it. Documents that
    these cannot tell apart are never older or newer than one another.
    """
    rows = keys.select([f.name for f in SCHEMA]).to_pylist()
    same = duplicates or {}
    for row in rows:
        row["id"] = same.get(row["id"], row["id"])
    parent: dict[str, str] = {}
    for name, is_series in _RULES.items():
        for group in _groups(rows, name):
            if len({version.id for version in group}) > 1 and is_series(_latest(group)):
                _unite(parent, [version.id for version in group])
    clusters: dict[str, list[Version]] = defaultdict(list)
    for row in rows:
        if row["id"] in parent:
            clusters[_root(parent, row["id"])].append(_version(row))
    found = [entry for cluster in clusters.values() for entry in _lineage(_latest(cluster))]
    return pa.Table.from_pylist(sorted(found, key=lambda entry: str(entry["id"])), schema=SERIES)


def _groups(rows: Iterable[Mapping[str, Any]], name: str) -> Iterable[list[Version]]:
    groups: dict[str, list[Version]] = defaultdict(list)
    for row in rows:
        if row[name]:
            groups[row[name]].append(_version(row))
    return groups.values()


def _version(row: Mapping[str, Any]) -> Version:
    return Version(*(row[name] for name in Version._fields))


def _latest(group: list[Version]) -> list[Version]:
    """Return one entry for each id, of its latest date, in an order that does not depend on that of the rows."""
    order = _order(group)
    ranked = sorted(group, key=lambda v: (order(v), v.source, v.key, v.id))
    return list({version.id: version for version in ranked}.values())


def _order(group: list[Version]) -> Callable[[Version], tuple[Any, ...]]:
    """Return what orders a group: published, version, retrieved, each where every document of the group has it."""
    known = [name for name in ("published", "version", "retrieved") if all(getattr(v, name) for v in group)]
    return lambda v: tuple(version_order(v.version or "") if n == "version" else getattr(v, n) for n in known)


def _are_ordered(group: list[Version]) -> bool:
    dates = {version.published for version in group}
    if None not in dates and not are_distinct(list(dates)):
        return False
    order = _order(group)
    return len({order(version) for version in group}) > 1


def _are_fetched_apart(group: list[Version]) -> bool:
    return are_distinct([version.retrieved for version in group])


def _are_dated_apart(group: list[Version]) -> bool:
    versions = [version.version for version in group]
    by_version = all(versions) and len({version_order(v or "") for v in versions}) == len(versions)
    dates = [version.published for version in group]
    return are_distinct(dates) if any(dates) else by_version


_RULES: Mapping[str, Callable[[list[Version]], bool]] = {
    "identifier": _are_ordered,
    "url": _are_fetched_apart,  # at one time an address shows one version
    "page": _are_dated_apart,
    "title": _are_dated_apart,
}


def _lineage(cluster: list[Version]) -> list[dict[str, str | None]]:
    """Return the entries of one series: steps of equal date stand side by side, each over the step before."""
    order = _order(cluster)
    steps: dict[tuple[Any, ...], list[Version]] = defaultdict(list)
    for version in sorted(cluster, key=lambda v: (order(v), v.source, v.key, v.id)):
        steps[order(version)].append(version)
    ranked = list(steps.values())
    newest = ranked[-1][0].id
    entries: list[dict[str, str | None]] = []
    for place, step in enumerate(ranked):
        for version in step:
            survivor = newest if place + 1 < len(ranked) else None
            older = ranked[place - 1][0].id if place else None
            entries.append({"id": version.id, "survivor": survivor, "supersedes": older})
    return entries if len(ranked) > 1 else []


def _unite(parent: dict[str, str], ids: list[str]) -> None:
    roots = sorted({_root(parent, id) for id in ids})
    for root in roots:
        parent[root] = roots[0]


def _root(parent: dict[str, str], id: str) -> str:
    parent.setdefault(id, id)
    while parent[id] != id:
        parent[id] = parent[parent[id]]
        id = parent[id]
    return id


def wipe_out(keys: pa.Table, series: pa.Table, limit: float) -> list[str]:
    """Return a sentence for each source, in order, of which more than `limit` (0-1) are older versions of others."""
    older = set(series.filter(pc.is_valid(series["survivor"]))["id"].to_pylist())
    there, gone = Counter[str](), Counter[str]()
    for source, id in zip(keys["source"].to_pylist(), keys["id"].to_pylist(), strict=True):
        there[source] += 1
        gone[source] += id in older
    return [
        f"source {source!r}: {gone[source]} of {count} documents ({gone[source] / count:.0%}) are older versions of "
        f"others, above the limit of {limit:.0%}; do texts that differ share an address, a title or an identifier?"
        for source, count in sorted(there.items())
        if gone[source] > limit * count
    ]
