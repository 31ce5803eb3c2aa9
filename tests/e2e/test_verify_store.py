"""`medmix verify` on a crawl store: sound, damaged in every file that is listed, and with what a kill left."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from demo_runs import call_medmix
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted
from rich.console import Console

from pipelines.check import check_folder
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import CorruptionError, InputError, LockedError
from pipelines.engine.events import Events
from pipelines.engine.lock import RunLock
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import local_storage
from sources.catalog import SourceConfig
from sources.web.crawl import Expand, SegmentLimits, World
from sources.web.stage import Crawl

SITES = {"one": "https://one.example.org", "two": "https://two.example.net"}


def a_world(agent: str, expand: Expand) -> World:
    clock = FakeClock()
    return World(
        Scripted(clock, lambda url, _: Answer(body=f"Give 5 mg, says {url}.".encode())).exchange, clock, expand
    )


def crawl(store: Path, release: str = "") -> None:
    configs = []
    for name, site in SITES.items():
        options = {"urls": [f"{site}/{number}" for number in range(5)]}
        web = {"connector": "urls", "hosts": [site.removeprefix("https://")], "options": options}
        configs.append({"name": name, "kind": "guideline", "web": web, **({"release": release} if release else {})})
    storage, limits = local_storage(store), SegmentLimits(responses=4)
    sources = [SourceConfig.model_validate(config) for config in configs]
    stage = Crawl(sources, "test", storage, open_world=a_world, limits=limits)
    with RunLock(store), Events(store, live=False) as events:
        run_stages(storage, [PlannedStage(stage)], lambda: InlineRuntime(storage), events)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for release in ("", "", "two"):
        crawl(tmp_path / "store", release)
    return tmp_path / "store"


def said(store: Path, *, sweep: bool = False) -> str:
    told = io.StringIO()
    check_folder(store, Console(file=told, width=300), sweep=sweep)
    return told.getvalue()


def data_of(store: Path) -> list[Path]:
    return sorted(path for name in SITES for path in (store / name).rglob("*") if path.is_file())


def test_a_sound_store_has_no_problem_and_the_verb_says_so(store: Path) -> None:
    assert len(data_of(store)) > 8
    told = call_medmix("verify", store)
    assert (told.returncode, "0 problems" in told.stdout, "left over" in told.stdout) == (0, True, False), told.stdout
    assert "no problem" not in told.stderr


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: data[:40] + bytes([data[40] ^ 4]) + data[41:], lambda _: None],
    ids=["cut", "flipped", "gone"],
)
def test_damage_of_any_listed_file_is_named(store: Path, damage: Callable[[bytes], bytes | None]) -> None:
    last = {max((store / name / "segments").iterdir()) for name in SITES}
    for path in data_of(store):
        whole = path.read_bytes()
        broken = damage(whole)
        if broken is None and path in last:
            continue  # a last list that is gone looks like a kill before it was written: its WARC file is left over
        path.write_bytes(broken) if broken is not None else path.unlink()
        with pytest.raises(CorruptionError) as caught:
            said(store)
        assert str(path.relative_to(store)) in str(caught.value), path
        path.write_bytes(whole)
    assert "0 problems" in said(store)


def test_what_a_kill_left_is_told_and_swept_under_the_lock_alone(store: Path) -> None:
    whole = data_of(store)
    left = [store / "one" / "warc" / ".stage-1", store / "two" / "warc" / "two-000099-00.warc.gz"]
    left += [store / "one" / "segments" / ".stage-2", store / "three" / "warc" / "three-000000-00.warc.gz"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    told = said(store)
    assert all(f"left over by a crash: {path.relative_to(store)}" in told for path in left), told
    with RunLock(store), pytest.raises(LockedError):
        said(store, sweep=True)
    assert all(path.exists() for path in left)
    said(store, sweep=True)
    assert not any(path.exists() for path in left)
    assert data_of(store) == whole


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="not the folder of a run nor a crawl store"):
        said(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"], "looking leaves nothing behind"
