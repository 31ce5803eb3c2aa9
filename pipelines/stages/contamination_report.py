"""The report of decontamination: for each benchmark what was found of it, where, how surely, and what was done.

One row for each benchmark and part, beside a row for all parts together; a benchmark of which nothing was found has
its row too. The findings behind it are written beside it, one row each: item, document, span, score, action. Both hold
keys and numbers, never text. Not here: rendering (`pipelines.report.contamination`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.contamination_apply import APPLIED
from pipelines.stages.contamination_policy import CUT_OUT, DROP

ALL = "all"
REPORT = pa.schema(
    [(name, pa.string()) for name in ("benchmark", "reference", "part")]
    + [(name, pa.int64()) for name in ("items", "items_hit", "spans", "documents", "dropped", "cut")]
    + [(name, pa.float64()) for name in ("least_score", "mean_score")]
)


class ContaminationReport:
    """Count what `consolidate` did about contamination."""

    name = "contamination_report"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task over what was done in every shard, which knows all benchmarks."""
        shards = inputs["findings"].shards
        params = {"benchmarks": shards[0].facts["benchmarks"] if shards else []}
        return [ShardTask("report", {"applied": tuple(inputs["applied"].files("contamination"))}, params)]

    def run(self, shard: Shard) -> None:
        """Write `REPORT`, and `APPLIED` of all shards."""
        tables = [shard.table(ref) for ref in shard.inputs("applied")]
        applied = pa.concat_tables([APPLIED.empty_table(), *tables])
        shard.write(report(shard.task.params["benchmarks"], applied.to_pylist()))
        shard.write(applied, "findings")


def report(benchmarks: Iterable[tuple[str, str, int]], applied: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return `REPORT` for (benchmark, reference, items) and rows of `APPLIED`, in order of name and part."""
    found: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = {}
    sizes = {(name, reference): items for name, reference, items in benchmarks}
    for which in sorted(sizes):
        found[which] = defaultdict(list)
    for one in applied:
        parts = found[one["benchmark"], one["reference"]]
        parts[one["part"]].append(one)
        parts[ALL].append(one)
    rows = []
    for (name, reference), parts in found.items():
        for part in (ALL, *sorted(part for part in parts if part != ALL)):
            named = {"benchmark": name, "reference": reference, "part": part, "items": sizes[name, reference]}
            rows.append(named | _counted(parts[part]))
    return pa.Table.from_pylist(rows, schema=REPORT)


def _counted(findings: list[Mapping[str, Any]]) -> dict[str, Any]:
    scores = [one["score"] for one in findings]
    return {
        "items_hit": len({one["item"] for one in findings}),
        "spans": len(findings),
        "documents": len({one["id"] for one in findings}),
        "dropped": len({one["id"] for one in findings if one["action"] == DROP}),
        "cut": len({one["id"] for one in findings if one["action"] == CUT_OUT}),
        "least_score": min(scores, default=None),
        "mean_score": sum(scores) / len(scores) if scores else None,
    }
