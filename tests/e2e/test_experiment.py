"""From an experiment file to a mixture file and a page with one command, the same bytes each time; clear mistakes."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from demo_runs import REPOSITORY, call_medmix, digests
from fakes.experiments import documents

from mixer.experiments.log import read_log
from mixer.experiments.settings import ExperimentConfig
from pipelines.experiment import load_experiment
from pipelines.load import load_as, load_run
from pipelines.report.charts import OKABE_ITO

pytestmark = pytest.mark.filterwarnings("ignore")
COMPONENTS = {"guidelines": "guideline", "articles": "article", "replay": "replay"}
PROXY = {"width": 16, "layers": 1, "heads": 2, "vocabulary": 300, "sequence_tokens": 32, "batch_sequences": 8,
         "tokens": 32 * 8 * 8, "evaluations": 2, "learning_rate": 0.01}  # fmt: skip
EXPERIMENT = {
    "name": "tiny",
    "question": "Which shares?",
    "run": "run.yaml",
    "seed": 3,
    "target_tokens": 8000,
    "proxy": PROXY,
    "design": {"runs": 12, "general_shares": [0, 0.2]},
    "held_out": {"share": 0.2},
    "components": [
        {"name": "guidelines", "kinds": ["guideline"], "max_epochs": 8},
        {"name": "articles", "kinds": ["article"], "max_epochs": 8},
        {"name": "replay", "kinds": ["replay"], "max_epochs": 8, "general": True},
    ],
    "objective": {"held-out/guidelines": 2, "held-out/articles": 1},
    "forgetting": 0.5,
}


def write_experiment(folder: Path, **changes: object) -> Path:
    """Write a run file, its documents and an experiment on it (JSON is YAML); return the experiment's path."""
    sources = []
    for component, kind in COMPONENTS.items():
        (folder / component).mkdir(parents=True, exist_ok=True)
        for one in documents(component, 24):
            (folder / component / f"{one.key}.txt").write_text(one.text)
        sources.append({"name": component, "kind": kind, "path": component, "parser": "text", "include": ["*.txt"]})
    run = {
        "name": "run",
        "out": str(folder / "run"),
        "seed": 1,
        "sources": sources,
        "stages": [{"kind": "consolidate"}],
    }
    (folder / "run.yaml").write_text(json.dumps(run))
    path = folder / "tiny.yaml"
    body = {**EXPERIMENT, "out": str(folder / "experiment"), **changes}
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in body.items()))
    return path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[train]'")
    pytest.importorskip("scipy", reason="scipy is not installed: pip install -e '.[experiments]'")
    folder = tmp_path_factory.mktemp("first")
    done = call_medmix("experiment", write_experiment(folder), "--inline")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_one_command_tells_the_cost_first_and_the_verdict_and_files_last(told: tuple[Path, str]) -> None:
    folder, said = told
    lines = said.splitlines()
    assert re.match(r"\d+ proxies to train \(0 are there\), [\d,]+ tokens each at [\d,]+ a second", lines[0])
    assert "Trained, the proposal is" in said
    assert "natural" in said
    for name in ("mixture.yaml", "index.html", "runs.parquet", "log.jsonl"):
        assert str(folder / "experiment" / name) in said
        assert (folder / "experiment" / name).is_file()


def test_the_results_are_tables_that_others_read(told: tuple[Path, str]) -> None:
    out = told[0] / "experiment"
    runs = pq.read_table(out / "runs.parquet")
    assert runs.num_rows >= 12
    assert (out / "ratios.csv").read_text().splitlines()[0] == "run_id,guidelines,articles,replay"
    metrics = (out / "metrics.csv").read_text().splitlines()
    assert metrics[0] == "run_id,general,held-out/articles,held-out/guidelines,held-out/replay"
    assert len(metrics) == runs.num_rows + 1
    steps = pq.read_table(out / "trajectories.parquet")
    assert set(steps["run"].to_pylist()) == {*runs["run_id"].to_pylist(), *CONFIRMED}
    (record,) = read_log((out / "log.jsonl").read_bytes())
    assert record["question"] == "Which shares?"
    assert record["verdict"] in told[1]
    assert record["recommended"] in ("proposal", "natural")


CONFIRMED = [f"{name}-{seed}" for name in ("proposal", "natural", "uniform") for seed in range(3)]


def test_the_mixture_file_can_be_pasted_into_a_run_file(told: tuple[Path, str]) -> None:
    folder = told[0]
    section = (folder / "experiment" / "mixture.yaml").read_text()
    run = json.loads((folder / "run.yaml").read_text())
    pasted = folder / "pasted.yaml"
    pasted.write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in run.items()) + "mixtures:\n" + section)
    (mixture,) = load_run(pasted).mixtures
    assert [component.name for component in mixture.components] == list(COMPONENTS)
    assert sum(component.weight for component in mixture.components) == 1
    record = read_log((folder / "experiment" / "log.jsonl").read_bytes())[0]
    assert record["evidence"] in section, "the evidence is linked by its digest"
    assert mixture.found_by is not None
    assert mixture.found_by.verdict == record["verdict"]


def test_the_page_says_the_verdict_and_needs_no_network(told: tuple[Path, str]) -> None:
    folder = told[0]
    page = (folder / "experiment" / "index.html").read_text()
    record = read_log((folder / "experiment" / "log.jsonl").read_bytes())[0]
    assert record["verdict"] in page
    assert "Which shares?" in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)|url\(""", page), "what is shown is all in the file"
    for name in CONFIRMED:
        assert name in page
    titles = {re.sub("<[^>]+>", "", one) for one in re.findall(r"<text[^>]*>(.*?)</text>", page)}
    for axis in ("share of tokens", "share of replay (tokens)", "measured, bits per byte", "training step"):
        assert axis in titles
    for colour in re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{3,6})"', page):
        assert colour.upper() in {*OKABE_ITO, "#FFF", "#FFFFFF"}, "colours that the colour-blind tell apart"


def test_a_second_run_trains_nothing_and_leaves_the_same_bytes(told: tuple[Path, str]) -> None:
    before = digests(told[0] / "experiment")
    done = call_medmix("experiment", told[0] / "tiny.yaml", "--inline")
    assert done.returncode == 0, done.stderr
    assert "all 23 proxies of the sweep and its confirmation are there" in done.stdout
    assert digests(told[0] / "experiment") == before
    assert not list((told[0] / "experiment").glob("scratch/*"))


def test_a_checkpoint_is_asked_for_the_texts_that_judged_the_proxies_and_its_results_are_told(
    told: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "eval"
    done = call_medmix("experiment", "eval", told[0] / "tiny.yaml", "--model", "/models/mine", "--out", folder)
    assert done.returncode == 0, done.stderr
    names = "medmix_general,medmix_held_out_articles,medmix_held_out_guidelines,medmix_held_out_replay"
    assert f"--tasks {names} --include_path {folder}" in done.stdout
    assert "--tasks medqa_4options,medmcqa" in done.stdout
    assert "no results are in" in done.stdout
    rows = [json.loads(line) for line in (folder / "medmix_held_out_guidelines.jsonl").read_text().splitlines()]
    texts = {(told[0] / "guidelines" / path.name).read_text() for path in (told[0] / "guidelines").iterdir()}
    assert len(rows) == 5
    assert {row["text"] for row in rows} <= texts
    made = Path(__file__).parents[1] / "mixer" / "experiments" / "harness_results.json"
    (folder / "results").mkdir()
    (folder / "results" / "results_2026-11-30T10-00-00.json").write_bytes(made.read_bytes())
    done = call_medmix("experiment", "eval", "--model", "/models/mine", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"held-out/guidelines\W+bits per byte\W+2\.2500", done.stdout)
    lines = (folder / "checkpoints.csv").read_text().splitlines()
    assert lines[0] == '"model","target","metric","value","error","items"'
    assert len(lines) == 4


def test_results_obtained_elsewhere_stand_in_for_a_sweep(told: tuple[Path, str], tmp_path: Path) -> None:
    source = told[0] / "experiment"
    for name in ("ratios.csv", "metrics.csv", "runs.csv"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    path = write_experiment(tmp_path, results=str(tmp_path))
    done = call_medmix("experiment", path, "--inline")
    assert done.returncode == 0, done.stderr
    assert "9 proxies to train (0 are there)" in done.stdout, "those that confirm, and no others"
    one, two = (json.loads((folder / "proposal.json").read_text()) for folder in (source, tmp_path / "experiment"))
    assert one["weights"] == two["weights"]
    assert one["combined"]["left_out"] == two["combined"]["left_out"]
    assert "runs obtained elsewhere" in (tmp_path / "experiment" / "index.html").read_text()
    (tmp_path / "metrics.csv").write_text((source / "metrics.csv").read_text().replace("held-out/articles", "other"))
    done = call_medmix("experiment", path, "--inline")
    assert done.returncode == 3, done.stderr
    assert "'held-out/articles'" in done.stderr


@pytest.mark.nightly
@pytest.mark.parametrize("how", ["--inline", pytest.param("--workers=2", marks=pytest.mark.ray)])
def test_a_run_elsewhere_gives_the_same_bytes(told: tuple[Path, str], tmp_path: Path, how: str) -> None:
    done = call_medmix("experiment", write_experiment(tmp_path), how)
    assert done.returncode == 0, done.stderr
    assert digests(told[0] / "experiment") == digests(tmp_path / "experiment")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": {"held-out/guideline": 1}}, ["objective", "unknown target 'held-out/guideline'", "known:"]),
        ({"proxi": {}}, ["proxi", "did you mean 'proxy'?"]),
        ({"proxy": {**PROXY, "widht": 3}}, ["widht", "did you mean 'width'?"]),
        ({"components": EXPERIMENT["components"][:2], "forgetting": None}, ["general_shares", "general: true"]),
        ({"run": "ruin.yaml"}, ["ruin.yaml", "there is no such file", "run.yaml"]),
    ],
)
def test_a_mistake_in_the_file_is_told_by_place(tmp_path: Path, changes: dict[str, object], words: list[str]) -> None:
    done = call_medmix("experiment", write_experiment(tmp_path, **changes), "--inline")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("medmix: ") == 1
    for word in words:
        assert word in done.stderr, done.stderr
    assert not (tmp_path / "experiment").exists()


def test_what_is_not_installed_is_told_before_anything_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.experiment.NEEDED", ("json", "no_such_library"))
    done = call_medmix("experiment", write_experiment(tmp_path), "--inline")
    assert done.returncode == 3
    assert "needs no_such_library; install with: pip install -e '.[train,experiments]'" in done.stderr
    assert not (tmp_path / "run").exists()


def test_questions_of_a_source_that_the_run_has_not_are_told(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[train]'")
    asked = [{"name": "medqa", "sources": ["medqa"]}]
    done = call_medmix("experiment", write_experiment(tmp_path, questions=asked), "--inline")
    assert done.returncode == 2, done.stderr
    assert "has no source 'medqa'; it has articles, guidelines, replay" in done.stderr


@pytest.mark.parametrize("path", sorted((REPOSITORY / "configs" / "experiments").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_experiment_files_are_sound_and_their_cost_is_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = load_as(ExperimentConfig, path)
    assert load_experiment(path, []).config == config
    done = call_medmix("plan", path, "-s", "proxy.tokens_per_s=1000")
    assert done.returncode == 0, done.stderr
    assert re.match(r"\d+ proxies to train", done.stdout)
    assert "as the file says" in done.stdout
