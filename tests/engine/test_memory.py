"""Peak memory of a worker and of the driver stays flat as the number of shards grows.

`python -m pytest -m nightly -s tests/engine/test_memory.py` prints the figures.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PROGRAM = """
import json, resource, sys, tempfile
from pathlib import Path
from fakes.runs import run_inline
from fakes.stages import Seeds, Shorten
from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage
from pipelines.engine.rows import Rows

with tempfile.TemporaryDirectory() as out:
    stages = [
        PlannedStage(Seeds("alpha", int(sys.argv[1]), 2000, words=300)),
        PlannedStage(Rows(Shorten(250)), {"documents": ("seeds_alpha",)}),
    ]
    run_inline(LocalDisk(Path(out)), stages)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
"""


def peak_rss_bytes(shards: int) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
    command = [sys.executable, "-c", PROGRAM, str(shards)]
    return int(json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout))


@pytest.mark.nightly
def test_eight_times_the_shards_need_no_more_memory(capsys: pytest.CaptureFixture[str]) -> None:
    once, eight_times = peak_rss_bytes(3), peak_rss_bytes(24)
    with capsys.disabled():
        print(f"\npeak RSS: {once / 2**20:.0f} MiB for 3 shards, {eight_times / 2**20:.0f} MiB for 24")
    assert eight_times < 1.15 * once
