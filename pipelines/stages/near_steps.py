"""The steps of `dedup_near` that see keys: candidate pairs by range of band hash, and who stays after judgement.

Documents go by their ordinal: the row, counted over all shards in the order of the manifest. How many ranges there are
follows from rows, never from workers. In memory at a time: the band hashes of one range, and the keys of documents that
are in candidate pairs of the range or, at the end, in verified pairs. Superseded versions of a work are linked by
`versions` and never removed here; like withdrawn documents they come first, so that a near copy of old guidance goes.
Not here: what is done to pairs (`near_pairs`), and the steps that see texts (`near_judge_steps`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, ShardTask
from pipelines.stages.dedup_near import NearConfig, NearKeys
from pipelines.stages.exchange import DOCUMENTS, LISTED, RunFacts, Step
from pipelines.stages.near_judge_steps import PAIRS, TEXTS, NearTexts, NearVerify
from pipelines.stages.near_pairs import (
    FULL,
    Pairs,
    Ranks,
    buckets,
    entries,
    full_pairs,
    large_pairs,
    oriented,
    parts_for,
)
from pipelines.stages.near_survivors import survivors
from pipelines.stages.near_verify import VERDICTS
from pipelines.stages.survivors import COLUMNS, DECISIVE, alarms, tally, with_priority

EXACT, ABSTRACTS, SERIES = "dedup_exact", "abstracts", "versions"
KEYS, VERDICTS_ROLE = "keys", "verdicts"
REASON = "near_duplicate"
_LENGTH = [name for name, _ in DECISIVE].index("length")
_TWINS_FIRST = (*DECISIVE[:_LENGTH], ("against", "descending"), *DECISIVE[_LENGTH:])
"""Before length counts whether a document says what a clinical twin contradicts: a longer copy may leave that out."""
ENTRIES_A_PART = 1 << 18
PAIRS_SCHEMA = pa.schema([("better", pa.int64()), ("other", pa.int64())])
REMOVED = pa.schema([*LISTED, pa.field("jaccard", pa.float64())])


class NearPairs:
    """Find candidate pairs among the documents that take part, by range of band hash."""

    name = "dedup_near_pairs"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: NearConfig, priorities: Mapping[str, int]) -> None:
        self._bands = config.bands
        self._priorities = dict(priorities)

    def identity(self) -> dict[str, Any]:
        """Return what decides the order of documents."""
        return {"priorities": self._priorities}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a range of hashes; each reads the keys of every shard."""
        files = {role: tuple(manifest.files()) for role, manifest in inputs.items()}
        parts = parts_for(self._bands * sum(ref.rows for ref in files[KEYS]), ENTRIES_A_PART)
        return [ShardTask(f"part-{part:03}", files, {"part": part, "parts": parts}) for part in range(parts)]

    def run(self, shard: Shard) -> None:
        """Write `PAIRS_SCHEMA`, sorted."""
        aside = pa.concat_arrays([_ids(shard, EXACT), _ids(shard, ABSTRACTS)])
        hashes, documents = self._entries(shard, aside)
        found = buckets(hashes, documents)
        if not found:
            shard.write(PAIRS_SCHEMA.empty_table())
            return
        candidates = np.unique(np.concatenate(found))
        known = _ranked(shard, _rows_of(shard, candidates, ["bands"]), self._priorities)
        known = known.sort_by("ordinal")
        ranks = known["rank"].to_numpy()
        pairs = [full_pairs([bucket for bucket in found if len(bucket) <= FULL])]
        large = [bucket for bucket in found if len(bucket) > FULL]
        for bucket in large:
            places = np.searchsorted(candidates, bucket)
            pairs.append(large_pairs(bucket, ranks[places], _bands(known["bands"].take(pa.array(places)))))
        kept = _without_kin(oriented(np.concatenate(pairs), candidates, ranks), candidates, _kin(shard, known))
        shard.facts["large_buckets"] = len(large)
        shard.write(pa.table([kept[:, 0], kept[:, 1]], schema=PAIRS_SCHEMA))

    def _entries(self, shard: Shard, aside: pa.Array) -> tuple[npt.NDArray[np.uint64], Ranks]:
        part, parts = shard.task.params["part"], shard.task.params["parts"]
        found = [(np.empty(0, np.uint64), np.empty(0, np.int64))]
        for first, ref in _numbered(shard, KEYS):
            table = shard.columns(ref, ["id", "bands"])
            takes_part = pc.and_(pc.is_valid(table["bands"]), pc.invert(pc.is_in(table["id"], value_set=aside)))
            rows = np.flatnonzero(takes_part.to_numpy(zero_copy_only=False))
            found.append(entries(_bands(table["bands"].take(pa.array(rows))), rows + first, part, parts))
        return np.concatenate([hashes for hashes, _ in found]), np.concatenate([rows for _, rows in found])


class ResolveNear:
    """Choose who stays among verified near duplicates."""

    name = "dedup_near"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: NearConfig, priorities: Mapping[str, int]) -> None:
        self._config = config
        self._priorities = dict(priorities)

    def identity(self) -> dict[str, Any]:
        """Return the threshold, the limit of the alarm and the priorities."""
        return {
            "threshold": self._config.threshold,
            "wipe_out": self._config.wipe_out,
            "priorities": self._priorities,
        }

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task, which accounts for every document by its keys.

        The documents are an input only so that every one of them is accounted for: their keys are what is read.
        """
        files = {role: tuple(manifest.files()) for role, manifest in inputs.items() if role not in (KEYS, DOCUMENTS)}
        return [ShardTask("losers", {**files, DOCUMENTS: tuple(inputs[KEYS].files())})]

    def run(self, shard: Shard) -> None:
        """Write `REMOVED`, in order of id: who is replaced by whom, and how alike they are."""
        verdicts = pa.concat_tables([VERDICTS.empty_table(), *shard.tables(VERDICTS_ROLE)])
        removed = self._removed(shard, verdicts.filter(pc.greater_equal(verdicts["jaccard"], self._config.threshold)))
        shard.write(removed)
        losers = removed["id"].combine_chunks()
        tallies = []
        for _, table in shard.documents():
            shard.kept(table)
            tallies.append(tally(table, losers))
        shard.facts["alarms"] = [str(alarm) for alarm in alarms(tallies, self._config.wipe_out, "near")]
        kinds = pc.value_counts(verdicts["contradiction"]).to_pylist()
        shard.facts["judged"] = dict(sorted((row["values"] or "same", row["counts"]) for row in kinds))

    def _removed(self, shard: Shard, verdicts: pa.Table) -> pa.Table:
        pairs = np.stack([verdicts["better"].to_numpy(), verdicts["other"].to_numpy()], axis=1)
        documents = np.unique(pairs)
        if not len(documents):
            return REMOVED.empty_table()
        same = pc.equal(verdicts["contradiction"], "").to_numpy(zero_copy_only=False)
        keys = _rows_of(shard, documents, [], DOCUMENTS)
        keys = keys.append_column("against", pa.array(np.isin(documents, pairs[~same]).astype(np.int8)))
        known = _ranked(shard, keys, self._priorities, _TWINS_FIRST)
        ranks = np.sort(np.argsort(known["ordinal"].to_numpy())[np.searchsorted(documents, pairs)], axis=1)
        fixed = pc.equal(known["withdrawn"], 1).to_numpy(zero_copy_only=False)
        survivor = survivors(ranks[same], ranks[~same], fixed)
        lost = np.flatnonzero(survivor >= 0)
        similarity = dict(zip(map(tuple, ranks.tolist()), verdicts["jaccard"].to_pylist(), strict=True))
        ids = known["id"].combine_chunks()
        columns = {
            "id": ids.take(pa.array(lost)),
            "survivor": ids.take(pa.array(survivor[lost])),
            "reason": pa.repeat(REASON, len(lost)),
            "jaccard": pa.array([similarity[int(survivor[rank]), int(rank)] for rank in lost], pa.float64()),
        }
        return pa.table(columns, schema=REMOVED).sort_by("id")


def _numbered(shard: Shard, role: str) -> Iterator[tuple[int, FileRef]]:
    """Yield (ordinal of the first row, file) of a role that lies beside all documents."""
    first = 0
    for ref in shard.inputs(role):
        yield first, ref
        first += ref.rows


def _bands(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Return band hashes of valid rows, shape (rows, bands)."""
    raw = np.frombuffer(b"".join(column.to_pylist()), "<u8").astype(np.uint64)
    return raw.reshape(len(column), -1) if len(raw) else np.empty((0, 1), np.uint64)


def _ids(shard: Shard, role: str, *, only_older: bool = False) -> pa.Array:
    """Return the ids that a list names (for `versions`: of superseded documents only, when asked)."""
    found = [pa.array([], pa.string())]
    for ref in shard.inputs(role):
        table = shard.columns(ref, ["id", "survivor"])
        found += (table.filter(pc.is_valid(table["survivor"])) if only_older else table)["id"].chunks
    return pa.concat_arrays(found)


def _rows_of(shard: Shard, documents: Ranks, more: list[str], role: str = KEYS) -> pa.Table:
    """Return the keys of some documents, by sorted ordinal, with the column `ordinal`."""
    names = [field.name for field in COLUMNS]
    found = []
    for first, ref in _numbered(shard, role):
        here = documents[np.searchsorted(documents, first) : np.searchsorted(documents, first + ref.rows)]
        if len(here):
            rows = shard.columns(ref, names + more).take(pa.array(here - first))
            found.append(rows.append_column("ordinal", pa.array(here)))
    return pa.concat_tables(found)


def _ranked(
    shard: Shard, keys: pa.Table, priorities: Mapping[str, int], order: Sequence[tuple[str, str]] = DECISIVE
) -> pa.Table:
    """Return the keys in the order of `survivors`, with their `rank`; superseded versions count as withdrawn."""
    older = pc.cast(pc.is_in(keys["id"], value_set=_ids(shard, SERIES, only_older=True)), pa.int8())
    first = pc.max_element_wise(keys["withdrawn"], older)
    keys = with_priority(keys.set_column(keys.schema.get_field_index("withdrawn"), "withdrawn", first), priorities)
    keys = keys.take(pc.sort_indices(keys, list(order)))
    return keys.append_column("rank", pa.array(np.arange(keys.num_rows)))


def _kin(shard: Shard, known: pa.Table) -> Ranks:
    """Return for each document a number that it shares with the other versions of its series, -1 for one in none."""
    series: dict[str, str] = {}
    for ref in shard.inputs(SERIES):
        table = shard.columns(ref, ["id", "survivor"])
        table = table.filter(pc.is_in(table["id"], value_set=known["id"].combine_chunks()))
        series.update((row["id"], row["survivor"] or row["id"]) for row in table.to_pylist())
    numbers = {name: number for number, name in enumerate(sorted(set(series.values())))}
    return np.array([numbers.get(series.get(id, ""), -1) for id in known["id"].to_pylist()], np.int64)


def _without_kin(pairs: Pairs, documents: Ranks, kin: Ranks) -> Pairs:
    """Return the pairs that are no versions of one work."""
    one, other = (kin[np.searchsorted(documents, pairs[:, side])] for side in (0, 1))
    kept: Pairs = pairs[(one != other) | (one < 0)]
    return kept


def near_steps(config: NearConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the five steps."""
    pairs = {KEYS: NearKeys.name}
    texts = {TEXTS: DOCUMENTS, PAIRS: NearPairs.name}
    return (
        Step(Rows(NearKeys(config))),
        Step(NearPairs(config, facts.priorities), pairs, findings=(EXACT, ABSTRACTS, SERIES)),
        Step(NearTexts(), texts),
        Step(NearVerify(), {TEXTS: NearTexts.name, PAIRS: NearPairs.name}),
        Step(
            ResolveNear(config, facts.priorities),
            {DOCUMENTS: DOCUMENTS, KEYS: NearKeys.name, VERDICTS_ROLE: NearVerify.name},
            findings=(SERIES,),
            writes="list",
        ),
    )
