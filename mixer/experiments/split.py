"""Which documents judge the proxies: a share of each component is held out, before anything is trained on the rest.

One stage looks at light columns alone and chooses whole items (all parts of a book or an article together) in the order
of a hash, so that one more document changes nothing for the others; the next one parts every shard by that list. What
is held out carries its slices, as the stage `coverage` found them. Not here: scoring (`evaluate`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixer.experiments.settings import ExperimentConfig
from mixer.mixture import members
from mixer.tokenize import evidence_column
from pipelines.engine.errors import PlanError
from pipelines.engine.hashing import derive_seed
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask

LIGHT = ["id", "source", "key", "kind", "language", "tokens", "extra"]
CHOSEN = pa.schema([("id", pa.string()), ("component", pa.string()), ("slices", pa.list_(pa.string()))])
HELD_OUT = "held_out"
RECORDS = frozenset({"mcq", "synthetic", "dialogue", "replay", "trial"})
"""Kinds whose documents stand for themselves, in whatever file they come."""
_ROWS = re.compile(r"\.(?:jsonl?|ndjson|csv|tsv|parquet)(?:\.\w+)?$")
"""Files whose parts are records that have nothing to do with each other."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a finished run gives: shards of kept documents, of `coverage` where it ran, and of its questions by set.

    The files lie in the run's folder, so their paths are absolute; only their digests decide anything.
    """

    documents: tuple[tuple[str, FileRef], ...]
    coverage: tuple[FileRef, ...] = ()
    questions: Mapping[str, tuple[FileRef, ...]] = field(default_factory=dict)


class ChooseHeldOut:
    """List the documents that are held out, and tell how much of each component there is."""

    name = "held-out"
    version = "3"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: ExperimentConfig, given: Given) -> None:
        self._config = config
        self._given = given

    def identity(self) -> dict[str, Any]:
        """Return the components, what is held out of them, and the seed."""
        names = ("seed", "components", "held_out", "slices")
        return {name: value for name, value in self._config.identity().items() if name in names}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task over the light columns of all documents."""
        documents = tuple(ref for _, ref in self._given.documents)
        return [ShardTask("chosen", {"documents": documents, "coverage": self._given.coverage})]

    def run(self, shard: Shard) -> None:
        """Write the list; facts tell documents and estimated tokens of each component. Raises PlanError."""
        tables = [shard.columns(ref, LIGHT) for ref in shard.inputs("documents")]
        table = pa.concat_tables(tables).combine_chunks()
        shard.arrived(table)
        shard.kept(table)
        table = table.append_column("evidence", evidence_column(table["extra"]))
        member = members(table, self._config.components)
        held = np.zeros(len(member), np.bool_)
        for index, component in enumerate(self._config.components):
            held[self._chosen(table, np.flatnonzero(member == index), component.name)] = True
        slices = self._slices(shard)
        rows = [
            {"id": one, "component": self._config.components[member[row]].name, "slices": slices.get(one, [])}
            for row, one in zip(np.flatnonzero(held), table["id"].filter(pa.array(held)).to_pylist(), strict=True)
        ]
        shard.write(pa.Table.from_pylist(rows, schema=CHOSEN))
        tokens = table["tokens"].to_numpy()
        shard.facts["components"] = [
            {
                "name": component.name,
                "documents": int((~held & (member == index)).sum()),
                "tokens": int(tokens[~held & (member == index)].sum()),
                "held_out_documents": int((held & (member == index)).sum()),
                "held_out_tokens": int(tokens[held & (member == index)].sum()),
            }
            for index, component in enumerate(self._config.components)
        ]

    def _chosen(self, table: pa.Table, rows: Any, component: str) -> Any:
        """Return the rows of a component that are held out: whole items, by hash, until there are enough of them."""
        mine = table.take(rows)
        names = zip(*(mine[name].to_pylist() for name in ("source", "key", "kind")), strict=True)
        items = [f"{source}\n{_item_of(key, kind)}" for source, key, kind in names]
        order = sorted(set(items), key=lambda item: (derive_seed(self._config.seed, HELD_OUT, item), item))
        if len(order) < 2:
            raise PlanError(
                f"component {component!r} has {len(order)} items; one to train on and one to hold out are the least: "
                "check its sources, kinds and languages"
            )
        tokens = dict.fromkeys(order, 0)
        for item, count in zip(items, mine["tokens"].to_pylist(), strict=True):
            tokens[item] += min(count, self._config.held_out.document_tokens)
        wanted = max(1, min(round(float(self._config.held_out.share) * len(order)), len(order) - 1))
        chosen, total = set[str](), 0
        for item in order[:wanted]:
            if total + tokens[item] <= self._config.held_out.tokens:
                chosen.add(item)
                total += tokens[item]
        chosen = chosen or {order[0]}
        return rows[np.array([item in chosen for item in items], np.bool_)]

    def _slices(self, shard: Shard) -> dict[str, list[str]]:
        """Return the slices of each document, `axis:name`; none when the run has no coverage."""
        found: dict[str, list[str]] = {}
        for table in shard.tables("coverage"):
            axes = [axis for axis in self._config.slices.axes if axis in table.column_names]
            for row in table.select(["id", *axes]).to_pylist():
                found[row["id"]] = [f"{axis}:{name}" for axis in axes for name in row[axis] or ()]
        return found


def _item_of(key: str, kind: str) -> str:
    """Return the item that a document is a part of: its file, or itself where a file holds records of any number."""
    file, _, part = key.rpartition("#")
    return key if not part or not file or kind in RECORDS or _ROWS.search(file) else file


class Split:
    """Part every shard of documents into those to train on and those that are held out."""

    name = "split"
    version = "1"
    reasons = frozenset({HELD_OUT})

    def __init__(self, given: Given) -> None:
        self._given = given

    def identity(self) -> dict[str, Any]:
        """Nothing of its own decides bytes: the list does."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each shard of documents."""
        chosen = tuple(inputs["chosen"].files())
        return [ShardTask(shard, {"documents": (ref,), "chosen": chosen}) for shard, ref in self._given.documents]

    def run(self, shard: Shard) -> None:
        """Write what is trained on as `main`, and held-out documents aside."""
        listed = pa.concat_tables(shard.table(ref) for ref in shard.inputs("chosen"))
        schema = shard.schema("documents")
        wrote = False
        for _, table in shard.documents():
            held = pc.is_in(table["id"], listed["id"].combine_chunks())
            train = table.filter(pc.invert(held))
            shard.kept(train)
            shard.wrote(train)
            if train.num_rows:
                shard.write(train)
                wrote = True
            for row in range((apart := table.filter(held)).num_rows):
                shard.reject_row(apart.slice(row, 1), Rejected(HELD_OUT))
            if apart.num_rows:
                shard.write(apart, HELD_OUT)
        if not wrote and schema is not None:
            shard.write(schema.empty_table())
