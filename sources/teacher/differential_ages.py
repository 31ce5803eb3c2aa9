"""Checks of whom a case tells: the patient's age and sex, and nobody else's.

Ages are read in years, months, weeks and days, outside what is said of evidences. Not here: values and other numbers
(`differential_values`), names (`named`).
"""

import re
from collections.abc import Iterator, Sequence

from sources.teacher.case import Case
from sources.teacher.differential_values import UNITS, as_number
from sources.teacher.lexicon import fold
from sources.teacher.mentions import Reading
from sources.teacher.person import age_parts

_AGES = {
    "en": re.compile(
        r"(?P<n>\d+|[a-z]+)[- ](?P<u>year|month|week|day)s?[- ](?:old|of age|of life)"
        r"|\b(?:woman|girl|man|boy|female|male|lady|gentleman|schoolgirl|schoolboy|teenager|baby|child|infant|newborn|patient|herdsman|farmer|mother|father)"
        r"(?:,| of|, aged)? (?P<c>\d+)(?![\d.,]*\d? ?%)(?: (?P<w>year|month|week|day)s?)?\b"
        r"(?! (?:year|month|week|day)s? (?:pregnant|into|ago))"
        r"|(?P<d>\d+)[- ]?(?:y/?o|[mf])\b|\b[mf][ ,/]{0,2}(?P<e>\d+)\b(?! ?%)|\b(?:aged|age:?|i am|i'm) (?P<b>\d+)"
        r"(?: (?P<v>year|month|week|day)s?)?(?! (?:year|month|week|day)s? (?:pregnant|into|ago))|(?P<i>under 1 year)"
    ),
    "fr": re.compile(
        r"(?:(?:femme|fille|fillette|homme|garcon|garconnet|bebe|dame|adolescente?|nourrisson|nouveau-nee?|enfant"
        r"|patiente?|feminin|masculin|personne) de"
        r"|age ?:?|agee? de|\bj'ai|\b(?:elle|il|enfant|nourrisson|patiente?|qui) a) (?P<n>\d+|[a-z]+)"
        r" (?P<u>an|mois|semaine|jour)s?\b(?! (?:de grossesse|d'amen))"
        r"|\b(?:femme|fille|fillette|homme|garcon|nourrisson|enfant|patiente?|feminin|masculin|[hf])[,.:;]? ?(?P<b>\d+)"
        r" (?P<v>an|mois|semaine|jour)s?\b|(?P<i>moins de 1 an\b)"
    ),
}
SEXED = {
    "female": frozenset(
        ["woman", "girl", "female", "lady", "femme", "fille", "fillette", "feminin", "patiente", "dame"]
    ),
    "male": frozenset(["man", "boy", "male", "gentleman", "homme", "garcon", "garconnet", "masculin", "monsieur"]),
}
KIN = {
    "female": frozenset(["mother", "daughter", "schoolgirl", "mere"]),
    "male": frozenset(["father", "son", "herdsman", "schoolboy", "pere"]),
}
"""Tell the sex where nothing else does; they may also be said of somebody who comes along."""
_APOSTROPHE = ord("’")


class _Folding(dict[int, str]):
    """Characters as they are compared, each as one, and an apostrophe for its printed form."""

    def __missing__(self, code: int) -> str:
        character = "'" if code == _APOSTROPHE else chr(code)
        folded = fold(character)
        self[code] = folded if len(folded) == 1 else character
        return self[code]


_FOLDED = _Folding()


def person_faults(case: Case, language: str, readings: Sequence[Reading], answer: Reading) -> Iterator[tuple[str, str]]:
    """Yield another age or sex than the patient's, or none."""
    number, unit = age_parts(case.patient.age_years)
    ages = {age for reading in readings for age in ages_in(reading, language)}
    right = {(number, unit)} | ({(1, "infant")} if unit == "infant" else set())
    if not ages or ages - right or set(ages_in(answer, language)) - right:
        yield "age_changed", f"{len(ages)} ages"
    words = {token.word for reading in readings for token in reading.tokens}
    own, other = SEXED[case.patient.sex], SEXED["male" if case.patient.sex == "female" else "female"]
    spoken = {token.word for token in answer.tokens}
    if (
        not words & (own | KIN[case.patient.sex])
        or (words & other and not words & own)
        or (spoken & other and not spoken & own)
    ):
        yield "sex_changed", case.patient.sex


def ages_in(reading: Reading, language: str) -> Iterator[tuple[int, str]]:
    """Yield the ages that a text says, outside what it says of evidences."""
    plain = reading.text.translate(_FOLDED)
    spans = [(m.start, m.end) for m in reading.mentions if m.is_evidence]
    for match in _AGES[language].finditer(plain):
        if any(start <= match.end() - 1 and match.start() < end for start, end in spans):
            continue
        group = match.groupdict()
        if group["i"]:
            yield 1, "infant"
            continue
        said = next(group[name] for name in ("n", "b", "c", "d", "e") if group.get(name))
        named = next((group[name] for name in ("u", "v", "w") if group.get(name)), None)
        number = as_number(said, language)
        unit = UNITS[language][named or ("year" if language == "en" else "an")]
        if number.isdigit():
            yield int(number), unit
