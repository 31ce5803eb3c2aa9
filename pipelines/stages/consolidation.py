"""`consolidate` as a stage over shards: documents side by side with all that was found out about them.

Attribute shards lie beside document shards row for row and are checked by id; lists name documents wherever they lie
(the losers of deduplication, the series of versions). A row whose attribute could not be computed is quarantined here
with the stage that failed. The kept documents go to a folder of their own, named by what decided them. Not here: the
policy (`consolidate`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.errors import StageError
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import co_partitioned
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Rejected, ShardTask
from pipelines.stages.consolidate import Consolidate, ConsolidateConfig, Lineage
from pipelines.stages.contamination_apply import apply_policy
from pipelines.stages.decontaminate import NAME as CONTAMINATION
from pipelines.stages.exchange import DOCUMENTS
from pipelines.stages.review import NAME as REVIEW
from pipelines.stages.review_apply import apply_review
from pipelines.stages.rights_gate import NAME as INHERITED
from sources.document import SCHEMA

FAILED = "attribute_failed"
UNGRANTED = "kept_without_grant"
"""The counter of documents that no licence allows to train on."""
SERIES = "versions"
"""The list that tells an order; all others but those of inherited rights and verdicts have the columns of `LISTED`."""


class Consolidation:
    """Apply the policy to each shard of documents with its attributes."""

    name = "consolidate"

    def __init__(self, config: ConsolidateConfig, lists: tuple[str, ...] = ()) -> None:
        """Take the policy, and the roles that are lists: the first of them that names a document decides."""
        self._lists = lists
        self._policy = Consolidate(config)
        self.version = self._policy.version
        self.reasons = frozenset({*self._policy.reasons, FAILED})

    def identity(self) -> dict[str, Any]:
        """Return the policy's settings."""
        return self._policy.identity()

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of documents; all of them write to the folder of this result."""
        found = {role: manifest.digest for role, manifest in inputs.items()}
        folder = f"documents-{digest([self.identity(), found])[:12]}"
        return [ShardTask(t.shard, t.inputs, t.params, folder) for t in co_partitioned(inputs)]

    def run(self, shard: Shard) -> None:
        """Keep, drop or quarantine each document."""
        beside_documents = [role for role in shard.task.inputs if role not in (DOCUMENTS, *self._lists)]
        attributes = {role: _whole(shard, role) for role in beside_documents}
        ids = _ids(shard)
        losers = _losers(shard, [role for role in self._lists if role not in (SERIES, INHERITED, REVIEW)], ids)
        inherited = {row["id"]: row["rights"] for row in _listed(shard, INHERITED, ids)}
        series = _series(shard, ids)
        judged = {row["id"]: row for row in _listed(shard, REVIEW, ids)}
        wrote = False
        for rows, table in shard.documents():
            beside = {role: found.slice(rows.start, len(rows)) for role, found in attributes.items()}
            for role, found in beside.items():
                if not found["id"].equals(table["id"]):
                    raise StageError(
                        f"consolidate, shard {shard.task.shard}: rows of {role!r} are not those of the documents"
                    )
            table, beside = self._without_failed(shard, table, beside)
            treated, contaminated = self._decontaminated(shard, table, beside)
            reviewed = apply_review(_with_rights(treated, inherited), beside, judged)
            unwanted = {**reviewed.rejected, **contaminated}
            batch = self._policy.apply(reviewed.table, reviewed.beside, losers, series, unwanted)
            shard.kept(table.take(_others(table, batch.rejected)))
            for row, why in batch.rejected.items():
                _reject(shard, table, row, why)
            shard.wrote(batch.table)
            shard.ledger.counters.update(_ungranted(batch.table))
            if batch.table.num_rows:
                shard.write(batch.table)
                wrote = True
        if not wrote:
            shard.write(SCHEMA.empty_table())

    def _decontaminated(
        self, shard: Shard, table: pa.Table, beside: dict[str, pa.Table]
    ) -> tuple[pa.Table, dict[str, Rejected]]:
        """Cut items of benchmarks out of texts; return the table and which documents go, and write down what was done.

        The role `contamination` lies in the stage's folder, as the folder of results holds documents alone.
        """
        if CONTAMINATION not in beside:
            return table, {}
        applied = apply_policy(table, beside[CONTAMINATION], self._policy.config.contamination, self._policy)
        shard.write_aside(applied.done, "contamination")
        return applied.table, applied.contaminated

    def _without_failed(
        self, shard: Shard, table: pa.Table, beside: dict[str, pa.Table]
    ) -> tuple[pa.Table, dict[str, pa.Table]]:
        """Quarantine rows that a stage before could not judge, and return the rest."""
        failed = dict(_failures(beside))
        if not failed:
            return table, beside
        for row, why in failed.items():
            _reject(shard, table, row, why)
        keep = _others(table, failed)
        return table.take(keep), {role: found.take(keep) for role, found in beside.items()}


def _with_rights(table: pa.Table, inherited: Mapping[str, dict[str, Any]]) -> pa.Table:
    """Return the documents with the rights that follow from their parents."""
    ids = table["id"].to_pylist() if inherited else []
    if inherited.keys().isdisjoint(ids):
        return table
    at = table.schema.get_field_index("rights")
    field = table.schema.field(at)
    rights = [inherited.get(name, own) for name, own in zip(ids, table["rights"].to_pylist(), strict=True)]
    return table.set_column(at, field, pa.array(rights, field.type))


def _others(table: pa.Table, rows: Mapping[int, Rejected]) -> pa.Array:
    return pa.array([row for row in range(table.num_rows) if row not in rows], pa.int64())


def _ungranted(table: pa.Table) -> dict[str, int]:
    """Count what is kept though no licence that is known here allows training: only one profile lets it in."""
    train = pc.struct_field(table["rights"], "train")
    count = table.num_rows - (pc.sum(train).as_py() or 0)
    return {UNGRANTED: count} if count else {}


def _whole(shard: Shard, role: str) -> pa.Table:
    return pa.concat_tables([shard.table(ref) for ref in shard.inputs(role)])


def _ids(shard: Shard) -> pa.Array:
    """Return the ids of the shard's documents: of a list of millions only what concerns them becomes Python values."""
    tables = [shard.columns(ref, ["id"]) for ref in shard.inputs(DOCUMENTS)]
    return pa.concat_tables(tables)["id"].combine_chunks()


def _listed(shard: Shard, role: str, ids: pa.Array) -> Iterator[dict[str, Any]]:
    for ref in shard.inputs(role):
        table = shard.table(ref)
        yield from table.filter(pc.is_in(table["id"], value_set=ids)).to_pylist()


def _losers(shard: Shard, roles: list[str], ids: pa.Array) -> dict[str, Rejected]:
    losers: dict[str, Rejected] = {}
    for role in roles:
        for row in _listed(shard, role, ids):
            losers.setdefault(row["id"], Rejected(row["reason"], row["survivor"]))
    return losers


def _series(shard: Shard, ids: pa.Array) -> dict[str, Lineage]:
    return {row["id"]: Lineage(row["survivor"], row["supersedes"]) for row in _listed(shard, SERIES, ids)}


def _failures(beside: Mapping[str, pa.Table]) -> Iterator[tuple[int, Rejected]]:
    for role, found in beside.items():
        for row in pc.indices_nonzero(pc.is_valid(found["failed"])).to_pylist():
            yield row, Rejected(FAILED, f"{role}: {found['failed'][row].as_py()}", quarantine=True)


def _reject(shard: Shard, table: pa.Table, row: int, why: Rejected) -> None:
    shard.reject(table["source"][row].as_py(), table["key"][row].as_py(), table["tokens"][row].as_py(), why)
