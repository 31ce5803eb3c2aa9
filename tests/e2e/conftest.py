"""One undisturbed demo run for the whole session."""

import os
import shutil
from pathlib import Path

import pytest
from demo_runs import REPOSITORY, digests, run_demo, run_medmix

from pipelines.result import Result, read_result


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an undisturbed inline run of the demo; tests read it and copy it, and never write to it."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    run_demo(folder, "--inline")
    return folder


@pytest.fixture(scope="session")
def demo_digests(demo_run: Path) -> dict[str, str]:
    """Return the digests of the undisturbed run."""
    return digests(demo_run)


@pytest.fixture(scope="session")
def demo_result(demo_run: Path) -> Result:
    """Return the index of the undisturbed run."""
    return read_result(demo_run)


@pytest.fixture
def demo_copy(demo_run: Path, tmp_path: Path) -> Path:
    """Return a copy of the undisturbed run that a test may harm."""
    return Path(shutil.copytree(demo_run, tmp_path / "copy"))


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of the real sample: the folder MEDMIX_REAL_RUN, or a new one of a few minutes."""
    given = os.environ.get("MEDMIX_REAL_RUN")
    if given:
        return Path(given)
    data = os.environ.get("MEDMIX_DATA")
    if not data or not Path(data).is_dir():
        pytest.skip("MEDMIX_DATA names no folder of real files")
    folder = tmp_path_factory.mktemp("real") / "run"
    run_file = REPOSITORY / "configs" / "runs" / "real-sample.yaml"
    done = run_medmix("run", run_file, "-s", f"out={folder}", timeout_s=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder
