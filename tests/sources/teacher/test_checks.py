"""Checks of prose, quotes and numbers, case by case."""

import json
from pathlib import Path

import pytest

from sources.teacher.checks import COPIED_WORDS, copies, find_quote, new_number, prose_fault

CASES = json.loads(Path(__file__).with_name("check_cases.json").read_text())


@pytest.mark.parametrize(("one", "other"), CASES["same_number"])
def test_a_number_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert new_number([one], [other]) is None
    assert new_number([other], [one]) is None


@pytest.mark.parametrize(("one", "other"), CASES["other_number"])
def test_a_number_that_differs_is_new(one: str, other: str) -> None:
    assert new_number([one], [other]) is not None
    assert new_number([other], [one]) is not None


@pytest.mark.parametrize(("text", "fault"), CASES["prose"])
def test_prose_is_refused_for_what_it_holds(text: str, fault: str | None) -> None:
    assert prose_fault(text) == fault


def test_a_quote_is_kept_as_it_stands_with_its_place() -> None:
    text = "Give\n 5  mg (once) a day."
    found = find_quote("5 mg (once) a", text)
    assert found is not None
    assert found.text == text[found.start : found.end] == "5  mg (once) a"
    assert find_quote("5 mg once a", text) is None
    assert find_quote("", text) is None


def test_a_run_of_words_is_copied_unless_it_was_quoted_or_asked() -> None:
    shown = "one two three four five six seven eight nine ten"
    taken = " ".join(shown.split()[:COPIED_WORDS])
    assert copies([f"So {taken}."], [shown], [])
    assert not copies([f"So {taken}."], [shown], [taken])
    assert not copies([" ".join(shown.split()[: COPIED_WORDS - 1])], [shown], [])
