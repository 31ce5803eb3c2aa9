"""Where a run may lie, what of it a driver keeps beside the data, and what is refused in one message."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.s3 import S3, s3_disk, s3_store

from pipelines.engine.errors import ConfigError, StorageError
from pipelines.engine.events import Events
from pipelines.engine.lease import RunLease
from pipelines.engine.lock import RunLock
from pipelines.engine.place import drivers_folder, local_folder, locked, open_place, place_of
from pipelines.engine.s3_disk import S3Disk
from pipelines.engine.status import EVENTS_NAME, read_status


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_store() as server:
        yield server


@pytest.fixture
def place(store: S3) -> str:
    store.trouble = lambda method, key: None
    return s3_disk(store).bucket.url


def test_a_folder_becomes_absolute_and_a_url_loses_its_last_slash(tmp_path: Path) -> None:
    assert place_of("out/x") == str(Path.cwd() / "out" / "x")
    assert place_of(tmp_path) == str(tmp_path)
    assert place_of("s3://bucket/runs/a/") == "s3://bucket/runs/a"
    assert place_of("s3://bucket") == "s3://bucket"


@pytest.mark.parametrize("wrong", ["s3://", "s3://Bucket/x", "s3://key:secret@bucket/x", "s3://b/x", "s3://bucket//x"])
def test_what_is_no_place_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix, without keys") as caught:
        place_of(wrong)
    assert "secret@" not in str(caught.value)


def test_a_command_that_needs_a_folder_says_how_to_get_one() -> None:
    assert local_folder("out/x") == Path("out/x")
    with pytest.raises(ConfigError, match=r"copy it first, e\.g\. aws s3 sync s3://bucket/x FOLDER"):
        local_folder("s3://bucket/x")


def test_each_place_has_its_storage_and_its_lock(tmp_path: Path, place: str) -> None:
    open_place(str(tmp_path / "new"))
    assert (tmp_path / "new").is_dir()
    assert isinstance(locked(str(tmp_path)), RunLock)
    assert isinstance(open_place(place).disk, S3Disk)
    assert isinstance(locked(place), RunLease)


def test_a_bucket_that_is_not_there_is_told(store: S3) -> None:
    with pytest.raises(StorageError, match=r"opening s3://elsewhere/x failed: .*404.*check its name"):
        open_place("s3://elsewhere/x")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pipelines.engine.bucket", "pipelines.engine.s3_disk", "pipelines.engine.lease"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "botocore", None)
    for use in (open_place, locked):
        with pytest.raises(ConfigError, match=r"pip install -e '\.\[s3\]'"):
            use("s3://bucket/x")


def test_a_run_in_a_folder_never_loads_the_client_of_a_store(tmp_path: Path) -> None:
    code = (
        "import sys; from pipelines.engine.place import *; import pipelines.run, pipelines.cli\n"
        f"with locked({str(tmp_path)!r}): open_place({str(tmp_path)!r})\n"
        "print(sorted({'botocore', 's3fs', 'aiobotocore', 'boto3'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def events(place: str) -> list[str]:
    body = bytes(open_place(place).disk.read(EVENTS_NAME)).decode()
    return [json.loads(line)["kind"] for line in body.splitlines()]


def test_events_of_a_run_in_a_store_go_there_as_they_happen_and_are_gone_on_with(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.engine.mirror.PAUSE_S", 0.05)
    for start in (1, 2):
        with drivers_folder(place, EVENTS_NAME) as folder, Events(folder, live=False) as told:
            told.emit("run_started", name="a")
            deadline = time.monotonic() + 20
            while open_place(place).size(EVENTS_NAME) is None or len(events(place)) < 2 * start - 1:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            told.emit("run_done", name="a")
        assert events(place) == ["run_started", "run_done"] * start
        assert read_status(place).state == "done"
        assert not folder.exists()


def test_a_store_that_takes_no_events_ends_no_run(
    place: str, store: S3, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelines.engine.mirror.PAUSE_S", 0.05)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with drivers_folder(place, EVENTS_NAME) as folder, Events(folder, live=False) as told:
        store.trouble = lambda method, key: "error"
        for _ in range(3):
            told.emit("note", text="on")
            time.sleep(0.2)
    assert capsys.readouterr().err.count("warning: events are not kept for now") == 1
