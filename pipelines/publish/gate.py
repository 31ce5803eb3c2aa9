"""The gate before a release: every reason why a run may not leave the house, each with the item that it is about.

It proves again what it can and trusts no flag: rights from the licence's expression, those of generated texts from
their parents wherever in the run they lie, contamination from the report of a run that looked for it, integrity from
every digest. What cannot be proven is refused. Not here: holes in the card, which the card itself refuses
(`pipelines.report.card_holes`), and who may not be trusted with a token.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.check import examine
from pipelines.engine.storage import as_buffer
from pipelines.report.limits import limits_of, too_many_quarantined
from pipelines.report.retention import FILE as RETENTION
from pipelines.report.retention import below, read_retention
from pipelines.result import Result
from pipelines.stages.contamination_policy import CLEAN, ContaminationPolicy, verdict
from pipelines.stages.decontaminate import NAME as CONTAMINATION
from pipelines.stages.rights_gate import KEYS, Known, related, rights_of
from sources.derived_rights import conflict, needs_attribution
from sources.rights import Profile, Rights, may_release, rights_from

REPORT = "contamination_report"
_READ = ("id", "source", "key", "title", "url", "rights", "parents", "retracted", "extra")
HELD_BACK = ("rights", "share_alike", "reference_only", "removal_requested", "retracted", "contaminated",
             "review_rejected")  # fmt: skip
"""Reasons of `consolidate` for which a document that was there is not in the release."""


class Refusal(NamedTuple):
    """Why a run may not be released: what it is about, and what is wrong with it."""

    item: str
    why: str

    def __str__(self) -> str:
        return f"{self.item}: {self.why}"


def refusals(result: Result, parents: Sequence[Result] = ()) -> Iterator[Refusal]:
    """Yield every reason against releasing a run; `parents` are other runs that may hold what its texts were made from.

    Raises CorruptionError when a kept document cannot be read.
    """
    verdict, finished = examine(result.storage)
    for problem in verdict.problems:
        yield Refusal("verify", problem)
    if not finished:
        yield Refusal("verify", "the run that is planned here is not finished; run it to its end")
    if verdict.problems:
        return  # nothing can be proven from damaged files
    profile: Profile = result.config["profile"]
    if not may_release(rights_from("CC0-1.0"), profile):
        yield Refusal("profile", f"{profile}: nothing of it is ever released; run with `profile: open`")
        return
    yield from _limits(result)
    yield from _contamination(result)
    yield from of_documents(result, profile, parents)


def of_documents(result: Result, profile: Profile, parents: Sequence[Result] = ()) -> Iterator[Refusal]:
    """Yield what is wrong with each kept document by itself and by what it was made from."""
    known = _forebears(result, parents)
    for table in _tables(result, result.documents, list(_READ)):
        for row in table.to_pylist():
            item = f"{row['source']}/{row['key']} ({row['id']})"
            yield from (Refusal(item, why) for why in _faults(row, known, profile))


def held_back(result: Result) -> dict[tuple[str, str], int]:
    """Count by (source, reason) the documents that the run left out for reasons that forbid a release."""
    counts: dict[tuple[str, str], int] = {}
    for name in result.documents:
        for source, told in sorted(result.manifests[name].ledger.sources.items()):
            counts |= {(source, reason): told.dropped[reason] for reason in HELD_BACK if told.dropped[reason]}
    return counts


def _limits(result: Result) -> Iterator[Refusal]:
    """Yield the limits of the run file that the run did not keep: it ended with an error for them."""
    limits = limits_of(result.described)
    if told := too_many_quarantined(result.manifests, limits):
        yield Refusal("quarantine", told)
    audit = result.files.get(RETENTION)
    for missed in below(read_retention(bytes(result.storage.read(audit))) if audit else [], limits.floors):
        yield Refusal("retention.floors", missed)


def _contamination(result: Result) -> Iterator[Refusal]:
    """Yield the kept documents that hold an item of a benchmark which the run's policy left, though ours would not."""
    if REPORT not in result.manifests:
        yield Refusal(
            "contamination", "no stage looked for items of benchmarks; add {kind: decontaminate} and run again"
        )
        return
    which = ("id", "benchmark", "reference", "item", "part")
    treated = {tuple(row[name] for name in which) for table in _tables(result, [REPORT], list(which), "findings")
               for row in table.to_pylist()}  # fmt: skip
    kinds: dict[str, str] = {}
    for table in _tables(result, result.documents, ["id", "kind"]):
        kinds |= dict(zip(table["id"].to_pylist(), table["kind"].to_pylist(), strict=True))
    for table in _tables(result, [CONTAMINATION], ["id", "findings"]):
        for row in table.filter(pc.greater(pc.list_value_length(table["findings"]), 0)).to_pylist():
            told = verdict(kinds[row["id"]], row["findings"], ContaminationPolicy()) if row["id"] in kinds else CLEAN
            left = [one for one in told.findings if (row["id"], *(one[name] for name in which[1:])) not in treated]
            if left:
                yield Refusal(
                    f"document {row['id']}", f"holds an item of a benchmark, {told._replace(findings=left).detail}"
                )


def _faults(row: Mapping[str, Any], known: Known, profile: Profile) -> Iterator[str]:
    """Yield what is wrong with one document of a release."""
    rights = Rights(**row["rights"])
    try:
        proven = rights_from(
            rights.spdx, rights.evidence, attribution=rights.attribution, tdm_reserved=rights.tdm_reserved
        )
    except ValueError as error:
        yield f"its licence cannot be read: {error}"
        return
    if rights != proven:
        yield f"its recorded rights are not those of {rights.spdx}"
    if not may_release(proven, profile):
        reserved = ", with text mining reserved," if rights.tdm_reserved else ""
        yield f"{rights.spdx}{reserved} allows no release under {profile}"
    if not rights.evidence:
        yield f"nothing shows that it is under {rights.spdx}; give `evidence` with the rights of its source"
    if needs_attribution(proven) and not (rights.attribution or row["url"] or row["title"]):
        yield f"{rights.spdx} asks for attribution, and neither author, title nor address is known"
    if row["retracted"]:
        yield "it is retracted"
    if json.loads(row["extra"] or "{}").get("reference_only"):
        yield "it is an item of a test set, for reference only"
    if row["parents"]:
        yield from _of_its_parents(row["id"], proven, known, profile)


def _of_its_parents(name: str, own: Rights, known: Known, profile: Profile) -> Iterator[str]:
    one = known.get(name)
    for parent in one[1] if one else []:
        theirs = rights_of(parent, known)
        if known.get(parent) is None:
            yield f"it was made from {parent}, which is not in this run; name the run that has it with --parents"
        elif not may_release(theirs, profile):
            yield f"it was made from {parent}, under {theirs.spdx}, which allows no release of it under {profile}"
    carried = rights_of(name, known)
    if carried.spdx != own.spdx and may_release(carried, profile):
        yield f"its terms are {own.spdx}, those of its parents {carried.spdx}; add {{kind: rights_gate}} and run again"
    if at_odds := conflict(carried.spdx):
        yield f"it was made from texts under {at_odds}, which no licence meets at once"


def _forebears(result: Result, others: Sequence[Result]) -> Known:
    """Return the kept documents that have parents and whatever they were made from, wherever a run has it.

    A parent may have been dropped since, so what is not kept is looked for where sources were read.
    """
    derived = [
        table.filter(pc.greater(pc.fill_null(pc.list_value_length(table["parents"]), 0), 0))
        for table in _tables(result, result.documents, KEYS.names)
    ]
    found, known = derived, related(_joined(derived))
    while missing := [name for name, one in known.items() if one is None]:
        names = pa.array(sorted(missing), pa.string())
        more = []
        for one in (result, *others):
            sources = [name for name, manifest in one.manifests.items() if not manifest.inputs]
            for table in _tables(one, [*one.documents, *sources], KEYS.names):
                more.append(table.filter(pc.is_in(table["id"], value_set=names)))
        if not sum(table.num_rows for table in more):
            break
        found = [*found, *more]
        known = related(_joined(found))
    return known


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables([KEYS.empty_table(), *(table.cast(KEYS) for table in tables)])


def _tables(result: Result, stages: Iterable[str], columns: list[str], role: str = "main") -> Iterator[pa.Table]:
    """Yield the named columns of all tables of some stages, verified; tables that lack one of them are passed over."""
    for name in stages:
        for ref in result.manifests[name].files(role):
            file = pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(ref))), page_checksum_verification=True)
            if set(columns) <= set(file.schema_arrow.names):
                yield file.read(columns)
