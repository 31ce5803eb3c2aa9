"""By none of the plain words of a case is a finding told, and idioms go without a trace."""

import pytest

from sources.teacher.fact_words import DENYING
from sources.teacher.idioms import without_idioms
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.lexicon import fold, lexicon_of
from sources.teacher.plain_words import CASE, plain_words
from sources.teacher.vocabulary import may_stand

BASE = load_knowledge(FOLDER / "limited-resource")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_plain_word_denies_in_a_case_or_tells_kin_or_a_cure(language: str) -> None:
    denying = lexicon_of(BASE, language).denying | DENYING
    assert not {fold(word) for word in plain_words(CASE, language)} & {fold(word) for word in denying}
    telling = ("kin", "treatment", "procedure")
    assert not [word for word in plain_words(CASE, language) if may_stand(word, telling, language)]


@pytest.mark.parametrize(
    ("text", "left"),
    [("At first sight, malaria.", ", malaria."), ("À mettre de côté", "À"), ("Her fits.", "Her fits.")],
)
def test_an_idiom_is_blanked_in_its_place(text: str, left: str) -> None:
    plain = without_idioms(text)
    assert len(plain) == len(text)
    assert plain.strip() == left
