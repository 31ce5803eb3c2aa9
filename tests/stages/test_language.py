"""The declared language holds unless the text clearly speaks another; findings are told apart from declarations."""

import json
from pathlib import Path

import pytest

from pipelines.stages.language import (
    Finding,
    Language,
    LanguageConfig,
    decide,
    detect,
    detect_all,
    primary_subtag,
    windows,
)
from sources.document import Document, to_table

CASES = json.loads((Path(__file__).parent / "cases" / "language.json").read_text())["detect"]
SENTENCES = json.loads((Path(__file__).parent / "cases" / "language_sentences.json").read_text(encoding="utf-8"))
ENGLISH = "The patient should receive the full course of treatment and return when the fever does not settle. " * 40
FRENCH = "Le patient doit recevoir le traitement complet et revenir si la fièvre ne baisse pas après deux jours. " * 40


def findings(*documents: tuple[str, str | None]) -> list[dict[str, object]]:
    rows = [
        Document(id=str(i), kind="article", source="s", key=str(i), text=text, language=language)
        for i, (text, language) in enumerate(documents)
    ]
    return Language(LanguageConfig()).apply(to_table(rows)).table.to_pylist()


@pytest.mark.parametrize(("language", "text"), CASES)
def test_detects_what_a_reader_would(language: str | None, text: str) -> None:
    assert detect(text, 20).language == language


def test_a_declared_language_is_kept_for_text_that_says_little() -> None:
    (row,) = findings(("amoxicillin 40 mg/kg, gentamicin 7.5 mg/kg, ceftriaxone 80 mg/kg", "en-GB"))
    assert (row["language"], row["declared"]) == ("en", "en")


def test_a_clear_finding_overrules_a_wrong_declaration_and_both_are_recorded() -> None:
    (row,) = findings((FRENCH, "en"))
    assert (row["language"], row["declared"], row["detected"]) == ("fr", "en", "fr")
    assert isinstance(row["language_score"], float)
    assert row["language_score"] > 0.95


def test_a_foreign_frame_does_not_decide() -> None:
    (row,) = findings((ENGLISH[:300] + FRENCH + ENGLISH[:600], None))
    assert row["language"] == "fr"


def test_a_mixed_text_does_not_overrule() -> None:
    (row,) = findings((ENGLISH + FRENCH, "fr"))
    assert row["language"] == "fr"


@pytest.mark.parametrize(
    ("declared", "found"), [("nb", "no"), ("ms", "id"), ("haw", "mi"), ("en", "zxx")], ids=lambda tag: tag
)
def test_no_finding_overrules_what_it_cannot_tell_apart(declared: str, found: str) -> None:
    assert decide(declared, Finding(found, 1.0, 1000), LanguageConfig()) == declared


@pytest.mark.parametrize(
    ("tag", "primary"), [("pt-BR", "pt"), ("EN", "en"), ("zh_Hans", "zh"), ("und", None), ("", None), (None, None)]
)
def test_primary_subtag(tag: str | None, primary: str | None) -> None:
    assert primary_subtag(tag) == primary


def test_the_sample_is_bounded() -> None:
    assert sum(map(len, windows("word " * 100_000))) == 900
    assert windows("short") == ["short"]


def test_empty_text_has_no_language() -> None:
    (row,) = findings(("", None))
    assert (row["language"], row["detected"], row["language_score"]) == (None, None, 0.0)


def test_chat_turns_are_read_when_there_is_no_text() -> None:
    messages = [{"role": "user", "content": FRENCH, "trained": False}]
    table = to_table([Document(id="1", kind="dialogue", source="s", key="k", text="", messages=messages)])
    assert Language(LanguageConfig()).apply(table).table.column("language").to_pylist() == ["fr"]


@pytest.mark.parametrize("language", [name for name in SENTENCES if name != "about"])
def test_sentences_of_neglected_languages_are_told(language: str) -> None:
    found = [one.language for one in detect_all(SENTENCES[language], 1)]
    assert found.count(language) >= len(found) - 1, found
