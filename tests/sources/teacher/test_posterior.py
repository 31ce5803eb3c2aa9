"""The posterior is Bayes on small numbers done by hand, and agrees with the differentials that DDXPlus released."""

import csv
import os
from pathlib import Path

import pytest

from sources.teacher.knowledge import Knowledge
from sources.teacher.knowledge_files import load_knowledge
from sources.teacher.patients import Observation, Patient, patient_of
from sources.teacher.posterior import (
    BACKGROUND,
    Differential,
    Rates,
    Situation,
    differential_of,
    estimated_rates,
    given_rates,
)

BASE = load_knowledge(Path(__file__).parent / "small_base")
RATES = given_rates(BASE)
DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))


def ranked(
    observed: list[Observation], priors: dict[str, float] | None = None, age_years: float = 30, sex: str = "male"
) -> Differential:
    known = Situation(observed=tuple(observed), age_years=age_years, sex=sex, priors=priors)
    return differential_of(BASE, RATES, known)


def test_it_is_bayes() -> None:
    observed = [Observation("FEVER"), Observation("COUGH", values=("V_BLOOD",)), Observation("CONTACT", False)]
    found = ranked(observed, {"TB": 1, "FLU": 2})
    tuberculosis = 1 * 0.6 * 0.3 * (1 - 0.4)
    influenza = 2 * 0.9 * BACKGROUND * (1 - BACKGROUND)
    assert found.ranked[0][0] == "TB"
    assert dict(found.ranked)["TB"] == pytest.approx(tuberculosis / (tuberculosis + influenza))
    assert found.assumed == {"TB": ("COUGH", "CONTACT"), "FLU": ("FEVER", "COUGH", "CONTACT")}


def test_an_absent_evidence_with_values_speaks_against_all_of_them() -> None:
    found = ranked([Observation("COUGH", False)], {"TB": 1, "FLU": 1})
    assert dict(found.ranked)["TB"] == pytest.approx(0.3 / (0.3 + 0.3))


def test_age_and_sex_rule_out() -> None:
    assert {code for code, _ in ranked([]).ranked} == {"TB", "FLU"}
    assert {code for code, _ in ranked([], None, 2, "female").ranked} == {"FLU"}
    with pytest.raises(ValueError, match="no condition"):
        ranked([], {"TB": 1}, 2, "female")


def test_a_weight_below_one_flattens_and_keeps_the_order() -> None:
    observed = (Observation("FEVER"), Observation("COUGH", values=("V_DRY",)))
    known = {"observed": observed, "age_years": 30, "sex": "male"}
    full, half = (differential_of(BASE, RATES, Situation(**known, weight=weight)).ranked for weight in (1.0, 0.5))
    assert [code for code, _ in full] == [code for code, _ in half]
    assert half[0][1] < full[0][1]


def test_rates_are_counted_in_train_patients() -> None:
    coughing = (Observation("COUGH", values=("V_DRY",)),)
    shared = {"age_years": 30, "sex": "male", "condition": "TB"}
    train = [Patient(id=str(n), observed=coughing if n < 9 else (), **shared) for n in range(10)]
    rates = estimated_rates(BASE, train)
    dry = rates["TB"]["COUGH", "V_DRY"]
    assert dry.basis == "estimated"
    assert 0.8 < (dry.probability or 0) < 0.95
    assert ("COUGH", "V_DRY") not in rates["ECLAMPSIA"]


def read(folder: Path, split: str, base: Knowledge) -> list[Patient]:
    with (folder / f"release_{split}_patients.csv").open(newline="", encoding="utf-8") as rows:
        return [patient_of(row, str(number), base) for number, row in enumerate(csv.DictReader(rows))]


def overlap(base: Knowledge, rates: Rates, patients: list[Patient], top: int) -> float:
    """Return the mean share of the released first `top` that are among ours."""
    shares = []
    for patient in patients:
        known = Situation(observed=patient.observed, age_years=patient.age_years, sex=patient.sex)
        ranked = differential_of(base, rates, known).ranked
        gold = {code for code, _ in patient.differential[:top]}
        shares.append(len(gold & {code for code, _ in ranked[:top]}) / len(gold))
    return sum(shares) / len(shares)


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
def test_it_agrees_with_released_differentials_that_it_was_not_estimated_from() -> None:
    folder = DATA / "ddx" / "ddxplus_en"
    base = load_knowledge(folder)
    train, held_out = read(folder, "train", base), read(folder, "validate", base)
    estimated, flat = estimated_rates(base, train), given_rates(base)
    print(f"\nagreement with {len(held_out)} released differentials (top-1, top-3, top-5 overlap)")
    for name, rates in (("estimated from train", estimated), ("flat", flat)):
        print(f"  {name:<21}", *(f"{overlap(base, rates, held_out, top):.3f}" for top in (1, 3, 5)))
    assert overlap(base, estimated, held_out, 1) > 0.65
    assert overlap(base, estimated, held_out, 5) > overlap(base, flat, held_out, 5)
