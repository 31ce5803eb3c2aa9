"""Decontamination: what of published benchmarks stands in the documents, and in how many of them.

Five steps make one line of the run file: items of documents for reference, the reference index, the findings of each
shard, how many documents each part of an item was found in, and the findings with that number. A short part that is
found all over a corpus is a phrase and no leak; the number lets the policy say so. `consolidate` decides what is
dropped and what is cut, so that a threshold changes nothing here. Not here: paraphrases, which share no words.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import FAILED, Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.decontaminate_index import INDEX, BuildIndex, DecontaminateConfig, ItemRows, locate
from pipelines.stages.decontaminate_match import FINDING, Match
from pipelines.stages.exchange import DOCUMENTS, RunFacts, Step

NAME = "decontaminate"
WHICH = ("benchmark", "reference", "item", "part")
SPREAD = pa.schema([*((name, pa.string()) for name in WHICH), ("documents", pa.int64())])
FOUND = pa.struct([*FINDING, ("documents", pa.int64())])
SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("findings", pa.list_(FOUND)), FAILED])


class Spread:
    """Count the documents that each part of an item was found in."""

    name = "decontaminate_spread"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the findings of every shard."""
        return [ShardTask("spread", {"findings": tuple(inputs["findings"].files())})]

    def run(self, shard: Shard) -> None:
        """Write `SPREAD`, in order of benchmark, reference, item and part."""
        counts: Counter[tuple[str, ...]] = Counter()
        for table in shard.tables("findings"):
            for findings in table["findings"].to_pylist():
                counts.update({_which(one) for one in findings or []})
        rows = [(*which, count) for which, count in sorted(counts.items())]
        columns = [pa.array([row[at] for row in rows], f.type) for at, f in enumerate(SPREAD)]
        shard.write(pa.Table.from_arrays(columns, schema=SPREAD))


class Decontaminate:
    """Write the findings of each document, each with the number of documents it was made in."""

    name = NAME
    version = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of findings, named as the shard of documents that they belong to."""
        spread = tuple(inputs["spread"].files())
        params = {"benchmarks": inputs[INDEX].shards[0].facts["benchmarks"]}
        return [
            ShardTask(record.shard, {"findings": (record.main,), "spread": spread}, params)
            for record in inputs["findings"].shards
        ]

    def run(self, shard: Shard) -> None:
        """Write `SCHEMA`, row for row as the findings came; a fact tells all benchmarks, found or not."""
        counts = {_which(row): row["documents"] for table in shard.tables("spread") for row in table.to_pylist()}
        shard.facts["benchmarks"] = shard.task.params["benchmarks"]
        for table in _tables(shard):
            rows = table.to_pylist()
            for row in rows:
                for one in row["findings"] or []:
                    one["documents"] = counts[_which(one)]
            shard.write(pa.Table.from_pylist(rows, schema=SCHEMA))


def _tables(shard: Shard) -> Iterator[pa.Table]:
    wrote = False
    for table in shard.tables("findings"):
        yield table
        wrote = True
    if not wrote:
        yield SCHEMA.empty_table()


def _which(finding: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(finding[name] for name in WHICH)


def decontaminate_steps(config: DecontaminateConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the five steps. Raises ConfigError or InputError for a reference that cannot be read."""
    return (
        Step(Rows(ItemRows())),
        Step(BuildIndex(*locate(config.references)), {"items": ItemRows.name}),
        Step(Match(), {DOCUMENTS: DOCUMENTS, INDEX: BuildIndex.name}),
        Step(Spread(), {"findings": Match.name}),
        Step(Decontaminate(), {"findings": Match.name, "spread": Spread.name, INDEX: BuildIndex.name}),
    )
