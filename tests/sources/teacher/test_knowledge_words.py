"""The words of the shipped knowledge base: whole in both languages, negations where they belong, nothing given away.

A case is written from these clauses and then checked by finding them again, so no clause may be part of another one,
no present clause may hold a negation, and no clause, value or test may name another condition than its own.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sources.teacher.knowledge_files import load_knowledge
from sources.teacher.lexicon import lexicon_of

FOLDER = Path(__file__).parents[3] / "configs/knowledge/limited-resource"
LANGUAGES = ("en", "fr")
NEGATION = {
    "en": re.compile(r"\b(?:no|not|never|none|nor|neither|without|cannot)\b|n't\b"),
    "fr": re.compile(r"\b(?:ne|pas|aucune?|ni|jamais|sans|non)\b|\bn'"),
}
GENDERED = re.compile(r"\(e\)|\b(?:patiente?|il|elle|lui|seule?|né|née)\b")


def _read(name: str) -> Any:
    return YAML(typ="safe").load((FOLDER / name).read_text(encoding="utf-8"))


CONDITIONS: list[dict[str, Any]] = _read("conditions.yaml")
EVIDENCES: dict[str, dict[str, Any]] = _read("evidences.yaml")
SETTINGS: dict[str, dict[str, Any]] = _read("settings.yaml")


def _clauses(language: str, person: str) -> Iterator[tuple[str, str, str]]:
    """Yield code, `present` or `absent`, and each whole clause of an evidence."""
    for code, evidence in EVIDENCES.items():
        spoken = evidence if person == "third" else evidence["first_person"]
        values = evidence.get("values")
        for value in values.values() if values else [None]:
            present = spoken["present"][language]
            yield code, "present", present if value is None else f"{present} {value[language]}"
        yield code, "absent", spoken["absent"][language]


def _all_words() -> Iterator[tuple[str, dict[str, str]]]:
    for code, one in EVIDENCES.items():
        spoken = one["first_person"]
        for words in (one["question"], one["present"], one["absent"], spoken["present"], spoken["absent"]):
            yield code, words
        for value, words in one.get("values", {}).items():
            yield f"{code} {value}", words
    for condition in CONDITIONS:
        yield condition["code"], condition["name"]
        for test in condition["next_tests"]:
            yield condition["code"], test["name"]
    for code, setting in SETTINGS.items():
        yield code, setting["name"]


def test_everything_is_said_in_both_languages() -> None:
    assert [where for where, words in _all_words() if set(words) != set(LANGUAGES)] == []
    untidy = re.compile(r"^\s|\s$|\s\s|\.$|[\u2018\u2019]")
    assert [where for where, words in _all_words() if any(not w or untidy.search(w) for w in words.values())] == []
    questions = [e["question"] for e in EVIDENCES.values()]
    assert [q for q in questions if not (q["en"].endswith("?") and q["fr"].endswith(" ?"))] == []


def test_types_and_values_agree() -> None:
    assert {one["type"] for one in EVIDENCES.values()} <= {"binary", "categorical", "multi"}
    assert [code for code, one in EVIDENCES.items() if (one["type"] == "binary") == ("values" in one)] == []
    for code, one in EVIDENCES.items():
        for language in LANGUAGES:
            words = Counter(value[language] for value in one.get("values", {}).values())
            assert [w for w, n in words.items() if n > 1] == [], code


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("person", ["first", "third"])
def test_absence_is_negated_and_presence_is_not(language: str, person: str) -> None:
    wrong = [
        (code, clause)
        for code, polarity, clause in _clauses(language, person)
        if bool(NEGATION[language].search(clause.casefold())) != (polarity == "absent")
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("person", ["first", "third"])
def test_no_clause_is_part_of_another(language: str, person: str) -> None:
    clauses = [clause.casefold() for _, _, clause in _clauses(language, person)]
    assert [(a, b) for a, b in permutations(clauses, 2) if a in b] == []


def test_french_clauses_do_not_tell_the_sex() -> None:
    assert [c for _, _, c in _clauses("fr", "third") if GENDERED.search(c)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_names_a_condition_that_it_does_not_belong_to(language: str) -> None:
    names = {c["code"]: c["name"][language].casefold() for c in CONDITIONS}
    clauses = [clause.casefold() for person in ("first", "third") for _, _, clause in _clauses(language, person)]
    assert [(name, clause) for name in names.values() for clause in clauses if name in clause] == []
    tests = [(c["code"], t["name"][language].casefold()) for c in CONDITIONS for t in c["next_tests"]]
    assert [(code, t) for code, t in tests for other, name in names.items() if other != code and name in t] == []
    values = [v[language].casefold() for one in EVIDENCES.values() for v in one.get("values", {}).values()]
    assert [(name, found) for name in names.values() for found in clauses + values if found in name] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_saying_is_of_one_evidence_and_no_term_or_clause_of_another(language: str) -> None:
    """Else what a mark says could be what another one says."""
    lexicon = lexicon_of(load_knowledge(FOLDER), language)
    sayings, others = _read("sayings.yaml"), _read("terms.yaml")
    assert sayings.keys() | others.keys() <= EVIDENCES.keys()
    texts = [(code, text) for words in (sayings, others) for code in words for text in words[code].get(language, ())]
    texts += [(code, text) for code, _, text in _clauses(language, "third")]
    owners: dict[frozenset[str], set[str]] = {}
    for code, text in texts:
        owners.setdefault(frozenset(lexicon.content(text)), set()).add(code)
    said = [(code, text) for code in sayings for text in sayings[code].get(language, ())]
    assert [one for one in said if len(owners[frozenset(lexicon.content(one[1]))]) > 1] == []
