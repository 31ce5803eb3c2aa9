"""Patients with what was found in them: the form of one, and how a row of DDXPlus's CSV becomes one.

A row says age, sex, every evidence that is there (`E_91`, or `E_56_@_3` with a value), the evidence that came first,
the disease that made the patient, and the released differential, which is the gold. A value that means "no" (nowhere,
none) is an observed absence. Evidences that a row does not name are absent, but nobody has said so yet (`case`). Not
here: reading the file (`differential`), and patients that we sample (`sample_patients`).
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sources.parse.part import Unreadable
from sources.teacher.knowledge import Knowledge

COLUMNS = ("AGE", "DIFFERENTIAL_DIAGNOSIS", "SEX", "PATHOLOGY", "EVIDENCES", "INITIAL_EVIDENCE")
_VALUE = "_@_"
_SEX = {"F": "female", "M": "male"}
_MAX_AGE_YEARS = 120


@dataclass(frozen=True, slots=True)
class Observation:
    """An evidence that is there or is not; `values` are those of one that has values (codes, or a number as text)."""

    code: str
    present: bool = True
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A person with findings. `differential` has condition codes with probabilities, best first."""

    id: str
    age_years: float
    sex: str
    observed: tuple[Observation, ...]
    condition: str
    differential: tuple[tuple[str, float], ...] = ()
    initial: str = ""
    setting: str = ""


def patient_of(row: Mapping[str, Any], patient_id: str, knowledge: Knowledge) -> Patient:
    """Return the patient of one row of DDXPlus's CSV.

    Raises Unreadable: `missing_field`, `wrong_type` for a cell that is not what its column says, `unknown_code` for an
    evidence, value or condition that the base does not have.
    """
    if missing := [name for name in COLUMNS if not str(row.get(name) or "").strip()]:
        raise Unreadable("missing_field", missing[0])
    return Patient(
        id=patient_id,
        age_years=_age(row["AGE"]),
        sex=_looked_up(_SEX, row["SEX"].strip(), "SEX", "wrong_type"),
        observed=observations_of(_list(row["EVIDENCES"], "EVIDENCES"), knowledge),
        condition=_condition(row["PATHOLOGY"], knowledge),
        differential=_differential(row["DIFFERENTIAL_DIAGNOSIS"], knowledge),
        initial=_looked_up(knowledge.evidences, row["INITIAL_EVIDENCE"], "INITIAL_EVIDENCE").code,
    )


def observations_of(written: Iterable[Any], knowledge: Knowledge) -> tuple[Observation, ...]:
    """Return what a list such as [E_91, E_55_@_V_32, E_55_@_V_108] says, one observation an evidence, in its order."""
    values: dict[str, list[str]] = {}
    for one in written:
        code, _, value = str(one).partition(_VALUE)
        evidence = _looked_up(knowledge.evidences, code, "EVIDENCES")
        if (evidence.type == "binary") == bool(value) or (value and evidence.values and value not in evidence.values):
            raise Unreadable("unknown_code", f"EVIDENCES: value of {code}")
        values.setdefault(code, []).extend([value] if value and value not in values.get(code, []) else [])
    defaults = {code: knowledge.evidences[code].default for code in values}
    return tuple(Observation(code, found != [defaults[code]], tuple(found)) for code, found in values.items())


def _age(written: str) -> float:
    try:
        age_years = float(written)
    except ValueError:
        raise Unreadable("wrong_type", "AGE is no number") from None
    if not 0 <= age_years <= _MAX_AGE_YEARS:
        raise Unreadable("wrong_type", f"AGE is {age_years:g}")
    return age_years


def _list(written: str, column: str) -> list[Any]:
    try:
        value = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, list) or not value:
        raise Unreadable("wrong_type", f"{column} is no list")
    return value


def _differential(written: str, knowledge: Knowledge) -> tuple[tuple[str, float], ...]:
    """Return the released differential, in its own order, which is by probability."""
    pairs = _list(written, "DIFFERENTIAL_DIAGNOSIS")
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], float | int) and 0 <= pair[1] <= 1):
            raise Unreadable("wrong_type", "DIFFERENTIAL_DIAGNOSIS is no list of names and probabilities")
    named = tuple((_condition(name, knowledge), float(probability)) for name, probability in pairs)
    if len({code for code, _ in named}) < len(named):
        raise Unreadable("wrong_type", "DIFFERENTIAL_DIAGNOSIS names a condition twice")
    return tuple(sorted(named, key=lambda pair: -pair[1]))


def _condition(name: Any, knowledge: Knowledge) -> str:
    try:
        return knowledge.condition_named(str(name)).code
    except KeyError:
        raise Unreadable("unknown_code", f"condition {str(name)[:40]!r}") from None


def _looked_up(table: Mapping[str, Any], key: str, column: str, reason: str = "unknown_code") -> Any:
    if key not in table:
        raise Unreadable(reason, f"{column}: {key[:40]!r}")
    return table[key]
