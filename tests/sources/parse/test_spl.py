"""Drug labels: product data, highlights and full text told apart, footnotes away from numbers, nothing lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.parse.part import Part, Unreadable
from sources.parse.spl import parse
from sources.parse.spl_narrative import letters

CASES = json.loads(Path(__file__).with_name("spl_cases.json").read_text("utf-8"))


def read(xml: str) -> Part:
    (part,) = parse(xml.encode(), "k.xml", {})
    assert isinstance(part, Part)
    return part


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_labels(case: dict[str, Any]) -> None:
    text = read(case["xml"]).text
    for wanted in case["in"]:
        assert wanted in f"{text}\n"
    for unwanted in case["not_in"]:
        assert unwanted not in text


def test_facts_of_a_label() -> None:
    part = read(CASES[0]["xml"])
    assert (part.title, part.published, part.version) == ("Examplin XR tablets", "2024-03-05", "7")
    assert part.identifiers == {"spl_set_id": "s1", "spl_id": "d1"}
    assert part.extra["labeler"] == "Example Laboratories"
    assert part.extra["ndc"] == ["0000-0001"]
    assert part.extra["loinc"] == ["48780-1", "34068-7"]


def test_sections_point_into_the_text() -> None:
    part = read(CASES[0]["xml"])
    paths = [section.path for section in part.sections]
    assert paths == [part.title, f"{part.title} > Product data", f"{part.title} > 2 DOSAGE"]
    assert part.text[part.sections[2].start :] == "## 2 DOSAGE\n\nGive 5 mg."


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("<document><p>5 mg</p></document>", "not_spl"),
        ("<document><component><structuredBody/></component></document>", "no_text"),
        ("<document>", "truncated"),
    ],
)
def test_what_is_no_label_is_refused(xml: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(xml)
    assert caught.value.reason == reason


def test_letters_go_on_after_z() -> None:
    assert [letters(number) for number in (1, 26, 27, 52, 53)] == ["a", "z", "aa", "az", "ba"]
