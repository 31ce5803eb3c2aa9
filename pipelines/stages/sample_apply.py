"""Take the sample: what is trained on goes on, what is held out lies in a folder of its own, the rest is dropped.

Bounds decide by a document's own draw, so this is one pass over shards with nothing to look up but a handful of
strata. Held-out documents are whole records, for whoever measures forgetting: no stage that makes training data reads
that folder. Not here: draws (`sample`) and bounds (`sample_bounds`).
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pipelines.engine.errors import StageError
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows, co_partitioned
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Rejected, ShardTask
from pipelines.stages.exchange import DOCUMENTS, RunFacts, Step
from pipelines.stages.sample import SampleConfig, SampleKeys
from pipelines.stages.sample_bounds import SampleBounds
from sources.document import SCHEMA

NAME = "sample"
HELD_OUT = "held_out"
NOT_SAMPLED = "not_sampled"
FAILED = "attribute_failed"


class TakeSample:
    """Split each shard of documents by the bounds of their strata."""

    name = NAME
    version = "1"
    reasons = frozenset({HELD_OUT, NOT_SAMPLED, FAILED})

    def identity(self) -> dict[str, Any]:
        """Return nothing: keys and bounds decide all."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of documents; all of them write below one folder, `train` and `held-out`."""
        folder = f"sample-{digest({role: manifest.digest for role, manifest in inputs.items()})[:12]}"
        return [ShardTask(t.shard, t.inputs, t.params, folder) for t in co_partitioned(inputs)]

    def run(self, shard: Shard) -> None:
        """Keep, hold out or drop each document."""
        keys = pa.concat_tables([shard.table(ref) for ref in shard.inputs("keys")])
        limits = _limits(shard)
        wrote = False
        for rows, table in shard.documents():
            beside = keys.slice(rows.start, len(rows))
            if not beside["id"].equals(table["id"]):
                raise StageError(f"sample, shard {shard.task.shard}: the keys are not those of the documents")
            columns = [beside[name].to_pylist() for name in ("source", "stratum", "draw", "failed")]
            why = [_why(limits, *row) for row in zip(*columns, strict=True)]
            kept = _where(table, why, None)
            shard.kept(kept)
            shard.wrote(kept)
            for row, one in enumerate(why):
                if one is not None:
                    shard.reject_row(table.slice(row, 1), one)
            if kept.num_rows:
                shard.write(kept, below="train")
                wrote = True
            if (held_out := _where(table, why, HELD_OUT)).num_rows:
                shard.write(held_out, HELD_OUT, below="held-out")
        if not wrote:
            shard.write(SCHEMA.empty_table(), below="train")


Limits = Mapping[tuple[str, str], tuple[int | None, int | None]]


def _limits(shard: Shard) -> Limits:
    rows = (row for table in shard.tables("bounds") for row in table.to_pylist())
    return {(row["source"], row["stratum"]): (row["last"], row["first_held_out"]) for row in rows}


def _where(table: pa.Table, why: list[Rejected | None], reason: str | None) -> pa.Table:
    """Return the rows of which exactly this was decided."""
    return table.filter(pa.array([(one and one.reason) == reason for one in why], pa.bool_()))


def _why(limits: Limits, source: str, stratum: str | None, draw: int | None, failed: str | None) -> Rejected | None:
    """Return why a document does not go on, None when it does."""
    if failed:
        return Rejected(FAILED, f"sample_keys: {failed}", quarantine=True)
    if draw is None:
        return None
    last, first_held_out = limits[source, stratum or ""]
    if first_held_out is not None and draw >= first_held_out:
        return Rejected(HELD_OUT)
    return None if last is not None and draw <= last else Rejected(NOT_SAMPLED)


def held_out_files(manifest: Manifest) -> list[str]:
    """Return the held-out Parquet files of a finished run, paths relative to its folder, in shard order."""
    return [shard.files[HELD_OUT].path for shard in manifest.shards if HELD_OUT in shard.files]


def sample_steps(config: SampleConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the three steps: keys beside the documents, bounds over all of them, and taking."""
    counted = facts.count_for(config.target, config.tokenizer) if config.target and facts.count_for else None
    roles = {DOCUMENTS: DOCUMENTS, "keys": SampleKeys.name, "bounds": SampleBounds.name}
    return (
        Step(Rows(SampleKeys(config, facts.seed, counted))),
        Step(SampleBounds(config), {"keys": SampleKeys.name}),
        Step(TakeSample(), roles, writes="documents"),
    )
