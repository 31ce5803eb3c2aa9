"""`medmix thresholds` tells of a finished run what a threshold would keep, and draws it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app


def test_the_command_tells_of_a_finished_run_and_draws(demo_run: Path, tmp_path: Path) -> None:
    run, picture = str(demo_run), tmp_path / "words.html"
    done = CliRunner().invoke(app, ["thresholds", run, "words", "--at", "50", "--picture", str(picture)])
    assert done.exit_code == 0, done.output
    assert "≥ 50" in done.output
    page = picture.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize(("name", "told"), [("word", "'words'"), ("zzz", "it has")])
def test_an_unknown_statistic_is_told_with_what_there_is(demo_run: Path, name: str, told: str) -> None:
    done = CliRunner().invoke(app, ["thresholds", str(demo_run), name])
    assert isinstance(done.exception, Exception)
    assert told in str(done.exception)
