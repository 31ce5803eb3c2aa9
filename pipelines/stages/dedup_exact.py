"""Find documents with the same text: a digest for each document, then one survivor for each digest.

Two texts are the same when they differ in nothing but white space between words and lines. Case, punctuation,
numbers, units, signs and line order all count: `5 mg` is not `5 Mg`, `<140` is not `>140`. The title is no part of
the key, as the same text goes by several titles; turns and MCQ fields are. `ExactKeys` writes the keys beside the
documents; `resolve` and `wipe_out` work on whole Arrow columns. Near duplicates are another stage's work.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.engine.hashing import canonical_json
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.exchange import LISTED
from pipelines.stages.survivors import COLUMNS, DECISIVE, Alarm, alarms, standing, tally, with_priority
from sources.rights import Profile

REASONS: frozenset[str] = frozenset()
SCHEMA = pa.schema([*COLUMNS[:4], pa.field("digest", pa.binary(16)), *COLUMNS[4:]])
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
        columns = standing(table, self.config.profile)
        columns["digest"] = pa.array([key_digest(*row) for row in rows], pa.binary(16))
        return Batch(pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA))


def resolve(keys: pa.Table, priorities: Mapping[str, int]) -> pa.Table:
    """Return `LISTED` (id, survivor, reason), in order of id: all documents but one of each digest.

    The order is that of `survivors`. Documents without a digest never lose.
    The order of `keys` and how it was batched do not matter.
    """
    keys = keys.filter(pc.is_valid(keys.column("digest")))
    keys = with_priority(keys, priorities)
    order = [("digest", "ascending"), *DECISIVE]
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


def wipe_out(keys: pa.Table, losers: pa.Table, limit: float = 0.5) -> list[Alarm]:
    """Return an alarm for each (source, kind), in order, that loses more than `limit` (0-1) of its documents."""
    return alarms([tally(keys, losers.column("id").combine_chunks())], limit, "exact")
