"""A filter that takes a neglected disease is caught by name, at the stage that took it, and a floor fails the run."""

import json
from pathlib import Path

import pytest

from pipelines.engine.errors import ConfigError, QuarantineError
from pipelines.load import load_run
from pipelines.report.retention import ALL, WHOLE, Kept, below, low, read_retention, retention_parquet
from pipelines.result import Result
from pipelines.run import How, check_floors, kept_slices, run

TEXTS = {
    "schistosomiasis": "Praziquantel 40 mg/kg treats schistosomiasis in village {n} of Uganda. Bilharzia here: {w}.",
    "asthma": "Inhaled corticosteroids for asthma in clinic number {n} of France. Asthma is common {w}.",
}  # fmt: skip
TAKES = "schistosomiasis in village [0-9]*[1-46-9] of"
PLANTED = {"kind": "datatrove", "block": "RegexFilter", "args": {"regex_exp": TAKES}}


def run_file(folder: Path, **changes: object) -> Path:
    """Write 40 documents on each of two diseases and a run file whose filter removes most of one."""
    (folder / "in").mkdir(exist_ok=True)
    rows = [
        {"id": f"{name}-{n}", "text": text.format(n=n, w=f"word{n}"), "title": "A note"}
        for name, text in TEXTS.items()
        for n in range(40)
    ]
    (folder / "in" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"name": "notes", "kind": "guideline", "path": "in", "include": ["*.jsonl"], "parser": "records",
              "options": {"fields": {"text": "text", "title": "title"}},
              "rights": {"spdx": "CC0-1.0", "evidence": "written for a test"}}  # fmt: skip
    stages = [{"kind": "coverage"}, PLANTED, {"kind": "dedup_exact"}, {"kind": "consolidate"}]
    body = {"name": "audit", "out": str(folder / "out"), "seed": 1, "shard_bytes": 4096, "sources": [source],
            "stages": stages} | changes  # fmt: skip
    path = folder / "run.json"
    path.write_text(json.dumps(body))
    return path


def result_of(path: Path) -> Result:
    return run(load_run(path), How(inline=True, live=False))


def rates(kept: list[Kept], stage: str) -> dict[str, tuple[int, int]]:
    return {row.name: (row.records_in, row.records_kept) for row in kept if row.stage == stage}


def test_a_filter_that_takes_a_disease_is_caught_at_its_stage(tmp_path: Path) -> None:
    path = run_file(tmp_path)
    result = result_of(path)
    kept = kept_slices(result)
    stage = next(name for name in result.manifests if name.startswith("datatrove"))
    found = rates(kept, stage)
    assert found["disease:schistosomiasis"] == (40, 8)
    assert found["disease:respiratory"] == (40, 40)
    assert found[f"{ALL}:{ALL}"] == (80, 48)
    assert rates(kept, WHOLE)["disease:ntd"] == (40, 8)
    alarms = low(kept, 0.5, 30)
    assert any("disease:schistosomiasis 8 (20%) were kept" in alarm and stage in alarm for alarm in alarms)
    assert not any("respiratory" in alarm for alarm in alarms)
    assert "retention, " in (tmp_path / "out" / "events.jsonl").read_text()


def test_a_floor_fails_the_run_and_names_the_slice(tmp_path: Path) -> None:
    floors = {
        "retention": {"floors": {"disease:schistosomiasis": 0.5, "disease:respiratory": 0.9, "disease:yaws": 1.0}}
    }
    path = run_file(tmp_path, **floors)
    config, result = load_run(path), result_of(path)
    with pytest.raises(QuarantineError) as told:
        check_floors(config, result)
    assert "disease:schistosomiasis: 8 of 40 documents were kept (20.0%); floor 50.0%" in str(told.value)
    assert "respiratory" not in str(told.value)
    check_floors(load_run(path, ["retention.floors={}"]), result)


def test_floors_without_a_stage_that_looks_are_a_mistake(tmp_path: Path) -> None:
    path = run_file(tmp_path, stages=[{"kind": "consolidate"}], retention={"floors": {"disease:malaria": 0.5}})
    with pytest.raises(ConfigError, match=r"add \{kind: coverage\}"):
        check_floors(load_run(path), result_of(path))


def test_a_duplicate_is_neither_lost_nor_kept(tmp_path: Path) -> None:
    path = run_file(tmp_path, stages=[{"kind": "coverage"}, {"kind": "dedup_exact"}, {"kind": "consolidate"}])
    rows = (tmp_path / "in" / "rows.jsonl").read_text().splitlines()
    twin = json.dumps({**json.loads(rows[0]), "id": "twin"})
    (tmp_path / "in" / "rows.jsonl").write_text("".join(f"{row}\n" for row in [*rows, twin]))
    found = rates(kept_slices(result_of(path)), WHOLE)
    assert found["disease:schistosomiasis"] == (40, 40)
    assert found[f"{ALL}:{ALL}"] == (80, 80)


def test_alarms_need_enough_documents_and_a_rate_far_below() -> None:
    rows = [
        Kept("s", ALL, ALL, 1000, 800, 0, 0),
        Kept("s", "disease", "few", 29, 0, 0, 0),
        Kept("s", "disease", "half", 30, 12, 0, 0),
        Kept("s", "disease", "less", 30, 11, 0, 0),
    ]
    assert [line.split(" on ")[1].split()[0] for line in low(rows, 0.5, 30)] == ["disease:less"]
    assert read_retention(retention_parquet(rows)) == rows
    assert below(rows, {"disease:less": 1.0}) == [], "floors are about the whole run"
