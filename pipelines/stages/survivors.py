"""Which of several documents that stand for one another stays: one order for exact and near duplicates.

A withdrawn document (retracted, for reference only, asked to be left out) comes before all others, so that its text
does not live on in a copy; next one that the run's profile may use; then the source with the highest priority, the
newest by date of publication, by version, the longest, and the first by source, key and id. The alarm for sources that
lose more than is plausible is here too. Not here: what makes two documents the same.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.stages.consolidate import asks_to_leave
from sources.rights import Profile, Rights, allows

COLUMNS = (
    pa.field("id", pa.string(), nullable=False),
    pa.field("source", pa.string()),
    pa.field("kind", pa.string()),
    pa.field("key", pa.string()),
    pa.field("withdrawn", pa.int8()),
    pa.field("usable", pa.int8()),
    pa.field("length", pa.int64()),
    pa.field("version", pa.string()),
    pa.field("published", pa.string()),
    pa.field("tokens", pa.int64()),
)
"""What must be known of a document to put it in order."""
DECISIVE = (
    *((name, "descending") for name in ("withdrawn", "usable", "priority", "published", "version", "length")),
    *((name, "ascending") for name in ("source", "key", "id")),
)
"""The sort order, after `with_priority`."""


def standing(table: pa.Table, profile: Profile) -> dict[str, Any]:
    """Return the values of `COLUMNS` for a table of documents, by name."""
    columns = {field.name: table.column(field.name) for field in COLUMNS if field.name in table.schema.names}
    said = zip(table["retracted"].to_pylist(), table["extra"].to_pylist(), strict=True)
    columns["withdrawn"] = pa.array((is_withdrawn(*row) for row in said), pa.int8())
    columns["usable"] = _usable(table["rights"].combine_chunks(), profile)
    columns["length"] = pc.cast(pc.utf8_length(table.column("text")), pa.int64())
    return columns


def _usable(rights: pa.StructArray, profile: Profile) -> pa.Array:
    """Say (1 or 0) for each document whether the profile may use it; a shard has few different rights."""
    names = [field.name for field in rights.type]
    rows = list(zip(*(rights.field(name).to_pylist() for name in names), strict=True))
    found = {row: int(allows(Rights(**dict(zip(names, row, strict=True))), profile)) for row in set(rows)}
    return pa.array([found[row] for row in rows], pa.int8())


def is_withdrawn(retracted: bool, extra: str | None) -> int:
    """Say (1 or 0) whether a document is retracted, for reference only or asks to be left out.

    Its text must not live on in a copy.
    """
    if not extra:
        return int(retracted)
    said = json.loads(extra)
    return int(retracted or bool(said.get("reference_only")) or bool(asks_to_leave(str(said.get("robots", "")))))


def with_priority(keys: pa.Table, priorities: Mapping[str, int]) -> pa.Table:
    """Return `keys` with the priority of each source (0 for one not named) and "" for dates that are not known."""
    names = pa.array(sorted(priorities), pa.string())
    ranks = pa.array([priorities[name] for name in names.to_pylist()] + [0], pa.int64())
    place = pc.fill_null(pc.index_in(keys.column("source"), value_set=names), len(names))
    keys = keys.append_column("priority", ranks.take(place.combine_chunks()))
    for name in ("published", "version"):
        keys = keys.set_column(keys.schema.get_field_index(name), name, pc.fill_null(keys[name], ""))
    return keys


class Alarm(NamedTuple):
    """A source that lost more of one kind of documents than is plausible."""

    source: str
    kind: str
    records: int
    lost: int
    message: str

    def __str__(self) -> str:
        return self.message


def tally(keys: pa.Table, losers: pa.Array) -> pa.Table:
    """Return (source, kind, records, lost) of a part of the documents."""
    lost = pc.cast(pc.is_in(keys.column("id"), value_set=losers), pa.int64())
    counts = pa.table({"source": keys["source"], "kind": keys["kind"], "lost": lost})
    found = counts.group_by(["source", "kind"]).aggregate([("lost", "count"), ("lost", "sum")])
    return found.select(["source", "kind", "lost_count", "lost_sum"]).rename_columns(
        ["source", "kind", "records", "lost"]
    )


def alarms(tallies: list[pa.Table], limit: float, called: str) -> list[Alarm]:
    """Return an alarm for each (source, kind), in order, that loses more than `limit` (0-1) of its documents."""
    if not tallies:
        return []
    counts = pa.concat_tables(tallies).group_by(["source", "kind"]).aggregate([("records", "sum"), ("lost", "sum")])
    found = []
    for row in counts.sort_by([("source", "ascending"), ("kind", "ascending")]).to_pylist():
        records, gone = row["records_sum"], row["lost_sum"]
        if gone > limit * records:
            message = (
                f"source {row['source']!r} ({row['kind']}): {gone} of {records} documents ({gone / records:.0%}) are "
                f"{called} duplicates, above the limit of {limit:.0%}; are files listed twice, or texts boilerplate?"
            )
            found.append(Alarm(row["source"], row["kind"], records, gone, message))
    return found
