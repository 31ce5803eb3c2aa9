"""What kept documents are about, crossed and weighed: two axes at once, and the tokens that a mixture gives each slice.

Slices are what `coverage` found, or what a reviewer put in their place. A mixture asks for shares of components, never
of slices; what its shares ask of a slice follows from how much of each component is about it, and stands beside what
training gets, which differs where components fall short of their share or are not taken whole. Read from committed
files alone. Not here: what each stage kept of a slice (`retention`).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage, as_buffer
from pipelines.report.mixed import facts
from pipelines.result import Result
from pipelines.stages.coverage import AXES, SCHEMA, Coverage
from pipelines.stages.review import NAME as REVIEW

Slices = dict[str, dict[str, list[str]]]
"""The slices of each document by axis, by id."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a mixture's shares ask of a slice and what training gets, as parts of all tokens; and those tokens."""

    axis: str
    slice: str
    requested: float
    realised: float
    trained_tokens: int


def covered(storage: Storage, manifests: Mapping[str, Manifest]) -> pa.Table:
    """Return the rows of `coverage` with the labels that reviewers corrected. Raises CorruptionError."""
    found = [one.select(SCHEMA.names) for one in _tables(storage, manifests, Coverage.name)]
    table = pa.concat_tables(found or [SCHEMA.empty_table()])
    rows = [row for one in _tables(storage, manifests, REVIEW) for row in one.to_pylist()]
    corrected = {row["id"]: json.loads(row["corrections"]) for row in rows}
    corrected = {name: told for name, told in corrected.items() if not told.keys().isdisjoint(AXES)}
    if not corrected:
        return table
    ids = table["id"].to_pylist()
    for axis in AXES:
        values = [
            corrected[name][axis]["value"] if axis in corrected.get(name, ()) else value
            for name, value in zip(ids, table[axis].to_pylist(), strict=True)
        ]
        field = SCHEMA.field(axis)
        table = table.set_column(SCHEMA.get_field_index(axis), field, pa.array(values, field.type))
    return table


def slices_of_kept(result: Result) -> Slices:
    """Return the slices of the kept documents; none without `coverage`. Raises CorruptionError."""
    if Coverage.name not in result.manifests:
        return {}
    kept = {
        name
        for stage in result.documents
        for ref in result.manifests[stage].files()
        for name in _read(result.storage, ref, ["id"])["id"].to_pylist()
    }
    rows = covered(result.storage, result.manifests).select(["id", *AXES]).to_pylist()
    return {row["id"]: {axis: row[axis] or [] for axis in AXES} for row in rows if row["id"] in kept}


def crossed(slices: Slices, one: str, other: str) -> Counter[tuple[str, str]]:
    """Count the documents of each pair of slices of two axes."""
    return Counter((a, b) for found in slices.values() for a in found[one] for b in found[other])


def weighed(result: Result, name: str, slices: Slices) -> list[Weighed]:
    """Return each slice of a mixture by axis, most trained tokens first. Raises CorruptionError."""
    plan = result.mixture_manifest(name, "mixture").shards[0]
    names = _documents_of(result, name)
    requested: defaultdict[tuple[str, str], float] = defaultdict(float)
    for component in facts(result, name)["components"]:
        pieces = _read(result.storage, plan.files[f"pieces.{component['name']}"], ["row", "tokens"])
        whole = sum(pieces["tokens"].to_pylist()) or 1
        mine = pieces.group_by("row").aggregate([("tokens", "sum")]).to_pylist()
        inside = _by_slice(((names[row["row"]], row["tokens_sum"]) for row in mine), slices)
        for which, tokens in inside.items():
            requested[which] += float(Fraction(component["requested"])) * tokens / whole
    trained = Counter[str]()
    for ref in result.mixture_manifest(name, "shards").files("lineage"):
        table = _read(result.storage, ref, ["document", "length"]).group_by("document").aggregate([("length", "sum")])
        trained.update(dict(zip(table["document"].to_pylist(), table["length_sum"].to_pylist(), strict=True)))
    got, whole = _by_slice(trained.items(), slices), trained.total() or 1
    told = [Weighed(*which, requested[which], got[which] / whole, got[which]) for which in {*requested, *got}]
    return sorted(told, key=lambda one: (AXES.index(one.axis), -one.trained_tokens, one.slice))


def _by_slice(tokens: Iterable[tuple[str, int]], slices: Slices) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for name, count in tokens:
        for axis, values in slices.get(name, {}).items():
            for value in values:
                counts[axis, value] += count
    return counts


def _documents_of(result: Result, name: str) -> list[str]:
    """Return the ids of the tokenised documents in the order in which a mixture numbers them."""
    ids: list[str] = []
    for ref in result.manifests[f"tokenize-{facts(result, name)['target']}"].files():
        for batch in pa.ipc.open_stream(pa.BufferReader(as_buffer(result.storage.read(ref)))):
            ids += batch["document"].to_pylist()
    return ids


def _tables(storage: Storage, manifests: Mapping[str, Manifest], stage: str) -> list[pa.Table]:
    return [_read(storage, ref, None) for ref in manifests[stage].files()] if stage in manifests else []


def _read(storage: Storage, ref: Any, columns: list[str] | None) -> pa.Table:
    reader = pa.BufferReader(as_buffer(storage.read(ref)))
    return pq.read_table(reader, columns=columns, page_checksum_verification=True)
