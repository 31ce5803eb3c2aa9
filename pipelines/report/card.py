"""A dataset card (README.md) for each mixture, rendered from manifests alone.

It says what a reader must know before training on the folder: sources with documents, tokens and licences, what was
dropped and why, requested and realised shares, epochs, packing, and how to load it. No figure is typed by hand.
Not here: hub metadata beyond the basics, Croissant, publishing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.storage import as_buffer
from pipelines.result import Result
from sources.rights import Profile, may_release, rights_from


def write_cards(result: Result) -> Iterator[str]:
    """Write `README.md` into each mixture's folder and yield the paths. Raises CorruptionError, StorageError."""
    rights = _rights(result)
    for name, folder in result.mixtures.items():
        path = f"{folder}/README.md"
        result.storage.replace_file(path, card(result, name, rights).encode())
        yield path


def _padding(component: Mapping[str, Any]) -> str:
    """Return the share of a component's places that hold no token of a text."""
    filled, empty = component["trained_tokens"], component["trained_padding"]
    return f"{empty / max(1, filled + empty):.2%}"


def card(result: Result, name: str, rights: dict[tuple[str, str, str], tuple[int, int]]) -> str:
    """Return the card of one mixture; `rights` counts documents and tokens by (source, kind, SPDX expression)."""
    facts = result.mixture_manifest(name, "mixture").shards[0].facts
    licences = sorted({spdx for _, _, spdx in rights})
    lines = [
        "---",
        f"pretty_name: {name}",
        "tags: [medical, pretraining, medmix]",
        "license: other",
        "---",
        "",
        f"# {name}",
        "",
        f"A packed pretraining mixture for `{facts['target']}`: {facts['sequences']:,} sequences of "
        f"{facts['sequence_tokens']:,} tokens. Research only, not for clinical use.",
        "",
        "## Mixture",
        "",
        "| component | requested | effective | sequences | trained tokens | padding | epochs (exact) | documents |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {c['name']} | {c['requested']} | {c['effective']} | {c['sequences']:,} | {c['trained_tokens']:,} "
            f"| {_padding(c)} | {c['epochs']} | {c['documents']:,} |"
            for c in facts["components"]
        ),
        "",
        "## Sources and licences",
        "",
        "| source | kind | licence | documents kept | tokens (est.) | may be released |",
        "|---|---|---|---|---|---|",
        *(
            f"| {s} | {k} | {spdx} | {n:,} | {t:,} | {_released(spdx, result.config['profile'])} |"
            for (s, k, spdx), (n, t) in sorted(rights.items())
        ),
        "",
        f"The profile of this run is `{result.config['profile']}`. Licences: {', '.join(licences)}. Evidence stands in "
        "each document's `rights`.",
        "",
        "## What was left out",
        "",
        "| stage | source | outcome | reason | records |",
        "|---|---|---|---|---|",
        *_losses(result),
        "",
        "## Loading",
        "",
        "```python",
        "from datasets import load_from_disk",
        f'rows = load_from_disk("{result.mixtures[name]}")',
        "```",
        "",
        "Columns: `input_ids`, `doc_lens` (lengths of the documents in a row; the last `pad_len` tokens are padding), "
        "`source_id`. The lineage files beside the shards lead from every token to its document.",
        "",
    ]
    return "\n".join(lines)


def _released(spdx: str, profile: Profile) -> str:
    """Say whether documents under a licence may be published from a run of this profile; unknown means no."""
    return "yes" if may_release(rights_from(spdx), profile) else "no"


def _losses(result: Result) -> Iterator[str]:
    for stage, manifest in result.manifests.items():
        for source, counts in sorted(manifest.ledger.sources.items()):
            for outcome, reasons in (("dropped", counts.dropped), ("quarantined", counts.quarantined)):
                for reason, records in sorted(reasons.items()):
                    yield f"| {stage} | {source} | {outcome} | {reason} | {records:,} |"


def _rights(result: Result) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Count the kept documents and their estimated tokens by source, kind and licence."""
    counted: dict[tuple[str, str, str], tuple[int, int]] = {}
    for stage in result.documents:
        for ref in result.manifests[stage].files():
            reader = pa.BufferReader(as_buffer(result.storage.read(ref)))
            table = pq.read_table(reader, columns=["source", "kind", "rights", "tokens"])
            flat = table.append_column("spdx", pc.struct_field(table["rights"], "spdx")).drop_columns("rights")
            groups = flat.group_by(["source", "kind", "spdx"]).aggregate([("tokens", "sum"), ("tokens", "count")])
            for row in groups.to_pylist():
                key = (row["source"], row["kind"], row["spdx"])
                documents, tokens = counted.get(key, (0, 0))
                counted[key] = (documents + row["tokens_count"], tokens + row["tokens_sum"])
    return counted
