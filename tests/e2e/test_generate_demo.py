"""The demo's generation: planted answers become what was written beside them, and the good ones reach a mixture."""

import importlib.util
import json
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from card_recount import tables_of
from demo_runs import REPOSITORY, call_medmix

from pipelines.load import load_generation, load_run
from pipelines.report.card_facts import Layout, gather
from pipelines.report.card_tables import acceptance, cost
from pipelines.report.page import report_page
from pipelines.result import Result, read_result
from pipelines.trace import trace_sequence

FILE = REPOSITORY / "configs" / "generate" / "demo.yaml"
RUN_FILE = REPOSITORY / "configs" / "demo-taught.yaml"
WRITTEN = json.loads((REPOSITORY / "configs" / "demo" / "teacher" / "answers.json").read_text())


@pytest.fixture(scope="module")
def taught(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Return the demo's generation from the undisturbed run."""
    out = tmp_path_factory.mktemp("taught") / "out"
    done = call_medmix("generate", FILE, "-s", f"out={out}", "-s", f"run={demo_run}", "--inline")
    assert done.returncode == 0, done.stderr
    assert "gold_mismatch" in done.stdout
    assert "7 (70%)" in done.stdout
    return read_result(out)


def rows(result: Result, stage: str, role: str = "main") -> list[dict[str, object]]:
    root = result.storage.disk.root  # type: ignore[attr-defined]
    return [
        row for ref in result.manifests[stage].files(role) for row in pq.ParquetFile(root / ref.path).read().to_pylist()
    ]


@pytest.mark.parametrize("kind", ["mcq", "guideline_qa"])
def test_every_planted_answer_becomes_what_is_written_beside_it(taught: Result, kind: str) -> None:
    found = defaultdict(list)
    for row in rows(taught, f"generate-{kind}", "attempts"):
        found[row["key"]].append(row["reason"] or "accepted")
    expected = [[attempt["becomes"] for attempt in item["attempts"]] for item in WRITTEN[kind]]
    assert sorted(found.values()) == sorted(expected)


def test_what_was_accepted_is_marked_as_written_for_the_demo(taught: Result) -> None:
    made = [row for kind in ("mcq", "guideline_qa") for row in rows(taught, f"generate-{kind}")]
    assert len(made) == 11
    assert {row["teacher"]["model"] for row in made} == {"authored-sample"}  # type: ignore[index]
    assert not any("Lumo" in str(row) or "gold answer" in str(row["text"]) for row in made)


def test_the_shipped_journal_is_the_one_that_its_maker_makes(demo_run: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_journal", REPOSITORY / "configs" / "demo" / "make_journal.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    config = load_generation(FILE, [f"run={demo_run}"])
    maker.write_journal(config, tmp_path / "journal")
    shipped = Path(config.journal) / "000000.jsonl"
    assert (tmp_path / "journal" / "000000.jsonl").read_bytes() == shipped.read_bytes()


def check_acceptance(taught: Result, result: Result) -> None:
    """Compare what the card of a run tells of its generated texts with the attempts that the generation committed."""
    facts = gather(result, Layout({}))
    (costs,) = tables_of("\n".join(cost(facts))).values()
    (strata,) = tables_of("\n".join(acceptance(facts))).values()
    for source, task, items, accepted, *spent in costs:
        attempts = rows(taught, f"generate-{task}", "attempts")
        assert (source, int(accepted)) == ("`taught`", sum(row["outcome"] == "accepted" for row in attempts))
        assert int(items) >= len({row["key"] for row in attempts})
        assert len(spent) == 4
        for axis in {row[2] for row in strata if row[1] == task}:
            mine = [row for row in strata if row[1:3] == [task, axis]]
            assert sum(int(row[5]) for row in mine) == int(accepted), (task, axis)
            assert sum(int(row[4]) for row in mine) == len({row["key"] for row in attempts}), (task, axis)


def test_generated_documents_go_through_every_stage_into_a_mixture(taught: Result, tmp_path: Path) -> None:
    folder = taught.storage.disk.root  # type: ignore[attr-defined]
    source = next(n for n, one in enumerate(load_run(RUN_FILE).sources) if one.name == "taught")
    where = ("-s", f"out={tmp_path / 'run'}", "-s", f"sources.{source}.path={folder}")
    done = call_medmix("run", RUN_FILE, *where, "--inline")
    assert done.returncode == 0, done.stderr
    result = read_result(tmp_path / "run")
    kept = [row for row in rows(result, result.documents[0]) if row["source"] == "taught"]
    assert len(kept) == 11
    assert all(row["parents"] and row["messages"] for row in kept)
    check_acceptance(taught, result)
    assert "share of the items asked about" in report_page(result, tmp_path / "run")
    traced = [trace_sequence(result, None, sequence, None) for sequence in range(20)]
    assert any("taught" in str(one) for one in traced)
