"""The verbs list, show and check: what they print and how they exit."""

import re

import pytest
from typer.testing import CliRunner

from pipelines.engine.errors import ConfigError
from pipelines.sources_cli import sources_app
from sources.catalog import SourceConfig
from sources.listing import counts, read_catalogue
from sources.web import check
from sources.web.check import Report

RUNNER = CliRunner()


def test_list_prints_every_entry_and_the_figures_of_the_catalogue() -> None:
    result = RUNNER.invoke(sources_app, ["list"])
    assert result.exit_code == 0
    entries = read_catalogue()
    for name in entries:
        assert re.search(rf"^│ {re.escape(name)} +│", result.output, re.MULTILINE), name
    for name, count in counts(entries.values()).items():
        assert f"{name}: {count}\n" in result.output


def test_show_prints_what_was_never_verified_too() -> None:
    result = RUNNER.invoke(sources_app, ["show", "za-stg"])
    assert result.exit_code == 0
    for line in (
        "about.verified.enumeration.on: never verified",
        "about.verified.canary.on: 2026-11-20",
        "rights.spdx: LicenseRef-unknown",
        "about.redistribution: unknown",
    ):
        assert f"{line}\n" in result.output


@pytest.mark.parametrize(
    "arguments", [["show", "dailymd"], ["check", "dailymd", "--contact", "https://a.example.org/"]]
)
def test_a_wrong_name_is_told_with_the_nearest(arguments: list[str]) -> None:
    result = RUNNER.invoke(sources_app, arguments)
    assert isinstance(result.exception, ConfigError)
    assert "did you mean 'dailymed'" in str(result.exception)


def test_check_needs_a_contact_that_reaches_somebody() -> None:
    assert RUNNER.invoke(sources_app, ["check", "dailymed"]).exit_code == 2
    result = RUNNER.invoke(sources_app, ["check", "dailymed", "--contact", "nobody"])
    assert isinstance(result.exception, ConfigError)
    assert "reaches nobody" in str(result.exception)


@pytest.mark.parametrize(
    "contact",
    [
        "https://b\u00fccher.example.org/",
        "mailto:m\u00e9decin@example.org",
        "https://a.example.org/\x01",
        "https://a.example.org/)x(",
    ],
)
def test_a_contact_that_no_header_can_carry_is_told(contact: str) -> None:
    result = RUNNER.invoke(sources_app, ["check", "dailymed", "--contact", contact])
    assert isinstance(result.exception, ConfigError)
    assert "cannot be sent" in str(result.exception)


@pytest.mark.parametrize(
    ("verdicts", "exit_code"),
    [(["ok", "never_verified"], 0), (["ok", "moved"], 1), (["blocked"], 1), (["structure_changed"], 1),
     (["rights_changed"], 1)],
)  # fmt: skip
def test_rot_makes_the_exit_code(verdicts: list[str], exit_code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fake(configs: list[SourceConfig], contact: str) -> list[Report]:
        asked.extend(config.name for config in configs)
        return [Report(config.name, verdict, "[seen]") for config, verdict in zip(configs, verdicts, strict=True)]  # type: ignore[arg-type]

    monkeypatch.setattr(check, "check_with_web", fake)
    names = ["dailymed", "who-iris"][: len(verdicts)]
    result = RUNNER.invoke(sources_app, ["check", *names, "--contact", "https://a.example.org/"])
    assert asked == names
    assert result.exit_code == exit_code
    assert "[seen]" in result.output
    assert f"{verdicts[0]}: 1\n" in result.output
