"""Verdicts of reviewers in a whole run: what goes, what is corrected, and that no stage before the policy runs anew."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.releases import INLINE, decontaminate, release_run, run_file

from pipelines.engine.events import EVENTS_NAME
from pipelines.load import load_run
from pipelines.report.census import kept_documents
from pipelines.result import Result, read_result
from pipelines.run import run
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
