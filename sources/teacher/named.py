"""What names a person, a place or a day in a case: words with a capital that no fact holds, months and weekdays.

Patterns of addresses, numbers and titles are in `identifiers`. Here it is the name itself: "Daniel, a boy of 15",
"the hospital of Debre Berhan", "seen in March". A capital at the beginning of a sentence says nothing, but before "is"
or a comma and "a". Headings and abbreviations are left alone. Not here: answers, which name diseases and tests.
"""

import re
from collections.abc import Iterator, Sequence

from sources.teacher.case_words import CaseWords
from sources.teacher.lexicon import fold
from sources.teacher.plain_words import CASE, is_plain
from sources.teacher.roots import root
from sources.teacher.vocabulary import clinical_roots, is_everyday, vocabulary

_CAPITAL = re.compile(r"(?<![\w'’-])(?:[LlDd]['’])?([A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]+(?:[-'’][A-ZÀ-ÖØ-Þ]?[a-zà-öø-ÿ]+)*)(?![\w])")
_LEAST_LETTERS, _VOWEL = 3, re.compile(r"[aeiouy]")
_ELIDED = re.compile(r"\A(?:qu|jusqu|lorsqu|puisqu|quoiqu|quelqu)['’]", re.IGNORECASE)
_BEGINS = re.compile(r"(?:^|[.!?:;\n…])[\s\W_]*$")
_WHO = {
    "en": "an?|aged|the|boy|girl|man|woman|infant|newborn|baby",
    "fr": "une?|âgée?|fille|garçon|femme|homme|nourrisson|nouveau-né|enfant",
}
_DOES = {
    "en": "is|was|has|had|presents|comes|came|lives|feels",
    "fr": "est|a|était|vient|vit|consulte|présente",
}
_INTRODUCED = {at: re.compile(rf"\A(?:,? \d|, (?:{_WHO[at]})\b| (?:{_DOES[at]})\b)") for at in _WHO}
_HEADING = re.compile(r"^[\W_]*(?:[^\W_][\w'’/-]*\s?){1,5}\s?:|^[^\n.?!,;]{0,60}$", re.MULTILINE)


def named_faults(words: CaseWords, turns: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield turns that name somebody, some place or some day that the facts do not."""
    for at, (_, text) in enumerate(turns):
        if any(_is_name(words, text, match) for match in _CAPITAL.finditer(text)) or _dates(words, text):
            yield "identifier", f"turn {at}"


def _is_name(words: CaseWords, text: str, match: re.Match[str]) -> bool:
    parts = [_ELIDED.sub("", part) for part in match[1].split("-")]
    if len(match[1]) < _LEAST_LETTERS or not _VOWEL.search(fold(match[1])):
        return False  # Hx, Pt
    if all(part in words.facts or _is_common(words, part) for part in parts):
        return False
    if _BEGINS.search(text[: match.start()]):
        return _INTRODUCED[words.language].match(text[match.end() :]) is not None
    return not any(start <= match.start() < end for start, end in _headings(text))


def _headings(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _HEADING.finditer(text) if match[0].rstrip().endswith(":")]


def _is_common(words: CaseWords, word: str) -> bool:
    """Say whether a word is one of the language's own."""
    folded = fold(word)
    return (
        folded in vocabulary(words.language)["openers"]
        or words.lexicon.is_small(folded)
        or is_plain(word, CASE, words.language)
        or is_everyday(word, words.language)
        or root(word, words.language) in clinical_roots(words.knowledge, words.language)
    )


def _dates(words: CaseWords, text: str) -> bool:
    """Say whether a month or a day of the week is named; "may" is one only with a capital or a number."""
    listed = vocabulary(words.language)
    found = {fold(word) for word in re.findall(r"[^\W\d_]+", text)}
    return (
        bool(found & (listed["months"] | listed["days"]))
        or re.search(r"\b\d{1,2} (?:May|mai|mars)\b", text) is not None
    )
