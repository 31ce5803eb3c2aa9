"""Every mistake ends in one clear message, an exit code of its class and nothing half-written. All push."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from demo_runs import DEMO, REPOSITORY, call_medmix, digests, environment, run_medmix

from pipelines.engine.status import read_status

OK = {"name": "tiny", "out": "out", "seed": 1, "stages": [{"kind": "normalize"}, {"kind": "consolidate"}]}
TEXTS = {"name": "texts", "kind": "guideline", "path": "in", "parser": "text", "include": ["*.txt"]}


def write_run(folder: Path, *, drop: str = "", source: dict[str, object] | None = None, **changes: object) -> Path:
    """Write a tiny run file (JSON is YAML), one line a key, and its input; return its path."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "a.txt").write_text("Zinc 20 mg daily for 10 days.")
    body = {**OK, "out": str(folder / "out"), "sources": [{**TEXTS, **(source or {})}], **changes}
    body.pop(drop, None)
    path = folder / "run.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in body.items()))
    return path


def check(done: "subprocess.CompletedProcess[str]", code: int, *words: str) -> None:
    """See that a process ended with the code and one message that holds the words, and without a stack trace."""
    said = f"{done.stderr}\n{done.stdout}"
    assert "Traceback" not in said, said
    assert done.returncode == code, said
    for word in words:
        assert word in done.stderr, said
    assert done.stderr.count("medmix: ") == 1, said


CONFIG = {
    "missing field": ({"drop": "seed"}, ["run.yaml:1:1", "seed", "missing"]),
    "wrong type": ({"seed": "many"}, ["run.yaml:3:1", "seed", "'many'"]),
    "unknown key": ({"sed": 1}, ["run.yaml:6:1", "sed", "did you mean 'seed'?"]),
    "unknown stage": ({"stages": [{"kind": "normalise"}]}, ["run.yaml:4:", "normalise", "normalize"]),
    "unknown field of a source": ({"source": {"pirority": 3}}, ["run.yaml:5:", "pirority", "priority"]),
    "unknown source file": ({"source": {"use": "sources/nhs.yaml"}}, ["run.yaml:5:", "nhs.yaml"]),
    "bad licence": ({"source": {"rights": {"spdx": "CC-BYE"}}}, ["run.yaml:5:", "CC-BYE", "SPDX"]),
}


@pytest.mark.parametrize("case", CONFIG)
def test_a_wrong_run_file_is_told_by_place(tmp_path: Path, case: str) -> None:
    changes, words = CONFIG[case]
    done = call_medmix("run", write_run(tmp_path, **changes), "--inline")  # type: ignore[arg-type]
    check(done, 2, *words)
    assert not (tmp_path / "out").exists()


def test_a_mistake_in_a_process_of_its_own(tmp_path: Path) -> None:
    check(run_medmix("run", write_run(tmp_path, sed=1), cwd=tmp_path), 2, "run.yaml:6:1", "did you mean 'seed'?")
    assert not (tmp_path / "out").exists()


def test_a_run_file_that_is_not_there(tmp_path: Path) -> None:
    check(call_medmix("run", tmp_path / "runs.yaml"), 2, "runs.yaml", "no such file")


def test_a_source_folder_that_does_not_exist(tmp_path: Path) -> None:
    run_file = write_run(tmp_path, source={"path": "inn"})
    check(call_medmix("run", run_file, "--inline"), 3, "source texts", str(tmp_path / "inn"), "optional: true")
    assert data_files(tmp_path / "out") == []
    assert read_status(tmp_path / "out").state == "failed"
    assert "source texts" in read_status(tmp_path / "out").error


def test_an_unreadable_file(tmp_path: Path) -> None:
    """Permissions do not stop root, so a link to nothing stands for a file that cannot be read."""
    run_file = write_run(tmp_path)
    (tmp_path / "in" / "b.txt").symlink_to("gone.txt")
    check(call_medmix("run", run_file, "--inline"), 3, str(tmp_path / "in" / "b.txt"))
    assert data_files(tmp_path / "out") == []


def data_files(out: Path) -> list[str]:
    return sorted(digests(out)) if out.exists() else []


def test_no_disk_then_some(tmp_path: Path) -> None:
    """A file size limit of the shell stands for a full disk: the message names file and remedy, and a rerun resumes."""
    run_file = write_run(tmp_path)
    (tmp_path / "in" / "a.txt").write_text(
        "\n\n".join(f"Dose {n} mg, repeat after {n * 7} hours." for n in range(9999))
    )
    line = f"ulimit -f 20; exec medmix run {run_file} --inline"
    done = run_shell(line)
    check(done, 4, "failed", "run again: finished shards are kept")
    assert not (tmp_path / "out" / "result.json").exists()
    assert call_medmix("verify", tmp_path / "out").returncode == 0
    assert call_medmix("run", run_file, "--inline").returncode == 0
    check_sound(tmp_path / "out")


def run_shell(line: str) -> "subprocess.CompletedProcess[str]":
    line = line.replace("exec medmix", f"exec {sys.executable} -m pipelines")
    return subprocess.run(
        ["bash", "-c", line], cwd=REPOSITORY, env=environment(), capture_output=True, text=True, timeout=200
    )


def check_sound(out: Path) -> None:
    done = call_medmix("verify", out)
    assert done.returncode == 0, done.stderr
    assert "0 problems" in done.stdout


def test_an_out_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = call_medmix("run", write_run(tmp_path, out=str(tmp_path / "file" / "out")), "--inline")
    check(done, 4, str(tmp_path / "file" / "out"))


@pytest.mark.ray
def test_no_ray_resources(tmp_path: Path) -> None:
    done = run_medmix("run", write_run(tmp_path), "-s", "resources.cpus=1000", "--workers", "1")
    check(done, 7, "1000", "resources", "lower")
    assert [path for path in data_files(tmp_path / "out") if path.startswith("stages/")] == []


def test_epochs_above_the_cap(demo_copy: Path) -> None:
    before = digests(demo_copy)
    words = ["-s", "mixtures.0.on_cap=fail", "-s", "mixtures.0.total_tokens=1000000000"]
    done = call_medmix("run", DEMO, "--inline", "-s", f"out={demo_copy}", *words)
    check(done, 10, "questions", "epochs", "cap 4", "on_cap: shorten")
    assert (demo_copy / "result.json").read_bytes()
    after = digests(demo_copy)
    assert {path: sha for path, sha in after.items() if path != "plan.json"} == {
        path: sha for path, sha in before.items() if path != "plan.json"
    }


def test_an_override_that_is_none(demo_run: Path) -> None:
    check(call_medmix("plan", DEMO, "-s", "out"), 2, "-s out", "key=value")
    check(call_medmix("plan", DEMO, "-s", "mixtures.7.name=x"), 2, "mixtures")


@pytest.mark.parametrize("verb", ["verify", "card", "trace"])
def test_a_folder_that_is_no_run(tmp_path: Path, verb: str) -> None:
    words = ["--sequence", "0"] if verb == "trace" else []
    check(call_medmix(verb, tmp_path, *words), 3, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sequence", "99999"], ["--sequence 99999", "sequences, counted from 0"]),
        (["--sequence", "-1"], ["--sequence -1"]),
        (["--sequence", "0", "--token", "100000"], ["--token 100000", "tokens of text"]),
        (["--sequence", "0", "--token", "-1"], ["--token -1"]),
        (["--sequence", "0", "--mixture", "dem"], ["--mixture dem", "demo"]),
    ],
    ids=lambda words: "".join(words) if words[0] == "--sequence" else "",
)
def test_a_place_that_is_not_in_the_mixture(demo_run: Path, words: list[str], expected: list[str]) -> None:
    check(call_medmix("trace", demo_run, *words), 2, *expected)


def test_a_damaged_run_folder_is_not_built_upon(demo_copy: Path) -> None:
    manifest = next((demo_copy / "stages").glob("consolidate@*/manifest-*.json"))
    manifest.write_text(manifest.read_text()[:-20])
    before = digests(demo_copy)
    done = call_medmix("run", DEMO, "--inline", "-s", f"out={demo_copy}")
    check(done, 5, manifest.name)
    assert digests(demo_copy) == before


def test_the_message_of_a_lost_input_says_what_to_do(tmp_path: Path) -> None:
    run_file = write_run(tmp_path)
    shutil.rmtree(tmp_path / "in")
    (tmp_path / "in").mkdir()
    check(call_medmix("run", run_file, "--inline"), 3, "source texts", "none matches")
