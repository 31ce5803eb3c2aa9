"""What chat models leave around an answer is parted from it; what never became an answer is told as such."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.teacher.artefacts import FAULTS, fault_of, is_cut, part

CASES = json.loads(Path(__file__).with_name("artefact_cases.json").read_text())


@pytest.mark.parametrize("case", CASES["parted"], ids=lambda case: repr(case["text"])[:60])
def test_an_answer_is_parted_from_what_is_around_it(case: dict[str, Any]) -> None:
    parted = part(case["text"])
    assert [parted.final, parted.reasoning, list(parted.marks)] == [case["final"], case["reasoning"], case["marks"]]
    assert fault_of(parted) == case["fault"]


@pytest.mark.parametrize("text", CASES["cut"])
def test_an_ending_in_the_middle_of_a_sentence_is_seen(text: str) -> None:
    assert is_cut(text)


@pytest.mark.parametrize("text", CASES["whole"])
def test_a_whole_ending_is_left_alone(text: str) -> None:
    assert not is_cut(text)


def test_every_fault_is_shown_by_a_case() -> None:
    assert {case["fault"] for case in CASES["parted"]} - {None} == set(FAULTS)
