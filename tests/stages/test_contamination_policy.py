"""What is cut is whole sentences and nothing else; what is dropped is told by keys; the report counts both."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from contamination_canaries import document
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.stages.consolidate import Consolidate, ConsolidateConfig
from pipelines.stages.contamination_apply import APPLIED, apply_policy
from pipelines.stages.contamination_cut import borders, cut
from pipelines.stages.contamination_policy import ContaminationPolicy, verdict
from pipelines.stages.contamination_report import report
from pipelines.stages.decontaminate import SCHEMA
from sources.document import Document, to_table

CASES = json.loads((Path(__file__).parent / "cases" / "contamination_cut.json").read_text())
PLANTED = "Planted words of the benchmark stand in this sentence."
KEPT = "Kept sentence with 5 mg/kg twice a day, SpO2 <90% and a warning that holds. " * 3


def finding(**fields: Any) -> dict[str, Any]:
    whole = {"unit": "text", "benchmark": "boards", "reference": "", "item": "q1", "part": "stem", "rule": "share"}
    return {**whole, "start": 0, "end": 10, "score": 1.0, "matched": 9, "numbers": None, "documents": 1, **fields}


def without(case: dict[str, str]) -> str:
    start = case["text"].index(case["cut"])
    return cut(case["text"], [], [(start, start + len(case["cut"]))])[0]


@pytest.mark.parametrize(
    "case", CASES["must_change"] + CASES["must_not_change"], ids=lambda case: ascii(case["text"])[:40]
)
def test_whole_sentences_are_cut(case: dict[str, str]) -> None:
    assert without(case) == case["left"]


@pytest.mark.parametrize("case", CASES["known_failure"], ids=lambda case: case["why"][:40])
@pytest.mark.xfail(strict=True, reason="known failures of the cut")
def test_known_failures(case: dict[str, str]) -> None:
    assert without(case) == case["left"]


@given(st.text(st.sampled_from("ab A.?\n5 "), max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_a_cut_takes_whole_sentences_and_leaves_the_rest(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    left = cut(text, [], [(start, end)])[0]
    at = borders(text)
    before, after = max(b for b in at if b <= start), min(b for b in at if b >= end)
    expected = text if start == end else text[:before].rstrip(" ") + text[after:].lstrip("\n")
    assert "".join(left.split()) == "".join(expected.split())


def test_sections_move_with_the_text() -> None:
    text = f"Head\n\n{KEPT}\n\nLeak\n\n{PLANTED}\n\nTail\n\nThe end."
    sections = [
        {"path": name, "start": text.index(name), "end": text.index(name) + 4} for name in ("Head", "Leak", "Tail")
    ]
    start = text.index("Leak")
    left, moved = cut(text, sections, [(start, text.index("Tail"))])
    assert [left[s["start"] : s["end"]] for s in moved] == ["Head", "Tail"]
    assert left == f"Head\n\n{KEPT}\n\nTail\n\nThe end."


@pytest.mark.parametrize(
    ("kind", "fields", "settings", "action"),
    [
        ("article", {}, {}, "cut"),
        ("mcq", {}, {}, "drop"),
        ("synthetic", {}, {}, "drop"),
        ("article", {"unit": "messages.1"}, {}, "drop"),
        ("article", {"unit": "id", "rule": "id", "part": "id"}, {}, "drop"),
        ("article", {"rule": "inside", "score": 0.9}, {}, "drop"),
        ("article", {"rule": "inside", "score": 0.7}, {}, "nothing"),
        ("article", {"score": 0.4}, {}, "nothing"),
        ("article", {"score": 0.4}, {"min_share": 0.4}, "cut"),
        ("article", {"score": 0.6, "part": "answer"}, {}, "nothing"),
        ("article", {"score": 0.6, "matched": 4}, {}, "nothing"),
        ("article", {"score": 1.0, "matched": 3}, {}, "cut"),
        ("article", {"rule": "whole", "documents": 51}, {}, "nothing"),
        ("article", {"rule": "whole", "documents": 51}, {"max_documents": 60}, "cut"),
        ("article", {"documents": 5000}, {}, "cut"),
        ("article", {}, {"cut_kinds": ()}, "drop"),
    ],
)
def test_what_is_done(kind: str, fields: dict[str, Any], settings: dict[str, Any], action: str) -> None:
    assert verdict(kind, [finding(**fields)], ContaminationPolicy(**settings)).action == action


def test_a_share_below_what_is_recorded_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.3"):
        ContaminationPolicy(min_share=0.2)


def treated(row: Document, *findings: dict[str, Any]) -> tuple[pa.Table, dict[int, Any], pa.Table]:
    documents = to_table([row])
    found = pa.Table.from_pylist([{"id": row.id, "findings": list(findings), "failed": None}], schema=SCHEMA)
    stage = Consolidate(ConsolidateConfig())
    applied = apply_policy(documents, found, stage.config.contamination, stage)
    batch = stage.apply(applied.table, {}, {}, None, applied.contaminated)
    return batch.table, dict(batch.rejected), applied.done


def test_a_cut_is_a_named_edit_and_the_rest_goes_on() -> None:
    start = len(KEPT)
    table, rejected, done = treated(document("1", KEPT + PLANTED), finding(start=start, end=start + 20))
    (row,) = table.to_pylist()
    assert (row["text"], rejected) == (KEPT.strip(), {})
    assert [(edit["stage"], edit["names"]) for edit in row["edits"]] == [("consolidate", ["cut_contamination"])]
    assert row["tokens"] == (len(row["text"]) + 3) // 4
    assert done.select(["id", "item", "action"]).to_pylist() == [{"id": "1", "item": "q1", "action": "cut"}]


def test_a_document_of_which_too_little_is_left_is_dropped_and_told_by_keys() -> None:
    table, rejected, done = treated(document("1", PLANTED), finding(end=len(PLANTED)), finding(item="q2", score=0.5))
    assert table.num_rows == 0
    assert rejected[0].reason == "contaminated"
    assert rejected[0].detail == "boards: q1, stem, share 1.00, and 1 more"
    assert done["action"].to_pylist() == ["drop", "drop"]
    assert not {"Planted", "words"} & set(" ".join(map(str, done.to_pylist())).split())


def test_the_report_counts_every_benchmark() -> None:
    rows = [
        {"id": "1", "action": "cut", **finding()},
        {"id": "2", "action": "drop", **finding(score=0.5, part="options")},
        {"id": "2", "action": "drop", **finding(item="q2", score=0.6)},
    ]
    applied = pa.Table.from_pylist(rows, schema=APPLIED).to_pylist()
    table = report([["boards", "", 10], ["clean", "abc", 5]], applied).to_pylist()
    assert [
        (r["benchmark"], r["part"], r["items"], r["items_hit"], r["documents"], r["dropped"], r["cut"]) for r in table
    ] == [
        ("boards", "all", 10, 2, 2, 1, 1),
        ("boards", "options", 10, 1, 1, 1, 0),
        ("boards", "stem", 10, 2, 2, 1, 1),
        ("clean", "all", 5, 0, 0, 0, 0),
    ]
    assert (table[0]["least_score"], table[3]["least_score"]) == (0.5, None)
