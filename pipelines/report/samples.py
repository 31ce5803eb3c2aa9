"""A page of samples of a generation: what was asked, what the teacher said, and what the checks made of it.

Half accepted and half rejected as far as there are so many, drawn by a digest of item and attempt, so the same
generation gives the same page. Plain HTML in one file; all of a teacher's text is escaped. Not here: figures
(`generated`).
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage, as_buffer

FILE = "samples.html"
SAMPLES = 20
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;"
    "width:100%;table-layout:fixed}td,th{border:1px solid #bbb;padding:.5rem;vertical-align:top;text-align:left;"
    "white-space:pre-wrap;overflow-wrap:anywhere}th:last-child{width:12rem}.accepted{background:#e8f4e8}"
    ".rejected{background:#f8ebe6}"
)


def samples_page(storage: Storage, manifests: Mapping[str, Manifest]) -> bytes:
    """Return the page for the attempts that the manifests list."""
    drawn = sorted(_attempts(storage, manifests), key=lambda row: digest([row["key"], row["attempt"]]))
    half = SAMPLES // 2
    accepted = [row for row in drawn if row["outcome"] == "accepted"]
    rejected = [row for row in drawn if row["outcome"] != "accepted"]
    chosen = accepted[: max(half, SAMPLES - len(rejected))] + rejected[: max(half, SAMPLES - len(accepted))]
    rows = "\n".join(_row(row) for row in chosen)
    head = "<tr><th>asked</th><th>answered</th><th>checks</th></tr>"
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Samples</title><style>{_STYLE}</style>\n'
        f"<h1>{len(chosen)} of {len(drawn)} attempts</h1>\n<table>{head}\n{rows}\n</table></html>\n"
    )
    return page.encode()


def _attempts(storage: Storage, manifests: Mapping[str, Manifest]) -> Iterable[dict[str, Any]]:
    for name, manifest in manifests.items():
        if name.startswith("generate-"):
            for ref in manifest.files("attempts"):
                file = pq.ParquetFile(pa.BufferReader(as_buffer(storage.read(ref))))
                yield from file.read().to_pylist()


def _row(row: Mapping[str, Any]) -> str:
    why = f"{row['reason']}\n{row['detail'] or ''}" if row["reason"] else "every check passed"
    told = f"{row['outcome']}\n{why}\n\nattempt {row['attempt'] + 1}, {row['calls']} calls\n{row['prompt']}"
    cells = "".join(f"<td>{escape(text)}</td>" for text in (row["shown"], row["answer"] or "(no answer)", told))
    return f'<tr class="{escape(row["outcome"])}">{cells}</tr>'
