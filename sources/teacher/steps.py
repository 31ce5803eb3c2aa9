"""Checks of what is to be done next: what the setting has and the facts name, or a referral.

A test above the setting's level is allowed in a sentence that refers the patient. A drug, a procedure or a test that
the next steps do not name is an invention, wherever in the answer it stands; words that mean a cure only among steps
("fluids", "give") are looked for there alone. Not here: tests by which nothing but their level is known (`lexicon`).
"""

import re
from collections.abc import Iterator

from sources.teacher.blocks import Blocks
from sources.teacher.case import Case
from sources.teacher.case_words import CaseWords
from sources.teacher.knowledge import LEVELS
from sources.teacher.lexicon import TEST, fold, stem
from sources.teacher.mentions import Mention, Reading
from sources.teacher.vocabulary import is_listed

_REFERRAL = {
    "en": re.compile(r"\b(?:refer|transfer|evacuat|send (?:him|her|them|the patient) )"),
    "fr": re.compile(r"\b(?:refer|transfer|evacu|orienter|adress)"),
}
_SENDING = frozenset({"send", "envoyer"})
_LISTS, _AMONG_STEPS = ("treatment", "procedure"), ("care",)
_ELSEWHERE = {
    "en": re.compile(r"\b(?:not available|unavailable|not at hand)"),
    "fr": re.compile(r"\b(?:indisponible|non disponible|pas disponible)"),
}


def step_faults(words: CaseWords, blocks: Blocks) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the next steps; where a teacher marks facts, of the answer without what is marked."""
    case, language, answer = words.case, words.language, blocks.answer
    highest = LEVELS.index(case.setting.level) if case.setting else len(LEVELS) - 1
    tests = _tests(case, answer)
    for mention in tests:
        level = mention.code.removeprefix(TEST)
        if LEVELS.index(level) > highest and not _refers(answer, mention, language):
            yield "beyond_resources", level
    if not tests and "?" not in answer.text and not _REFERRAL[language].search(fold(answer.text)):
        yield "next_step_missing", ""
    if foreign_steps(words, blocks):
        yield "next_step_invented", ""


def foreign_steps(words: CaseWords, blocks: Blocks) -> list[str]:
    """Return words of drugs, tests and procedures that are in no step or fact, and in no sentence that refers."""
    text, language = blocks.answer.text, words.language
    refers = _REFERRAL[language]
    referring = {t.sentence for t in blocks.answer.tokens if refers.match(t.word) or t.word in _SENDING}
    told = [(m.start, m.end) for m in blocks.answer.mentions if m.is_evidence]
    found = []
    for token in blocks.answer.tokens:
        if token.start >= blocks.end or token.sentence in referring:
            continue
        if is_listed(token.plain, _LISTS, language) or (
            is_listed(token.plain, _AMONG_STEPS, language)
            and any(start <= token.start < end for start, end in blocks.steps)
            and not any(start <= token.start < end for start, end in told)
        ):
            found.append(text[token.start : token.end])
    return [word for word in found if stem(fold(word), language) not in words.answer_stems]


def _tests(case: Case, answer: Reading) -> list[Mention]:
    """Return the tests that are named, but for those within a finding (had a caesarean before)."""
    told = [(m.start, m.end) for m in answer.mentions if m.code in case.present | case.absent]
    return [
        mention
        for mention in answer.mentions
        if mention.code.startswith(TEST)
        and not any(start <= mention.start and mention.end <= end for start, end in told)
    ]


def _refers(answer: Reading, mention: Mention, language: str) -> bool:
    start, end = answer.sentence(mention.sentence)
    before, whole = fold(answer.text[start : mention.start]), fold(answer.text[start:end])
    return bool(_REFERRAL[language].search(before) or _ELSEWHERE[language].search(whole))
