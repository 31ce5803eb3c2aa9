"""The report of decontamination as a table in the terminal: one line a benchmark, from what the run committed.

Keys and numbers only. Not here: counting (`pipelines.stages.contamination_report`).
"""

import pyarrow as pa
import pyarrow.parquet as pq
from rich.table import Table

from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage, as_buffer
from pipelines.stages.contamination_report import ALL


def contamination_table(manifest: Manifest, storage: Storage) -> Table:
    """Return one line for each benchmark: its items, those found, and what became of the documents."""
    table = Table("benchmark", "items", "found", "spans", "documents", "dropped", "cut", "score")
    table.title, table.title_justify = "contamination", "left"
    for ref in manifest.files():
        file = pq.ParquetFile(pa.BufferReader(as_buffer(storage.read(ref))))  # `read_table` would load pandas
        for row in file.read().to_pylist():
            if row["part"] != ALL:
                continue
            figures = [row[name] for name in ("items", "items_hit", "spans", "documents", "dropped", "cut")]
            score = "" if row["mean_score"] is None else f"{row['mean_score']:.2f}"
            table.add_row(row["benchmark"], *(f"{figure:,}" for figure in figures), score)
    return table
