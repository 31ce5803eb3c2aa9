"""All the text of documents that could hold a benchmark's item: text, every turn, and the fields of a question.

Each is judged by itself, so that an answer which gives an item away is found as an opening question is. Documents for
reference only are left out: they are the items. Titles are not trained on and not looked at. Not here: judging.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.stages.contamination_items import is_reference

TEXT = "text"


class Units(NamedTuple):
    """Texts of one kind: names and row numbers of the documents that they belong to."""

    names: list[str]
    rows: npt.NDArray[np.int64]
    texts: pa.Array


def units_of(table: pa.Table) -> Iterator[Units]:
    """Yield the texts of a table of documents that are not for reference, kind by kind, each in row order."""
    told = [row for row, extra in enumerate(table.column("extra").to_pylist()) if not is_reference(extra)]
    rows = np.array(told, np.int64)
    if len(rows) < table.num_rows:
        table = table.take(pa.array(rows))
    yield Units([TEXT] * len(rows), rows, _joined(table, "text"))
    turns = _joined(table, "messages")
    if len(turns) > turns.null_count:
        yield _turns(turns, rows)
    questions = _joined(table, "mcq")
    if len(questions) > questions.null_count:
        yield from _fields(questions, rows)


def _joined(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _turns(turns: pa.Array, rows: npt.NDArray[np.int64]) -> Units:
    owners = pc.list_parent_indices(turns).to_numpy()
    first = np.searchsorted(owners, owners)
    names = [f"messages.{place}" for place in (np.arange(len(owners)) - first).tolist()]
    return Units(names, rows[owners], pc.struct_field(pc.list_flatten(turns), "content"))


def _fields(questions: pa.Array, rows: npt.NDArray[np.int64]) -> Iterator[Units]:
    there = pc.indices_nonzero(pc.is_valid(questions))
    held, owners = questions.take(there), rows[there.to_numpy()]
    for name in ("question", "options", "explanation"):
        texts = pc.struct_field(held, name)
        if name == "options":
            texts = pc.binary_join(texts, "\n")
        yield Units([f"mcq.{name}"] * len(owners), owners, texts)
