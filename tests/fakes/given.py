"""Documents that are given, and the lines of a run file over them as stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.driver import PlannedStage
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.exchange import DOCUMENTS, Step
from sources.document import Document, to_table


@dataclass(frozen=True)
class Given:
    """Writes documents that are given, so many a shard."""

    documents: tuple[Document, ...]
    rows: int
    name: str = "given"
    version: str = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        return {"ids": sha256_bytes("\n".join(one.id for one in self.documents).encode()), "rows": self.rows}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        starts = range(0, len(self.documents), self.rows)
        return [ShardTask(f"given-{at:05}", {}, {"at": at}) for at in starts]

    def run(self, shard: Shard) -> None:
        at = shard.task.params["at"]
        table = to_table(self.documents[at : at + self.rows])
        shard.arrived(table)
        shard.kept(table)
        shard.wrote(table)
        shard.write(table)


def planned(given: Given, lines: Mapping[str, Sequence[Step]]) -> list[PlannedStage]:
    """Return the stages of lines by kind; each may ask for the findings of those before it."""
    stages, found = [PlannedStage(given)], dict[str, str]()
    for kind, steps in lines.items():
        names = {DOCUMENTS: given.name}
        for step in steps:
            roles = {role: (names[name],) for role, name in step.inputs.items()}
            roles |= {one: (found[one],) for one in step.findings if one in found}
            stages.append(PlannedStage(step.stage, roles))
            names[step.stage.name] = step.stage.name
        found[kind] = steps[-1].stage.name
    return stages
