"""Find documents with the same text: a digest for each document, then one survivor for each digest.

Two texts are the same when they differ in nothing but white space between words and lines. Case, punctuation,
numbers, units, signs and line order all count: `5 mg` is not `5 Mg`, `<140` is not `>140`. The title is no part of
the key, as the same text goes by several titles; turns and MCQ fields are. `ExactKeys` writes the keys beside the
documents; `resolve` and `wipe_out` work on whole Arrow columns. Near duplicates are another stage's work.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.engine.hashing import canonical_json
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.consolidate import asks_to_leave
from pipelines.stages.exchange import LISTED
from sources.rights import Profile, Rights, allows

REASONS: frozenset[str] = frozenset()
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("key", pa.string()),
        pa.field("digest", pa.binary(16)),
        pa.field("withdrawn", pa.int8()),
        pa.field("usable", pa.int8()),
        pa.field("length", pa.int64()),
        pa.field("version", pa.string()),
        pa.field("published", pa.string()),
        pa.field("tokens", pa.int64()),
    ]
)
REASON = "duplicate"


def clinical_key(text: str) -> str:
    """Return `text` with every run of white space as one space, and nothing else changed."""
    return " ".join(text.split())


def key_digest(text: str, messages: list[dict[str, Any]] | None, mcq: dict[str, Any] | None) -> bytes | None:
    """Return the 128-bit digest of a document's words, or None for a document without any (never a duplicate)."""
    turns = [[turn["role"], clinical_key(turn["content"] or "")] for turn in messages or []]
    fields = mcq and [
        clinical_key(mcq["question"] or ""),
        [clinical_key(option or "") for option in mcq["options"] or []],
        mcq["gold"],
        clinical_key(mcq["explanation"] or ""),
    ]
    key = clinical_key(text)
    if not (key or turns or fields):
        return None
    return xxhash.xxh3_128_digest(canonical_json([key, turns, fields]))


class ExactConfig(Settings):
    """What counts as the same text is told by the stage's version, not by a setting."""

    profile: Annotated[Profile, BYTES] = "research-internal"
    """Of equal documents, one that this profile may use survives, so that its text is not lost with the other."""
    wipe_out: Annotated[float, BYTES] = 0.5
    """Share of its documents of one kind that a source may lose before an alarm is raised."""


class ExactKeys:
    """The stage that writes for each document what `resolve` needs to know of it."""

    name = "dedup_exact_keys"
    version = "1"
    reasons = REASONS
    writes = "attributes"

    def __init__(self, config: ExactConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide the keys; `wipe_out` is for `resolve`'s alarms."""
        return {"profile": self.config.profile}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`: the digest of each document's words, and what decides which of several survives."""
        rows = zip(*(table.column(name).to_pylist() for name in ("text", "messages", "mcq")), strict=True)
        columns = {name: table.column(name) for name in SCHEMA.names if name in table.schema.names}
        columns["digest"] = pa.array([key_digest(*row) for row in rows], pa.binary(16))
        columns["withdrawn"] = pa.array(
            map(is_withdrawn, table["retracted"].to_pylist(), table["extra"].to_pylist()), pa.int8()
        )
        rights = [Rights(**value) for value in table.column("rights").to_pylist()]
        columns["usable"] = pa.array([int(allows(value, self.config.profile)) for value in rights], pa.int8())
        columns["length"] = pc.cast(pc.utf8_length(table.column("text")), pa.int64())
        return Batch(pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA))


def is_withdrawn(retracted: bool, extra: str | None) -> int:
    """Say (1 or 0) whether a document is retracted, for reference only or asks to be left out.

    Its text must not live on in a copy.
    """
    said = json.loads(extra or "{}")
    return int(retracted or bool(said.get("reference_only")) or bool(asks_to_leave(str(said.get("robots", "")))))


def resolve(keys: pa.Table, priorities: Mapping[str, int]) -> pa.Table:
    """Return `LISTED` (id, survivor, reason), in order of id: all documents but one of each digest.

    A withdrawn document survives all others, so that `consolidate` drops the text whole; next comes one that may be
    used. Then decide the source with the highest of `priorities` (0 for a source not named), the newest by date of
    publication, by version, the longest, and the first by source, key and id. Documents without a digest never lose.
    The order of `keys` and how it was batched do not matter.
    """
    keys = keys.filter(pc.is_valid(keys.column("digest")))
    names = pa.array(sorted(priorities), pa.string())
    ranks = pa.array([priorities[name] for name in names.to_pylist()] + [0], pa.int64())
    place = pc.fill_null(pc.index_in(keys.column("source"), value_set=names), len(names))
    keys = keys.append_column("priority", ranks.take(place.combine_chunks()))
    keys = keys.set_column(keys.schema.get_field_index("published"), "published", pc.fill_null(keys["published"], ""))
    keys = keys.set_column(keys.schema.get_field_index("version"), "version", pc.fill_null(keys["version"], ""))
    order = [("digest", "ascending")]
    decisive = ("withdrawn", "usable", "priority", "published", "version", "length")
    order += [(name, "descending") for name in decisive]
    order += [(name, "ascending") for name in ("source", "key", "id")]
    ranked = keys.take(pc.sort_indices(keys, order))
    digests = ranked.column("digest").combine_chunks()
    if len(digests) < 2:
        return LISTED.empty_table()
    again = pc.equal(digests.slice(1), digests.slice(0, len(digests) - 1))
    first = pc.invert(pa.concat_arrays([pa.array([False]), again]))
    group = pc.subtract(pc.cumulative_sum(pc.cast(first, pa.int64())), 1)
    ids = ranked.column("id").combine_chunks()
    survivors = ids.filter(first).take(group)
    lost = pc.invert(first)
    losers = pa.table([ids.filter(lost), survivors.filter(lost)], names=["id", "survivor"])
    losers = losers.append_column("reason", pa.repeat(REASON, len(losers)))
    return losers.sort_by("id").cast(LISTED)


class Alarm(NamedTuple):
    """A source that lost more of one kind of documents than is plausible."""

    source: str
    kind: str
    records: int
    lost: int
    message: str

    def __str__(self) -> str:
        return self.message


def wipe_out(keys: pa.Table, losers: pa.Table, limit: float = 0.5) -> list[Alarm]:
    """Return an alarm for each (source, kind), in order, that loses more than `limit` (0-1) of its documents."""
    lost = pc.is_in(keys.column("id"), value_set=losers.column("id").combine_chunks())
    counts = (
        pa.table({"source": keys["source"], "kind": keys["kind"], "lost": pc.cast(lost, pa.int64())})
        .group_by(["source", "kind"])
        .aggregate([("lost", "count"), ("lost", "sum")])
    )
    alarms = []
    for row in counts.sort_by([("source", "ascending"), ("kind", "ascending")]).to_pylist():
        records, gone = row["lost_count"], row["lost_sum"]
        if gone > limit * records:
            message = (
                f"source {row['source']!r} ({row['kind']}): {gone} of {records} documents ({gone / records:.0%}) are "
                f"exact duplicates, above the limit of {limit:.0%}; are files listed twice, or texts boilerplate?"
            )
            alarms.append(Alarm(row["source"], row["kind"], records, gone, message))
    return alarms
