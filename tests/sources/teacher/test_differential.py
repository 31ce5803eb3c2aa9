"""The parser of differentials: every patient gives one faithful part or one fault, the same wherever a file is cut."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.errors import ConfigError
from sources.catalog import SourceConfig
from sources.item_options import for_source
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.reasons import REASONS
from sources.teacher import differential
from sources.teacher.case import Case, case_of
from sources.teacher.differential import parse
from sources.teacher.differential_checks import check
from sources.teacher.knowledge import Knowledge
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.lexicon import lexicon_of
from sources.teacher.patients import Patient, patient_of
from sources.teacher.posterior import given_rates
from sources.teacher.rendering import render
from sources.teacher.sample_patients import sample_patients
from sources.teacher.verbalise import FORMS, LANGUAGES, Rendering

SMALL = Path(__file__).parent / "small_base"
OPTIONS = {"knowledge": str(SMALL), "seed": 4}
HEADER = b"AGE,DIFFERENTIAL_DIAGNOSIS,SEX,PATHOLOGY,EVIDENCES,INITIAL_EVIDENCE\n"
ROW = b"""34,"[['FLU', 0.7501], ['TB', 0.2499]]",F,TB,"['FEVER', 'COUGH_@_V_BLOOD']",FEVER\n"""
DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
DDXPLUS = DATA / "ddx" / "ddxplus_en"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")


def parsed(body: bytes, key: str = "patients.csv", **options: Any) -> tuple[list[Part], list[Fault]]:
    found = list(parse(body, key, {**OPTIONS, **options}))
    return [one for one in found if isinstance(one, Part)], [one for one in found if isinstance(one, Fault)]


def test_a_released_differential_is_the_gold_word_for_word() -> None:
    (part,), faults = parsed(HEADER + ROW, languages=["en"], forms=["vignette"])
    assert not faults
    facts = part.extra["differential"]
    assert (facts["gold"], facts["probabilities"]) == (["FLU", "TB"], [0.7501, 0.2499])
    assert (facts["basis"], facts["assumed"], facts["clinician_reviewed"]) == ("released", {}, False)
    assert part.messages is not None
    assert [turn["trained"] for turn in part.messages] == [False, True]
    assert "34-year-old woman" in part.messages[0]["content"]
    assert part.text.endswith("1. Influenza (75%)\n2. Pulmonary tuberculosis (25%)")
    assert part.teacher == {
        "model": "medmix-grammar", "revision": "1", "prompt": load_knowledge(SMALL).sha256, "sampling": "seed=4",
        "attempt": 1,
    }  # fmt: skip


def test_a_drawn_patient_carries_what_is_assumed() -> None:
    parts, faults = parsed(b"- {setting: camp, patients: 40, seed: 2}", "wanted.yaml")
    assert len(parts) == 40
    assert not faults
    for part in parts:
        facts = part.extra["differential"]
        assert (facts["basis"], facts["setting"], facts["region"]) == ("posterior", "camp", "African Region")
        assert facts["assumed_priors"]
        assert facts["assumed"].keys() == set(facts["gold"])
        told = {one["code"] for one in facts["evidence"]}
        assert all(set(codes) <= told for codes in facts["assumed"].values())
        cited = [one for one in facts["evidence"] if one["code"] == "FEVER" and one["present"]]
        assert not (cited and "FEVER" in facts["assumed"].get("TB", []))
    assert {part.language for part in parts} == set(LANGUAGES)
    assert {part.extra["differential"]["form"] for part in parts} == set(FORMS)


def test_rows_are_named_by_their_place_wherever_the_file_is_cut() -> None:
    whole, _ = parsed(HEADER + ROW * 3)
    tail, _ = parsed(ROW * 2, f"patients.csv!B{len(HEADER + ROW)}")
    assert [(part.name, part.text) for part in whole[1:]] == [(part.name, part.text) for part in tail]


def test_bad_rows_are_faults_and_cost_nothing_else() -> None:
    broken = ROW.replace(b"34,", b"old,") + b"1,2\n" + ROW.replace(b"'FEVER', ", b"'FEVRE', ") + HEADER
    parts, faults = parsed(HEADER + broken + ROW)
    assert len(parts) == 1
    assert [fault.reason for fault in faults] == ["wrong_type", "ragged_row", "unknown_code", "bad_header"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b" ", "empty_item"),
        (b"[", "invalid_yaml"),
        (b"[]", "no_record"),
        (b"- {setting: camp, patients: 0}", "wrong_type"),
        (b"- {setting: camp, patients: 5, sed: 1}", "wrong_type"),
        (b"- {setting: moon, patients: 5}", "unknown_code"),
    ],
)
def test_a_request_that_cannot_be_met_is_told(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as told:
        list(parse(body, "wanted.yaml", OPTIONS))
    assert told.value.reason == reason
    assert reason in REASONS


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"languages": ["de"]}, "de"),
        ({"forms": []}, "none"),
        ({"seed": "x"}, "whole number"),
        ({"knowledge": "moon"}, "moon"),
    ],
)
def test_wrong_options_are_told_when_the_plan_is_made(options: dict[str, Any], told: str) -> None:
    config = {"name": "d", "kind": "synthetic", "path": ".", "parser": "differential"}
    source = SourceConfig(**config, options={"knowledge": str(SMALL), **options})
    with pytest.raises(ConfigError, match=told):
        for_source(source, SMALL)


def test_the_base_takes_part_in_the_identity() -> None:
    source = SourceConfig(name="d", kind="synthetic", path=".", parser="differential")
    options, identity = for_source(source, SMALL)
    assert options["knowledge"] == str(SMALL)
    assert identity["knowledge"] == load_knowledge(SMALL).sha256
    assert identity["checks"]
    assert identity["words"]


def test_what_fails_its_own_checks_is_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*given: Any) -> Rendering:
        told = render(*given)
        return replace(told, turns=tuple((role, text.replace("fever", "ache")) for role, text in told.turns))

    monkeypatch.setattr(differential, "render", forgetful)
    parts, faults = parsed(HEADER + ROW, languages=["en"], forms=["vignette"])
    assert not parts
    assert [fault.reason for fault in faults] == ["finding_lost"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "folder", [FOLDER / "limited-resource", pytest.param(DDXPLUS, marks=[needs_data, pytest.mark.real])]
)
def test_no_topic_and_no_present_clause_holds_a_denial(folder: Path, language: str) -> None:
    """A denial within them would turn round when they are denied."""
    base = load_knowledge(folder)
    lexicon = lexicon_of(base, language)
    for evidence in base.evidences.values():
        for text in (evidence.topic.get(language, ""), evidence.present.get(language, "")):
            assert not lexicon.is_denied(text), (evidence.code, text)


def faults_among(base: Knowledge, patients: Iterable[Patient], seed: int = 11) -> tuple[int, Counter[str]]:
    """Return how many patients were told in both languages, and the faults that the checks found."""
    rates, told, faults = given_rates(base), 0, Counter[str]()
    for patient in patients:
        case = case_of(base, rates, patient, seed)
        assert not patient.differential or case.gold == patient.differential
        for language in LANGUAGES:
            told += 1
            rendering = render(case, base, language, seed)
            faults.update(f"{fault} {language}" for fault in check(case, base, rendering))
            assert listed(rendering) == [base.conditions[code].name[language] for code, _ in case.gold]
    return told, faults


def listed(rendering: Rendering) -> list[str]:
    """Return the names of the ranked list, read without the code that is tested."""
    lines = rendering.answer.rpartition("\n\n")[2].splitlines()[1:]
    return [line.partition(". ")[2].rpartition(" (")[0] for line in lines]


def test_the_projects_base_is_told_without_loss_or_invention() -> None:
    base = load_knowledge(FOLDER / "limited-resource")
    each = 6
    drawn = (patient for setting in base.settings for patient in sample_patients(base, setting, each, 5))
    told, faults = faults_among(base, drawn)
    assert told == 2 * each * len(base.settings)
    assert not faults


def real_patients() -> list[Patient]:
    base = load_knowledge(DDXPLUS)
    patients = []
    for split in ("train", "validate"):
        lines = (DDXPLUS / f"release_{split}_patients.csv").read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines[1:]):
            row = next(iter(differential.csv_rows(line, {"delimiter": ",", "columns": differential.COLUMNS})))
            assert not isinstance(row, Fault)
            patients.append(patient_of(row.fields, f"{split}-{number}", base))
    return patients


@needs_data
@pytest.mark.real
def test_patients_of_ddxplus_are_told_without_loss_or_invention() -> None:
    told, faults = faults_among(load_knowledge(DDXPLUS), real_patients()[::4])
    assert told > 250
    assert not faults


@needs_data
@pytest.mark.real
@pytest.mark.nightly
def test_ten_thousand_patients_of_ddxplus_are_told_without_loss_or_invention() -> None:
    base = load_knowledge(DDXPLUS)
    told, faults = faults_among(base, [*real_patients(), *sample_patients(base, "", 9500, 7)])
    print(f"\n{told} renderings of {told // 2} patients of DDXPlus, 0 faults asked: {dict(faults)}")
    assert told > 20_000
    assert not faults


@pytest.mark.nightly
def test_ten_thousand_renderings_of_the_projects_base() -> None:
    base = load_knowledge(FOLDER / "limited-resource")
    each = 5_000 // len(base.settings) + 1
    drawn = (patient for setting in base.settings for patient in sample_patients(base, setting, each, 8))
    told, faults = faults_among(base, drawn)
    print(f"\n{told} renderings of {told // 2} drawn patients, faults: {dict(faults)}")
    assert told >= 10_000
    assert not faults


def test_a_rendering_is_the_same_whoever_else_is_told() -> None:
    base = load_knowledge(FOLDER / "limited-resource")
    patients = list(sample_patients(base, "refugee-camp", 5, 5))
    cases: list[Case] = [case_of(base, given_rates(base), patient, 1) for patient in patients]
    forward = [render(case, base, "fr", 1).messages() for case in cases]
    backward = [render(case, base, "fr", 1).messages() for case in reversed(cases)]
    assert json.dumps(forward) == json.dumps(backward[::-1])
