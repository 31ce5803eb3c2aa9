"""Toy stages that use every road through the engine: a source, rows, attributes, an exchange and its appliance.

Documents are made of nothing but seeds, and what happens to a row depends on its key alone. Their columns are the
ones that the engine counts (source, key, tokens), an id and a text. Stages that lose their worker are in `poison`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.driver import PlannedStage
from pipelines.engine.events import KINDS
from pipelines.engine.hashing import derive_seed, sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows, co_partitioned
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Batch, Rejected, ShardTask

DOCUMENT = pa.schema(
    [(name, pa.string()) for name in ("id", "source", "key", "text")] + [("tokens", pa.int64())],
    metadata={"toy": "1"},
)
WORDS = ("dose", "<90%", "5 µg", "fever", "≥38.5", "o", "rash", "10³", "不", "mg/kg")


class Events:
    """Keeps what the driver tells, and takes no other kinds than the real one."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def emit(self, kind: str, **facts: Any) -> None:
        assert kind in KINDS, kind
        self.told.append((kind, facts))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [facts for one, facts in self.told if one == kind]


def lot(key: str, sides: int) -> int:
    """Draw from 0..sides-1 by the key alone."""
    return derive_seed("lot", key) % sides


@dataclass(frozen=True)
class Seeds:
    """Makes documents: every seventh record is dropped as empty, some texts are there twice."""

    source: str
    shards: int
    rows: int
    words: int = 12
    version: str = "1"
    reasons: frozenset[str] = frozenset({"empty"})

    @property
    def name(self) -> str:
        return f"seeds_{self.source}"

    def identity(self) -> dict[str, Any]:
        return {"rows": self.rows, "words": self.words}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return [ShardTask(f"{self.source}-{at:05}", {}, {"at": at}) for at in range(self.shards)]

    def run(self, shard: Shard) -> None:
        at = shard.task.params["at"]
        records = [self._document(at * self.rows + row) for row in range(self.rows)]
        shard.arrived(_table(records))
        kept = [record for record in records if lot(record["key"], 7)]
        for record in records:
            if record not in kept:
                shard.reject(record["source"], record["key"], record["tokens"], Rejected("empty"))
        table = _table(kept)
        shard.kept(table)
        shard.wrote(table)
        shard.write(table)
        shard.facts["first"] = [record["key"] for record in kept[:1]]

    def _document(self, number: int) -> dict[str, Any]:
        key = f"{self.source}/{number:06}.txt"
        pick = random.Random(derive_seed("text", number % max(2, self.rows - 3)))
        text = " ".join(pick.choice(WORDS) for _ in range(self.words))
        return {"id": sha256_bytes(key.encode())[:32], "source": self.source, "key": key, "text": text, "tokens": 12}


def _table(records: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(records, schema=DOCUMENT)


@dataclass(frozen=True)
class Shorten:
    """Rewrites texts, drops some rows and raises on others."""

    words: int = 8
    name: str = "shorten"
    version: str = "1"
    reasons: frozenset[str] = frozenset({"unlucky"})
    writes: str = "documents"

    def identity(self) -> dict[str, Any]:
        return {"words": self.words}

    def apply(self, table: pa.Table) -> Batch:
        rejected = {}
        records = table.to_pylist()
        for index, record in enumerate(records):
            if lot(record["key"], 13) == 0:
                raise ValueError(record["text"])
            if lot(record["key"], 5) == 0:
                rejected[index] = Rejected("unlucky", "drew 0 of 5", quarantine=lot(record["key"], 2) == 0)
            record["text"] = " ".join(record["text"].split(" ")[: self.words])
            record["tokens"] = self.words
        return Batch(_table([one for at, one in enumerate(records) if at not in rejected]), rejected)


@dataclass(frozen=True)
class Lengths:
    """Writes one row of findings for each document, and raises on some."""

    name: str = "lengths"
    version: str = "1"
    reasons: frozenset[str] = frozenset()
    writes: str = "attributes"

    def identity(self) -> dict[str, Any]:
        return {}

    def apply(self, table: pa.Table) -> Batch:
        if any(lot(key, 17) == 0 for key in table["key"].to_pylist()):
            raise RuntimeError("no length")
        return Batch(pa.table({"id": table["id"], "length": pc.cast(pc.utf8_length(table["text"]), pa.int64())}))


@dataclass(frozen=True)
class TextKeys:
    """First half of an exchange: a key for each document, beside its shard."""

    name: str = "text_keys"
    version: str = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return co_partitioned(inputs)

    def run(self, shard: Shard) -> None:
        keys = pa.schema([("id", pa.string()), ("key", pa.string())])
        shard.write(keys.empty_table())
        for _, table in shard.documents():
            shard.kept(table)
            hashes = [sha256_bytes(text.encode()) for text in table["text"].to_pylist()]
            shard.write(pa.table({"id": table["id"], "key": hashes}, schema=keys))


@dataclass(frozen=True)
class Repeats:
    """Second half: one task over all keys names the documents that repeat an earlier one."""

    name: str = "repeats"
    version: str = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return [ShardTask("all", {"keys": tuple(inputs["keys"].files())})]

    def run(self, shard: Shard) -> None:
        seen: set[str] = set()
        repeats = []
        for table in shard.tables("keys"):
            for row in table.to_pylist():
                if row["key"] in seen:
                    repeats.append(row["id"])
                seen.add(row["key"])
        shard.write(pa.table({"id": pa.array(repeats, pa.string())}))
        shard.sink("count", "txt").write(f"{len(repeats)}\n".encode())
        shard.sized("count", 1)


@dataclass(frozen=True)
class Unite:
    """Applies the findings: drops repeats, and quarantines documents whose length could not be found."""

    name: str = "unite"
    version: str = "1"
    reasons: frozenset[str] = frozenset({"repeat", "no_length"})

    def identity(self) -> dict[str, Any]:
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return co_partitioned(inputs)

    def run(self, shard: Shard) -> None:
        lengths = {row["id"]: row["failed"] for table in shard.tables("lengths") for row in table.to_pylist()}
        repeats = {row["id"] for table in shard.tables("repeats") for row in table.to_pylist()}
        shard.write(DOCUMENT.empty_table())
        for _, table in shard.documents():
            keep = []
            for at, row in enumerate(table.to_pylist()):
                if lengths[row["id"]]:
                    shard.reject_row(table.slice(at, 1), Rejected("no_length", lengths[row["id"]], quarantine=True))
                elif row["id"] in repeats:
                    shard.reject_row(table.slice(at, 1), Rejected("repeat"))
                else:
                    keep.append(at)
            kept = table.take(pa.array(keep, pa.int64()))
            shard.kept(kept)
            shard.wrote(kept)
            shard.write(kept)


def toy_run(shards: int = 2, rows: int = 24, words: int = 8) -> list[PlannedStage]:
    """Return a run of every kind of stage: one source of many shards and one of a single shard."""
    return [
        PlannedStage(Seeds("alpha", shards, rows)),
        PlannedStage(Seeds("beta", 1, rows)),
        *_treatment(("seeds_alpha", "seeds_beta"), words),
    ]


def tiny_run(rows: int = 9) -> list[PlannedStage]:
    """Return the same stages over a single shard: few operations, for loops over all of them."""
    return [PlannedStage(Seeds("alpha", 1, rows)), *_treatment(("seeds_alpha",), 8)]


def _treatment(sources: tuple[str, ...], words: int) -> list[PlannedStage]:
    return [
        PlannedStage(Rows(Shorten(words)), {"documents": sources}),
        PlannedStage(Rows(Lengths()), {"documents": ("shorten",)}),
        PlannedStage(TextKeys(), {"documents": ("shorten",)}),
        PlannedStage(Repeats(), {"keys": ("text_keys",)}),
        PlannedStage(Unite(), {"documents": ("shorten",), "lengths": ("lengths",), "repeats": ("repeats",)}),
    ]
