"""kill -9 of an upload at random moments, amid broken connections: in the end all is there, and nothing came twice."""

import multiprocessing
import os
import signal
from pathlib import Path
from random import Random

import pytest
from fakes.hub.server import hub_on_loopback
from hub_uploads import REPO, TOKEN, release, upload

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["hub_uploads"])
KILLS = 5


class Killer:
    """Kills the process that it watches after so many of its requests."""

    def __init__(self) -> None:
        self.pid = 0
        self.left = 0

    def __call__(self, count: int) -> None:
        self.left -= 1
        if self.left == 0 and self.pid:
            os.kill(self.pid, signal.SIGKILL)

    def run(self, requests: int, *args: object) -> int:
        """Run an upload to its end or to its death after so many requests; return its exit code."""
        child = PROCESSES.Process(target=upload, args=args)
        self.left = requests
        child.start()
        self.pid = child.pid or 0
        child.join()
        self.pid = 0
        return child.exitcode or 0


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 20))])
def test_five_kills_leave_one_whole_release(tmp_path: Path, seed: int) -> None:
    draw, killer = Random(seed), Killer()
    files = release(tmp_path, of=12)
    with hub_on_loopback() as hub:
        hub.on_request = killer
        told = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        for _ in range(KILLS):
            hub.faults["blob"] = [-draw.randrange(1, 2000) for _ in range(draw.randrange(3))]
            hub.faults["commit"] = [-1] * draw.randrange(2)
            assert killer.run(draw.randrange(4, 16), told, files) == -signal.SIGKILL, f"seed {seed}"
        assert killer.run(0, told, files) == 0, f"seed {seed}"
        repository = hub.repositories["dataset", REPO]
        held = repository.commits[repository.names["v1"]]
        assert {one.path: one.file.read_bytes() for one in files} == {
            path: held[path] for path in held if path[0] != "."
        }
        assert set(hub.store.taken.values()) == {1}, f"seed {seed}"
        added = [path for _, paths in hub.store.commits for path in paths]
        assert sorted(added) == sorted(one.path for one in files), f"seed {seed}"
