"""Look for the items of the reference index in every text of a run, and write down what stands where.

One row for each document, with a list of findings: where, which item of which benchmark, which part of it, how much
of it and whether the numbers agree. An id that document and item share is a finding too: the abstract that a question
was made from, a question of the set under its own id. Nothing is dropped here and no threshold is set.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Batch, ShardTask
from pipelines.engine.storage import as_buffer
from pipelines.stages.contamination_evidence import Evidence, Judge
from pipelines.stages.contamination_index import from_arrow
from pipelines.stages.contamination_items import ids_of, is_reference
from pipelines.stages.contamination_scan import propose
from pipelines.stages.contamination_units import units_of
from pipelines.stages.decontaminate_index import INDEX

ID = "id"
"""The part and rule of a finding by id; it has no place."""
FINDING = pa.struct(
    [(name, pa.string()) for name in ("unit", "benchmark", "reference", "item", "part", "rule")]
    + [("start", pa.int32()), ("end", pa.int32()), ("score", pa.float64()), ("matched", pa.int32())]
    + [("numbers", pa.float64())]
)
SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("findings", pa.list_(FINDING))])


class MatchRows:
    """The findings of one table of documents, against one reference index."""

    name = "decontaminate_match"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def identity(self) -> dict[str, Any]:
        """Return nothing: the index is an input."""
        return {}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`, one row a document."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row, fields in enumerate(table.select(["key", "identifiers", "extra"]).to_pylist()):
            found[row] += self._by_id(fields)
        for units in units_of(table):
            proposals: dict[int, list[list[int]]] = defaultdict(list)
            for at, *proposal in propose(units.texts, self._judge.references.arrays).tolist():
                proposals[at].append(proposal)
            for at, proposed in proposals.items():
                evidence = self._judge.evidence(units.texts[at].as_py(), proposed)
                found[int(units.rows[at])] += [self._finding(units.names[at], one) for one in evidence]
        findings = pa.array([found[row] for row in range(table.num_rows)], SCHEMA.field("findings").type)
        return Batch(pa.Table.from_arrays([table.column("id").combine_chunks(), findings], schema=SCHEMA))

    def _by_id(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        if is_reference(row["extra"]):
            return []
        numbers = {number for name in ids_of(row) for number in self._judge.references.ids.get(name, ())}
        return [self._named(ID, number, ID, ID) | {"score": 1.0, "matched": 1} for number in sorted(numbers)]

    def _named(self, unit: str, item: int, part: str, rule: str) -> dict[str, Any]:
        known = self._judge.references.items[item]
        names = {"benchmark": known.benchmark, "reference": known.reference, "item": known.key}
        return {"unit": unit, **names, "part": part, "rule": rule}

    def _finding(self, unit: str, one: Evidence) -> dict[str, Any]:
        places = {"start": one.start, "end": one.end, "score": one.score, "matched": one.matched}
        return self._named(unit, one.item, one.part, one.rule) | places | {"numbers": one.numbers}


class Match:
    """`MatchRows` over every shard of documents, each task with the one index."""

    name = MatchRows.name
    version = MatchRows.version
    reasons = MatchRows.reasons

    def identity(self) -> dict[str, Any]:
        """Return nothing: documents and index are inputs."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of documents."""
        index = tuple(inputs[INDEX].files())
        return [
            ShardTask(record.shard, {"documents": (record.main,), INDEX: index})
            for record in inputs["documents"].shards
        ]

    def run(self, shard: Shard) -> None:
        """Write the findings of each document."""
        (ref,) = shard.inputs(INDEX)
        table = pa.ipc.open_file(as_buffer(shard.read(ref))).read_all()
        Rows(MatchRows(Judge(from_arrow(table)))).run(shard)
