"""How two runs differ: documents added, removed and changed, tokens, rights, slices and mixtures.

A document is the same when its id is, and changed when its words are (text, messages, question); figures come from
the kept documents, the audit of slices and the plans of the mixtures, all verified as they are read. Not here: why a
stage would run again (`medmix plan`), and the changelog of a card (`pipelines.report`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from rich.table import Table

from pipelines.engine.storage import as_buffer
from pipelines.report.retention import FILE as RETENTION
from pipelines.report.retention import WHOLE, read_retention
from pipelines.result import Result

_READ = ["id", "source", "tokens", "rights", "text", "messages", "mcq"]
_WORDS = ("text", "messages", "mcq")
_SHOWN = 20


@dataclass(slots=True)
class Corpus:
    """What is kept by a run: words, source and licence of each document by id, and tokens (estimated) by source."""

    words: dict[str, bytes] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    tokens: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    slices: dict[str, int] = field(default_factory=dict)
    mixtures: dict[str, int] = field(default_factory=dict)
    releases: dict[str, str] = field(default_factory=dict)


def corpus_of(result: Result) -> Corpus:
    """Return what a run keeps. Raises CorruptionError."""
    found = Corpus()
    for row in _rows(result):
        words = orjson.dumps([row[name] for name in _WORDS])
        found.words[row["id"]] = xxhash.xxh3_128_digest(words)
        found.source[row["id"]] = row["source"]
        found.tokens[row["source"]] += row["tokens"]
        found.licences[row["rights"]["spdx"]] += 1
    if RETENTION in result.files:
        kept = read_retention(bytes(result.storage.read(result.files[RETENTION])))
        found.slices = {one.name: one.records_kept for one in kept if one.stage == WHOLE}
    for name in result.mixtures:
        facts = result.mixture_manifest(name, "mixture").shards[0].facts
        found.mixtures |= {f"{name}: {one['name']}": one["trained_tokens"] for one in facts["components"]}
    found.releases = {one["name"]: one["release"] or "" for one in result.config["sources"]}
    return found


def differ(before: Result, after: Result) -> dict[str, Any]:
    """Return the difference as plain JSON values; every figure is a pair, before and after. Raises CorruptionError."""
    a, b = corpus_of(before), corpus_of(after)
    added, removed = b.words.keys() - a.words.keys(), a.words.keys() - b.words.keys()
    changed = {name for name in a.words.keys() & b.words.keys() if a.words[name] != b.words[name]}
    ids = {"added": sorted(added), "removed": sorted(removed), "changed": sorted(changed)}
    return {
        "runs": [before.name, after.name],
        "documents": {"all": [len(a.words), len(b.words)], **{name: len(found) for name, found in ids.items()}},
        "tokens": [a.tokens.total(), b.tokens.total()],
        "sources": _sources(a, b, ids),
        "rights": _pairs(a.licences, b.licences),
        "slices": _pairs(a.slices, b.slices),
        "mixtures": _pairs(a.mixtures, b.mixtures),
        "ids": ids,
    }


def _sources(a: Corpus, b: Corpus, ids: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Any]]:
    where = {**a.source, **b.source}
    counts = {what: Counter(where[name] for name in names) for what, names in ids.items()}
    documents = [Counter(one.source.values()) for one in (a, b)]
    names = sorted(documents[0].keys() | documents[1].keys() | a.releases.keys() | b.releases.keys())
    return {
        name: {
            "documents": [documents[0][name], documents[1][name]],
            "tokens": [a.tokens[name], b.tokens[name]],
            "release": [a.releases.get(name, "absent"), b.releases.get(name, "absent")],
            **{what: counts[what][name] for what in ids},
        }
        for name in names
    }


def _pairs(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, list[int]]:
    return {name: [a.get(name, 0), b.get(name, 0)] for name in sorted(a.keys() | b.keys())}


def _rows(result: Result) -> Iterator[dict[str, Any]]:
    for stage in result.documents:
        for ref in result.manifests[stage].files():
            file = pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(ref))), page_checksum_verification=True)
            for batch in file.iter_batches(columns=_READ):
                yield from batch.to_pylist()


def diff_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the difference as tables: sources, then what differs of licences, slices and mixtures."""
    before, after = found["runs"]
    table = Table(
        "source", f"documents {before}", after, "added", "removed", "changed", f"tokens {before}", after, "release",
        title="sources", title_justify="left",
    )  # fmt: skip
    for name, one in found["sources"].items():
        release = one["release"][0] if one["release"][0] == one["release"][1] else " → ".join(one["release"])
        counts = [*one["documents"], one["added"], one["removed"], one["changed"], *one["tokens"]]
        table.add_row(name, *(f"{count:,}" for count in counts), release)
    total, tokens = found["documents"], found["tokens"]
    counts = [*total["all"], total["added"], total["removed"], total["changed"], *tokens]
    table.add_row("all", *(f"{count:,}" for count in counts), "", style="bold")
    yield table
    for title, unit in (("rights", "documents"), ("slices", "documents"), ("mixtures", "trained tokens")):
        pairs = {name: pair for name, pair in found[title].items() if pair[0] != pair[1]}
        if pairs:
            yield _pair_table(title, unit, found["runs"], pairs)


def _pair_table(title: str, unit: str, runs: list[str], pairs: Mapping[str, list[int]]) -> Table:
    """Return what differs most, relative to what there was."""
    table = Table(
        title, *(f"{unit} {run}" for run in runs), "change", title=f"{title} that differ", title_justify="left"
    )
    most = sorted(pairs.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))
    for name, (a, b) in most[:_SHOWN]:
        table.add_row(name, f"{a:,}", f"{b:,}", f"{b - a:+,}")
    if len(most) > _SHOWN:
        table.add_row(f"and {len(most) - _SHOWN} more", "", "", "")
    return table
