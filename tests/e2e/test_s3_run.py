"""A run in a store: the demo gives the same bytes there as in a folder, and who reads it needs no copy."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_runs import DEMO, NOT_DATA, call_medmix, run_medmix
from fakes.s3 import ACCESS, S3, SECRET, s3_store

from pipelines.engine.place import look_into

OUT = "s3://runs/demo"


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_store("runs") as server:
        yield server


@pytest.fixture(scope="module")
def stored_run(store: S3, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demo into the store, and return the scratch folder that it was given."""
    scratch = tmp_path_factory.mktemp("scratch")
    done = run_medmix("run", DEMO, "-s", f"out={OUT}", "--inline", TMPDIR=str(scratch))
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"mixture demo: {OUT}/mixtures/demo-" in done.stdout
    assert ACCESS not in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    return scratch


def stored(out: str = OUT) -> dict[str, str]:
    """Return the sha256 of every object of a run that is data, as `digests` does of a folder."""
    disk = look_into(out).disk
    paths = [path for path in disk.list(".") if path.rpartition("/")[2] not in NOT_DATA]
    return {path: hashlib.sha256(disk.read(path)).hexdigest() for path in paths}


def test_every_byte_is_that_of_a_run_in_a_folder(stored_run: Path, demo_digests: dict[str, str]) -> None:
    assert stored() == demo_digests


def test_nothing_is_left_on_the_machine_nor_the_lease_in_the_store(stored_run: Path) -> None:
    assert [path for path in stored_run.rglob("*") if path.is_file()] == []
    assert {path for path in look_into(OUT).list(".") if "/" not in path} & NOT_DATA == {"events.jsonl", ".inputs.json"}


def test_what_reads_a_run_reads_it_in_the_store(stored_run: Path, demo_run: Path) -> None:
    for words in (["status"], ["verify"], ["trace", "--sequence", 3, "--token", 17]):
        done, local = (call_medmix(words[0], place, *words[1:]) for place in (OUT, demo_run))
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == len(local.stdout.splitlines())
        if words[0] != "status":  # which tells times
            assert done.stdout == local.stdout
    done = call_medmix("diff", OUT, demo_run, "--json")
    assert done.returncode == 0, done.stderr


def test_what_needs_a_folder_says_so(stored_run: Path) -> None:
    for words in (
        ["feed", "bench", OUT],
        ["publish", OUT, "--repo", "a/b"],
        ["export", OUT, "--to", "jsonl", "--out", "x"],
    ):
        done = call_medmix(*words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert f"aws s3 sync {OUT} FOLDER" in done.stderr


def test_a_finished_run_is_left_as_it_is(stored_run: Path, store: S3) -> None:
    written: list[str] = []
    store.trouble = lambda method, key: written.append(key) if method == "PUT" else None
    done = call_medmix("run", DEMO, "-s", f"out={OUT}", "--inline")
    assert done.returncode == 0, done.stderr
    assert {key.rpartition("/")[2] for key in written} <= NOT_DATA | {"plan.json"}
