"""What a stage is: a pure function over fixed shards, with a name, a version, an identity and declared reasons.

Three forms, one driver. A `RowStage` maps a table of records to a table of the same or fewer records and never
sees a file. A `Stage` plans its own tasks and writes its own files through a `Shard` (extraction, exchanges, mixing).
An exchange (key, group, resolve) is two stages: what follows it is planned when its manifest commits.
The identity holds only what decides bytes; speed settings travel beside it. Not here: running (`driver`, `runtime`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pyarrow as pa

if TYPE_CHECKING:
    from pipelines.engine.manifest import Manifest
    from pipelines.engine.shard import Shard


KILLED = "engine.worker_died"


def declared_reasons(stage: str, reasons: frozenset[str]) -> frozenset[str]:
    """Return the reasons a stage declares and those the engine gives in its name."""
    return reasons | {KILLED, f"{stage}.error"}


@dataclass(frozen=True, slots=True)
class FileRef:
    """One committed or raw file: `path` relative to the run folder (or absolute for raw input)."""

    path: str
    sha256: str
    size_bytes: int
    rows: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ShardTask:
    """The work that the plan fixed for one shard. `shard` names it for ever, e.g. `jats-00003`.

    `inputs` maps a role to files; `params` are JSON values that decide bytes (row ranges, items, epochs).
    """

    shard: str
    inputs: Mapping[str, tuple[FileRef, ...]] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    """Where the data files go when that is not the stage's own folder (results that people open)."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why one record did not go on: dropped by policy, or quarantined because it could not be treated."""

    reason: str
    detail: str = ""
    quarantine: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What `RowStage.apply` returns: the rows that go on, in order, and why each other row does not."""

    table: pa.Table
    rejected: Mapping[int, Rejected] = field(default_factory=dict)


class Stage(Protocol):
    """Plans tasks from the manifests of its inputs, and runs one of them."""

    name: str
    version: str
    reasons: frozenset[str]

    def identity(self) -> dict[str, Any]:
        """Return every setting that decides bytes, as JSON values."""
        ...

    def tasks(self, inputs: Mapping[str, "Manifest"]) -> list[ShardTask]:
        """Return the tasks in shard order; called when all inputs are committed."""
        ...

    def run(self, shard: "Shard") -> None:
        """Do one task: read, decide, write and account through `shard`."""
        ...


@runtime_checkable
class RowStage(Protocol):
    """Record by record: `apply` gets a table of documents and says what becomes of each row.

    `writes` is "documents" (the table that goes on) or "attributes" (one row of findings for each input row,
    co-partitioned with the documents; such a stage rejects nothing). A stage of attributes may name the columns that it
    `reads`, beside `source`, `key` and `tokens`, which the account needs: of others nothing is decoded.
    """

    name: str
    version: str
    reasons: frozenset[str]
    writes: str

    def identity(self) -> dict[str, Any]:
        """Return every setting that decides bytes, as JSON values."""
        ...

    def apply(self, table: pa.Table) -> Batch:
        """Return the rows that go on and the reasons for the rest; must not depend on how rows are batched.

        A table without rows must be taken too: it tells the schema of what is written.
        """
        ...
