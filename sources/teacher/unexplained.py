"""Clinical words of a case that none of its facts explains: a finding, a quality, an exposure or a cure from nowhere.

A teacher is asked to tell a case in the words of its facts. So a clinical word that these do not hold is an invention,
whether the base knows a finding by it or not ("a point in the side", "her brother has the same"), and a value in other
words is a change of it. What the clinician says, what is asked, and headings ("Chest:") tell nothing of the patient.
Not here: findings of the base that are told (`told`), names (`named`).
"""

import re
from collections.abc import Iterator, Sequence

from sources.teacher.case_words import CaseWords
from sources.teacher.denials import NON
from sources.teacher.lexicon import fold
from sources.teacher.mentions import Reading
from sources.teacher.roots import Roots, root
from sources.teacher.tokens import Token
from sources.teacher.told import WELL
from sources.teacher.vocabulary import clinical_roots, is_everyday, vocabulary

_HEADING = re.compile(r"^[\W_]*(?:[^\W_][\w'’/-]*\s?){1,4}\s?:", re.MULTILINE)
_LEAST_LETTERS = 3


def unexplained_faults(
    words: CaseWords, roles: Sequence[str], readings: Sequence[Reading]
) -> Iterator[tuple[str, str]]:
    """Yield clinical words of the patient's turns that nothing in the case explains."""
    for role, reading in zip(roles, readings, strict=True):
        if role == "user" and unexplained_words(words, reading):
            yield "finding_invented", "a word that no fact holds"


def unexplained_words(words: CaseWords, reading: Reading) -> list[str]:
    """Return the clinical words of a text that nothing in the case explains, and kin of whom no more is said."""
    known = clinical_roots(words.knowledge, words.language)
    denying = words.lexicon.denying | {NON}
    denied = {t.sentence for t in reading.tokens if t.plain in denying or t.word in WELL}
    return [
        token.plain
        for at, token in _telling(reading)
        if _is_unexplained(words, known, token.plain, denied=token.sentence in denied or reading.denies(at))
    ] + kin_in(words, reading)


def kin_in(words: CaseWords, reading: Reading) -> list[str]:
    """Return kin and others around the patient of whom a sentence does not say that they tell or bring something."""
    kin, narrating = (vocabulary(words.language)[name] for name in ("kin", "narrating"))
    told = {token.sentence for token in reading.tokens if token.word in narrating}
    return [
        token.plain
        for _, token in _telling(reading)
        if token.word in kin and token.sentence not in told and token.plain not in words.facts
    ]


def foreign_words(words: CaseWords, reading: Reading, own: Roots, known: frozenset[str]) -> list[Token]:
    """Return words of which the roots are `known` to be clinical, and whole findings, that are no `own` ones."""
    spans = [(m.start, m.end) for m in reading.mentions if m.is_evidence and m.present is not None and not m.supposed]
    return [
        token
        for _, token in _telling(reading)
        if is_foreign(words, known, token.plain, own)
        or (any(start <= token.start < end for start, end in spans) and is_content(words, token.plain, own))
    ]


def is_content(words: CaseWords, word: str, own: Roots) -> bool:
    """Say whether a word tells something, and is none of some own words."""
    return not words.lexicon.is_small(fold(word)) and not is_everyday(word, words.language) and word not in own


def _is_unexplained(words: CaseWords, known: frozenset[str], word: str, denied: bool) -> bool:
    return is_foreign(words, known, word, words.facts if denied else words.granted)


def is_foreign(words: CaseWords, known: frozenset[str], word: str, own: Roots) -> bool:
    """Say whether a word is clinical (one of the roots `known`) and none of a case's own."""
    plain = words.lexicon.is_small(fold(word)) or word in words.lexicon.ending or word in words.lexicon.supposing
    if len(word) < _LEAST_LETTERS or plain or fold(word) in WELL or is_everyday(word, words.language):
        return False
    return root(word, words.language) in known and word not in own


def _telling(reading: Reading) -> Iterator[tuple[int, Token]]:
    """Yield the words that tell something: none of a question, none of a heading."""
    asked = {token.sentence for token in reading.tokens if token.word == "?"}
    headings = [match.span() for match in _HEADING.finditer(reading.text)]
    for at, token in enumerate(reading.tokens):
        in_heading = any(start <= token.start < end for start, end in headings)
        if token.word[0].isalpha() and token.sentence not in asked and not in_heading:
            yield at, token
