"""Checks of what a case says in numbers: values and durations.

The values of an evidence are looked for where it is mentioned, up to the next mention. A number that stands in no
mention, value or age is an invention, durations in words ("three days") included. Not here: whose age and sex is told
(`differential_ages`).
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
UNITS = {
    "en": {"year": "years", "month": "months", "week": "weeks", "day": "days", "hour": "hours", "minute": "minutes"},
    "fr": {"an": "years", "annee": "years", "mois": "months", "semaine": "weeks", "jour": "days", "heure": "hours",
           "minute": "minutes"},
}  # fmt: skip
_PARTICLES = {
    "en": frozenset(
        "a an the her his my their for with of in on at to from as and that which who is are by than".split()  # noqa: SIM905
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
            value = as_number(token.word, language)
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
    units = UNITS[language]
    for token, after in zip(reading.tokens, [*reading.tokens[1:], None], strict=True):
        if token.word[0].isdigit() or (
            token.word in NUMBER_WORDS[language][1:]
            and after
            and after.word.rstrip("s") in {u.rstrip("s") for u in units}
        ):
            yield token


def as_number(word: str, language: str) -> str:
    """Return a number, or a number word, in digits."""
    words, digits = NUMBER_WORDS[language], re.match(r"\d+(?:[.,]\d+)?", word)
    return str(words.index(word)) if word in words else digits[0] if digits else word
