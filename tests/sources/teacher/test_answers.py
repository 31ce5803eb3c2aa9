"""Answers are read as they are meant or not at all; what the lineage's regexes got wrong are cases here."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from sources.teacher.answers import letter_of, read_record

CASES = json.loads(Path(__file__).with_name("answer_cases.json").read_text())


class _Letter(BaseModel):
    model_config = ConfigDict(extra="forbid")
    answer: str


@pytest.mark.parametrize("case", CASES["letters"], ids=lambda case: repr(case["text"])[:60])
def test_a_letter_is_the_one_that_was_meant(case: dict[str, Any]) -> None:
    assert letter_of(case["text"], CASES["options"]) == case["letter"]


@pytest.mark.parametrize("case", CASES["records"], ids=lambda case: repr(case["text"])[:60])
def test_a_record_is_exactly_what_its_schema_takes(case: dict[str, Any]) -> None:
    record = read_record(case["text"], _Letter)
    assert (record.answer if record else None) == case["answer"]
