"""SIGKILL to the process group of a running demo at seeded moments, then resume: same bytes, nobody left behind.

Push: 3 kills (one of them under Ray, one twice in a row) and two drivers on one folder. Nightly: 10 kills.
"""

import os
import random
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from demo_runs import DEMO, REPOSITORY, call_medmix, command, digests, environment, run_demo, run_medmix

MARK = "MEDMIX_TEST_RUN"
PATIENCE_S = 200


def start(folder: Path, mark: str, *words: str) -> "subprocess.Popen[bytes]":
    """Start a run in a process group of its own; whatever descends from it carries the mark in its environment."""
    return subprocess.Popen(
        command("run", DEMO, "-s", f"out={folder}", *words),
        cwd=REPOSITORY,
        env=environment(**{MARK: mark}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def marked(mark: str) -> list[str]:
    """Return the command lines of all living processes that carry a mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def lines(folder: Path) -> int:
    path = folder / "events.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(what: object, until_s: float = PATIENCE_S) -> bool:
    """Wait until `what()` is true; say whether it became so."""
    end = time.monotonic() + until_s
    while time.monotonic() < end:
        if what():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def kill_once(folder: Path, draw: random.Random, events: int, *words: str) -> None:
    """Start the run, kill its whole group some events later, and see that everything it started is gone."""
    mark = uuid.uuid4().hex
    target = lines(folder) + draw.randrange(1, events)
    running = start(folder, mark, *words)
    wait_for(lambda: lines(folder) >= target or running.poll() is not None)
    time.sleep(draw.random() * 0.2)
    os.killpg(running.pid, signal.SIGKILL) if running.poll() is None else None
    running.wait()
    assert wait_for(lambda: not marked(mark), 60), marked(mark)


def check_kill(tmp_path: Path, demo_run: Path, expected: dict[str, str], seed: int, *words: str) -> None:
    draw, folder = random.Random(seed), tmp_path / "run"
    for _ in range(2 if seed % 3 == 0 else 1):
        kill_once(folder, draw, lines(demo_run), *words)
    before = {path: sha for path, sha in digests(folder).items() if path.startswith(("stages/", "mixtures/", "docum"))}
    assert {p: s for p, s in before.items() if ".stage-" not in p}.items() <= expected.items(), f"seed {seed}"
    run_demo(folder, "--inline")
    swept = call_medmix("verify", folder, "--sweep")
    assert swept.returncode == 0, f"seed {seed}: {swept.stderr}"
    assert digests(folder) == expected, f"seed {seed}"


@pytest.mark.parametrize(("seed", "words"), [(3, ["--inline"]), (4, ["--inline"]), (5, ["--workers", "2"])])
def test_kill_9_then_resume(
    tmp_path: Path, demo_run: Path, demo_digests: dict[str, str], seed: int, words: list[str]
) -> None:
    check_kill(tmp_path, demo_run, demo_digests, seed, *words)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 20))
def test_kill_9_ten_times(tmp_path: Path, demo_run: Path, demo_digests: dict[str, str], seed: int) -> None:
    check_kill(tmp_path, demo_run, demo_digests, seed, *(["--inline"] if seed % 2 else ["--workers", "2"]))


def test_a_second_driver_ends_at_once_and_names_the_first(tmp_path: Path, demo_digests: dict[str, str]) -> None:
    folder, mark = tmp_path / "run", uuid.uuid4().hex
    with start(folder, mark, "--inline") as first:
        try:
            assert wait_for((folder / ".lock.json").exists)
            os.kill(first.pid, signal.SIGSTOP)  # the first one goes no further: a second that waits would never end
            before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
            second = run_medmix("run", DEMO, "-s", f"out={folder}", "--inline", timeout_s=PATIENCE_S)
            assert second.returncode == 6
            assert f"pid {first.pid}" in second.stderr
            assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
        finally:
            os.kill(first.pid, signal.SIGCONT)
        assert first.wait(PATIENCE_S) == 0
    assert digests(folder) == demo_digests
    assert not marked(mark)
