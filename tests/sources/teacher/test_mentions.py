"""What a text says of a finding after a denial: no, yes, or what may be read both ways and so counts as either."""

import pytest

from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.lexicon import lexicon_of
from sources.teacher.mentions import Reading

BASE = load_knowledge(FOLDER / "limited-resource")
YES, NO, BOTH = {True}, {False}, {True, False}


@pytest.mark.parametrize(
    ("language", "text", "code", "said"),
    [
        ("en", "No convulsions, cough.", "COUGH", BOTH),
        ("en", "No convulsions, cough.", "CONVULSIONS", NO),
        ("en", "No convulsions, no cough.", "COUGH", NO),
        ("en", "No convulsions, cough or jaundice.", "COUGH", NO),
        ("en", "No convulsions. Cough.", "COUGH", YES),
        ("en", "No convulsions, but a cough.", "COUGH", YES),
        ("fr", "Pas de convulsions, toux.", "COUGH", BOTH),
        ("fr", "Pas de convulsions, pas de toux.", "COUGH", NO),
        ("fr", "Ni convulsions, ni toux.", "COUGH", NO),
        ("fr", "Pas de convulsions, de toux ou de frissons.", "COUGH", NO),
        ("en", "She has a lasting swelling of both feet, rising from the toes.", "LASTING_SWELLING", YES),
        ("en", "She has a lasting swelling of both feet, rising from the toes.", "FOOT_OEDEMA", set()),
        ("en", "She has swelling of both feet.", "FOOT_OEDEMA", YES),
        ("fr", "Les gencives sont ulcérées.", "GUM_ULCERS", YES),
        ("fr", "Ses gencives n'ont pas d'ulcères.", "GUM_ULCERS", NO),
    ],
)
def test_a_denial_reaches_as_far_as_the_sentence_says(language: str, text: str, code: str, said: set[bool]) -> None:
    reading = Reading(lexicon_of(BASE, language), text)
    assert {mention.present for mention in reading.mentions if mention.code == code} == said
