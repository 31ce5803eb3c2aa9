"""The retention audit: of each slice of medicine, what share of its documents every stage kept, and where that is low.

Slices are what `coverage` found (disease groups, populations, regions, ...). The lists of rejected documents that every
later stage leaves tell what became of each; documents that another one stands for, or that were never candidates, count
neither as lost nor as kept. Computed from committed files alone, so it costs no stage anything. Not here: what a text
is about (`pipelines.stages.coverage`).
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.table import Table

from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage, as_buffer
from pipelines.report.slices import covered
from pipelines.stages.coverage import AXES, Coverage

FILE = "retention.parquet"
WHOLE = "whole run"
ALL = "all"
ELSEWHERE = frozenset(
    ("duplicate", "near_duplicate", "abstract_of", "superseded", "reference_only", "held_out", "not_sampled")
)
"""Reasons of documents whose text lives on in another one, or that were no candidates for training."""
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("stage", "axis", "slice")]
    + [(name, pa.int64()) for name in ("records_in", "records_kept", "tokens_in", "tokens_kept")]
)
_SHOWN = 12
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of `SCHEMA`: a slice at a stage, or over the `WHOLE` run; axis and slice `ALL` are all documents."""

    stage: str
    axis: str
    slice: str
    records_in: int
    records_kept: int
    tokens_in: int
    tokens_kept: int

    @property
    def rate(self) -> float:
        """Return the share of the records that were kept; nothing of nothing is all of it."""
        return self.records_kept / self.records_in if self.records_in else 1.0

    @property
    def name(self) -> str:
        """Return the slice as run files name it: `disease:malaria`."""
        return f"{self.axis}:{self.slice}"


def retention(storage: Storage, manifests: Mapping[str, Manifest]) -> list[Kept]:
    """Return every stage after `coverage` that rejected a document, and the whole run; none without `coverage`.

    Raises CorruptionError when a committed file is not what its manifest says.
    """
    if Coverage.name not in manifests:
        return []
    found = covered(storage, manifests)
    if not found.num_rows:
        return []
    names = _names(found)
    tokens = found["tokens"].to_numpy()
    alive = np.ones(len(names), np.bool_)
    counted = np.ones(len(names), np.bool_)
    rows: list[Kept] = []
    order = list(manifests)
    for stage in order[order.index(Coverage.name) + 1 :]:
        rejected = _rejected(storage, manifests[stage])
        if not rejected.num_rows:
            continue
        apart = pc.is_in(rejected["reason"], pa.array(sorted(ELSEWHERE))).to_numpy(zero_copy_only=False)
        gone = [_among(names, _names(rejected).filter(pa.array(flags))) for flags in (apart, ~apart)]
        before, alive = alive & ~gone[0], alive & ~gone[0] & ~gone[1]
        counted &= ~gone[0]
        rows += _slices(stage, found, tokens, before, alive)
    return [*rows, *_slices(WHOLE, found, tokens, counted, alive & counted)]


def _slices(stage: str, covered: pa.Table, tokens: Any, before: Flags, after: Flags) -> Iterator[Kept]:
    def sums(rows: Any) -> tuple[int, int, int, int]:
        a, b = before[rows], after[rows]
        return int(a.sum()), int(b.sum()), int(tokens[rows][a].sum()), int(tokens[rows][b].sum())

    yield Kept(stage, ALL, ALL, *sums(slice(None)))
    for axis in AXES:
        lists = covered[axis].combine_chunks()
        parents = pc.list_parent_indices(lists).to_numpy()
        values = pc.dictionary_encode(pc.list_flatten(lists))
        codes = values.indices.to_numpy()
        for name in sorted(values.dictionary.to_pylist()):
            rows = parents[codes == values.dictionary.index(name).as_py()]
            yield Kept(stage, axis, name, *sums(rows))


def _names(table: pa.Table) -> pa.Array:
    """Return what a document is told by in lists of rejected ones: its source and key."""
    return pc.binary_join_element_wise(table["source"], table["key"], "\n").combine_chunks()


def _among(names: pa.Array, others: pa.Array) -> Flags:
    flags: Flags = pc.is_in(names, value_set=others).to_numpy(zero_copy_only=False)
    return flags


def _rejected(storage: Storage, manifest: Manifest) -> pa.Table:
    tables = [
        pq.read_table(pa.BufferReader(as_buffer(storage.read(ref))), page_checksum_verification=True)
        for ref in manifest.files("rejects")
    ]
    return pa.concat_tables(tables) if tables else pa.table({})


def retention_parquet(rows: list[Kept]) -> bytes:
    """Return the audit as a Parquet file."""
    columns = [pa.array([getattr(row, field.name) for row in rows], field.type) for field in SCHEMA]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), sink, write_page_checksum=True)
    return sink.getvalue()


def read_retention(data: bytes) -> list[Kept]:
    """Return the rows of `retention_parquet`."""
    file = pq.ParquetFile(pa.BufferReader(data))  # `read_table` would load pandas, which takes seconds
    return [Kept(**row) for row in file.read().to_pylist()]


def low(rows: list[Kept], part: float, min_documents: int) -> list[str]:
    """Return an alarm for each slice of enough documents that a stage kept at less than `part` of its overall rate."""
    overall = {row.stage: row.rate for row in rows if row.axis == ALL}
    return [
        f"retention, {row.stage}: of {row.records_in:,} documents on {row.name} {row.records_kept:,} ({row.rate:.0%}) "
        f"were kept, of all documents {overall[row.stage]:.0%}"
        for row in rows
        if row.axis != ALL and row.records_in >= min_documents and row.rate < part * overall[row.stage]
    ]


def below(rows: list[Kept], floors: Mapping[str, float]) -> list[str]:
    """Return what to tell of each floor that does not hold over the whole run; a slice without documents holds."""
    found = {row.name: row for row in rows if row.stage == WHOLE}
    return [
        f"{name}: {row.records_kept:,} of {row.records_in:,} documents were kept ({row.rate:.1%}); floor {floor:.1%}"
        for name, floor in sorted(floors.items())
        if (row := found.get(name)) and row.rate < floor
    ]


def retention_table(rows: list[Kept]) -> Table:
    """Return the slices that the whole run kept least, beside the overall rate."""
    whole = [row for row in rows if row.stage == WHOLE]
    overall = next(row for row in whole if row.axis == ALL)
    table = Table("slice", "documents in", "kept", "rate", title=f"least kept slices (overall {overall.rate:.0%})",
                  title_justify="left")  # fmt: skip
    slices = sorted((row for row in whole if row.axis != ALL and row.records_in), key=lambda r: (r.rate, -r.records_in))
    for row in slices[:_SHOWN]:
        table.add_row(row.name, f"{row.records_in:,}", f"{row.records_kept:,}", f"{row.rate:.0%}")
    return table
