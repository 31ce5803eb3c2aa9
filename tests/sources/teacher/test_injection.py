"""Text that talks to a model is told from text that talks to people, in wordings and spellings of many kinds."""

import json
from pathlib import Path

import pytest

from sources.teacher.injection import FAMILIES, speaks_to_a_model

CASES = json.loads(Path(__file__).with_name("injection_cases.json").read_text())


@pytest.mark.parametrize("text", CASES["to_people"])
def test_what_medicine_says_is_left_alone(text: str) -> None:
    assert speaks_to_a_model(text) is None


@pytest.mark.parametrize(("text", "family"), CASES["to_a_model"])
def test_an_order_to_a_model_is_seen(text: str, family: str) -> None:
    assert speaks_to_a_model(text) == family
    assert family in FAMILIES


def test_every_family_has_a_case() -> None:
    assert {family for _, family in CASES["to_a_model"]} == FAMILIES


@pytest.mark.parametrize("text", CASES["known_failures"])
@pytest.mark.xfail(strict=True, reason="wordings that nobody listed: what stops their effect stands in `checks`")
def test_known_failures(text: str) -> None:
    assert speaks_to_a_model(text) is not None
