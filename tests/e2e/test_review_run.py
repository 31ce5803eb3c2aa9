"""Verdicts of reviewers in a whole run: what goes, what is corrected, and that no stage before the policy runs anew."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.releases import INLINE, decontaminate, release_run, run_file

from pipelines.engine.events import EVENTS_NAME
from pipelines.load import load_run
from pipelines.publish.layout import documents_schema
from pipelines.report.card import card
from pipelines.report.card_facts import Layout, gather
from pipelines.report.census import kept_documents
from pipelines.report.page import report_page
from pipelines.report.retention import WHOLE
from pipelines.report.reviewed import reviews
from pipelines.report.shown import IN_HOUSE, sample
from pipelines.result import Result, read_result
from pipelines.run import kept_slices, run
from pipelines.stages.verdicts import Verdict, line_of

STAGES = [
    {"kind": "coverage"},
    decontaminate(),
    {"kind": "language"},
    {"kind": "review", "verdicts": [{"path": "verdicts.jsonl", "optional": True}]},
    {"kind": "consolidate"},
]


def verdict(document: str, verdict: str, reviewer: str = "A. Okafor", **more: Any) -> Verdict:
    return Verdict(document=document, verdict=verdict, reviewer=reviewer, date="2026-11-30T10:00:00Z", **more)  # type: ignore[arg-type]


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row["title"]: row for table in kept_documents(result) for row in table.to_pylist()}


@pytest.fixture
def before(tmp_path: Path) -> Result:
    """A run before anybody reviewed it."""
    return read_result(release_run(tmp_path, stages=STAGES))


def again(folder: Path, *verdicts: Verdict) -> tuple[Result, set[str]]:
    """Run with these verdicts; return the result and the stages that ran."""
    with (folder / "verdicts.jsonl").open("ab") as file:
        file.write(b"".join(map(line_of, verdicts)))
    events = folder / "run" / EVENTS_NAME
    length = len(events.read_text().splitlines())
    result = run(load_run(folder / "run.yaml"), INLINE)
    found = [json.loads(line) for line in events.read_text().splitlines()[length:]]
    return result, {event["stage"] for event in found if event["kind"] == "stage_started"}


AFTER = {"review", "consolidate", "contamination_report", "train-tokenizer", "tokenize-demo", "mixture-mix",
         "shards-mix", "publish-mix"}  # fmt: skip


def test_a_verdict_runs_consolidate_and_what_follows_and_nothing_before(before: Result, tmp_path: Path) -> None:
    known = rows(before)
    bad, wrong = known["Report 3"], known["Report 5"]
    corrections = {"title": "Report five", "language": "fr", "disease": ["malaria"]}
    result, ran = again(
        tmp_path,
        verdict(bad["id"], "rejected", reason="outdated", note="newer dose"),
        verdict(bad["id"], "accepted", "B. Silva"),
        verdict(wrong["id"], "corrected", corrections=corrections),
    )
    assert ran == AFTER
    kept = rows(result)
    assert kept.keys() == known.keys() - {"Report 3", "Report 5"} | {"Report five"}
    one = kept["Report five"]
    assert (one["language"], one["text"]) == ("fr", wrong["text"])
    assert [edit["names"] for edit in one["edits"]] == [[f"{n} by A. Okafor" for n in ("disease", "language", "title")]]
    assert result.manifests["consolidate"].ledger.total().dropped == {"review_rejected": 1}
    untouched = known.keys() - {"Report 3", "Report 5"}
    assert {name: kept[name] for name in untouched} == {name: known[name] for name in untouched}
    assert again(tmp_path)[1] == set(), "the same verdicts are a finished run"
    assert again(tmp_path, verdict(known["Report 7"]["id"], "rejected", reason="wrong"))[1] == AFTER


def test_the_result_does_not_depend_on_where_the_file_lies(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    keys = []
    for folder in folders:
        path = run_file(folder, stages=STAGES)
        (folder / "verdicts.jsonl").write_bytes(line_of(verdict("0" * 32, "accepted")))
        keys.append([m.digest for m in run(load_run(path), INLINE).manifests.values()])
    assert keys[0] == keys[1]


def test_reviewers_and_their_agreement_stand_in_report_and_card(before: Result, tmp_path: Path) -> None:
    known = rows(before)
    shown = sample(before, 8, IN_HOUSE)
    ids = [one["id"] for one in shown]
    texts = {one["id"]: one["sha256"] for one in shown}
    said = [("accepted", "accepted"), ("accepted", "rejected"), ("rejected", "rejected"), ("accepted", "accepted")]
    given = [
        verdict(name, one, reviewer, reason="outdated" if one == "rejected" else "", text_sha256=texts[name])
        for name, both in zip(ids, said, strict=False)
        for reviewer, one in zip(("A. Okafor", "B. Silva"), both, strict=True)
    ]
    fix = verdict(
        ids[4], "corrected", "B. Silva", corrections={"region": ["afro"], "title": "New"}, text_sha256="0" * 64
    )
    result, _ = again(tmp_path, *given, fix)
    found = reviews(result)
    assert found is not None
    assert (found.whole.reviewed, found.whole.accepted, found.changed_since) == (5, 3, 1)
    (pair,) = found.agreement
    assert (pair.reviewers, pair.documents, pair.same) == (("A. Okafor", "B. Silva"), 4, 3)
    assert pair.kappa == pytest.approx(0.5)
    assert found.reasons == {"outdated": 3}
    assert found.corrected == {"region": 1, "title": 1}
    strata = {one.name: (one.reviewed, one.accepted) for one in found.strata}
    assert (strata["source: texts"], strata["made: by people"], strata["region: afro"]) == ((5, 3), (5, 3), (1, 1))
    kept = {row.slice: row.records_kept for row in kept_slices(result) if row.axis == "region" and row.stage == WHOLE}
    assert kept == {"afro": 1}, "what a reviewer says counts in the audit"
    assert known.keys() - rows(result).keys() == {one["title"] for one in shown[1:3]} | {shown[4]["title"]}
    facts = gather(result, Layout({"documents": documents_schema()}))
    text = card(facts)
    assert "| A. Okafor and B. Silva | 4 | 3 | 75.0% | 0.50 |" in text
    assert "| all | 5 | 3 | 60% (23% - 88%) |" in text
    assert "annotations_creators:\n- expert-generated" in text
    page = report_page(result, tmp_path / "run")
    assert "2 reviewers judged 5 documents, from 2026-11-30 to 2026-11-30." in page
    assert "The text of 1 of them has changed since" in page
