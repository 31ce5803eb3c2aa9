"""A run is published to a hub and loads from there as it is here; whatever forbids it stops it before the hub hears."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from datasets import load_from_disk
from demo_runs import call_medmix, environment
from fakes.hub.repository import Repository
from fakes.hub.server import Hub, hub_on_loopback
from fakes.releases import card, record, release_run

from pipelines.engine import hub as hub_module
from pipelines.result import read_result

REPO = "someone/mix"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release_run(tmp_path_factory.mktemp("run"), [record(number) for number in range(60)])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_on_loopback() as served:
        monkeypatch.setattr(hub_module, "FIRST_PAUSE_S", 0.01)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        told = {"HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": served.url}
        for name, value in {**told, "HF_TOKEN": "hf_right"}.items():
            monkeypatch.setenv(name, value)
        yield served


def repository(hub: Hub) -> Repository:
    return hub.repositories["dataset", REPO]


def held(hub: Hub, name: str = "main") -> dict[str, bytes]:
    return {path: body for path, body in repository(hub).commits[repository(hub).names[name]].items() if path[0] != "."}


def test_a_dry_run_tells_all_and_sends_nothing(hub: Hub, folder: Path) -> None:
    done = call_medmix("publish", folder, "--repo", REPO)
    assert done.returncode == 0, done.stderr
    assert "dry run" in done.stdout
    assert "data/mix" in done.stdout
    assert hub.asked == []


def test_what_was_published_loads_as_what_the_run_holds(hub: Hub, folder: Path, tmp_path: Path) -> None:
    done = call_medmix("publish", folder, "--repo", REPO, "--arrow", "--yes")
    assert done.returncode == 0, done.stderr
    assert repository(hub).private
    assert held(hub, "v1.0.0") == held(hub)
    here = load_from_disk(folder / read_result(folder).mixtures["mix"])
    words = [sys.executable, Path(__file__).with_name("hub_reader.py"), REPO, tmp_path / "local"]
    read = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=280)
    assert read.returncode == 0, read.stderr[-3000:]
    found = json.loads(read.stdout)
    assert found.pop("features") == str(here.features)
    assert found.pop("documents") == 60
    assert len(here) > 20
    assert found == dict.fromkeys(("whole", "stream", "arrow"), here.to_list())
    release = folder / "release"
    files = {str(path.relative_to(release)): path.read_bytes() for path in release.rglob("*") if path.is_file()}
    files.pop("parts.json")
    assert files == {path: held(hub)[path] for path in files}


def faulty(tmp_path: Path, what: str) -> Path:
    if what == "contamination":
        return release_run(tmp_path, stages=[{"kind": "consolidate"}])
    if what == "card":
        return release_run(tmp_path, card=card(removal_contact=""))
    folder = release_run(tmp_path)
    next((folder / "mixtures").rglob("state.json")).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("contamination", "{kind: decontaminate}"),
        ("card", "card.removal_contact"),
        ("verify", "state.json"),
    ],
)
def test_what_forbids_a_release_is_named_and_nothing_is_sent(hub: Hub, tmp_path: Path, what: str, named: str) -> None:
    done = call_medmix("publish", faulty(tmp_path, what), "--repo", REPO, "--yes")
    assert done.returncode == 13, done.stderr
    assert named in done.stderr
    assert hub.asked == []


def test_a_repository_must_be_named(folder: Path) -> None:
    done = call_medmix("publish", folder, "--repo", "mix")
    assert done.returncode == 2
    assert "ORG/NAME" in done.stderr
