"""The documents of a mixture as JSON lines, one file for each component, for trainers that tokenise by themselves.

A line holds `text`, `messages` where there are turns, and where the document comes from: id, source, url, licence. Each
document is there once; how often it is to be seen is the trainer's business, so the weights are given with it in the
unit that the trainer counts. Not here: which documents a mixture holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

COLUMNS = ["id", "text", "messages", "source", "kind", "url", "language", "rights"]


def export_jsonl(documents: Iterable[pa.Table], component: Mapping[str, str], out: Path) -> dict[str, int]:
    """Write `COMPONENT.jsonl` below `out` and return the documents of each; `component` names that of each id.

    Lines stand in the order of the documents.
    """
    counts = dict.fromkeys(sorted(set(component.values())), 0)
    files = {name: (out / f"{name}.jsonl").open("wb") for name in counts}
    for row in _rows(documents):
        if name := component.get(row["id"]):
            files[name].write(orjson.dumps(_line(row)) + b"\n")
            counts[name] += 1
    for file in files.values():
        file.close()
    return counts


def document_weights(components: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return weights for a trainer that draws documents: shares of tokens, each by its documents' mean length.

    `components` are those of a mixture (`StoredRows.components`).
    """
    weights = {}
    for one in components:
        if one["trained_tokens"] and one["documents"]:
            mean_tokens = (one["tokens_in"] + one["bos_added"] + one["eos_added"]) / one["documents"]
            weights[one["name"]] = one["trained_tokens"] / mean_tokens
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _rows(documents: Iterable[pa.Table]) -> Iterator[dict[str, Any]]:
    for table in documents:
        yield from table.select(COLUMNS).to_pylist()


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    turns = [{"role": m["role"], "content": m["content"]} for m in row["messages"] or []]
    told = {name: row[name] for name in ("id", "text", "source", "kind", "url", "language")}
    return {**told, "licence": row["rights"]["spdx"], **({"messages": turns} if turns else {})}
