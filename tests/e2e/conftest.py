"""One undisturbed demo run for the whole session."""

import shutil
from pathlib import Path

import pytest
from demo_runs import digests, run_demo

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
