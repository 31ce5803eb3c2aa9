"""FHIR resources: every text and number of plans, questionnaires, doses and concepts, in their order, once."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sources.parse.fhir import parse
from sources.parse.part import Fault, Part, Unreadable

CASES = json.loads(Path(__file__).with_name("fhir_cases.json").read_text("utf-8"))
PLAN = CASES[0]["resource"]


def read(resource: Any) -> Part:
    (part,) = parse(json.dumps(resource).encode(), "k.json", {})
    assert isinstance(part, Part)
    return part


def as_xml(resource: dict[str, Any]) -> bytes:
    """Return a resource in FHIR's XML: primitives in `value`, extensions with `url`, narrative as XHTML."""
    root = etree.Element(resource["resourceType"], nsmap={None: "http://hl7.org/fhir"})  # type: ignore[dict-item]
    _fill(root, {k: v for k, v in resource.items() if k != "resourceType"})
    return etree.tostring(root)


def _fill(parent: etree._Element, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if name == "div":
                narrative = etree.fromstring(one.replace("<div>", '<div xmlns="http://www.w3.org/1999/xhtml">'))
                parent.append(narrative)
            elif name == "url" and parent.tag == "extension":
                parent.set("url", one)
            elif isinstance(one, dict):
                _fill(etree.SubElement(parent, name), one)
            else:
                etree.SubElement(parent, name).set("value", one)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_resources(case: dict[str, Any]) -> None:
    assert read(case["resource"]).text == case["text"]


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_xml_says_the_same_as_json(case: dict[str, Any]) -> None:
    (part,) = parse(as_xml(case["resource"]), "k.xml", {})
    assert part == read(case["resource"])


def test_facts_of_a_resource() -> None:
    part = read(PLAN)
    assert (part.title, part.published, part.version) == ("Fever in children", "2024-03-05", "1.2.0")
    assert part.identifiers == {"fhir": PLAN["url"]}
    assert part.url is None
    assert (part.spdx, part.licence_text) == ("CC-BY-4.0", "CC-BY-4.0")
    assert part.extra == {"resource_type": "PlanDefinition", "status": "active", "publisher": "Example Ministry"}
    assert [section.path for section in part.sections][-1] == "Fever in children > Triage > Refer > Deeper > Deepest"


def test_a_bundle_gives_each_resource_also_those_within() -> None:
    inner = {"resourceType": "Library", "id": "l", "description": "Inner"}
    outer = {"resourceType": "Basic", "id": "o", "description": "Outer", "contained": [inner]}
    empty = {"resourceType": "Basic", "id": "e"}
    body = {"resourceType": "Bundle", "entry": [{"resource": outer}, {"resource": empty}, {"fullUrl": "x"}]}
    found = list(parse(json.dumps(body).encode(), "k.json", {}))
    assert [(one.name, one.text) for one in found if isinstance(one, Part)] == [
        ("Basic/o", "Outer"),
        ("Library/l", "Inner"),
    ]
    assert [(one.name, one.reason) for one in found if isinstance(one, Fault)] == [("Basic/e", "no_text")]


def test_a_bundle_in_xml() -> None:
    body = (
        b'<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Basic><id value="o"/>'
        b'<description value="Give &lt;5 mg"/></Basic></resource></entry></Bundle>'
    )
    (part,) = parse(body, "k.xml", {})
    assert isinstance(part, Part)
    assert part.text == "Give <5 mg"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"title": "no resource"}', "not_fhir"),
        (b"[]", "not_fhir"),
        (b'{"resourceType": "Bundle"}', "not_fhir"),
        (b"<html/>", "not_fhir"),
        (b"{", "invalid_json"),
        (b"", "empty"),
    ],
)
def test_what_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        list(parse(body, "k", {}))
    assert caught.value.reason == reason


def test_lists_in_lists_and_wrong_types_lose_nothing() -> None:
    odd = {
        "resourceType": "Basic",
        "code": [[{"text": "5 mg"}]],
        "action": ["6 mg", [{"title": "7 mg"}]],
        "item": "8 mg",
        "description": ["9 mg", "10 mg"],
        "purpose": {"text": "11 mg"},
    }
    assert re.findall(r"\d+(?= mg)", read(odd).text) == ["11", "5", "8", "9", "10", "6", "7"]


def test_a_goal_is_named_by_its_description() -> None:
    goal = {"description": {"text": "Hb ≥11 g/dL"}, "target": [{"detailQuantity": {"value": "11", "unit": "g/dL"}}]}
    text = read({"resourceType": "PlanDefinition", "title": "Anaemia", "goal": [goal]}).text
    assert text == "# Anaemia\n\n## Hb ≥11 g/dL\n\n- Target\n  - Detail quantity: 11 g/dL"


NESTING = ("action", "item", "concept", "goal", "group", "section", "answerOption", "participant", "extra", "timing")
SAYING = ("description", "text", "title", "definition", "purpose", "reason", "code", "doseQuantity", "valueRange")
TYPED = ("condition", "dosage", "relatedArtifact", "documentation", "useContext")
NAMES = st.sampled_from((*NESTING, *SAYING, *TYPED))
LEAVES = st.integers(100, 999).map("{} mg".format)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4) | st.lists(inner, min_size=1, max_size=3),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, TREES, min_size=1, max_size=5))
def test_every_number_for_people_is_kept(fields: dict[str, Any]) -> None:
    def leaves(node: Any) -> set[str]:
        inner = node.values() if isinstance(node, dict) else node
        return {node} if isinstance(node, str) else {leaf for one in inner for leaf in leaves(one)}

    for place in ("action", "dosage", "item"):
        text = read({"resourceType": "Basic", place: [fields]}).text
        assert leaves(fields) <= set(re.findall(r"\d{3} mg", text)), place


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"title": "Leaf", "description": "5 mg"}
    for _ in range(depth):
        inner = {"title": "t", "action": inner}
    return {"resourceType": "PlanDefinition", "action": inner}


def test_what_nests_deep_is_read() -> None:
    assert read(nested(40)).text.endswith("###### Leaf\n\n5 mg")
    (part,) = parse(as_xml(nested(200)), "k.xml", {})
    assert isinstance(part, Part)
    assert part.text.endswith("###### Leaf\n\n5 mg")


def test_what_nests_deeper_than_python_recurses_is_refused() -> None:
    deep = "<action>" * 900 + '<title value="5 mg"/>' + "</action>" * 900
    with pytest.raises(Unreadable) as caught:
        list(parse(f'<PlanDefinition xmlns="http://hl7.org/fhir">{deep}</PlanDefinition>'.encode(), "k.xml", {}))
    assert caught.value.reason == "too_deep"


@pytest.mark.parametrize("bad", [{"data": "%%%"}, {"data": "/w=="}, {"data": 5}, {}])
def test_broken_attachments_are_no_text(bad: dict[str, Any]) -> None:
    content = {"contentType": "text/cql", **bad}
    assert read({"resourceType": "Library", "description": "d", "content": [content]}).text.startswith("d")
