"""Slices follow from what a text names, in five languages; vocabularies are sound; batching changes nothing."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.stages.coverage import AXES, Coverage, CoverageConfig, slices_of
from pipelines.stages.vocabulary import LANGUAGES, load_countries, load_vocabulary
from sources.document import Document, to_table

CASES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "coverage_cases.json").read_text())
CONFIG = CoverageConfig()
REGIONS = {"afro", "amro", "emro", "euro", "searo", "wpro", "none"}
INCOMES = {"low", "lower-middle", "upper-middle", "high", "unclassified"}


@pytest.mark.parametrize("case", CASES["found"], ids=lambda case: case["text"][:30])
def test_what_a_text_names_is_found(case: dict[str, Any]) -> None:
    found = slices_of("", case["text"], CONFIG)
    for axis in case.keys() - {"text"}:
        assert found[axis] == sorted(case[axis]), axis


@pytest.mark.parametrize("case", CASES["not_found"], ids=lambda case: case["text"][:30])
def test_what_only_looks_like_a_name_is_not(case: dict[str, Any]) -> None:
    found = slices_of("", case["text"], CONFIG)
    for axis in case.keys() - {"text"}:
        assert not set(found[axis]) & set(case[axis]), axis


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["text"][:30])
@pytest.mark.xfail(strict=True, reason="a mention in passing, or a group told by what stands around the passage")
def test_what_is_still_told_wrongly(case: dict[str, Any]) -> None:
    found = slices_of("", case["text"], CONFIG)
    for axis in case.keys() - {"text"}:
        assert found[axis] == sorted(case[axis]), axis


def test_a_term_in_any_case_and_as_written_is_one_mention() -> None:
    matcher = load_vocabulary("diseases").matcher
    assert matcher.count("CVD, HBV and HIV-1") == {"cardiovascular": 1, "viral-hepatitis": 1, "hiv": 1}


def test_a_long_text_is_about_what_it_names_often_or_in_its_title() -> None:
    filler = "Patients were seen every month and their visits were written down by the nurse. " * 200
    assert slices_of("", f"{filler} malaria", CONFIG)["disease"] == []
    assert slices_of("Malaria in pregnancy", filler, CONFIG)["disease"] == ["malaria", "maternal"]
    assert slices_of("", filler + "malaria. " * 3, CONFIG)["disease"] == ["malaria"]
    assert slices_of("", filler + "malaria. " * 20 + "asthma. " * 3, CONFIG)["disease"] == ["malaria"]


def test_every_group_has_terms_in_five_languages_and_no_term_stands_twice() -> None:
    for name in ("diseases", "populations", "care"):
        seen: dict[str, str] = {}
        for group, entry in load_vocabulary(name).groups.items():
            for language in LANGUAGES:
                assert entry[language], (group, language)
            for language in (*LANGUAGES, "sw"):
                for term in map(str, entry.get(language, ())):
                    assert seen.setdefault(term.casefold(), group) == group, (term, group)


def test_diseases_name_the_21_neglected_ones_and_a_chapter_of_icd_11_each() -> None:
    groups = load_vocabulary("diseases").groups
    assert sum(entry.get("of") == "ntd" for entry in groups.values()) == 21
    assert all(1 <= int(entry["icd11"]) <= 26 for entry in groups.values())


def test_every_country_has_a_region_an_income_group_and_a_name_of_its_own() -> None:
    countries = load_countries().groups
    assert len(countries) > 185
    seen: dict[str, str] = {}
    for code, entry in countries.items():
        assert len(code) == 2
        assert entry["region"] in REGIONS
        assert entry["income"] in INCOMES
        names = [*entry["names"].values(), *entry["also"]]
        assert names
        for name in names:
            assert seen.setdefault(str(name), code) == code, (name, code)


def test_a_document_gets_one_row_whatever_the_batch() -> None:
    texts = [case["text"] for case in CASES["found"]]
    table = to_table([Document(id=str(n), kind="article", source="s", key=str(n), text=t) for n, t in enumerate(texts)])
    stage = Coverage(CONFIG)
    whole = stage.apply(table).table
    single = pa.concat_tables([stage.apply(table.slice(n, 1)).table for n in range(len(texts))])
    assert whole.equals(single)
    assert whole["id"].to_pylist() == table["id"].to_pylist()
    assert stage.apply(table.slice(0, 0)).table.schema == whole.schema
    assert set(AXES) <= set(whole.schema.names)
