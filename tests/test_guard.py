"""The three import names are ours, or nothing runs."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines import guard
from pipelines.doctor import PACKAGES, _package, examine
from pipelines.engine.errors import ConfigError
from pipelines.guard import check_names

ROOT = Path(guard.__file__).parent.parent


def test_this_checkout_is_good() -> None:
    check_names()


@pytest.mark.parametrize("name", ["sources", "mixer"])
def test_a_name_that_comes_from_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    def found(wanted: str) -> Any:
        folder = tmp_path if wanted == name else ROOT / wanted
        return SimpleNamespace(origin=str(folder / "__init__.py"))

    monkeypatch.setattr(guard, "find_spec", found)
    with pytest.raises(ConfigError, match=f"package '{name}' comes from {tmp_path}, not from .*another distribution"):
        check_names()


@pytest.mark.parametrize("spec", [None, ModuleSpec("sources", None)])
def test_a_name_that_is_absent_or_no_package_is_refused(
    monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    monkeypatch.setattr(guard, "find_spec", lambda name: spec)
    with pytest.raises(ConfigError, match="the package 'sources' comes from None"):
        check_names()


def test_a_link_to_the_checkout_is_no_shadow(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(ROOT)
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from pipelines.guard import check_names; check_names()"],
        env={"PYTHONPATH": f"{tmp_path / 'link'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_real_shadow_is_seen(tmp_path: Path) -> None:
    (tmp_path / "mixer").mkdir()
    (tmp_path / "mixer/__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from pipelines.guard import check_names; check_names()"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "another distribution shadows it" in done.stderr


def test_the_doctor_names_what_is_absent_and_what_to_do() -> None:
    finding = _package("no-such-distribution")
    assert (finding.found, finding.verdict) == ("absent", "bad: install medmix with its dependencies")
    findings = {finding.check: finding for finding in examine()}
    assert set(PACKAGES) <= findings.keys()
    assert findings["python"].verdict == "good"


def test_the_doctor_knows_a_data_folder_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDMIX_DATA", str(tmp_path / "gone"))
    assert examine()[-1].verdict == "bad: no such folder"
    monkeypatch.setenv("MEDMIX_DATA", str(tmp_path))
    assert examine()[-1].verdict == "good"
