"""What reviewers said of the documents of a run, counted: accepted shares by stratum, and how far they agree.

A document is accepted when nobody rejected it; a corrected one is. Shares are of the documents that were reviewed, a
sample that is balanced over strata, so the share over all of them is not that of the corpus. Agreement is counted of
each pair of reviewers over the documents that both judged, by their three verdicts. Documents that go only because of
what they were made from were not reviewed. Not here: verdicts and what follows from them (`pipelines.stages.verdicts`).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.storage import as_buffer
from pipelines.report.census import kept_documents
from pipelines.report.intervals import kappa
from pipelines.report.slices import covered
from pipelines.result import Result
from pipelines.stages.content import contents
from pipelines.stages.review import NAME
from pipelines.stages.verdicts import REJECTED

STRATA = ("source", "disease", "region", "made")
NONE = "none"
About = dict[str, dict[str, Any]]
"""Disease groups and regions of a document, by id."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Documents of one stratum that were reviewed, and those of them that nobody rejected."""

    name: str
    reviewed: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two reviewers judged what both judged; kappa is None where chance alone would explain all."""

    reviewers: tuple[str, str]
    documents: int
    same: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Reviews:
    """All that a card and a report say of reviews."""

    whole: Reviewed
    strata: list[Reviewed]
    """By source, disease group, region, and who made it: `source: who`, each axis sorted."""
    agreement: list[Agreement]
    by_reviewer: dict[str, Counter[str]]
    """Verdicts of each reviewer."""
    reasons: Counter[str]
    corrected: Counter[str]
    """Documents by the field that was corrected."""
    changed_since: int
    """Verdicts on a kept text that has changed since it was reviewed."""
    days: tuple[str, str]
    """The first and the last day of the review; empty without one."""


def reviews(result: Result) -> Reviews | None:
    """Return what reviewers said; None when no stage reads it. Raises CorruptionError."""
    if NAME not in result.manifests:
        return None
    rows = [row for row in _rows(result) if row["verdicts"]]
    about = _slices_of(result, [row["id"] for row in rows])
    given = [(row["id"], one) for row in rows for one in row["verdicts"]]
    by_reviewer: dict[str, Counter[str]] = defaultdict(Counter)
    for _, one in given:
        by_reviewer[one["reviewer"]][one["verdict"]] += 1
    days = sorted(one["date"][:10] for _, one in given)
    return Reviews(
        _counted("all", rows),
        list(_strata(rows, about)),
        list(_agreement(rows)),
        dict(sorted(by_reviewer.items())),
        Counter(one["reason"] for _, one in given if one["verdict"] == REJECTED),
        Counter(field for row in rows for field in _fields(row)),
        _changed_since(result, {name: one["text_sha256"] for name, one in given if one["text_sha256"]}),
        (days[0], days[-1]) if days else ("", ""),
    )


def _fields(row: Mapping[str, Any]) -> list[str]:
    return sorted(json.loads(row["corrections"]))


def _rows(result: Result) -> Iterator[dict[str, Any]]:
    for ref in result.manifests[NAME].files():
        reader = pa.BufferReader(as_buffer(result.storage.read(ref)))
        yield from pq.read_table(reader, page_checksum_verification=True).to_pylist()


def _slices_of(result: Result, names: list[str]) -> About:
    """Return the slices of these documents, kept or not, as `coverage` or a reviewer has them."""
    found = covered(result.storage, result.manifests).select(["id", "disease", "region"])
    rows = found.filter(pc.is_in(found["id"], value_set=pa.array(names, pa.string()))).to_pylist()
    return {row["id"]: row for row in rows}


def _counted(name: str, rows: list[dict[str, Any]]) -> Reviewed:
    return Reviewed(name, len(rows), sum(not row["rejected"] for row in rows))


def _strata(rows: list[dict[str, Any]], about: About) -> Iterator[Reviewed]:
    for axis in STRATA:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            for value in _values(row, axis, about):
                found[value].append(row)
        for value, mine in sorted(found.items()):
            yield _counted(f"{axis}: {value}", mine)


def _values(row: Mapping[str, Any], axis: str, about: About) -> list[str]:
    if axis == "source":
        return [row["source"]]
    if axis == "made":
        return ["by a model" if row["generated"] else "by people"]
    return about.get(row["id"], {}).get(axis) or [NONE]


def _agreement(rows: list[dict[str, Any]]) -> Iterator[Agreement]:
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        for one in row["verdicts"]:
            said[one["reviewer"]][row["id"]] = one["verdict"]
    for first, second in combinations(sorted(said), 2):
        both = sorted(said[first].keys() & said[second].keys())
        pairs = [(said[first][name], said[second][name]) for name in both]
        if pairs:
            yield Agreement((first, second), len(pairs), sum(a == b for a, b in pairs), kappa(pairs))


def _changed_since(result: Result, read: Mapping[str, str]) -> int:
    """Count the kept documents whose words are others than those that a reviewer read."""
    changed = 0
    for table in kept_documents(result, ["id", "text", "messages", "mcq"]) if read else ():
        at = [row for row, name in enumerate(table["id"].to_pylist()) if name in read]
        mine = table.take(pa.array(at, pa.int64()))
        words = zip(mine["id"].to_pylist(), contents(mine), strict=True)
        changed += sum(sha256_bytes(text.encode()) != read[name] for name, text in words)
    return changed
