"""The checks catch what is wrong in text that somebody wrote from a case, and leave good text alone.

`differential_renderings.json` holds ten cases told by hand, five in English and five in French, as a teacher would;
200 harmless rewordings of them; and 200 edits that make one fault each, 20 of each of ten kinds. An edit is [old,
new]; with "question|old" it is of the answer to that question. Those words were written beside the checks, so their
figures are an upper bound. `differential_fresh.json` holds two sets written without a look at them. At first sight the
first had its 200 faults caught for nothing: all 200 good texts were refused too, for a finding said in other words or a
warning sign not called one; three of its eight cases were then given the names that a prompt gives. The second, written
after the checks had been mended by the first: 39 of 40 caught, 10 of 40 refused, all of one case, whose wrong refusal
also caught two faults by chance; 39 and 1 since. Two answers of the 200 gave drugs that no next step names, which is
now a fault: they were taken out. What is refused costs an attempt; what passes is trained on.

`differential_told.json` holds replies without marks, written in a teacher's place to prompt 1, without sight of the
checks (replies to prompt 2 carry marks, `test_differential_marked`): five sets of 20, with five good and five bad edits
of each. As the checks stood, 19 of the 20 of set b and 94 of its 100 good edits were refused. They were then mended by
it until all was judged rightly, so its figures say nothing of others. Of the other four, 52 of their 80 replies are
refused, and 10 of their 400 bad edits pass.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sources.teacher.case import Case
from sources.teacher.differential_checks import check
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.patients import Observation, Patient
from sources.teacher.verbalise import Rendering

FILE: dict[str, Any] = json.loads((Path(__file__).parent / "differential_renderings.json").read_text())
BASE = load_knowledge(FOLDER / "limited-resource")
FRESH: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "differential_fresh.json").read_text(encoding="utf-8")
)
TOLD: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "differential_told.json").read_text(encoding="utf-8")
)
MAX_MISSED, MAX_ALARMS = 0.02, 0.02
MOST = {
    "first": (0.0, 0.4), "second": (0.0, 0.0),
    "b": (0.0, 0.0), "a": (0.02, 80 / 120), "c": (0.02, 66 / 120), "d": (0.0, 94 / 120), "e": (0.06, 67 / 120),
}  # fmt: skip
"""Missed and refused, as they are now: they may only fall."""


def case_of_row(row: dict[str, Any], file: dict[str, Any] = FILE) -> Case:
    told = file["bases"][row["base"]]
    patient = Patient(
        id=row["base"], age_years=told["age_years"], sex=told["sex"], observed=(), condition=told["gold"][0][0]
    )
    return Case(
        patient=patient,
        told=tuple(Observation(code, present, tuple(values)) for code, present, values in told["told"]),
        gold=tuple((code, probability) for code, probability in told["gold"]),
        assumed={},
        setting=BASE.settings[told["setting"]],
        basis="posterior",
    )


def edited(row: dict[str, Any], file: dict[str, Any] = FILE) -> Rendering:
    told = file["bases"][row["base"]]
    texts = [text for _, text in told["turns"]] + [told["answer"]]
    for old, new in row["edits"]:
        question, bar, answer = old.partition("|")
        if bar:
            at = next(n for n, text in enumerate(texts) if question in text) + 1
            assert texts[at] == answer
            texts[at] = new
        else:
            at = next(n for n, text in enumerate(texts) if old in text)
            texts[at] = texts[at].replace(old, new, 1)
    roles = [role for role, _ in told["turns"]]
    return Rendering(told["form"], told["language"], tuple(zip(roles, texts, strict=False)), texts[-1])


def test_bad_text_is_caught() -> None:
    kinds = Counter(row["kind"] for row in FILE["bad"])
    assert len(kinds) == 10
    assert set(kinds.values()) == {20}
    missed = [row for row in FILE["bad"] if not check(case_of_row(row), BASE, edited(row))]
    named = sum(row["kind"] in {f.reason for f in check(case_of_row(row), BASE, edited(row))} for row in FILE["bad"])
    print(f"\nbad: {len(FILE['bad']) - len(missed)} of {len(FILE['bad'])} caught, {named} under the name of their kind")
    assert len(missed) <= MAX_MISSED * len(FILE["bad"]), missed


def test_good_text_passes() -> None:
    alarms = [(row, found) for row in FILE["good"] if (found := check(case_of_row(row), BASE, edited(row)))]
    print(f"\ngood: {len(alarms)} of {len(FILE['good'])} false alarms")
    assert len(FILE["good"]) == 200
    assert len(alarms) <= MAX_ALARMS * len(FILE["good"]), alarms


@pytest.mark.parametrize("name", FILE["bases"])
def test_the_text_as_it_was_written_is_faithful(name: str) -> None:
    row = {"base": name, "edits": []}
    assert check(case_of_row(row), BASE, edited(row)) == []


@pytest.mark.parametrize("name", MOST)
def test_text_in_other_words_is_judged_no_worse_than_it_was(name: str) -> None:
    file, (most_missed, most_refused) = (FRESH | TOLD)[name], MOST[name]
    assert len({row["kind"] for row in file["bad"]}) == 10
    missed = [row for row in file["bad"] if not check(case_of_row(row, file), BASE, edited(row, file))]
    refused = [row for row in file["good"] if check(case_of_row(row, file), BASE, edited(row, file))]
    bad, good = len(file["bad"]), len(file["good"])
    print(f"\nset {name}: {bad - len(missed)} of {bad} bad caught, {len(refused)} of {good} good refused")
    assert len(missed) <= most_missed * bad, missed
    assert len(refused) <= most_refused * good, refused


def test_every_set_has_its_limits() -> None:
    assert MOST.keys() == FRESH.keys() | TOLD.keys()
