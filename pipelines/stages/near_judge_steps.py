"""The two steps of `dedup_near` that see texts: those of candidates are brought together, then each pair is judged.

Texts are sent to the part that judges them, which the worse document of a pair decides, so that a document with a
hundred thousand children is spread over all parts. In memory at a time: the texts of one part. Not here: which pairs
(`near_steps`), and how they are judged (`near_verify`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.dedup_near import WORDS, near_texts
from pipelines.stages.near_pairs import Pairs, Ranks, parts_for
from pipelines.stages.near_verify import verify

TEXTS, PAIRS = "texts", "pairs"
PART = "part-"
TEXT_BYTES_A_PART = 8 << 20
TEXTS_SCHEMA = pa.schema([("ordinal", pa.int64()), ("text", pa.large_string())])


def part_of(documents: Ranks, parts: int) -> Ranks:
    """Return the part that judges each document's pairs with better ones."""
    mixed = documents.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
    return (mixed % np.uint64(parts)).astype(np.int64)


class NearTexts:
    """Send the text of each candidate to the parts that judge it."""

    name = "dedup_near_texts"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return nothing: inputs decide all."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of documents."""
        records = inputs[TEXTS].shards
        pairs = tuple(inputs[PAIRS].files())
        rows, tokens = sum(r.main.rows for r in records), sum(r.main.tokens for r in records)
        needed = 2 * sum(ref.rows for ref in pairs) * 4 * tokens // max(rows, 1)
        parts = parts_for(needed, TEXT_BYTES_A_PART)
        tasks, first = [], 0
        for record in records:
            params = {"first": first, "parts": parts}
            tasks.append(ShardTask(record.shard, {TEXTS: (record.main,), PAIRS: pairs}, params))
            first += record.main.rows
        return tasks

    def run(self, shard: Shard) -> None:
        """Write a file of (ordinal, text) for each part that needs some, and an empty main file."""
        at, parts = shard.task.params["first"], shard.task.params["parts"]
        shard.facts["parts"] = parts
        sent = _sent(_pairs(shard), parts, range(at, at + sum(ref.rows for ref in shard.inputs(TEXTS))))
        for table in shard.tables(TEXTS, names=WORDS):
            here = sent[np.searchsorted(sent[:, 0], at) : np.searchsorted(sent[:, 0], at + table.num_rows)]
            rows = np.unique(here[:, 0])
            texts = near_texts(table.take(pa.array(rows - at))).cast(pa.large_string())
            for part in np.unique(here[:, 1]).tolist():
                mine = here[here[:, 1] == part, 0]
                chosen = texts.take(pa.array(np.searchsorted(rows, mine)))
                shard.write(pa.table([mine, chosen], schema=TEXTS_SCHEMA), f"{PART}{part:03}")
            at += table.num_rows
        shard.write(TEXTS_SCHEMA.empty_table())


class NearVerify:
    """Measure and judge the pairs of each part."""

    name = "dedup_near_verify"
    version = "2"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return nothing: the guard is told by the version."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each part that has texts."""
        pairs = tuple(inputs[PAIRS].files())
        roles = sorted({role for record in inputs[TEXTS].shards for role in record.files} - {"main"})
        parts = parts_of(inputs[TEXTS])
        return [
            ShardTask(
                role,
                {TEXTS: tuple(inputs[TEXTS].files(role)), PAIRS: pairs},
                {"parts": parts, "part": int(role.removeprefix(PART))},
            )
            for role in roles
        ]

    def run(self, shard: Shard) -> None:
        """Write `VERDICTS` of the part's pairs."""
        pairs = _pairs(shard)
        mine = pairs[part_of(pairs[:, 1], shard.task.params["parts"]) == shard.task.params["part"]]
        texts = pa.concat_tables([shard.table(ref) for ref in shard.inputs(TEXTS)])
        shard.write(verify(mine, texts["ordinal"].to_numpy(), texts["text"].combine_chunks()))


def parts_of(texts: Manifest) -> int:
    """Return over how many parts texts were spread, from the facts of the shards."""
    return max((int(record.facts["parts"]) for record in texts.shards), default=1)


def _pairs(shard: Shard) -> Pairs:
    """Return all candidate pairs, each once."""
    tables = [shard.table(ref) for ref in shard.inputs(PAIRS)]
    pairs = [np.stack([t["better"].to_numpy(), t["other"].to_numpy()], axis=1) for t in tables]
    return np.unique(np.concatenate(pairs), axis=0)


def _sent(pairs: Pairs, parts: int, documents: range) -> Pairs:
    """Return (document, part) for each of a range of documents that a part needs, sorted."""
    part = part_of(pairs[:, 1], parts)
    wanted = np.concatenate([np.stack([pairs[:, side], part], axis=1) for side in (0, 1)])
    here = (wanted[:, 0] >= documents.start) & (wanted[:, 0] < documents.stop)
    return np.unique(wanted[here], axis=0)
