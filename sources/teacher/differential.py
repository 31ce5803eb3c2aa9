"""The parser `differential`: patients in, differential diagnoses with their reasoning out, without any model.

An item is a CSV of DDXPlus's patients, whole or a block of its lines, or a YAML that asks for patients (a list of
`{setting, patients, seed}`), whole or a range of them. Options: `knowledge` (the folder of the base), `languages`,
`forms` and `seed`. Each patient gives one part, told in one language and form that follow from seed and patient; its
probabilities come from the release or the base alone. A rendering that fails a check of its own is a fault with the
check's reason, so that nothing unfaithful is trained on. Not here: a teacher's wording of a case, which the same checks
judge.
"""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.engine.errors import ConfigError
from pipelines.engine.hashing import digest
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.record_csv import csv_rows
from sources.teacher.case import Case, case_of
from sources.teacher.differential_checks import check
from sources.teacher.knowledge import Knowledge
from sources.teacher.knowledge_files import load_knowledge
from sources.teacher.patient_ranges import file_of, within
from sources.teacher.patients import COLUMNS, Patient, patient_of
from sources.teacher.patients_wanted import requests_of
from sources.teacher.posterior import Rates, given_rates
from sources.teacher.rendering import render
from sources.teacher.sample_patients import rng_of, sample_patients
from sources.teacher.verbalise import FORMS, LANGUAGES, VERSION, Rendering

MODEL = "medmix-grammar"
_BLOCK = re.compile(r"!B(\d+)$")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield a part for each patient, or a fault. Raises Unreadable for a bad item, ValueError for bad options."""
    languages, forms = _chosen(options, "languages", LANGUAGES), _chosen(options, "forms", FORMS)
    seed = options.get("seed", 0)
    if not isinstance(seed, int):
        raise ValueError(f"differential: seed is {seed!r}, not a whole number")
    if "knowledge" not in options:
        raise ValueError("differential: name the base in `knowledge`, a folder of configs/knowledge or a path")
    knowledge = load_knowledge(Path(options["knowledge"]))
    rates = given_rates(knowledge)
    for patient in _patients(body, key, knowledge):
        yield patient if isinstance(patient, Fault) else _told(knowledge, rates, patient, (languages, forms, seed))


def _chosen(options: dict[str, Any], name: str, known: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(options.get(name, known))
    if not chosen or (unknown := sorted(set(chosen) - set(known))):
        raise ValueError(f"differential: {name}: {unknown[0] if chosen else 'none'!r} is not one of {', '.join(known)}")
    return chosen


def _patients(body: bytes, key: str, knowledge: Knowledge) -> Iterator[Patient | Fault]:
    if not body or body.isspace():
        raise Unreadable("empty_item")
    if file_of(key) is None:
        return _rows(body, key, knowledge)
    try:
        return iter(
            [
                patient
                for one, numbers in within(key, requests_of(body))
                for patient in sample_patients(knowledge, one.setting, len(numbers), one.seed, first=numbers.start)
            ]
        )
    except ConfigError as error:
        raise Unreadable("unknown_code", str(error)) from None


def _rows(body: bytes, key: str, knowledge: Knowledge) -> Iterator[Patient | Fault]:
    """Yield the patients of lines of CSV; each is named by the byte where its line begins, wherever a file is cut."""
    block = _BLOCK.search(key)
    at = int(block[1]) if block else 0
    for line in io.BytesIO(body):
        start, at = at, at + len(line)
        name = f"B{start}"
        if line.strip():
            row = next(iter(csv_rows(line, {"delimiter": ",", "columns": COLUMNS})))
            if isinstance(row, Fault):
                yield Fault(reason=row.reason, detail=row.detail, name=name)
            elif tuple(row.fields[column] for column in COLUMNS) != COLUMNS:
                yield _patient(row.fields, name, knowledge)
            elif start:
                yield Fault(reason="bad_header", detail="a header in the middle", name=name)


def _patient(row: dict[str, Any], name: str, knowledge: Knowledge) -> Patient | Fault:
    try:
        return patient_of(row, name, knowledge)
    except Unreadable as error:
        return Fault(reason=error.reason, detail=error.detail, name=name)


def _told(
    knowledge: Knowledge, rates: Rates, patient: Patient, how: tuple[tuple[str, ...], tuple[str, ...], int]
) -> Part | Fault:
    languages, forms, seed = how
    try:
        case = case_of(knowledge, rates, patient, seed)
    except ValueError as error:
        return Fault(reason="no_differential", detail=str(error), name=patient.id)
    language = rng_of("language", seed, patient.id).choice(languages)
    rendering = render(case, knowledge, language, seed, forms)
    if faults := check(case, knowledge, rendering):
        first = faults[0]
        return Fault(reason=first.reason, detail=f"{language} {rendering.form}: {first.detail}", name=patient.id)
    return part_of(case, knowledge, rendering, seed)


def part_of(case: Case, knowledge: Knowledge, rendering: Rendering, seed: int) -> Part:
    """Return the part of a rendering that passed its checks, with everything that it was made from."""
    return Part(
        text=rendering.text(),
        messages=rendering.messages(),
        name=case.patient.id,
        kind="synthetic",
        language=rendering.language,
        teacher={
            "model": MODEL,
            "revision": VERSION,
            "prompt": knowledge.sha256,
            "sampling": f"seed={seed}",
            "attempt": 1,
        },
        extra={"differential": facts_of(case, knowledge, rendering)},
    )


def facts_of(case: Case, knowledge: Knowledge, rendering: Rendering) -> dict[str, Any]:
    """Return the structure that a text tells, as JSON values: case, gold, probabilities, and what is assumed."""
    patient = case.patient
    return {
        "age_years": patient.age_years,
        "sex": patient.sex,
        "form": rendering.form,
        "template": digest(rendering.template)[:16],
        "evidence": [{"code": one.code, "present": one.present, "values": list(one.values)} for one in case.told],
        "gold": [code for code, _ in case.gold],
        "probabilities": [probability for _, probability in case.gold],
        "basis": case.basis,
        "condition": patient.condition,
        "setting": case.setting.code if case.setting else None,
        "region": case.setting.region if case.setting else None,
        "assumed": {code: list(evidences) for code, evidences in case.assumed.items()},
        "assumed_priors": bool(case.setting and case.setting.basis == "assumed"),
        "clinician_reviewed": all(one.clinician_reviewed for one in case.conditions(knowledge)),
        "knowledge": {"name": knowledge.name, "sha256": knowledge.sha256},
        "checks": "passed",
    }
