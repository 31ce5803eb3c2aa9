"""Two Ray nodes over a store: the bytes of a run in a folder, also when one node loses its power in the middle."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_runs import DEMO, command, environment
from fakes.cluster import two_nodes
from fakes.s3 import S3, s3_store
from test_s3_run import stored

pytestmark = [pytest.mark.ray, pytest.mark.nightly]
EACH, MIDDLE = 10, 40
"""Requests that show a node at work, and those after which it is killed."""


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_store("runs") as server:
        yield server


@pytest.mark.parametrize("killed", [False, True])
def test_two_nodes_give_the_bytes_of_one_folder(
    tmp_path: Path, store: S3, demo_digests: dict[str, str], killed: bool
) -> None:
    out = f"s3://runs/{'killed' if killed else 'whole'}"
    store.agents.clear()
    driver = tmp_path / "driver"
    driver.mkdir()
    with two_nodes(hidden=driver) as (address, node), (tmp_path / "said").open("w") as said:
        words = command("run", DEMO, "-s", f"out={out}", "--address", address)
        run = subprocess.Popen(words, cwd=driver, env=environment(), stdout=said, stderr=said)
        while killed and run.poll() is None and store.agents["node-2"] < MIDDLE:
            time.sleep(0.05)
        if killed:
            assert run.poll() is None
            node.kill()
            time.sleep(1)  # what it had asked for is counted by now
            at_death = dict(store.agents)
        run.wait(timeout=900)
    told = (tmp_path / "said").read_text()
    assert run.returncode == 0, told[-3000:]
    assert stored(out) == demo_digests
    assert store.agents["node-1"] >= EACH
    if killed:
        assert store.agents["node-2"] == at_death["node-2"]
        assert store.agents["node-1"] > at_death["node-1"]
    else:
        assert store.agents["node-2"] >= EACH
    assert list(driver.iterdir()) == []
