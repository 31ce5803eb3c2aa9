"""Studies of ClinicalTrials.gov, invented: the whole of one against a text read by hand, escapes, faults."""

import copy
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sources.archive import Item, Limits, open_items
from sources.catalog import parser_for
from sources.parse.clinical_trials import parse
from sources.parse.jats_text import Heading
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.trial_fields import unescaped, words
from sources.parse.trial_protocol import criteria_blocks

HERE = Path(__file__).parent
STUDY: dict[str, Any] = json.loads((HERE / "trial_study.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = json.loads((HERE / "trial_cases.json").read_text(encoding="utf-8"))


def read(value: Any, key: str = "NCT90000001.json") -> list[Part | Fault]:
    return list(parse(json.dumps(value).encode(), key, {}))


def one(study: dict[str, Any]) -> Part:
    [part] = read(study)
    assert isinstance(part, Part)
    return part


def least(number: str = "NCT90000002") -> dict[str, Any]:
    return {"protocolSection": {"identificationModule": {"nctId": number, "briefTitle": "Least"}}}


def test_a_whole_study_reads_as_expected() -> None:
    part = one(STUDY)
    assert part.text + "\n" == (HERE / "trial_study.md").read_text(encoding="utf-8")
    for section in part.sections:
        assert part.text[section.start : section.end].startswith("#")
    assert (part.kind, part.language, part.published, part.version) == ("trial", "en", "2019-04-02", "2022-03-01")
    assert part.identifiers == {"nct": "NCT90000001"}
    assert part.url == "https://clinicaltrials.gov/study/NCT90000001"
    assert part.links == [("reported_by", "pmid:31")]
    assert part.references == ["Invented A. Zinc. J Inv. 2021;1:1. pmid:31", "Older work. 1999."]
    assert part.extra["countries"] == ["Brazil", "Kenya"]
    assert part.extra["mesh"] == ["Fever", "Zinc"]
    assert part.extra["edits"] == ["unescape_markdown"]


def test_people_and_places_are_nowhere() -> None:
    part = one(STUDY)
    said = part.text + json.dumps(part.extra)
    assert not any(name in said for name in ("Hidden", "Nobody", "example.org", "Townville"))


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [str(value)] if isinstance(value, (str, int)) and not isinstance(value, bool) else []


def test_every_figure_of_protocol_and_results_comes_out() -> None:
    text = one(STUDY).text.replace("\\|", "|")
    kept = copy.deepcopy(STUDY)
    status = kept["protocolSection"]["statusModule"]
    for name in ("studyFirstPostDateStruct", "resultsFirstPostDateStruct", "lastUpdatePostDateStruct"):
        del status[name]
    for name in ("contactsLocationsModule", "referencesModule"):
        del kept["protocolSection"][name]
    identification = kept["protocolSection"]["identificationModule"]
    del identification["orgStudyIdInfo"], identification["secondaryIdInfos"]
    figures = {
        word
        for section in ("protocolSection", "resultsSection")
        for string in strings(unescaped(kept[section]))
        for word in string.split()
        if any(sign.isdigit() for sign in word) and not re.match("[FBOE]G00|PHASE", word)
    }
    assert len(figures) > 50
    assert {word for word in figures if word not in text} == set()


@pytest.mark.parametrize(("given", "expected"), CASES["must_change"])
def test_escapes_are_taken_back(given: str, expected: str) -> None:
    assert unescaped(given) == expected


@pytest.mark.parametrize("text", CASES["must_not_change"])
def test_what_is_no_escape_stays(text: str) -> None:
    assert unescaped(text) == text
    assert unescaped({"a": [text, 1, None, True]}) == {"a": [text, 1, None, True]}


@pytest.mark.parametrize(("given", "expected"), CASES["known_failure"])
@pytest.mark.xfail(strict=True, reason="TeX between \\( and \\) is not told from escapes")
def test_known_failures(given: str, expected: str) -> None:
    assert unescaped(given) == expected


@pytest.mark.parametrize("case", CASES["criteria"])
def test_lines_that_head_criteria_open_sections_and_nothing_is_lost(case: dict[str, Any]) -> None:
    blocks = criteria_blocks(case["text"])
    assert [block.title for block in blocks if isinstance(block, Heading)] == case["headings"]
    said = " ".join(block if isinstance(block, str) else block.title for block in blocks)
    assert (
        said.split()
        == case["text"].replace("**", "").replace("Criteria:\n", "Criteria\n").replace("B:\n", "B\n").split()
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ACTIVE_NOT_RECRUITING", "Active not recruiting"),
        ("EARLY_PHASE1", "Early phase 1"),
        ("PHASE2", "Phase 2"),
        ("NA", "Not applicable"),
        ("95% Confidence Interval", "95% Confidence Interval"),
        ("", ""),
    ],
)
def test_codes_in_words(code: str, said: str) -> None:
    assert words(code) == said


def test_the_least_study_and_one_without_an_id() -> None:
    part = one(least())
    assert part.text == "# Least\n\n## Trial\n\n- Registration: NCT90000002"
    assert (part.published, part.version) == (None, None)
    [fault] = read({"protocolSection": {"identificationModule": {}}})
    assert isinstance(fault, Fault)
    assert fault.reason == "missing_field"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("protocolSection", "statusModule"), []),
        (("protocolSection", "conditionsModule", "conditions"), "Fever"),
        (("protocolSection", "armsInterventionsModule", "armGroups"), ["Zinc"]),
        (("protocolSection", "identificationModule", "briefTitle"), {}),
        (("resultsSection", "adverseEventsModule", "eventGroups"), {}),
        (("resultsSection",), "none"),
    ],
)
def test_a_field_of_another_type_is_a_fault(path: tuple[str, ...], value: Any) -> None:
    study = copy.deepcopy(STUDY)
    node = study
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    [fault] = read(study)
    assert isinstance(fault, Fault)
    assert fault.reason == "wrong_type"


def test_pages_lists_and_lines() -> None:
    pages: list[Any] = [
        {"studies": [least("NCT1"), least("NCT2")], "nextPageToken": "x"},
        [least("NCT1"), least("NCT2")],
    ]
    for value in pages:
        assert [part.name for part in read(value)] == ["NCT1", "NCT2"]
    lines = f"{json.dumps(least('NCT1'))}\n{{bad\n{json.dumps(least('NCT2'))}\n".encode()
    first, fault, last = parse(lines, "s.jsonl!B100", {})
    assert isinstance(first, Part)
    assert (first.name, first.position) == ("NCT1", "B100")
    assert isinstance(fault, Fault)
    assert fault.reason == "invalid_json"
    assert isinstance(last, Part)
    assert last.position == f"B{100 + lines.rindex(b'{', 0, lines.rindex(b'protocol'))}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b" ", "empty_item"),
        (b"{", "invalid_json"),
        (b"{}", "not_trial"),
        (b"3", "not_trial"),
        (b'{"studies": 1}', "not_trial"),
    ],
)
def test_an_item_that_holds_no_study(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        list(parse(body, "k.json", {}))


def test_the_bulk_download_is_one_study_a_member(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in ("NCT1", "NCT2"):
            archive.writestr(f"{number}.json", json.dumps(least(number)))
    path = tmp_path / "ctg-studies.json.zip"
    path.write_bytes(packed.getvalue())
    items = [item for item in open_items(path, path.name, "auto", Limits()) if isinstance(item, Item)]
    assert [item.key for item in items] == ["ctg-studies.json.zip!NCT1.json", "ctg-studies.json.zip!NCT2.json"]
    assert all(parser_for(".json", item.media_type, item.body[:4096]) == "clinical_trials" for item in items)


def test_the_parser_is_found_by_the_first_bytes() -> None:
    assert parser_for(".json", None, b'{"totalCount": 2, "studies": [{"protocolSection": {') == "clinical_trials"
    assert parser_for(".json", None, b'{"studies": [{"name": "x"}]}') == "records"
    with pytest.raises(ValueError, match="no options"):
        list(parse(b"{}", "k", {"x": 1}))
