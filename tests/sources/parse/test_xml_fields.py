"""XML guidance: declared mappings, the presets by root element, and the default that loses nothing."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sources.parse.part import Fault, Part, Unreadable
from sources.parse.xml_fields import parse

FILES = json.loads(Path(__file__).with_name("test_xml_fields_cases.json").read_text("utf-8"))
NGC, SPL, PDQ, MEDQUAD = (FILES[name] for name in ("ngc", "spl", "pdq", "medquad"))
ESCAPED = "&lt;p&gt;CD4 &amp;lt;200 cells&lt;/p&gt;&lt;ul&gt;&lt;li&gt;10&lt;sup&gt;3&lt;/sup&gt;&lt;/li&gt;&lt;/ul&gt;"


def read(xml: str, **options: Any) -> Part:
    (part,) = parse(xml.encode(), "k.xml", options)
    assert isinstance(part, Part)
    return part


def refusal(xml: str, **options: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        list(parse(xml.encode(), "k.xml", options))
    return caught.value.reason


def test_ngc_reads_escaped_html() -> None:
    part = read(NGC.format(section="Recommendations", value=ESCAPED))
    assert part.title == "Care of asthma"
    assert part.text == "## Major Recommendations\n\nCD4 <200 cells\n\n- 10³"


@pytest.mark.parametrize(
    ("released", "published"),
    [
        ("2013", "2013"),
        ("2017 Sep", "2017-09"),
        ("2017 Sept 11", "2017-09-11"),
        ("1996 (revised 2014 Dec 16)", "2014-12-16"),
        ("2002 Jul (revised 2013)", "2013"),
        ("1999 May (reaffirmed 2016)", "1999-05"),
        ("Unknown", None),
    ],
)
def test_ngc_date_and_developer(released: str, published: str | None) -> None:
    fields = "".join(f'<Field Name="{name}"><FieldValue Value="{value}"/></Field>' for name, value in
                     (("Date Released", released), ("Guideline Developer(s)", "Example Society")))  # fmt: skip
    part = read(
        NGC.format(section="R", value="Give 5 mg").replace("</Version>", f"<Section>{fields}</Section></Version>")
    )
    assert (part.published, part.extra["publisher"]) == (published, "Example Society")


def test_ngc_without_content_is_no_text() -> None:
    assert refusal(NGC.format(section="Identifying Information and Availability", value="x")) == "no_text"


def test_a_drug_label_is_handed_to_its_own_parser() -> None:
    part = read(SPL)
    assert (part.title, part.published, part.identifiers) == ("Drug X", "2014-01-13", {"spl_set_id": "abc"})
    assert read(SPL, preset="spl") == part


def test_pdq_keeps_cals_spans_and_sets_references_apart() -> None:
    part = read(PDQ)
    assert (part.title, part.language, part.published) == ("T", "es", "2015-09-24")
    assert "Tumour under 5 cm." in part.text
    assert "Tab\n\n| A | 1 |\n| --- | --- |\n|  | 2 |\n| both |  |" in part.text
    assert part.references == ["Doe 2001"]
    assert "Doe" not in part.text


def test_medquad_keeps_lines_and_answered_questions_only() -> None:
    part = read(MEDQUAD.format(answer="Rest.\n  - oxygen\n  - 5 mg"))
    assert part.text == "## What is flu?\n\nRest.\n- oxygen\n- 5 mg"
    assert (part.title, part.url) == ("Flu", "https://x.org/q")
    assert refusal(MEDQUAD.format(answer="")) == "no_text"


def test_default_walks_everything_in_order() -> None:
    part = read("<doc><name>A</name><x>Give <b>5</b>mg <k>now</k>.</x><y><z>or</z><z>6 mg</z></y></doc>")
    assert part.text == "A\n\nGive 5mg now.\n\nor\n\n6 mg"


@pytest.mark.parametrize("case", FILES["walked"], ids=[case[0] for case in FILES["walked"]])
def test_walked_elements(case: list[str]) -> None:
    assert read(case[1]).text == case[2]


def test_declared_mapping_of_records() -> None:
    xml = "<r><d><t>A</t><u>https://x.org/1</u><b>&lt;p&gt;5 mg&lt;/p&gt;</b></d><d><t>B</t><b/></d></r>"
    body = {"xpath": "b", "heading": "Dose", "html": True, "value": "."}
    found = list(parse(xml.encode(), "k", {"record": "d", "title": "t", "url": "u", "text": [body]}))
    assert isinstance(found[0], Part)
    assert (found[0].title, found[0].url, found[0].text) == ("A", "https://x.org/1", "## Dose\n\n5 mg")
    assert isinstance(found[1], Fault)
    assert found[1].reason == "no_text"


def test_wrong_options_are_told() -> None:
    with pytest.raises(ValueError, match="preset 'spll'"):
        read(SPL, preset="spll")
    with pytest.raises(ValueError, match="XPath"):
        read(SPL, text=[{"xpath": "//["}])


DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))


@pytest.mark.real
@pytest.mark.skipif(not (DATA / "guidelines_structured").is_dir(), reason="MEDMIX_DATA names no structured guidelines")
@pytest.mark.parametrize(
    ("folder", "refused"), [("ngc_xml", 0), ("medquad", 17), ("nci_pdq_xml", 0), ("spl_labels", 0)]
)
def test_real_files_give_text_or_no_text(folder: str, refused: int) -> None:
    outcomes: Counter[str] = Counter()
    for path in sorted((DATA / "guidelines_structured" / folder).glob("*.xml")):
        try:
            (part,) = parse(path.read_bytes(), path.name, {})
        except Unreadable as error:
            outcomes[error.reason] += 1
        else:
            outcomes["text" if isinstance(part, Part) and part.text.strip() else "poor"] += 1
    assert outcomes["no_text"] == refused
    assert set(outcomes) <= {"text", "no_text"}
