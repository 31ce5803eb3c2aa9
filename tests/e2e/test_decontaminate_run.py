"""A run cuts and drops what it must, tells it by keys alone, and repeats nothing when only a threshold changes."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from demo_runs import call_medmix, digests

from pipelines.result import Result, read_result

CASES = json.loads((Path(__file__).parents[1] / "stages" / "cases" / "contamination.json").read_text())
ARTICLES = CASES["articles"]
FIRST, SECOND, THIRD = CASES["items"][0], CASES["items"][1], CASES["items"][6]
RIGHTS = {"spdx": "CC0-1.0", "evidence": "made for this test"}


def written(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """A run with one held-out question of its own, and two references of one name."""
    for folder in ("train", "boards-a", "boards-b"):
        (tmp_path / folder).mkdir()
    long = "\n\n".join(ARTICLES[:5])
    rows = [
        {"id": "clean", "text": long},
        {"id": "cut", "text": f"{long}\n\n{FIRST['question']}\n\n{ARTICLES[5]}"},
        {"id": "gone", "text": SECOND["question"]},
        {"id": "own", "text": f"{long} {THIRD['question']} {ARTICLES[6]}"},
    ]
    written(tmp_path / "train", "texts.jsonl", rows)
    own = {**THIRD, "options": dict(zip("ABCD", THIRD["options"], strict=True))}
    written(tmp_path / "train", "questions.jsonl", [own])
    written(tmp_path / "boards-a", "boards.jsonl", [FIRST])
    written(tmp_path / "boards-b", "boards.jsonl", [SECOND])
    fields = {"text": "text", "title": "id"}
    texts = {"name": "texts", "kind": "article", "path": "train", "include": ["texts.jsonl"], "parser": "records"}
    questions = {"name": "questions", "kind": "mcq", "path": "train", "include": ["questions.jsonl"], "parser": "mcq"}
    config = {
        "name": "leaks",
        "out": str(tmp_path / "run"),
        "seed": 1,
        "sources": [
            {**texts, "options": {"format": "jsonl", "fields": fields}, "rights": RIGHTS},
            {
                **questions,
                "options": {"layout": "letters", "split": "test", "fields": {"name": "id"}},
                "reference_only": True,
                "rights": RIGHTS,
            },
        ],
        "stages": [
            {"kind": "decontaminate", "references": [{"path": f"boards-{one}/boards.jsonl"} for one in "ab"]},
            {"kind": "consolidate"},
        ],
    }
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps(config))
    return path


def run(run_file: Path, *words: str) -> Result:
    done = call_medmix("run", run_file, "--inline", *words)
    assert done.returncode == 0, done.stderr
    return read_result(run_file.parent / "run")


def kept(result: Result) -> dict[str, dict[str, Any]]:
    root = result.storage.disk.root
    files = [root / ref.path for name in result.documents for ref in result.manifests[name].files()]
    return {row["title"]: row for file in files for row in pq.read_table(file).to_pylist()}


def report(result: Result) -> dict[tuple[str, str], dict[str, Any]]:
    (ref,) = result.manifests["contamination_report"].files()
    rows = pq.read_table(result.storage.disk.root / ref.path).to_pylist()
    return {(row["benchmark"], row["reference"]): row for row in rows if row["part"] == "all"}


def test_leaks_are_cut_or_dropped_and_reported(run_file: Path) -> None:
    result = run(run_file)
    rows = kept(result)
    assert set(rows) == {"clean", "cut", "own"}
    assert rows["clean"]["edits"] in (None, [])
    assert FIRST["question"] not in rows["cut"]["text"]
    assert rows["cut"]["text"] == "\n\n".join(ARTICLES[:6])
    assert "elemental iron supplement" not in rows["own"]["text"]
    dropped = result.manifests["consolidate"].ledger.total().dropped
    assert dropped == {"contaminated": 1, "reference_only": 1}
    told = report(result)
    assert sorted(
        (name, row["items"], row["items_hit"], row["dropped"], row["cut"]) for (name, _), row in told.items()
    ) == [
        ("boards", 1, 1, 0, 1),
        ("boards", 1, 1, 1, 0),
        ("questions", 1, 1, 0, 1),
    ]


def test_no_text_of_an_item_is_told(run_file: Path) -> None:
    run(run_file)
    folder = run_file.parent / "run"
    told = [path for path in folder.rglob("*") if path.suffix in (".json", ".jsonl")]
    assert told
    words = [" ".join(item["question"].split()[:4]) for item in (FIRST, SECOND, THIRD)]
    assert [path for path in told if any(word in path.read_text() for word in words)] == []


def test_a_second_run_and_another_order_of_references_give_the_same_bytes(run_file: Path) -> None:
    run(run_file)
    folder = run_file.parent / "run"
    first = {name: value for name, value in digests(folder).items() if name.startswith(("stages/", "documents-"))}
    run(run_file)
    config = json.loads(run_file.read_text())
    config["stages"][0]["references"].reverse()
    run_file.write_text(json.dumps(config))
    run(run_file)
    assert {
        name: value for name, value in digests(folder).items() if name.startswith(("stages/", "documents-"))
    } == first


def test_another_threshold_reruns_consolidate_and_the_report_alone(run_file: Path) -> None:
    run(run_file)
    folder = run_file.parent / "run"
    before = len((folder / "events.jsonl").read_text().splitlines())
    result = run(run_file, "-s", "stages.1.contamination={cut_kinds: []}")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()[before:]]
    names = {
        event["kind"]: [e["stage"] for e in events if e["kind"] == event["kind"]]
        for event in events
        if "stage" in event
    }
    assert names["stage_started"] == ["consolidate", "contamination_report"]
    assert set(kept(result)) == {"clean"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"x": 1}], "reference 'empty' (.*): not one of its 1 rows holds an item"),
        (None, "reference 'empty': .* cannot be read"),
    ],
)
def test_a_reference_that_holds_nothing_ends_the_run(
    run_file: Path, rows: list[dict[str, Any]] | None, told: str
) -> None:
    import re

    if rows is not None:
        written(run_file.parent, "empty.jsonl", rows)
    config = json.loads(run_file.read_text())
    config["stages"][0]["references"].append({"path": "empty.jsonl"})
    run_file.write_text(json.dumps(config))
    done = call_medmix("run", run_file, "--inline")
    assert done.returncode == 3
    assert re.search(told, done.stderr.replace("\n", " "))
