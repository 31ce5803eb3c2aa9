"""Drug labels: product data, highlights and full text told apart, footnotes away from numbers, nothing lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


SHAPES = (
    "<paragraph>{} mg</paragraph>",
    "<list listType='ordered'><caption>Of {} mL</caption><item>one</item></list>",
    "<list><item>a<list styleCode='LittleAlpha' listType='ordered'><item>{} mg</item></list></item></list>",
    "<table><tbody><tr><td>x</td><td>{} mg</td></tr></tbody></table>",
    "<table><tbody><tr><td>x<footnote>{} <sup>2</sup> mg</footnote></td><td>y</td></tr></tbody></table>",
    "<table><caption>Of {} mL</caption><tbody><tr><td>one cell</td></tr></tbody></table>",
    "<paragraph>or<footnote>within <content>{}<footnote>a note on a note</footnote></content></footnote></paragraph>",
    "<table><tbody><tr><td>a</td><td><table><tr><td>{} mg</td><td>b</td></tr></table></td></tr></tbody></table>",
    "<renderMultiMedia><caption>Figure of {} mm</caption></renderMultiMedia>",
    "<paragraph><content revised='delete'>{} mg</content></paragraph>",
    "{} mg in bare text",
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SHAPES), st.integers(100, 999)), min_size=1, max_size=10), st.booleans())
def test_every_number_of_a_narrative_is_kept_once(pieces: list[tuple[str, int]], is_excerpt: bool) -> None:
    text = f"<text>{''.join(shape.format(number) for shape, number in pieces)}</text>"
    held = f"<excerpt><highlight>{text}</highlight></excerpt><text>Full.</text>" if is_excerpt else text
    body = f"<component><structuredBody><component><section>{held}</section></component></structuredBody></component>"
    found = re.findall(r"\d{3}", read(f"<document>{body}</document>").text)
    assert sorted(found) == sorted(str(number) for _, number in pieces)


def test_letters_go_on_after_z() -> None:
    assert [letters(number) for number in (1, 26, 27, 52, 53)] == ["a", "z", "aa", "az", "ba"]
