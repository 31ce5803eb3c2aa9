"""Apply what reviewers said to one table of documents: who goes, and what is known otherwise from now on.

A correction is recorded twice: as an entry of `edits` that names the fields and who corrected them, and in `extra`,
which keeps what was known before, so it can be taken back. Labels of coverage are no column of a document; the audit of
slices and the report take them from the review's own list. Not here: what follows from several verdicts (`verdicts`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.engine.hashing import digest
from pipelines.engine.stage import Rejected
from pipelines.stages.language import primary_subtag
from pipelines.stages.review import NAME, Review
from pipelines.stages.verdicts import PLAIN

REASON = "review_rejected"
LANGUAGE = "language"
_CHANGED = (*PLAIN, "edits", "extra")


class Reviewed(NamedTuple):
    """The table with its corrections, the attributes that they overrule, and why documents go by their id."""

    table: pa.Table
    beside: dict[str, pa.Table]
    rejected: dict[str, Rejected]


def apply_review(
    documents: pa.Table, beside: Mapping[str, pa.Table], reviewed: Mapping[str, Mapping[str, Any]]
) -> Reviewed:
    """Return what becomes of the documents by the rows of `REVIEWED`, by id; attributes lie `beside` row for row."""
    rejected = {name: Rejected(REASON, row["rejected"]) for name, row in reviewed.items() if row["rejected"]}
    corrected = {name: told for name, row in reviewed.items() if (told := json.loads(row["corrections"]))}
    at = [row for row, name in enumerate(documents["id"].to_pylist()) if name in corrected]
    if not at:
        return Reviewed(documents, dict(beside), rejected)
    rows = documents.select(["id", *_CHANGED]).to_pylist()
    for row in (rows[number] for number in at):
        _correct(row, corrected[row["id"]])
    table = _with(documents, _CHANGED, rows)
    found = dict(beside)
    if LANGUAGE in found:  # what a person says overrules what was found in the words
        languages = found[LANGUAGE].column(LANGUAGE).to_pylist()
        told = [
            primary_subtag(row[LANGUAGE]) if LANGUAGE in corrected.get(row["id"], {}) else language
            for row, language in zip(rows, languages, strict=True)
        ]
        found[LANGUAGE] = _with(found[LANGUAGE], (LANGUAGE,), [{LANGUAGE: one} for one in told])
    return Reviewed(table, found, rejected)


def _correct(row: dict[str, Any], corrections: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the corrections into a document, in place, and record them."""
    was = {name: row[name] for name in PLAIN if name in corrections}
    row |= {name: corrections[name]["value"] for name in was}
    told = {name: {"by": one["by"], "date": one["date"]} for name, one in corrections.items()}
    told |= {name: told[name] | {"was": was[name]} for name in was}
    told |= {name: told[name] | {"is": one["value"]} for name, one in corrections.items() if name not in was}
    names = [f"{name} by {one['by']}" for name, one in corrections.items()]
    entry = {"stage": NAME, "version": Review.version, "config": digest(dict(corrections))[:12], "names": names}
    row["edits"] = [*(row["edits"] or []), entry]
    extra = json.loads(row["extra"] or "{}") | {NAME: told}
    row["extra"] = json.dumps(extra, sort_keys=True, ensure_ascii=False)


def _with(table: pa.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    for name in names:
        index = table.schema.get_field_index(name)
        field = table.schema.field(index)
        table = table.set_column(index, field, pa.array([row[name] for row in rows], type=field.type))
    return table
