"""How one line of the run file becomes stages: one over rows, or an exchange of several that hand on to each other.

An exchange (key, group, resolve) is a row of steps: the first writes keys beside every shard of documents, later ones
bring all keys together, and the last writes what the line stands for: documents, attributes (one row of findings for
each document, shard by shard), a list (rows of `LISTED`: documents that something was found out about, wherever they
lie), or findings that only the report reads. Each kind of stage gives a function from its settings to its steps. Not
here: which kinds there are (`pipelines.stage_table`), and how lines join (`pipelines.lines`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pyarrow as pa

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import RowStage, ShardTask, Stage

DOCUMENTS = "documents"
Writes = Literal["documents", "attributes", "list", "report"]
LISTED = pa.schema([("id", pa.string()), ("survivor", pa.string()), ("reason", pa.string())])
"""A document that another one stands for, and why; a list may have more columns, which are evidence."""


class TokenCount(Protocol):
    """Counts the tokens of documents."""

    def identity(self) -> dict[str, Any]:
        """Return what decides the counts, as JSON values."""
        ...

    def __call__(self, table: pa.Table) -> pa.Array:
        """Return the tokens of each document of a table, int64."""
        ...


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a stage may know of the run beside its own settings: the seed, and each source's priority.

    `count_for` gives the count of a target, from its name and the path of its tokenizer: stages do not know the mixer.
    """

    seed: int = 0
    priorities: Mapping[str, int] = field(default_factory=dict)
    count_for: Callable[[str, str | None], TokenCount] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a line. `inputs` gives each role an earlier step of the line by name, or `DOCUMENTS`.

    `findings` names kinds of stages whose findings are wanted as roles of the same name, where the run file has them:
    they must stand before. `writes` counts at the last step only.
    """

    stage: Stage
    inputs: Mapping[str, str] = field(default_factory=lambda: {DOCUMENTS: DOCUMENTS})
    findings: tuple[str, ...] = ()
    writes: Writes = "attributes"


Steps = Callable[[Any, RunFacts], tuple[Step, ...]]


def over_all_keys(name: str, inputs: Mapping[str, Manifest], *more: str) -> list[ShardTask]:
    """Return the one task of a step that brings the keys of every shard together; `more` roles are read beside them."""
    files = {DOCUMENTS: tuple(inputs["keys"].files())}
    return [ShardTask(name, files | {role: tuple(inputs[role].files()) for role in more if role in inputs})]


def all_keys(shard: Shard) -> pa.Table:
    """Return the keys of every document, each of which is accounted for by them; no rows where no document is left."""
    keys = []
    for _, table in shard.documents():
        shard.kept(table)
        keys.append(table)
    return pa.concat_tables(keys) if keys else shard.table(shard.inputs(DOCUMENTS)[0]).slice(0, 0)


@dataclass(slots=True)
class Resolve:
    """The second step of an exchange that is a pure function: all keys in, a table of what was found out."""

    name: str
    version: str
    resolve: Callable[[pa.Table], pa.Table]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What decides bytes beside the keys."""
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return the settings: the keys hold all else that decides."""
        return dict(self.settings)

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the keys of every shard."""
        return over_all_keys(self.name, inputs)

    def run(self, shard: Shard) -> None:
        """Write what was found out."""
        shard.write(self.resolve(all_keys(shard)))


def over_rows(build: Callable[[Any], RowStage]) -> Steps:
    """Return the steps of a kind that is one stage over rows, built from its settings alone."""

    def steps(config: Any, facts: RunFacts) -> tuple[Step, ...]:
        stage = build(config)
        return (Step(Rows(stage), writes="documents" if stage.writes == "documents" else "attributes"),)

    return steps
