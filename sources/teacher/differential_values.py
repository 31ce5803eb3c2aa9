"""Checks of what a case says in numbers and of whom: values, durations, ages, sex.

The values of an evidence are looked for where it is mentioned, up to the next mention. A number that stands in no
mention, value or age is an invention, durations in words ("three days") included. Ages are read in years, months,
weeks and days.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sources.teacher.case import Case
from sources.teacher.knowledge import Evidence, Knowledge
from sources.teacher.lexicon import fold
from sources.teacher.mentions import Mention, Reading
from sources.teacher.person import age_parts
from sources.teacher.roots import root
from sources.teacher.tokens import Token

NUMBER_WORDS = {
    "en": tuple("zero one two three four five six seven eight nine ten eleven twelve".split()),  # noqa: SIM905
    "fr": tuple("zero un deux trois quatre cinq six sept huit neuf dix onze douze".split()),  # noqa: SIM905
}
_UNITS = {
    "en": {"year": "years", "month": "months", "week": "weeks", "day": "days", "hour": "hours", "minute": "minutes"},
    "fr": {"an": "years", "annee": "years", "mois": "months", "semaine": "weeks", "jour": "days", "heure": "hours",
           "minute": "minutes"},
}  # fmt: skip
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
_APOSTROPHE = ord("’")
_KIN = {
    "female": frozenset(["mother", "daughter", "schoolgirl", "mere"]),
    "male": frozenset(["father", "son", "herdsman", "schoolboy", "pere"]),
}
"""Tell the sex where nothing else does; they may also be said of somebody who comes along."""
_PARTICLES = {
    "en": frozenset(
        [
            "a",
            "an",
            "the",
            "her",
            "his",
            "my",
            "their",
            "for",
            "with",
            "of",
            "in",
            "on",
            "at",
            "to",
            "from",
            "as",
            "and",
            "that",
            "which",
            "who",
            "is",
            "are",
            "by",
            "than",
        ]
    ),
    "fr": frozenset(
        "le la les un une des du de ses mes au aux dans en sur par pour avec et qui que est sont".split()  # noqa: SIM905
    ),
}
"""Words that may stand between those of a value, or not. Single letters are none but with an apostrophe: those of
"ankle(L)" and "cheville(D)" are sides."""
_ONE = frozenset({"a", "an", "on", "one", "un", "une"})
_COMPARING = dict.fromkeys(("less", "under", "below"), "less") | dict.fromkeys(
    ("moins", "inferieur", "inferieure"), "moins"
)
_COMPARING |= dict.fromkeys(("more", "above"), "more") | dict.fromkeys(("plus", "superieur", "superieure"), "plus")
_APOSTROPHES = ("'", "’")


def value_faults(
    case: Case, knowledge: Knowledge, language: str, readings: Sequence[Reading]
) -> Iterator[tuple[str, str]]:
    """Yield evidences that are told with other values than the case has."""
    for one in case.told:
        if not one.values:
            continue
        evidence = knowledge.evidences[one.code]
        found: set[str] = set()
        mentioned = False
        for reading in readings:
            for mention in reading.mentions:
                if mention.code == one.code and mention.present is not None and not mention.supposed:
                    mentioned = True
                    found |= values_near(reading, mention, evidence, language)
                elif mention.value_of == one.code:
                    mentioned = True
                    found |= values_in(reading, _tokens_from(reading, mention), evidence, language)
        if mentioned and found != set(one.values):
            yield "value_changed", one.code


def _tokens_from(reading: Reading, mention: Mention) -> list[Token]:
    return [
        token
        for token in reading.tokens
        if token.sentence == mention.sentence and token.start >= mention.start and token.word != ","
    ]


def values_near(reading: Reading, mention: Mention, evidence: Evidence, language: str) -> set[str]:
    """Return the values that stand after a mention in its sentence, before the next; else anywhere in its sentence.

    The words of a value may be those of the mention itself, as in "bleeding gums".
    """
    sentence = [token for token in reading.tokens if token.sentence == mention.sentence and token.word != ","]
    others = [m.start for m in reading.mentions if m.start >= mention.end and m.code != mention.code and m.is_evidence]
    end = min([start for start in others if start > mention.end], default=10**9)
    after = [token for token in sentence if mention.end <= token.start < end]
    around = [token for token in sentence if not mention.start <= token.start < mention.end]
    whole = [sentence] if evidence.values else []
    ways = (values_in(reading, tokens, evidence, language) for tokens in (after, around, *whole))
    return next((found for found in ways if found), set())


def values_in(reading: Reading, tokens: list[Token], evidence: Evidence, language: str) -> set[str]:
    """Return the values whose words stand in tokens, the longest first, no word used twice."""
    words = _words(reading.text, [(token.start, token.end) for token in tokens], language)
    if not evidence.values:
        return {word for word, _ in words if word[0].isdigit()}
    spoken = {code: _sought(given.get(language, code), language) for code, given in evidence.values.items()}
    found: set[str] = set()
    for code, sought in sorted(spoken.items(), key=lambda pair: -len(pair[1])):
        for at in range(len(words)):
            if places := _places(words, at, sought):
                found.add(code)
                for place in places:
                    words[place] = ("", False)
    return found


def _places(words: list[tuple[str, bool]], at: int, sought: tuple[str, ...]) -> list[int]:
    """Return where the words of a value stand from a place on, particles between them left out; none when not there."""
    if not sought or not _is_word(words[at][0], sought[0]):
        return []
    places: list[int] = []
    for wanted in sought:
        while at < len(words) and not _is_word(words[at][0], wanted) and words[at][1]:
            at += 1
        if at == len(words) or not _is_word(words[at][0], wanted):
            return []
        places.append(at)
        at += 1
    return places


def _is_word(word: str, wanted: str) -> bool:
    """Say whether a word is one of a value's: "a day" is 1 day."""
    return word == wanted or (wanted == "1" and word in _ONE)


@lru_cache(maxsize=1 << 12)
def _sought(text: str, language: str) -> tuple[str, ...]:
    """Return the words of a value without the articles; its last word is none (hepatitis A)."""
    spans = [match.span() for match in re.finditer(r"[^\W_]+(?:[.,]\d+)?", text)]
    words = _words(text, spans, language)
    return tuple(word for at, (word, is_article) in enumerate(words, 1) if not is_article or at == len(words))


def _words(text: str, spans: Sequence[tuple[int, int]], language: str) -> list[tuple[str, bool]]:
    """Return the stems of words of a text, and whether each is an article; one that is cut keeps its apostrophe."""
    words = []
    for start, end in spans:
        word = fold(text[start:end])
        if len(word) == 1 and word in "dl" and text[end : end + 1] in _APOSTROPHES:
            words.append((f"{word}'", True))
        else:
            words.append((root(word, language), (word in _PARTICLES[language] and len(word) > 1) or word == "a"))
    return words


def number_faults(
    case: Case, knowledge: Knowledge, language: str, readings: Sequence[Reading]
) -> Iterator[tuple[str, str]]:
    """Yield numbers, and durations in words, that no mention, value or age of the case explains."""
    number, _ = age_parts(case.patient.age_years)
    allowed = {str(number), "1"} if number == 0 else {str(number)}
    if case.setting:
        allowed |= set(re.findall(r"\d+", " ".join(case.setting.name.values())))
    for one in case.told:
        evidence = knowledge.evidences[one.code]
        allowed |= set(re.findall(r"\d+(?:[.,]\d+)?", " ".join(evidence.called(language))))
        for text in (value_text(evidence, value, language) for value in one.values):
            allowed |= set(re.findall(r"\d+(?:[.,]\d+)?", text))
            allowed |= {str(n) for n, word in enumerate(NUMBER_WORDS[language]) if word in _stems_plain(text)}
    for reading in readings:
        asked = {token.sentence for token in reading.tokens if token.word == "?"}
        spans = [(m.start, m.end) for m in reading.mentions if m.is_evidence]
        for token in _numbers(reading, language):
            value = _as_number(token.word, language)
            if value not in allowed and token.sentence not in asked and not _lies_in(token, spans):
                yield "number_invented", value


def value_text(evidence: Evidence, value: str, language: str) -> str:
    """Return a value in words."""
    return evidence.values.get(value, {}).get(language, value)


def _stems_plain(text: str) -> list[str]:
    return [fold(word) for word in re.findall(r"[^\W_]+", text)]


def _lies_in(token: Token, spans: list[tuple[int, int]]) -> bool:
    return any(start <= token.start < end for start, end in spans)


def _numbers(reading: Reading, language: str) -> Iterator[Token]:
    """Yield tokens that are numbers, and number words before a unit of time."""
    units = _UNITS[language]
    for token, after in zip(reading.tokens, [*reading.tokens[1:], None], strict=True):
        if token.word[0].isdigit() or (
            token.word in NUMBER_WORDS[language][1:]
            and after
            and after.word.rstrip("s") in {u.rstrip("s") for u in units}
        ):
            yield token


class _Folding(dict[int, str]):
    """Characters as they are compared, each as one, and an apostrophe for its printed form."""

    def __missing__(self, code: int) -> str:
        character = "'" if code == _APOSTROPHE else chr(code)
        folded = fold(character)
        self[code] = folded if len(folded) == 1 else character
        return self[code]


_FOLDED = _Folding()


def _as_number(word: str, language: str) -> str:
    words, digits = NUMBER_WORDS[language], re.match(r"\d+(?:[.,]\d+)?", word)
    return str(words.index(word)) if word in words else digits[0] if digits else word


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
        not words & (own | _KIN[case.patient.sex])
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
        number = _as_number(said, language)
        unit = _UNITS[language][named or ("year" if language == "en" else "an")]
        if number.isdigit():
            yield int(number), unit
