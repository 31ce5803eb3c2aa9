"""What may not leave is named, item by item; a run without fault passes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.given import Given, planned
from fakes.releases import ITEM, decontaminate, record, release_run, text
from fakes.stages import Events

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from pipelines.publish.gate import held_back, of_documents, refusals
from pipelines.result import Result, read_result
from pipelines.stages.consolidate import ConsolidateConfig
from pipelines.stages.consolidation import Consolidation
from pipelines.stages.exchange import RunFacts
from pipelines.stages.rights_gate import RightsGateConfig, rights_gate_steps
from sources.document import Document
from sources.rights import rights_from

KEEP_ALL = {
    "min_share": 1.0,
    "min_answer_share": 1.0,
    "min_inside_share": 1.0,
    "min_matched": 10_000,
    "max_documents": 1,
}


def document(id: str, spdx: str, *parents: str) -> Document:
    text = f"Give {id} mg twice a day and look again after two days of treatment; go on when it helps."
    rights = rights_from(spdx, f"evidence of {id}", attribution=f"author of {id}")
    return Document(
        id=id, kind="article", source="a", key=id, text=text, rights=rights, parents=list(parents), tokens=9
    )


def told(folder: Path, *args: Any, **changes: Any) -> list[str]:
    return [str(one) for one in refusals(read_result(release_run(folder, *args, **changes)))]


def test_a_run_without_fault_passes(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_nothing_of_research_internal_is_released(tmp_path: Path) -> None:
    (found,) = told(tmp_path, profile="research-internal")
    assert found.startswith("profile: research-internal")


def test_a_document_without_rights_never_gets_so_far(tmp_path: Path) -> None:
    rows = [record(number) for number in range(24)]
    rows[3]["licence"] = "all rights reserved"
    rows[5]["licence"] = "CC-BY-ND-4.0"
    result = read_result(release_run(tmp_path, rows))
    assert list(refusals(result)) == []
    assert held_back(result) == {("texts", "rights"): 2}


def test_rights_without_evidence_are_refused_by_name(tmp_path: Path) -> None:
    result = release_run(tmp_path)
    source = json.loads((tmp_path / "run.yaml").read_text())["sources"][0]
    source["rights"] = {"spdx": "CC-BY-4.0"}
    found = told(tmp_path / "again", sources=[{**source, "path": str(tmp_path / "texts")}])
    assert len(found) == 24
    assert all(one.startswith("texts/rows.jsonl#") and "give `evidence`" in one for one in found)
    assert result.is_dir()


def test_attribution_must_be_possible(tmp_path: Path) -> None:
    rows = [record(number) for number in range(24)]
    rows[7] |= {"title": None, "url": None, "doi": None}
    release_run(tmp_path, rows)
    source = json.loads((tmp_path / "run.yaml").read_text())["sources"][0]
    source["rights"] = {"spdx": "CC-BY-4.0", "evidence": "https://example.org/licence"}
    found = told(tmp_path / "again", rows, sources=[{**source, "path": str(tmp_path / "texts")}])
    assert len(found) == 1
    assert "asks for attribution" in found[0]


def test_a_run_that_never_looked_for_benchmarks_is_refused(tmp_path: Path) -> None:
    (found,) = told(tmp_path, stages=[{"kind": "consolidate"}])
    assert found.startswith("contamination: no stage looked")


def test_an_item_that_a_weak_policy_left_is_refused(tmp_path: Path) -> None:
    rows = [record(number) for number in range(24)]
    most = ITEM["question"].partition("; which")[0]
    rows[9]["text"] = f"{text(9)}\n\n{most}.\n\n{text(99)}"
    assert told(tmp_path / "cut", rows) == []
    weak = [decontaminate(), {"kind": "consolidate", "contamination": KEEP_ALL}]
    (found,) = told(tmp_path / "left", rows, stages=weak)
    assert "boards-1" in found
    assert most not in found


def test_a_run_that_ended_with_an_error_for_its_limits_is_refused(tmp_path: Path) -> None:
    rows = [record(n, title="Malaria", licence="CC-BY-NC-4.0" if n < 6 else "CC-BY-4.0") for n in range(24)]
    lines = [{"kind": "coverage"}, decontaminate(), {"kind": "consolidate"}]
    floors = {"disease:malaria": 0.9}
    result = read_result(release_run(tmp_path, rows, stages=lines, retention={"floors": floors}))
    (found,) = map(str, refusals(result))
    assert found == "retention.floors: disease:malaria: 18 of 24 documents were kept (75.0%); floor 90.0%"
    strict = {**result.described, "limits": {"max_quarantined": -0.1}}
    (found,) = map(str, refusals(replace(result, described=strict)))
    assert found.startswith("quarantine: 0 of 24 records (0.0%) were quarantined, the run file allows -10.0%")


def test_damage_is_refused(tmp_path: Path) -> None:
    folder = release_run(tmp_path)
    shard = next((folder / read_result(folder).mixtures["mix"]).glob("data-*.arrow"))
    body = bytearray(shard.read_bytes())
    body[len(body) // 2] ^= 1
    shard.write_bytes(body)
    found = [str(one) for one in refusals(read_result(folder))]
    assert len(found) == 1
    assert shard.name in found[0]


@pytest.mark.parametrize("profile", ["open", pytest.param("open-noncommercial", marks=pytest.mark.nightly)])
def test_noncommercial_texts_leave_only_as_such(tmp_path: Path, profile: str) -> None:
    rows = [record(number, licence="CC-BY-NC-4.0") for number in range(12)]
    result = read_result(release_run(tmp_path, [*rows, *map(record, range(12, 24))], profile=profile))
    assert list(refusals(result)) == []
    assert held_back(result) == ({("texts", "rights"): 12} if profile == "open" else {})


def kept_run(folder: Path, *documents: Document, gate: bool = False) -> Result:
    """Return a run of the profile `open` over documents, with or without `rights_gate`."""
    storage = Storage(LocalDisk(folder))
    lines = {"rights_gate": rights_gate_steps(RightsGateConfig(), RunFacts())} if gate else {}
    stages = planned(Given(documents, 2), lines)
    lists = {kind: (kind,) for kind in lines}
    policy = Consolidation(ConsolidateConfig(profile="open"), tuple(lists))
    stages.append(PlannedStage(policy, {"documents": ("given",), **lists}))
    manifests = run_stages(storage, stages, lambda: InlineRuntime(storage), Events())
    return Result("r", storage, manifests, ("consolidate",), {}, [], {})


def of_generated(result: Result, *parents: Result) -> dict[str, str]:
    return {one.item.partition(" ")[0]: one.why for one in of_documents(result, "open", parents)}


GENERATED = (
    document("1", "CC-BY-4.0"),
    document("2", "CC-BY-ND-4.0"),
    document("3", "CC-BY-NC-4.0"),
    document("4", "CC-BY-SA-4.0"),
    document("plain", "CC-BY-4.0 AND CC0-1.0", "1"),
    document("shorter", "CC0-1.0", "1"),
    document("fixed", "CC0-1.0", "2"),
    document("closed", "CC0-1.0", "3"),
    document("second", "CC0-1.0", "fixed"),
    document("lost", "CC0-1.0", "elsewhere"),
    document("alike", "CC-BY-SA-4.0 AND CC0-1.0", "4", "3"),
)


def test_texts_made_from_others_are_judged_by_them(tmp_path: Path) -> None:
    found = of_generated(kept_run(tmp_path, *GENERATED))
    assert set(found) == {"a/shorter", "a/fixed", "a/closed", "a/second", "a/lost", "a/alike"}
    assert "add {kind: rights_gate}" in found["a/shorter"]
    assert "made from 2, under CC-BY-ND-4.0" in found["a/fixed"]
    assert "made from 3, under CC-BY-NC-4.0" in found["a/closed"]
    assert "made from 3, under CC-BY-NC-4.0" in found["a/alike"] or "no licence meets" in found["a/alike"]
    assert "CC-BY-ND-4.0" in found["a/second"]
    assert "made from elsewhere, which is not in this run" in found["a/lost"]


def test_after_the_stage_nothing_is_left_to_refuse(tmp_path: Path) -> None:
    assert of_generated(kept_run(tmp_path, *GENERATED, gate=True)) == {}


def test_parents_may_lie_in_another_run(tmp_path: Path) -> None:
    parents = kept_run(tmp_path / "a", *(one for one in GENERATED if not one.parents))
    made = kept_run(tmp_path / "b", *(one for one in GENERATED if one.id in ("plain", "fixed", "lost")))
    assert set(of_generated(made)) == {"a/plain", "a/fixed", "a/lost"}
    assert set(of_generated(made, parents)) == {"a/fixed", "a/lost"}
