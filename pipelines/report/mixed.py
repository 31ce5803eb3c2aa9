"""Count what a mixture trains on, source by source: documents in it, tokens of its target, trained tokens.

Read from the tokenised documents and the lineage beside the shards, so a repeat counts as often as it is trained and a
document that no component takes counts as none. Not here: shares and epochs, which the plan of the mixture states.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.storage import as_buffer
from pipelines.result import Result


@dataclass(slots=True)
class Trained:
    """Counts of one source in one mixture, in tokens of its target; `trained_tokens` hold marks and repeats."""

    documents: int = 0
    target_tokens: int = 0
    trained_tokens: int = 0


def trained(result: Result, name: str) -> dict[str, Trained]:
    """Return the counts by source, sources sorted. Raises CorruptionError."""
    pieces: Counter[str] = Counter()
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for ref in result.mixture_manifest(name, "shards").files("lineage"):
        reader = pa.BufferReader(as_buffer(result.storage.read(ref)))
        table = pq.read_table(reader, columns=["document", "source", "length"], page_checksum_verification=True)
        for row in table.group_by(["document", "source"]).aggregate([("length", "sum")]).to_pylist():
            pieces[row["source"]] += row["length_sum"]
            inside[row["source"]].add(row["document"])
    tokens = target_tokens(result, name)
    return {
        source: Trained(len(inside[source]), tokens[source], pieces[source]) for source in sorted({*pieces, *tokens})
    }


def target_tokens(result: Result, name: str) -> Counter[str]:
    """Return the tokens of all kept documents for the target of a mixture, by source, each document once."""
    counts: Counter[str] = Counter()
    for ref in result.manifests[f"tokenize-{facts(result, name)['target']}"].files():
        stream = pa.ipc.open_stream(pa.BufferReader(as_buffer(result.storage.read(ref))))
        for batch in stream:
            lengths = pc.list_value_length(batch["ids"])
            table = pa.table({"source": batch["source"], "tokens": lengths})
            for row in table.group_by("source").aggregate([("tokens", "sum")]).to_pylist():
                counts[row["source"]] += row["tokens_sum"]
    return counts


def facts(result: Result, name: str) -> dict[str, Any]:
    """Return what the plan of a mixture states: target, sequences, components with shares and epochs, notes."""
    stated: dict[str, Any] = dict(result.mixture_manifest(name, "mixture").shards[0].facts)
    return stated
