"""The shipped knowledge base holds together: codes, probabilities, citations, red flags, tests, priors, and diagnoses.

The files are read as they are, without the loader, so that each is held to its documented layout. How the clauses are
worded is tested in `test_knowledge_words.py`; whether a fact is right only a clinician can say.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[3] / "configs/knowledge/limited-resource"
LEVELS = ("community", "health-centre", "district-hospital", "referral")
REGIONS = {
    f"{name} Region" for name in ("African", "South-East Asia", "Eastern Mediterranean", "Western Pacific", "European")
} | {"Region of the Americas"}
BACKGROUND = 0.02
"""What an evidence that a condition does not name is taken to be, in the diagnoses of this file."""


def _read(name: str) -> Any:
    return YAML(typ="safe").load((FOLDER / name).read_text(encoding="utf-8"))


CONDITIONS: list[dict[str, Any]] = _read("conditions.yaml")
EVIDENCES: dict[str, dict[str, Any]] = _read("evidences.yaml")
SETTINGS: dict[str, dict[str, Any]] = _read("settings.yaml")
CITATIONS = {key: source for condition in CONDITIONS for key, source in condition["citations"].items()}


def _shown(condition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for finding in condition["findings"] + condition["antecedents"]:
        yield f"{condition['code']}: {finding['evidence']} {finding.get('value', '')}".strip(), finding


def _table(condition: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(f["evidence"], f.get("value", "")): f["probability"] for _, f in _shown(condition)}


WOMEN_ONLY = set(
    "PREGNANT RECENT_BIRTH FIRST_PREGNANCY PREVIOUS_CAESAREAN PELVIC_INFECTION MISSED_PERIOD VAGINAL_BLEEDING "  # noqa: SIM905
    "SOFT_UTERUS RETAINED_PLACENTA LONG_LABOUR ARRESTED_DESCENT UTERINE_RIDGE FETAL_HEART_ABNORMAL VULVAL_SWELLING "
    "FOUL_DISCHARGE UTERINE_TENDERNESS CERVICAL_TENDERNESS TISSUE_PASSED".split()
)
TABLES = {condition["code"]: _table(condition) for condition in CONDITIONS}
SHOWN_BY = Counter(key for table in TABLES.values() for key in table)


def test_layout_is_the_documented_one() -> None:
    keys = {"code", "name", "icd10", "severity", "sex", "age_years", "findings", "antecedents"}
    keys |= {"red_flags", "next_tests", "citations", "clinician_reviewed"}
    assert [c["code"] for c in CONDITIONS if set(c) != keys] == []
    assert [c["code"] for c in CONDITIONS if not re.fullmatch(r"[A-Z]\d\d(\.\d)?", c["icd10"])] == []
    assert {c["severity"] for c in CONDITIONS} <= set(range(1, 6))
    assert {c["sex"] for c in CONDITIONS} <= {"any", "female", "male"}
    assert [c["code"] for c in CONDITIONS if not 0 < c["age_years"][0] < c["age_years"][1] <= 100] == []
    assert [c["code"] for c in CONDITIONS if c["clinician_reviewed"] is not False] == []


def test_it_is_as_large_as_promised() -> None:
    assert len(CONDITIONS) >= 44
    assert len(SETTINGS) >= 8


def test_names_are_unique_and_none_is_part_of_another() -> None:
    codes = Counter(c["code"] for c in CONDITIONS)
    assert [code for code, n in codes.items() if n > 1] == []
    for language in ("en", "fr"):
        names = [c["name"][language].casefold() for c in CONDITIONS]
        assert [(a, b) for a, b in combinations(names, 2) if a in b or b in a] == [], language


def test_every_code_and_value_resolves() -> None:
    declared = {(code, value) for code, one in EVIDENCES.items() for value in one.get("values", [""])}
    assert sorted(set(SHOWN_BY) - declared) == []
    for part, antecedent in (("findings", False), ("antecedents", True)):
        here = {f["evidence"] for c in CONDITIONS for f in c[part]}
        assert [code for code in sorted(here) if EVIDENCES[code]["antecedent"] is not antecedent] == [], part


def test_no_evidence_or_value_goes_unused() -> None:
    declared = {(code, value) for code, one in EVIDENCES.items() for value in one.get("values", [""])}
    assert sorted(declared - set(SHOWN_BY)) == []


def test_probabilities_are_probabilities() -> None:
    shown = [pair for condition in CONDITIONS for pair in _shown(condition)]
    assert [where for where, f in shown if not 0 < f["probability"] < 1] == []
    for code, table in TABLES.items():
        sums: dict[str, float] = defaultdict(float)
        for (evidence, _), probability in table.items():
            sums[evidence] += probability
        over = [e for e, p in sums.items() if p > 1 + 1e-9 and EVIDENCES[e]["type"] == "categorical"]
        assert over == [], code


def test_what_is_shown_fits_the_sex_and_the_age() -> None:
    for condition in CONDITIONS:
        shown = {f["evidence"] for _, f in _shown(condition)}
        assert condition["sex"] == "female" or not shown & WOMEN_ONLY, condition["code"]
        of_a_child = {e for e in shown if EVIDENCES[e]["first_person"]["present"]["en"].startswith("My child")}
        assert condition["age_years"][1] <= 12 or not of_a_child, condition["code"]
        of_a_baby = {e for e in shown if EVIDENCES[e]["first_person"]["present"]["en"].startswith("My baby")}
        assert condition["age_years"][1] <= 2 or not of_a_baby, condition["code"]


def test_what_an_evidence_is_about_is_shown_too() -> None:
    about = {code: one["about"] for code, one in EVIDENCES.items() if "about" in one}
    assert [code for code, other in about.items() if other not in EVIDENCES or other in about] == []
    for condition in CONDITIONS:
        shown = {f["evidence"] for _, f in _shown(condition)}
        assert {about[e] for e in shown & set(about)} <= shown, condition["code"]


def test_no_finding_is_given_twice() -> None:
    assert [c["code"] for c in CONDITIONS if len(TABLES[c["code"]]) != len(list(_shown(c)))] == []


def test_every_fact_is_cited_or_marked_assumed_and_every_citation_is_defined() -> None:
    shown = [(c, where, f) for c in CONDITIONS for where, f in _shown(c)]
    assert [where for c, where, f in shown if f["citation"] not in c["citations"]] == []
    assert [where for _, where, f in shown if f["basis"] not in ("cited", "assumed")] == []
    for condition in CONDITIONS:
        for key, source in condition["citations"].items():
            assert source == CITATIONS[key], f"{key} is two sources"
            assert all(source[field] for field in ("title", "publisher")), key
            assert source["url"].startswith("https://"), key
            assert 1990 <= source["year"] <= 2026, key
        assert set(condition["citations"]) == {f["citation"] for _, f in _shown(condition)}, condition["code"]


def test_every_condition_has_six_findings_and_some_discriminate() -> None:
    few = [c["code"] for c in CONDITIONS if len({f["evidence"] for f in c["findings"]}) < 6]
    assert few == []
    mean = {key: sum(t.get(key, 0) for t in TABLES.values()) / len(TABLES) for key in SHOWN_BY}
    plain = [code for code, t in TABLES.items() if not any(p >= max(0.3, 5 * mean[key]) for key, p in t.items())]
    assert plain == []


def test_no_two_conditions_look_the_same() -> None:
    for (a, first), (b, second) in combinations(TABLES.items(), 2):
        apart = sum(abs(first.get(key, 0) - second.get(key, 0)) for key in first.keys() | second.keys())
        assert apart >= 1.5, f"{a} and {b} differ by {apart:.2f} in all"


def test_red_flags_and_next_tests() -> None:
    known: dict[str, Any] = {}
    lowest = min(LEVELS.index(setting["level"]) for setting in SETTINGS.values())
    for condition in CONDITIONS:
        code, flags = condition["code"], condition["red_flags"]
        assert set(flags) <= set(EVIDENCES), code
        assert len(flags) == len(set(flags)), code
        levels = [LEVELS.index(test["level"]) for test in condition["next_tests"]]
        assert levels == sorted(levels), f"{code}: tests are listed from the lowest level up"
        for test in condition["next_tests"]:
            assert known.setdefault(test["name"]["en"], test) == test, f"{code}: {test['name']['en']} is two tests"
        if condition["severity"] <= 2:
            assert flags, code
            assert set(flags) <= {f["evidence"] for f in condition["findings"]}, code
            assert min(levels) <= lowest, code


def test_settings_and_their_priors() -> None:
    codes = set(TABLES)
    for code, setting in SETTINGS.items():
        assert set(setting) == {"name", "level", "region", "priors", "basis", "citation"}, code
        assert setting["level"] in LEVELS, code
        assert setting["region"] in REGIONS, code
        assert set(setting["priors"]) <= codes, code
        assert min(setting["priors"].values()) > 0, code
        assert setting["basis"] == "assumed" or setting["citation"] in CITATIONS, code
        assert setting["citation"] in CITATIONS, code
    assert codes <= {code for setting in SETTINGS.values() for code in setting["priors"]}, "a condition that nobody has"


def test_a_typical_patient_is_recognised() -> None:
    """Given what a condition shows more often than not, Bayes' rule puts it first among all that fit the age."""
    missed = []
    for condition in CONDITIONS:
        seen = {key for key, p in TABLES[condition["code"]].items() if p >= 0.5}
        middle = sum(condition["age_years"]) / 2
        fitting = [c["code"] for c in CONDITIONS if c["age_years"][0] <= middle <= c["age_years"][1]]
        best = max(fitting, key=lambda code: _log_likelihood(TABLES[code], seen))
        if best != condition["code"]:
            missed.append((condition["code"], best))
    assert missed == []


def _log_likelihood(table: dict[tuple[str, str], float], seen: set[tuple[str, str]]) -> float:
    present = sum(math.log(table.get(key, BACKGROUND)) for key in seen)
    return present + sum(math.log(1 - p) for key, p in table.items() if key not in seen)
