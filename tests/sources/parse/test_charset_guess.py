"""Unlabelled bytes: Western signs and units stay what they are, and what nothing proves is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.parse.charset import decode
from sources.parse.part import Unreadable

CASES = json.loads((Path(__file__).parent / "cases" / "charset_guess.json").read_text("utf-8"))
FILLER = "Every child who is brought to the clinic is seen on the same day. " * 40


@pytest.mark.parametrize("text", CASES["read_as_cp1252"])
@pytest.mark.parametrize("filler", ["", FILLER], ids=["alone", "in a long text"])
@pytest.mark.parametrize("html", [True, False], ids=["html", "text"])
def test_western_signs_survive(text: str, filler: str, *, html: bool) -> None:
    assert decode((filler + text).encode("cp1252"), None, html=html) == (filler + text, ["cp1252_assumed"])


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_too_little_to_tell_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(case["text"].encode(case["encoding"]), None, html=False)
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("case", CASES["read_as_before"], ids=lambda case: case["encoding"])
def test_much_to_count_is_detected(case: dict[str, Any]) -> None:
    text = case["text"] * case["times"]
    assert decode(text.encode(case["encoding"]), None, html=False) == (text, ["charset_detected"])


def test_a_unit_that_would_become_a_letter_is_refused() -> None:
    body = "Доза пять миллиграммов каждые двенадцать часов. ".encode("koi8-r") * 9 + b"5 \xb5g at 38 \xb0C"
    with pytest.raises(Unreadable) as caught:
        decode(body, None, html=False)
    assert caught.value.reason == "undecodable"
