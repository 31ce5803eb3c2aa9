"""Find the mentions of terms in a text, those of several vocabularies at once (Aho and Corasick 1975).

All that is no letter or digit counts as a space, and a term is found between spaces only; one that ends in `*` is the
beginning of a word and stands for all that begin so (`cardiomyop*`), one that begins with it is the end of a word
(`*sartan`, as stems of the WHO's nonproprietary names tell the class of a drug). Of mentions of one vocabulary that
overlap the one that begins first counts, then the longest. Arabic writes its article and some prepositions on the word,
so they may stand before a term; Chinese writes no spaces, so none are asked for. A text is read twice, in any case and
as it is written, however many vocabularies there are. Not here: what terms there are (`vocabulary`).
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import ahocorasick
import numpy as np
import numpy.typing as npt

_ARABIC_PREFIXES = ("ال", "و", "ف", "ب", "ل", "ك", "لل", "وال", "بال", "فال", "كال", "ولل", "وب", "ول")
_ARABIC, _CHINESE, _AFTER_CHINESE = "\u0600", "\u3400", "\ua000"
NO_MENTION = ""
STEM = "*"
"""After the beginning of a word that stands for all words that begin so, before the end of one for all that end so."""
SIGN = "~"
"""Before the group of a term that points to it without naming it: a sign, an organ, a drug."""


class Terms(NamedTuple):
    """Pairs of a term and its group, those in any case and those as they are written; the first of a term counts.

    The group "" is a phrase that is no mention.
    """

    folded: Sequence[tuple[str, str]]
    exact: Sequence[tuple[str, str]]


class Mention(NamedTuple):
    """One place where a term was found: the term's group, and where it begins and ends in the text, in characters."""

    group: str
    start: int
    stop: int


class PlainText(NamedTuple):
    """A text to look for terms in: all but letters and digits made spaces, and one more at both ends."""

    cased: str
    folded: str


class Finder:
    """Finds the mentions of several vocabularies in one text."""

    def __init__(self, vocabularies: Sequence[Terms]) -> None:
        self._count = len(vocabularies)
        self._folded = _automaton([((term.casefold(), group) for term, group in one.folded) for one in vocabularies])
        self._exact = _automaton([one.exact for one in vocabularies])

    def mentions(self, text: PlainText) -> list[list[Mention]]:
        """Return the mentions of each vocabulary: those in any case, then those as written, in the text's order."""
        folded, exact = _found(self._folded, text.folded, self._count), _found(self._exact, text.cased, self._count)
        return [_once(*both) for both in zip(folded, exact, strict=True)]


class Matcher:
    """Finds the mentions of one vocabulary, its terms made ready at the first text."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @cached_property
    def _finder(self) -> Finder:
        return Finder([self.terms])

    def count(self, text: str) -> Counter[str]:
        """Return how often each group is mentioned that is."""
        return Counter(mention.group for mention in self.mentions(plain_text(text)))

    def mentions(self, text: PlainText) -> list[Mention]:
        """Return all mentions: those in any case, then those as written, in the order of the text, each once."""
        return self._finder.mentions(text)[0]


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
    """Return a text as vocabularies read it, one after the other: so it is kept while the next few are read."""
    cased = f" {_plain(text)} "
    return PlainText(cased, cased.casefold())


def _automaton(vocabularies: Sequence[Iterable[tuple[str, str]]]) -> Any:
    """Return the automaton of all terms with the spaces around them; one has one group, or is a sign of several."""
    words: dict[str, dict[int, tuple[str, ...]]] = {}
    for number, terms in enumerate(vocabularies):
        for term, group in terms:
            for written in _written(term):
                known = words.setdefault(written, {})
                groups = known.get(number, ())
                if not groups or (groups[0].startswith(SIGN) and group not in groups):
                    known[number] = (*groups, group)
    automaton = ahocorasick.Automaton()
    for written, known in words.items():
        automaton.add_word(written, (len(written), tuple(known.items())))
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


def _found(automaton: Any, plain: str, count: int) -> list[list[Mention]]:
    """Return the mentions of each vocabulary, those that overlap another left out."""
    spans: list[list[tuple[int, int, int, tuple[str, ...]]]] = [[] for _ in range(count)]
    for last, (length, known) in automaton.iter(plain) if len(automaton) else ():
        start = last + 1 - length
        first = plain[start]
        if first == " ":
            start, stop = start + 1, plain.find(" ", last)
        elif _is_unspaced(first):
            stop = last + 1
        else:
            start, stop = plain.rfind(" ", 0, start) + 1, plain.find(" ", last)
        for number, groups in known:
            spans[number].append((start, -stop, -length, groups))
    return [list(_apart(sorted(one))) for one in spans]


def _apart(spans: Iterable[tuple[int, int, int, tuple[str, ...]]]) -> Iterator[Mention]:
    """Yield each mention; of those that overlap the one that begins first, then the longest, then the longest term."""
    reached = 0
    for start, negative_stop, _, groups in spans:
        if start >= reached:
            reached = -negative_stop
            yield from (Mention(group, start - 1, reached - 1) for group in groups)


def _once(folded: list[Mention], exact: list[Mention]) -> list[Mention]:
    """Return the mentions in any case and those as written, each once and none within a phrase that is none."""
    hidden = [mention for mention in folded if mention.group == NO_MENTION]
    exact = [one for one in exact if not any(span.start <= one.start < span.stop for span in hidden)]
    seen = {(mention.start, mention.group) for mention in exact}
    once = [mention for mention in folded if (mention.start, mention.group.removeprefix(SIGN)) not in seen]
    return [mention for mention in [*once, *exact] if mention.group]
