"""The values of an evidence are read with their sides and letters, whatever articles stand between their words."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.teacher.case import Case
from sources.teacher.differential_values import value_faults
from sources.teacher.knowledge import Evidence, Knowledge
from sources.teacher.lexicon import lexicon_of
from sources.teacher.mentions import Reading
from sources.teacher.patients import Observation, Patient

FILE: dict[str, Any] = json.loads((Path(__file__).parent / "value_cases.json").read_text(encoding="utf-8"))
BASE = Knowledge(
    name="values",
    conditions={},
    evidences={code: Evidence(code=code, **one) for code, one in FILE["evidences"].items()},
)


def faults(language: str, code: str, values: list[str], text: str) -> list[tuple[str, str]]:
    case = Case(
        patient=Patient(id="p", age_years=30, sex="female", observed=(), condition=""),
        told=(Observation(code, True, tuple(values)),),
        gold=(),
        assumed={},
        setting=None,
        basis="posterior",
    )
    return list(value_faults(case, BASE, language, [Reading(lexicon_of(BASE, language), text)]))


@pytest.mark.parametrize(("language", "code", "values", "text"), FILE["faithful"])
def test_a_value_told_in_its_words_is_faithful(language: str, code: str, values: list[str], text: str) -> None:
    assert faults(language, code, values, text) == []


@pytest.mark.parametrize(("language", "code", "values", "text"), FILE["changed"])
def test_another_side_letter_or_value_is_a_change(language: str, code: str, values: list[str], text: str) -> None:
    assert faults(language, code, values, text) == [("value_changed", code)]
