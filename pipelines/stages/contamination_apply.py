"""Apply the policy of contamination to one table of documents: cut texts, documents that go, and what was done.

What was done is written beside the documents that are kept, one row a finding that counted, by keys and never by
text: from it the report is made. Not here: which findings count (`contamination_policy`).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.engine.stage import Rejected
from pipelines.stages.contamination_cut import CUT, cut
from pipelines.stages.contamination_policy import CUT_OUT, DROP, ContaminationPolicy, Verdict, verdict
from pipelines.stages.decontaminate import FOUND
from pipelines.stages.edits import edit_entry
from sources.document import estimate_tokens

REASON = "contaminated"
APPLIED = pa.schema(
    [(name, pa.string()) for name in ("id", "source", "key", "kind", "action")] + [(f.name, f.type) for f in FOUND]
)
_READ = ("id", "source", "key", "kind", "text", "sections", "edits", "tokens")
_CHANGED = ("text", "sections", "edits", "tokens")


class Applied(NamedTuple):
    """The table with its texts cut, why documents go by their id, and `APPLIED`."""

    table: pa.Table
    contaminated: dict[str, Rejected]
    done: pa.Table


def apply_policy(documents: pa.Table, findings: pa.Table, policy: ContaminationPolicy, stage: Any) -> Applied:
    """Return what becomes of documents whose findings lie beside them; `stage` is the one that edits."""
    rows = documents.select(_READ).to_pylist()
    contaminated: dict[str, Rejected] = {}
    done: list[dict[str, Any]] = []
    changed = False
    for row, found in zip(rows, findings["findings"].to_pylist(), strict=True):
        told = verdict(row["kind"], found, policy)
        if not told.findings:
            continue
        told = _cut(row, told, policy, stage)
        changed = changed or told.action == CUT_OUT
        if told.action == DROP:
            contaminated[row["id"]] = Rejected(REASON, told.detail)
        whose = {name: row[name] for name in ("id", "source", "key", "kind")} | {"action": told.action}
        done += [{**whose, **one} for one in told.findings]
    table = _with(documents, rows) if changed else documents
    return Applied(table, contaminated, pa.Table.from_pylist(done, schema=APPLIED))


def _cut(row: dict[str, Any], told: Verdict, policy: ContaminationPolicy, stage: Any) -> Verdict:
    """Cut the text of `row`, in place, where the verdict says so and enough is left."""
    if told.action != CUT_OUT:
        return told
    text, sections = cut(row["text"], row["sections"] or [], told.spans)
    tokens = estimate_tokens(text)
    if tokens < policy.min_left_tokens:
        return told._replace(action=DROP)
    entry = edit_entry(stage.name, stage.version, stage.config, [CUT])
    row |= {"text": text, "sections": sections, "tokens": tokens, "edits": [*(row["edits"] or []), entry]}
    return told


def _with(table: pa.Table, rows: list[Mapping[str, Any]]) -> pa.Table:
    for name in _CHANGED:
        index = table.schema.get_field_index(name)
        field = table.schema.field(index)
        table = table.set_column(index, field, pa.array([row[name] for row in rows], type=field.type))
    return table
