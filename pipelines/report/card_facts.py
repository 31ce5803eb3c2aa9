"""All that a card states as a figure, gathered once: documents, the mixture, losses, coverage, contamination, files.

Nothing here is typed by hand or taken from an earlier card: each figure is read again from verified files. Not here:
what people say (`card_section`), and how either is told (`card`).
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.hashing import digest
from pipelines.engine.storage import as_buffer
from pipelines.report.census import Tally, census, total
from pipelines.report.funnel import funnel_rows
from pipelines.report.mixed import Trained, facts, trained
from pipelines.report.retention import FILE as RETENTION
from pipelines.report.retention import WHOLE, Kept, read_retention
from pipelines.report.reviewed import Reviews, reviews
from pipelines.report.slices import Weighed, slices_of_kept, weighed
from pipelines.result import Result

CONTAMINATION = "contamination_report"
NOT_RELEASED = ("reference_only", "rights", "removal_requested", "retracted", "review_rejected")
"""Reasons of `consolidate` that say why a source is not in the data set, before all others."""


class DataFile(NamedTuple):
    """One Parquet file of the published layout; `path` is relative to the folder that holds the card."""

    config: str
    split: str
    path: str
    rows: int
    size_bytes: int
    memory_bytes: int
    """Its columns before compression."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of the data set and the schema of each config; without files only what they will be is known."""

    schemas: Mapping[str, pa.Schema]
    files: tuple[DataFile, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One line of the table of sources: what people say of it and what was counted."""

    tag: str
    title: str
    audience: str
    region: str
    tally: Tally
    lost: dict[str, int]
    """Records that `consolidate` dropped, by reason."""


@dataclass(frozen=True, slots=True)
class MixtureFacts:
    """What the plan of a mixture states, and what was counted of it by source."""

    stated: dict[str, Any]
    trained: dict[str, Trained]
    weighed: list[Weighed]
    """Slices of what it is about, with what its shares ask of each; none without `coverage`."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What `gather` found; `said` is the section `card:` of the run file."""

    result: Result
    said: dict[str, Any]
    sources: list[SourceFacts]
    whole: Tally
    mixtures: dict[str, MixtureFacts]
    losses: list[tuple[str, str, str, str, int]]
    """(stage, source, outcome, reason, records)"""
    coverage: list[Kept]
    contamination: list[dict[str, Any]] | None
    """None when no stage looked for items of benchmarks."""
    environment: dict[str, str]
    layout: Layout
    slices: pa.Table | None
    """Id and slices of each kept document, as `coverage` or a reviewer has them; None without that stage."""
    reviews: Reviews | None
    """None when no stage reads verdicts of reviewers."""
    previous: dict[str, Tally] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """Return the profile of the run, which decides what may be released."""
        return str(self.result.config["profile"])

    @property
    def environment_digest(self) -> str:
        """Return the digest of the versions that decided bytes."""
        return digest(self.environment)

    @property
    def command(self) -> str:
        """Return the command that makes the run again, but for where its result goes."""
        told = self.result.described.get("run_file", {})
        settings = (word for one in told.get("settings", []) for word in ("-s", one))
        return shlex.join(["medmix", "run", told.get("name") or f"{self.result.name}.yaml", *settings])


def gather(result: Result, layout: Layout, previous: Result | None = None) -> CardFacts:
    """Return the facts of a run. Raises CorruptionError."""
    tallies = census(result)
    slices = slices_of_kept(result)
    losses = [row[:5] for row in funnel_rows(result.manifests) if row[2] in ("dropped", "quarantined")]
    return CardFacts(
        result,
        dict(result.described.get("card", {})),
        list(_sources(result, tallies, losses)),
        total(tallies),
        {
            name: MixtureFacts(
                facts(result, name), trained(result, name), weighed(result, name, slices) if slices is not None else []
            )
            for name in result.mixtures
        },
        losses,
        _coverage(result),
        _contamination(result),
        dict(next(iter(result.manifests.values())).identity["environment"]),
        layout,
        slices,
        reviews(result),
        census(previous) if previous else {},
    )


def _sources(
    result: Result, tallies: Mapping[str, Tally], losses: list[tuple[str, str, str, str, int]]
) -> Iterator[SourceFacts]:
    """Yield the sources that were read, in the order of the run file."""
    said = result.described.get("card", {}).get("sources", {})
    declared = result.described.get("sources", {})
    for source in result.config["sources"]:
        tag = source["name"]
        if f"extract-{tag}" not in result.manifests:
            continue
        own = declared.get(tag) or {}
        note, about = said.get(tag, {}), own.get("about") or {}
        yield SourceFacts(
            tag,
            note.get("title") or own.get("title") or "",
            note.get("audience") or about.get("audience") or "",
            note.get("region") or about.get("region") or "",
            tallies.get(tag, Tally()),
            {reason: count for stage, name, _, reason, count in losses if (stage, name) == ("consolidate", tag)},
        )


def why_released(source: SourceFacts, profile: str) -> str:
    """Return whether the texts of a source are released, and why or why not, in words for the table of sources."""
    tally = source.tally
    if not tally.documents:
        reason = max(source.lost, key=lambda one: (one in NOT_RELEASED, source.lost[one]), default="nothing was kept")
        return f"no: {reason.replace('_', ' ')}"
    if profile == "research-internal":
        return "no: the profile research-internal releases nothing"
    if tally.released == tally.documents:
        return "yes: " + ", ".join(sorted({terms.spdx for terms in tally.terms}))
    held = ", ".join(sorted({terms.spdx for terms in tally.terms if not terms.released}))
    return f"{tally.released:,} of {tally.documents:,}: not those under {held}"


def _coverage(result: Result) -> list[Kept]:
    if RETENTION not in result.files:
        return []
    rows = read_retention(bytes(result.storage.read(result.files[RETENTION])))
    return [row for row in rows if row.stage == WHOLE]


def _contamination(result: Result) -> list[dict[str, Any]] | None:
    if CONTAMINATION not in result.manifests:
        return None
    tables = [
        pq.read_table(pa.BufferReader(as_buffer(result.storage.read(ref))), page_checksum_verification=True)
        for ref in result.manifests[CONTAMINATION].files()
    ]
    return [row for table in tables for row in table.to_pylist()]
