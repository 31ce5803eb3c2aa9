"""The stage that writes a mixture's training shards: rows in training order, and the lineage of every token in them.

A task is a range of sequences. It maps the token shards, copies each stretch once into its row, and writes an Arrow
stream, a lineage table beside it and an index of the record batches with their checksums. All shards of one mixture
share a folder named by its plan, so that a changed mixture never mixes with an older one. Not here: which sequence goes
where (`mixture`).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from mixer.assemble import TokenShards, assemble
from mixer.lineage import lineage_rows
from mixer.shards import BATCH_INDEX, SequenceWriter
from mixer.target import Target
from mixer.tokenized import open_tokens
from mixer.virtual import packed_of, parts_of
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask

BLOCK_ROWS = 1000


class Materialise:
    """Write the sequences of one mixture, `sequences_per_shard` to a file."""

    version = "3"
    reasons: frozenset[str] = frozenset()

    def __init__(self, mixture: str, sequences_per_shard: int, sequence_tokens: int, target: Target) -> None:
        self.name = f"shards-{mixture}"
        self._mixture = mixture
        self._rows = sequences_per_shard
        self._sequence_tokens = sequence_tokens
        self._target = target

    def identity(self) -> dict[str, Any]:
        """Return the length of a sequence, the rows of a shard and the target's rules."""
        rules = {"rows": self._rows, "sequence_tokens": self._sequence_tokens}
        return {**rules, "target": self._target.identity()}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each range of sequences."""
        plan = inputs["plan"].shards[0]
        total = plan.facts["sequences"]
        folder = mixture_folder(self._mixture, inputs["plan"], self.identity())
        names = [component["name"] for component in plan.facts["components"]]
        pieces = tuple(plan.files[f"pieces.{name}"] for name in names)
        roles = {"order": (plan.main,), "pieces": pieces, "tokens": tuple(inputs["tokens"].files())}
        count = -(-total // self._rows)
        return [
            ShardTask(
                f"data-{number:05d}-of-{count:05d}",
                roles,
                {
                    "number": number,
                    "first": number * self._rows,
                    "stop": min(total, (number + 1) * self._rows),
                },
                folder,
            )
            for number in range(count)
        ]

    def run(self, shard: Shard) -> None:
        """Fill the rows of one range, block by block."""
        first, stop = shard.task.params["first"], shard.task.params["stop"]
        order = pa.concat_tables(shard.tables("order", 1 << 20)).slice(first, stop - first)
        tables = [open_tokens(shard, ref) for ref in shard.inputs("tokens")]
        tokens = TokenShards.of(tables)
        about = pa.concat_tables([table.select(["document", "source"]) for table in tables]).combine_chunks()
        packed = [packed_of(shard.table(ref), self._sequence_tokens) for ref in shard.inputs("pieces")]
        writer = SequenceWriter(shard.sink("main", "arrow"), self._sequence_tokens, self._target.id_type)
        for begin in range(0, order.num_rows, BLOCK_ROWS):
            block = order.slice(begin, BLOCK_ROWS)
            parts = parts_of(block, packed)
            writer.write(assemble(parts, tokens, self._target))
            shard.write(lineage_rows(parts, block["epoch"].to_numpy(), about, first + begin), "lineage")
        sums = writer.close()
        shard.sized("main", writer.rows, writer.rows * self._sequence_tokens)
        rows = [{"file": shard.task.params["number"], **asdict(one)} for one in sums]
        shard.write(pa.Table.from_pylist(rows, schema=BATCH_INDEX), "batches")


def mixture_folder(mixture: str, plan: Manifest, identity: Mapping[str, Any]) -> str:
    """Return the folder of a mixture, named by what decides its bytes."""
    return f"mixtures/{mixture}-{digest([plan.digest, identity])[:12]}"
