"""Vocabularies of terms as data, and the matcher that finds their mentions in a text.

A vocabulary is a YAML of `configs/vocabularies/`: groups of terms in several languages, in any case or `exact`, and
`not`, phrases that are no mention though a term lies within them; `signs` point to a group without naming it. All are
looked for at once (Aho and Corasick, "Efficient string matching", 1975); of mentions that overlap the one that begins
first counts, then the longest. All that is no letter or digit counts as a space, and a term is found between spaces
only; one that ends in `*` is the beginning of a word and stands for all that begin so (`cardiomyop*`), one that begins
with it is the end of a word (`*sartan`, as stems of the WHO's nonproprietary names tell the class of a drug). Arabic
writes its article and some prepositions on the word, so they may stand before a term; Chinese writes no spaces, so none
are asked for. Not here: what a text is about (`coverage`).
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick
import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from pipelines.engine.hashing import sha256_bytes

FOLDER = Path(__file__).parents[2] / "configs" / "vocabularies"
LANGUAGES = ("en", "fr", "es", "pt", "ar")
_ALSO = ("sw", "zh")
"""Languages of which not every group has terms."""
_PLURAL = ("en", "fr", "es", "pt")
_ARABIC_PREFIXES = ("ال", "و", "ف", "ب", "ل", "ك", "لل", "وال", "بال", "فال", "كال", "ولل", "وب", "ول")
_ARABIC, _CHINESE, _AFTER_CHINESE = "\u0600", "\u3400", "\ua000"
_NO_MENTION = ""
STEM = "*"
"""After the beginning of a word that stands for all words that begin so, before the end of one for all that end so."""
SIGN = "~"
"""Before the group of a term that points to it without naming it: a sign, an organ, a drug."""


class Mention(NamedTuple):
    """One place where a term was found: the term's group, and where it begins and ends in the text, in characters."""

    group: str
    start: int
    stop: int


class PlainText(NamedTuple):
    """A text to look for terms in: all but letters and digits made spaces, and one more at both ends."""

    cased: str
    folded: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Groups of one axis, by name, with what else is known of them (`of`, `icd11`, ...), and the file's digest."""

    axis: str
    groups: Mapping[str, Mapping[str, Any]]
    matcher: "Matcher"
    sha256: str


class Matcher:
    """Finds the mentions of each group: `folded` terms in any case, `exact` ones as they are written."""

    def __init__(self, folded: Iterable[tuple[str, str]], exact: Iterable[tuple[str, str]]) -> None:
        """Take (term, group) pairs, the first of a term counts; the group "" is a phrase that is no mention."""
        self._folded = _automaton((term.casefold(), group) for term, group in folded)
        self._exact = _automaton(exact)

    def count(self, text: str) -> Counter[str]:
        """Return how often each group is mentioned that is."""
        return Counter(mention.group for mention in self.mentions(plain_text(text)))

    def mentions(self, text: PlainText) -> list[Mention]:
        """Return all mentions: those in any case, then those as written, in the order of the text, each once."""
        folded = list(_found(self._folded, text.folded))
        hidden = [mention for mention in folded if mention.group == _NO_MENTION]
        written = _found(self._exact, text.cased)
        exact = [one for one in written if not any(span.start <= one.start < span.stop for span in hidden)]
        seen = {(mention.start, mention.group) for mention in exact}
        once = [mention for mention in folded if (mention.start, mention.group.removeprefix(SIGN)) not in seen]
        return [mention for mention in [*once, *exact] if mention.group]


@lru_cache(maxsize=1)
def _spaces() -> npt.NDArray[np.uint32]:
    """Return the table that makes every character of the basic plane that is no letter, digit or © a space."""
    table = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    table[[code for code in range(0x10000) if not chr(code).isalnum() and chr(code) != "©"]] = ord(" ")
    return table


def _plain(text: str) -> str:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _spaces()[codes].tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=4)
def plain_text(text: str) -> PlainText:
    """Return a text as all vocabularies read it, one after the other: so it is kept while the next few are read."""
    cased = f" {_plain(text)} "
    return PlainText(cased, cased.casefold())


def _automaton(terms: Iterable[tuple[str, str]]) -> Any:
    """Return the automaton of terms with the spaces around them; a term has one group, or is a sign of several."""
    automaton = ahocorasick.Automaton()
    for term, group in terms:
        for written in _written(term):
            _, groups = automaton.get(written, (0, ()))
            if not groups or (groups[0].startswith(SIGN) and group not in groups):
                automaton.add_word(written, (len(written), (*groups, group)))
    if len(automaton):
        automaton.make_automaton()
    return automaton


def _written(term: str) -> Iterator[str]:
    """Yield a term as it may stand in a plain text: after a space or a prefix, before a space; a stem asks for one."""
    plain = _plain(term.strip(STEM))
    if term.startswith(STEM):
        yield f"{plain} "
        return
    if _is_unspaced(plain[0]):
        yield plain
        return
    after = "" if term.endswith(STEM) else " "
    yield f" {plain}{after}"
    if _ARABIC <= plain[0] < _CHINESE:
        yield from (f" {prefix}{plain}{after}" for prefix in _ARABIC_PREFIXES)


def _is_unspaced(first: str) -> bool:
    """Say whether a term of this first character, in Chinese or a mark such as ©, is found without spaces around it."""
    return _CHINESE <= first < _AFTER_CHINESE or not first.isalnum()


def _found(automaton: Any, plain: str) -> Iterator[Mention]:
    """Yield each mention; of those that overlap the one that begins first, then the longest, then the longest term."""
    if not len(automaton):
        return
    spans = []
    for last, (length, groups) in automaton.iter(plain):
        start = last + 1 - length
        first = plain[start]
        if first == " ":
            spans.append((start + 1, -plain.find(" ", last), -length, groups))
        elif _is_unspaced(first):
            spans.append((start, -last - 1, -length, groups))
        else:
            spans.append((plain.rfind(" ", 0, start) + 1, -plain.find(" ", last), -length, groups))
    reached = 0
    for start, negative_stop, _, groups in sorted(spans):
        if start >= reached:
            reached = -negative_stop
            yield from (Mention(group, start - 1, reached - 1) for group in groups)


@lru_cache(maxsize=8)
def load_vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary in `configs/vocabularies/NAME.yaml`, whose terms are those of its groups."""
    raw = (FOLDER / f"{name}.yaml").read_bytes()
    body = YAML(typ="safe").load(raw)
    groups: dict[str, Mapping[str, Any]] = body["groups"]
    folded, exact = [], []
    for group, entry in groups.items():
        exact += [(str(term), group) for term in entry.get("exact", ())]
        named = (*LANGUAGES, *_ALSO)
        folded += [(term, group) for language in named for term in _forms(entry.get(language, ()), language)]
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
        if language in _PLURAL and not term.endswith(("s", STEM)):
            yield f"{term}s"
