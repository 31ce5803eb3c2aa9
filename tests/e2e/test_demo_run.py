"""The demo from one end to the other: what was planted becomes what was said, nothing vanishes, nothing is done twice.

All in the push tier.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from demo_runs import DEMO, REPOSITORY, call_medmix, digests, environment, run_medmix

from pipelines.engine.law import account_faults, chain_faults
from pipelines.engine.verify import verify
from pipelines.load import load_run
from pipelines.publish.beside import write_beside
from pipelines.result import Result, read_result
from pipelines.run import How, expect, run
from pipelines.trace import trace_sequence

EXPECTED = {
    row["path_or_key"]: row["outcome"]
    for row in json.loads((REPOSITORY / "configs" / "demo" / "expected.json").read_text())
}
MIXTURE_STAGES = ["mixture-demo", "shards-demo", "publish-demo"]


def events(folder: Path) -> list[dict[str, object]]:
    """Return the events of the last start of a run."""
    told = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    last = max(at for at, event in enumerate(told) if event["kind"] == "run_started")
    return told[last:]


def outcomes(result: Result) -> dict[str, str]:
    """Return what became of every record: source folder and key -> kept, quarantined, or the reason of the drop."""
    folders = {source.name: Path(source.path).name for source in load_run(DEMO).sources}
    found: dict[str, str] = {}
    for name, manifest in result.manifests.items():
        for ref in manifest.files("rejects"):
            for row in pq.read_table(result.storage.disk.root / ref.path).to_pylist():
                key = f"{folders[row['source']]}/{row['key']}"
                assert key not in found, f"{key} was rejected twice"
                found[key] = "quarantined" if row["outcome"] == "quarantined" else row["reason"]
        if name in result.documents:
            for ref in manifest.files():
                for row in pq.read_table(result.storage.disk.root / ref.path, columns=["source", "key"]).to_pylist():
                    found[f"{folders[row['source']]}/{row['key']}"] = "kept"
    return found


def test_every_planted_thing_becomes_what_the_sample_says(demo_result: Result) -> None:
    found = outcomes(demo_result)
    differ = {key: (expected, found.get(key)) for key, expected in EXPECTED.items() if found.get(key) != expected}
    assert not differ
    assert found.keys() == EXPECTED.keys()


def test_every_record_and_token_is_accounted_for_in_and_between_stages(demo_result: Result) -> None:
    known = {manifest.digest: manifest for manifest in demo_result.manifests.values()}
    faults = [f for one in known.values() for f in (*account_faults(one), *chain_faults(one, known))]
    assert not faults
    extracted = sum(m.ledger.total().records_in for n, m in demo_result.manifests.items() if n.startswith("extract-"))
    assert extracted == len(EXPECTED)


STRINGS = json.loads((Path(__file__).parent / "must_survive.json").read_text())["demo"]


@pytest.mark.parametrize("text", STRINGS)
def test_clinical_strings_of_the_sample_reach_the_kept_documents(demo_result: Result, text: str) -> None:
    paths = [ref.path for name in demo_result.documents for ref in demo_result.manifests[name].files()]
    kept = [t for path in paths for t in pq.read_table(demo_result.storage.disk.root / path)["text"].to_pylist()]
    assert any(text in one for one in kept)


NO_RAY = """
import sys
sys.argv = ["medmix", "run", *sys.argv[1:]]
from pipelines.cli import main
try:
    main()
finally:
    print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules} & {"ray", "torch", "pandas"}))
"""


def test_a_second_run_executes_nothing_and_never_imports_ray(demo_copy: Path) -> None:
    before = digests(demo_copy)
    line = [sys.executable, "-c", NO_RAY, str(DEMO), "-s", f"out={demo_copy}"]
    begun = time.process_time(), time.monotonic()
    done = subprocess.run(line, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, timeout=120)
    print(f"second run: {time.monotonic() - begun[1]:.1f} s")
    assert done.returncode == 0, done.stderr
    assert "loaded: \n" in done.stdout.replace("loaded:\n", "loaded: \n")
    kinds = {str(event["kind"]) for event in events(demo_copy)}
    assert kinds == {"run_started", "stage_cached", "run_done"}
    assert digests(demo_copy) == before


def test_plan_calls_a_finished_run_cached(demo_run: Path) -> None:
    _, told = expect(load_run(DEMO, [f"out={demo_run}"]))
    assert {item.why for item in told} == {"cached"}
    assert all(item.shards == item.cached for item in told)


def test_plan_of_a_run_that_never_was_leaves_no_trace(tmp_path: Path) -> None:
    _, told = expect(load_run(DEMO, [f"out={tmp_path / 'new'}"]))
    assert told[0].why == "not run yet"
    assert told[0].tokens
    assert list(tmp_path.iterdir()) == []


def test_a_changed_setting_reruns_what_depends_on_it_and_plan_says_why(demo_copy: Path) -> None:
    before = digests(demo_copy)
    changed = load_run(DEMO, [f"out={demo_copy}", "mixtures.0.components.4.weight=0.2"])
    _, told = expect(changed)
    why = {item.stage: item.why for item in told if item.why != "cached"}
    assert list(why) == MIXTURE_STAGES
    assert "components.4.weight was '0.15', is '0.2'" in why["mixture-demo"]
    result = run(changed, How(inline=True, live=False))
    assert [e["stage"] for e in events(demo_copy) if e["kind"] == "stage_started"] == MIXTURE_STAGES
    again = run(load_run(DEMO, [f"out={demo_copy}"]), How(inline=True, live=False))
    assert digests(demo_copy).items() >= before.items()
    assert result.mixtures != again.mixtures


def test_a_setting_of_the_tokenizer_leaves_the_documents_alone(demo_run: Path) -> None:
    _, told = expect(load_run(DEMO, [f"out={demo_run}", "demo_tokenizer.vocabulary=900"]))
    why = {item.stage: item.why for item in told if item.why != "cached"}
    assert list(why) == ["train-tokenizer", "tokenize-demo", *MIXTURE_STAGES]
    assert why["train-tokenizer"] == "vocabulary was 2000, is 900"


def test_one_changed_input_file_reruns_its_shard_alone(tmp_path: Path, demo_copy: Path) -> None:
    sample = shutil.copytree(DEMO.parent, tmp_path / "configs")
    page = sample / "demo" / "guidelines" / "cholera.html"
    page.write_text(page.read_text().replace("cholera", "cholera today", 1))
    _, told = expect(load_run(sample / "demo.yaml", [f"out={demo_copy}"]))
    by_name = {item.stage: item for item in told}
    assert (by_name["extract-guidelines"].shards, by_name["extract-guidelines"].cached) == (2, 1)
    assert by_name["extract-articles"].why == "cached"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["status"], "run done"),
        (["verify"], "0 problems"),
        (["trace", "--sequence", "0", "--token", "3"], "document"),
        (["card"], "card: "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_verbs_on_a_finished_run(demo_copy: Path, words: list[str], expected: str) -> None:
    done = call_medmix(words[0], demo_copy, *words[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


def test_a_release_is_no_stranger_to_verify(demo_copy: Path) -> None:
    result = read_result(demo_copy)
    assert "release/README.md" in list(write_beside(result))
    verdict = verify(result.storage)
    assert (verdict.problems, verdict.orphans, verdict.superseded) == ([], [], [])


def test_trace_leads_from_a_row_to_pages_with_their_urls(demo_result: Result) -> None:
    urls = {
        piece.document.url
        for sequence in range(0, 240, 8)
        for piece in trace_sequence(demo_result, None, sequence, None)
        if piece.document.source == "guidelines"
    }
    assert urls
    assert all(url and url.startswith("https://") for url in urls)


def test_schema_and_doctor(tmp_path: Path) -> None:
    schema = json.loads(call_medmix("schema").stdout)
    assert schema["properties"].keys() >= {"name", "out", "seed", "sources", "stages", "mixtures"}
    doctor = run_medmix("doctor", cwd=tmp_path)
    assert doctor.returncode == 0
    assert "python" in doctor.stdout.lower()
