"""Rows of DDXPlus become patients with all that they say; a bad cell is told by its column; draws follow the base."""

from collections import Counter
from pathlib import Path

import pytest

from pipelines.engine.errors import ConfigError
from sources.parse.part import Unreadable
from sources.teacher.knowledge import Evidence, Knowledge
from sources.teacher.knowledge_files import load_knowledge
from sources.teacher.patients import Observation, patient_of
from sources.teacher.sample_patients import sample_patients

BASE = load_knowledge(Path(__file__).parent / "small_base")
ROW = {
    "AGE": "34",
    "DIFFERENTIAL_DIAGNOSIS": "[['TB', 0.25], ['Influenza', 0.75]]",
    "SEX": "F",
    "PATHOLOGY": "TB",
    "EVIDENCES": "['FEVER', 'COUGH_@_V_BLOOD']",
    "INITIAL_EVIDENCE": "FEVER",
}


def test_a_row_becomes_a_patient() -> None:
    patient = patient_of(ROW, "B7", BASE)
    assert (patient.id, patient.age_years, patient.sex, patient.condition) == ("B7", 34, "female", "TB")
    assert patient.observed == (Observation("FEVER"), Observation("COUGH", values=("V_BLOOD",)))
    assert patient.differential == (("FLU", 0.75), ("TB", 0.25))


def test_values_of_one_evidence_are_one_observation_and_a_default_is_an_absence() -> None:
    place = Evidence(code="PLACE", type="multi", values={"none": {"en": "nowhere"}, "a": {}, "b": {}}, default="none")
    base = Knowledge(name="x", conditions=BASE.conditions, evidences={**BASE.evidences, "PLACE": place})
    two = patient_of({**ROW, "EVIDENCES": "['PLACE_@_a', 'FEVER', 'PLACE_@_b', 'PLACE_@_b']"}, "1", base)
    assert two.observed == (Observation("PLACE", values=("a", "b")), Observation("FEVER"))
    none = patient_of({**ROW, "EVIDENCES": "['PLACE_@_none']"}, "1", base)
    assert none.observed == (Observation("PLACE", False, ("none",)),)


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("AGE", "old", "wrong_type"),
        ("AGE", "-1", "wrong_type"),
        ("AGE", "nan", "wrong_type"),
        ("AGE", "", "missing_field"),
        ("SEX", "X", "wrong_type"),
        ("PATHOLOGY", "Scurvy", "unknown_code"),
        ("EVIDENCES", "['FEVRE']", "unknown_code"),
        ("EVIDENCES", "['COUGH']", "unknown_code"),
        ("EVIDENCES", "['COUGH_@_V_BLUE']", "unknown_code"),
        ("EVIDENCES", "['FEVER_@_1']", "unknown_code"),
        ("EVIDENCES", "__import__('os').getcwd()", "wrong_type"),
        ("EVIDENCES", "[]", "wrong_type"),
        ("DIFFERENTIAL_DIAGNOSIS", "[['TB']]", "wrong_type"),
        ("DIFFERENTIAL_DIAGNOSIS", "[['TB', 0.5], ['TB', 0.5]]", "wrong_type"),
        ("DIFFERENTIAL_DIAGNOSIS", "[['Scurvy', 0.5]]", "unknown_code"),
        ("INITIAL_EVIDENCE", "FEVRE", "unknown_code"),
    ],
)
def test_a_bad_cell_is_told(column: str, cell: str, reason: str) -> None:
    with pytest.raises(Unreadable) as told:
        patient_of({**ROW, column: cell}, "1", BASE)
    assert told.value.reason == reason


def test_draws_follow_the_priors_and_depend_on_the_seed_and_number_alone() -> None:
    drawn = list(sample_patients(BASE, "camp", 400, 3))
    assert drawn[:20] == list(sample_patients(BASE, "camp", 20, 3))
    assert drawn[:20] != list(sample_patients(BASE, "camp", 20, 4))
    often = Counter(patient.condition for patient in drawn)
    assert often["FLU"] > often["TB"] > often["ECLAMPSIA"] > 0
    for patient in drawn:
        condition = BASE.conditions[patient.condition]
        assert condition.fits(patient.age_years, patient.sex)
        assert {one.code for one in patient.observed} <= condition.evidences
        assert all(len(one.values) == (one.code == "COUGH") for one in patient.observed)
    coughs = Counter(one.values[0] for p in drawn if p.condition == "TB" for one in p.observed if one.code == "COUGH")
    assert coughs.keys() == {"V_DRY", "V_BLOOD"}


def test_a_setting_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="camp"):
        list(sample_patients(BASE, "moon", 1, 1))
