"""What kept documents are about, crossed and weighed: two axes at once, and the tokens that a mixture gives each slice.

Slices are what `coverage` found, or what a reviewer put in their place. A mixture asks for shares of components, never
of slices; what its shares ask of a slice follows from how much of each component is about it, and stands beside what
training gets, which differs where components fall short of their share or are not taken whole. Read from committed
files alone. Not here: what each stage kept of a slice (`retention`).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage, as_buffer
from pipelines.report.mixed import facts
from pipelines.result import Result
from pipelines.stages.coverage import AXES, SCHEMA, Coverage
from pipelines.stages.review import NAME as REVIEW


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


def slices_of_kept(result: Result) -> pa.Table | None:
    """Return id and slices by axis of each kept document; None without `coverage`. Raises CorruptionError."""
    if Coverage.name not in result.manifests:
        return None
    refs = [ref for stage in result.documents for ref in result.manifests[stage].files()]
    kept = [_read(result.storage, ref, ["id"]) for ref in refs]
    found = covered(result.storage, result.manifests).select(["id", *AXES])
    ids = pa.concat_tables(kept)["id"].combine_chunks() if kept else pa.array([], pa.string())
    return found.filter(pc.is_in(found["id"], value_set=ids))


def crossed(slices: pa.Table, one: str, other: str) -> Counter[tuple[str, str]]:
    """Count the documents of each pair of slices of two axes."""
    rows, values = _listed(slices, one)
    others = pa.table(dict(zip(("row", "other"), _listed(slices, other), strict=True)))
    pairs = pa.table({"row": rows, "one": values}).join(others, "row", join_type="inner")
    counts = pairs.group_by(["one", "other"], use_threads=False).aggregate([([], "count_all")])
    return Counter({(row["one"], row["other"]): row["count_all"] for row in counts.to_pylist()})


def counted(slices: pa.Table, axis: str) -> Counter[str]:
    """Count the documents of each slice of an axis."""
    return Counter({row["values"]: row["counts"] for row in pc.value_counts(_listed(slices, axis)[1]).to_pylist()})


def weighed(result: Result, name: str, slices: pa.Table) -> list[Weighed]:
    """Return each slice of a mixture by axis, most trained tokens first. Raises CorruptionError."""
    plan = result.mixture_manifest(name, "mixture").shards[0]
    documents = _documents_of(result, name)
    requested: defaultdict[tuple[str, str], float] = defaultdict(float)
    for component in facts(result, name)["components"]:
        pieces = _read(result.storage, plan.files[f"pieces.{component['name']}"], ["row", "tokens"])
        tokens = pieces["tokens"].to_numpy()
        inside = _by_slice(documents.take(pieces["row"].combine_chunks()), tokens, slices)
        for which, count in inside.items():
            requested[which] += float(Fraction(component["requested"])) * count / (int(tokens.sum()) or 1)
    trained, whole = Counter[tuple[str, str]](), 0
    for ref in result.mixture_manifest(name, "shards").files("lineage"):
        table = _read(result.storage, ref, ["document", "length"])
        lengths = table["length"].to_numpy().astype(np.int64)
        whole += int(lengths.sum())
        trained.update(_by_slice(table["document"].combine_chunks(), lengths, slices))
    told = [Weighed(*which, requested[which], trained[which] / (whole or 1), trained[which])
            for which in {*requested, *trained}]  # fmt: skip
    return sorted(told, key=lambda one: (AXES.index(one.axis), -one.trained_tokens, one.slice))


def _listed(slices: pa.Table, axis: str) -> tuple[pa.Array, pa.Array]:
    """Return the number of the document and the slice of each mention of an axis."""
    lists = slices[axis].combine_chunks()
    return pc.list_parent_indices(lists), pc.list_flatten(lists)


def _by_slice(names: pa.Array, tokens: npt.NDArray[np.int64], slices: pa.Table) -> dict[tuple[str, str], int]:
    """Return the tokens of each slice, by axis and name; `names` are the documents that the tokens are of."""
    at = pc.fill_null(pc.index_in(names, value_set=slices["id"].combine_chunks()), slices.num_rows).to_numpy()
    of_document = np.zeros(slices.num_rows + 1, np.int64)
    np.add.at(of_document, at, tokens)
    counts = {}
    for axis in AXES:
        rows, values = _listed(slices, axis)
        sums = pa.table({"slice": values, "tokens": of_document[rows.to_numpy()]})
        for row in sums.group_by("slice", use_threads=False).aggregate([("tokens", "sum")]).to_pylist():
            if row["tokens_sum"]:
                counts[axis, row["slice"]] = row["tokens_sum"]
    return counts


def _documents_of(result: Result, name: str) -> pa.Array:
    """Return the ids of the tokenised documents in the order in which a mixture numbers them."""
    ids = [
        batch["document"]
        for ref in result.manifests[f"tokenize-{facts(result, name)['target']}"].files()
        for batch in pa.ipc.open_stream(pa.BufferReader(as_buffer(result.storage.read(ref))))
    ]
    return pa.concat_arrays(ids) if ids else pa.array([], pa.string())


def _tables(storage: Storage, manifests: Mapping[str, Manifest], stage: str) -> list[pa.Table]:
    return [_read(storage, ref, None) for ref in manifests[stage].files()] if stage in manifests else []


def _read(storage: Storage, ref: Any, columns: list[str] | None) -> pa.Table:
    reader = pa.BufferReader(as_buffer(storage.read(ref)))
    return pq.read_table(reader, columns=columns, page_checksum_verification=True)
