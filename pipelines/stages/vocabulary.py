"""Vocabularies of terms as data, and the matcher that counts their mentions in a text.

A vocabulary is a YAML of `configs/vocabularies/`: groups of terms in several languages, in any case or `exact`, and
`not`, phrases that are no mention though a term lies within them; `signs` point to a group without naming it. All are
looked for at once (Aho and Corasick, "Efficient string matching", 1975); of mentions that overlap the longest counts,
and a term is found between word borders only. Arabic writes its article and some prepositions on the word, so they may
stand before a term. Not here: what a text is about (`coverage`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import ahocorasick
from ruamel.yaml import YAML

from pipelines.engine.hashing import sha256_bytes

FOLDER = Path(__file__).parents[2] / "configs" / "vocabularies"
LANGUAGES = ("en", "fr", "es", "pt", "ar")
_PLURAL = ("en", "fr", "es", "pt")
_ARABIC_PREFIXES = frozenset({"ال", "و", "ف", "ب", "ل", "ك", "لل", "وال", "بال", "فال", "كال", "ولل", "وب", "ول"})
_NO_MENTION = ""
SIGN = "~"
"""Before the group of a term that points to it without naming it: a sign, an organ, a drug."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Groups of one axis, by name, with what else is known of them (`of`, `icd11`, ...), and the file's digest."""

    axis: str
    groups: Mapping[str, Mapping[str, Any]]
    matcher: "Matcher"
    sha256: str


class Matcher:
    """Counts the mentions of each group: `folded` terms in any case, `exact` ones as they are written."""

    def __init__(self, folded: Iterable[tuple[str, str]], exact: Iterable[tuple[str, str]]) -> None:
        """Take (term, group) pairs, the first of a term counts; the group "" is a phrase that is no mention."""
        self._folded = _automaton((term.casefold(), group) for term, group in folded)
        self._exact = _automaton(exact)

    def count(self, text: str) -> Counter[str]:
        """Return the mentions of each group that has any."""
        found = [*_found(self._folded, text.casefold()), *_found(self._exact, text)]
        return Counter(group for group in found if group)


def _automaton(terms: Iterable[tuple[str, str]]) -> Any:
    automaton = ahocorasick.Automaton()
    for term, group in terms:
        if term not in automaton:
            automaton.add_word(term, (len(term), group))
    if len(automaton):
        automaton.make_automaton()
    return automaton


def _found(automaton: Any, text: str) -> Iterator[str]:
    """Yield the group of each mention; of those that overlap the one that begins first, then the longest."""
    if not len(automaton):
        return
    spans = []
    for last, (length, group) in automaton.iter(text):
        start = last - length + 1
        if _stands_alone(text, start, last + 1):
            spans.append((start, -length, group))
    reached = 0
    for start, negative_length, group in sorted(spans):
        if start >= reached:
            reached = start - negative_length
            yield group


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Say whether a stretch lies between word borders."""
    if stop < len(text) and text[stop].isalnum():
        return False
    if start == 0 or not text[start - 1].isalnum():
        return True
    begin = start
    while begin > max(0, start - 4) and text[begin - 1].isalnum():
        begin -= 1
    return text[begin:start] in _ARABIC_PREFIXES and (begin == 0 or not text[begin - 1].isalnum())


@lru_cache(maxsize=8)
def load_vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary in `configs/vocabularies/NAME.yaml`, whose terms are those of its groups."""
    raw = (FOLDER / f"{name}.yaml").read_bytes()
    body = YAML(typ="safe").load(raw)
    groups: dict[str, Mapping[str, Any]] = body["groups"]
    folded, exact = [], []
    for group, entry in groups.items():
        exact += [(str(term), group) for term in entry.get("exact", ())]
        folded += [(term, group) for language in LANGUAGES for term in _forms(entry.get(language, ()), language)]
    folded += [(term, _NO_MENTION) for entry in groups.values() for term in entry.get("not", ())]
    folded += [(form, SIGN + group) for group, entry in groups.items() for form in _forms(entry.get("signs", ()), "en")]
    return Vocabulary(body["axis"], groups, Matcher(folded, exact), sha256_bytes(raw))


@lru_cache(maxsize=1)
def load_countries() -> Vocabulary:
    """Return the vocabulary of countries and regions; groups are codes of ISO 3166 and `region:` names."""
    raw = (FOLDER / "countries.yaml").read_bytes()
    body = YAML(typ="safe").load(raw)
    countries: dict[str, Mapping[str, Any]] = body["countries"]
    terms = [(term, _NO_MENTION) for term in _forms(body["not"], "en")]
    for code, entry in countries.items():
        terms += [(str(term), code) for term in (*entry["names"].values(), *entry["also"])]
    for region, names in body["regions"].items():
        terms += [(term, f"region:{region}") for language in LANGUAGES for term in names.get(language, ())]
    return Vocabulary(body["axis"], countries, Matcher((), terms), sha256_bytes(raw))


def _forms(terms: Iterable[str], language: str) -> Iterator[str]:
    """Yield each term and, where a language makes its plural so, the term with an s."""
    for term in terms:
        yield term
        if language in _PLURAL and not term.endswith("s"):
            yield f"{term}s"
