"""Every recipe can be planned without the network: what it would fetch, how many tokens, how long, on which terms."""

from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.load import load_run
from pipelines.outlook import _known_tokens, _shares, absent, expected_tokens

RUNS = Path(__file__).parents[1] / "configs" / "runs"
RECIPES = (
    "meditron3-llama3.1-70b", "meditron3-qwen2.5-7b", "meditron3-gemma2-9b", "meditron3-gemma2-2b", "gap-replay-2023",
    "meditron3-open", "fom-2026",
)  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_planned_from_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MEDMIX_DATA", "CORPORA", "GENERATED"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    config = load_run(RUNS / f"{name}.yaml")
    shown = CliRunner().invoke(app, ["plan", str(RUNS / f"{name}.yaml"), "--cores", "8"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert f"not there yet: {len(config.sources)} of {len(config.sources)} sources" in shown.output
    assert "work, 8 cores" in shown.output
    for mixture in config.mixtures:
        assert f"mixture {mixture.name} for {mixture.target}" in shown.output
    for want in absent(config):
        assert want.source.name in shown.output
    assert not list(tmp_path.iterdir())


def test_shares_follow_the_phases_and_add_up() -> None:
    config = load_run(RUNS / "meditron3-qwen2.5-7b.yaml")
    shares = list(_shares(config.mixtures[0]))
    assert sum(shares) == 1
    names = [component.name for component in config.mixtures[0].components]
    wanted = Fraction(9, 10) * Fraction(52, 100) + Fraction(1, 10) * Fraction(52 + 15, 200)
    assert shares[names.index("articles")] == wanted


def test_what_is_known_is_what_the_catalogue_says_or_what_is_asked_for() -> None:
    config = load_run(RUNS / "gap-replay-2023.yaml")
    by_name = {component.name: component for component in config.mixtures[0].components}
    guidelines = [s for s in config.sources if s.about and s.about.lineage]
    assert len(guidelines) == 16
    assert _known_tokens(config, by_name["guidelines"]) == sum(expected_tokens(s) for s in guidelines)
    assert _known_tokens(config, by_name["replay"]) == 450_000_000


def test_a_commit_that_is_not_pinned_is_asked_for_when_its_source_is_needed(tmp_path: Path) -> None:
    config = load_run(RUNS / "meditron3-open.yaml")
    unpinned = [want.source.name for want in absent(config) if want.note == "pin the commit first"]
    assert unpinned == ["dclm-baseline", "common-corpus"]
