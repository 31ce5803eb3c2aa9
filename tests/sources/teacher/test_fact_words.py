"""The words of a mark tell their fact, no more, no less, and not the other way round."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.teacher.fact_words import facts_of
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.patients import Observation
from sources.teacher.verbalise import said, value_words

BASE = load_knowledge(FOLDER / "limited-resource")
CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "mark_cases.json").read_text(encoding="utf-8"))
PEOPLE = [
    ("en", "a 61-year-old man", "a man of 61 years", True),
    ("en", "a 61-year-old man", "a 61-year-old woman", False),
    ("en", "a 61-year-old man", "a 16-year-old man", False),
    ("en", "a 61-year-old man", "a man", False),
    ("en", "a 61-year-old man", "a man aged 61", True),
    ("en", "a 61-year-old man", "a man aged 61 months", False),
    ("fr", "un nourrisson de sexe masculin de 23 mois", "un nourrisson masculin de 23 mois", True),
    ("fr", "un nourrisson de sexe masculin de 23 mois", "un nourrisson féminin de 23 mois", False),
    ("fr", "un nourrisson de sexe masculin de 23 mois", "un nourrisson masculin de 23 jours", False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["words"])
def test_words_in_a_mark(case: dict[str, Any]) -> None:
    language, values = case.get("language", "en"), tuple(case.get("values", ()))
    one = Observation(case["code"], case["present"], values)
    evidence = BASE.evidences[one.code]
    told = value_words(evidence, one, language) if values else ""
    _, fact = facts_of(BASE, language, "a man", [(one, said(evidence, one, language), told)])
    assert fact.fault(case["words"], whole=not case.get("part", False)) == case["reason"]


@pytest.mark.parametrize(("language", "who", "words", "right"), PEOPLE)
def test_words_for_a_person(language: str, who: str, words: str, right: bool) -> None:
    (fact,) = facts_of(BASE, language, who, [])
    assert (fact.fault(words, whole=True) == "") == right
