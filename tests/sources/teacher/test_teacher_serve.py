"""A server that a run starts: up before it is used, gone afterwards with all it started, and told when it fails."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from fakes.disk import MemoryDisk
from fakes.teacher.environments import vllm_environment

from pipelines.engine.errors import TeacherError
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from sources.teacher import serve
from sources.teacher.lines import is_up
from sources.teacher.settings import TeacherSettings

PROCESSES = multiprocessing.get_context("forkserver")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an environment that has a `vllm`."""
    monkeypatch.setenv("PYTHONPATH", "/somewhere/of/ours")
    return Path(vllm_environment(tmp_path))


def settings_of(environment: Path, *options: str, **fields: Any) -> TeacherSettings:
    own = {"engine": "vllm", "model": "org/weights", "environment": str(environment), "gpus": 2, "options": options}
    return TeacherSettings.model_validate(
        {"model": "org-model", "revision": "0" * 40, "serve": {**own, "start_s": 60, **fields}}
    )


def runtime() -> InlineRuntime:
    return InlineRuntime(Storage(MemoryDisk()))


def called(environment: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((environment / "bin" / "called.json").read_text())
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_is_up_within_and_gone_after(environment: Path, tmp_path: Path) -> None:
    with serve.served(settings_of(environment, "--max-model-len", "4096"), runtime(), tmp_path / "log") as up:
        assert up.url is not None
        assert up.serve is None
        assert is_up(up.url)
        told = called(environment)
        assert all(map(is_alive, told["pids"]))
    port = up.url.rpartition(":")[2].removesuffix("/v1")
    expected = f"serve org/weights --host 127.0.0.1 --port {port} --served-model-name org-model"
    expected += f" --tensor-parallel-size 2 --revision {'0' * 40} --max-model-len 4096"
    assert " ".join(told["argv"]) == expected
    assert told["python_path"] is None
    assert not any(map(is_alive, told["pids"]))
    assert not is_up(up.url)


def test_one_that_fails_tells_the_end_of_its_log_without_secrets(environment: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(TeacherError, match=r"exit code 1; its log is (?s:.*)CUDA out of memory") as caught,
        serve.served(settings_of(environment, "--crash"), runtime(), tmp_path / "log"),
    ):
        pass
    assert "canary" not in str(caught.value)
    assert not any(map(is_alive, called(environment)["pids"]))


def test_one_that_never_answers_is_ended(environment: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(TeacherError, match=r"did not answer within 1\.5 s \(`teacher\.serve\.start_s`\)"),
        serve.served(settings_of(environment, "--never", start_s=1.5), runtime(), tmp_path / "log"),
    ):
        pass
    assert not any(map(is_alive, called(environment)["pids"]))


def test_one_that_ignores_the_request_to_end_is_killed(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "GRACE_S", 0.2)
    with serve.served(settings_of(environment, "--deaf"), runtime(), tmp_path / "log"):
        pass
    assert not any(map(is_alive, called(environment)["pids"]))


def hold(environment: str, log: str) -> None:
    with serve.served(settings_of(Path(environment)), runtime(), Path(log)):
        time.sleep(600)


def test_a_killed_run_leaves_no_server(environment: Path, tmp_path: Path) -> None:
    holder = PROCESSES.Process(target=hold, args=(str(environment), str(tmp_path / "log")))
    holder.start()
    until = time.monotonic() + 60
    while not (environment / "bin" / "called.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.1)
    os.kill(holder.pid or 0, signal.SIGKILL)
    holder.join()
    pids = called(environment)["pids"]
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_alive, pids))


def test_without_a_server_to_start_nothing_is_started(tmp_path: Path) -> None:
    settings = TeacherSettings(url="http://127.0.0.1:1/v1", model="m", revision="1")
    with serve.served(settings, runtime(), tmp_path / "log") as same:
        assert same is settings
    assert list(tmp_path.iterdir()) == []


def test_a_place_and_a_server_of_our_own_exclude_each_other(environment: Path) -> None:
    both = {**settings_of(environment).model_dump(), "url": "http://127.0.0.1:1/v1"}
    with pytest.raises(ValueError, match="remove one of them"):
        TeacherSettings.model_validate(both)
