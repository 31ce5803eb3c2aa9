"""The funnel: what went into each stage, what came out and why the rest did not, per source.

One long table in `funnel.parquet` for machines, one short table in the terminal for people. Rendered from
manifests alone, so no figure can drift from what is on disk.
"""

import io
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq
from rich.table import Table

from pipelines.engine.ledger import Counts
from pipelines.engine.manifest import Manifest

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("stage", "source", "outcome", "reason")]
    + [("records", pa.int64()), ("tokens", pa.int64())]
)


def funnel_rows(manifests: Mapping[str, Manifest]) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Yield (stage, source, outcome, reason, records, tokens); tokens are estimates until a target counts them."""
    for name, manifest in manifests.items():
        for source, counts in sorted(manifest.ledger.sources.items()):
            yield name, source, "in", "", counts.records_in, counts.tokens_in
            yield name, source, "kept", "", counts.records_kept, counts.tokens_kept
            yield name, source, "out", "", counts.records_out, counts.tokens_out
            for outcome, records, tokens in _reasons(counts):
                for reason in sorted(records):
                    yield name, source, outcome, reason, records[reason], tokens[reason]


def _reasons(counts: Counts) -> Iterator[tuple[str, Mapping[str, int], Mapping[str, int]]]:
    yield "dropped", counts.dropped, counts.dropped_tokens
    yield "quarantined", counts.quarantined, counts.quarantined_tokens


def funnel_parquet(manifests: Mapping[str, Manifest]) -> bytes:
    """Return the funnel as a Parquet file."""
    rows = list(funnel_rows(manifests))
    columns = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(SCHEMA)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), sink, write_page_checksum=True)
    return sink.getvalue()


def funnel_table(manifests: Mapping[str, Manifest]) -> Table:
    """Return one line a stage that treated records: in, kept, and each reason with its count."""
    table = Table("stage", "in", "kept", "dropped", "quarantined", "why", title="funnel", title_justify="left")
    for name, manifest in manifests.items():
        total = manifest.ledger.total()
        if not total.records_in:
            continue
        why = [f"{reason} {count}" for reason, count in (total.dropped + total.quarantined).most_common()]
        figures = (total.records_in, total.records_kept, total.dropped.total(), total.quarantined.total())
        table.add_row(name, *(f"{figure:,}" for figure in figures), ", ".join(why))
    return table


def source_table(manifest: Manifest) -> Table:
    """Return one line a source of one stage: in, kept, and each reason with its count."""
    table = Table("source", "in", "kept", "dropped", "quarantined", "why", title=manifest.stage, title_justify="left")
    for source, counts in sorted(manifest.ledger.sources.items()):
        why = [f"{reason} {count}" for reason, count in (counts.dropped + counts.quarantined).most_common()]
        figures = (counts.records_in, counts.records_kept, counts.dropped.total(), counts.quarantined.total())
        table.add_row(source, *(f"{figure:,}" for figure in figures), ", ".join(why))
    return table
