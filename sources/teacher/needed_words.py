"""Which literal words a pattern cannot match without, so that a hundred patterns are tried only where they may match.

One pass of an automaton (Aho and Corasick, "Efficient string matching", 1975) finds where the patterns' words stand in
a text; a pattern is tried when the text has a word of each of its sets, and only around those words of the rarest of
them that have one of each other set in reach. The sets are read off the parsed pattern, as code search does with
trigrams (Cox, "Regular expression matching with a trigram index", 2012), so nobody keeps a second list by hand. What
matches is never missed unless it is longer than `REACH_CHARS`; what is tried need not match. Not here: what the
patterns say.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import ahocorasick

REACH_CHARS = 600
"""No match of a pattern is longer, if its words are words of a language."""
AHEAD_CHARS = 64
"""What a pattern looks at beyond its match."""
LEAST_CHARS, MOST_WORDS, FEW_CHARS = 3, 64, 4
"""Shorter words of plain letters are in every text, and a product of more words than this is not worth its memory."""
_parser: Any = getattr(re, "_parser")  # noqa: B009  the only way to the parsed form of a pattern; a test guards it
_ZERO_WIDTH = frozenset({"AT", "ASSERT", "ASSERT_NOT"})

Span = tuple[int, int]


class Gate:
    """Says which of many patterns may match in a text, and where; patterns are for lower-case text."""

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = list(patterns)
        needed = [needed_words(pattern) for pattern in patterns]
        numbers = {one: number for number, one in enumerate(dict.fromkeys(one for sets in needed for one in sets))}
        named = (frozenset(numbers[one] for one in sets) for sets in needed)
        self._needed = list(zip(named, map(_reach, patterns), strict=True))
        self._automaton = ahocorasick.Automaton()
        for word in {word for one in numbers for word in one}:
            self._automaton.add_word(word, [number for one, number in numbers.items() if word in one])
        self._automaton.make_automaton()

    def stretches(self, low: str) -> Iterator[tuple[int, list[Span]]]:
        """Yield the numbers of the patterns that may match a lower-case text, in order, each with the stretches."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place, numbers in self._automaton.iter(low):
            for number in numbers:
                places[number].append(place)
        for pattern, (sets, reach) in enumerate(self._needed):
            if not sets:
                yield pattern, [(0, len(low))]
            elif sets <= places.keys():
                rarest, *others = sorted((places[number] for number in sets), key=len)
                for other in others:
                    rarest = [place for place in rarest if _has_near(other, place, reach)]
                if rarest:
                    yield pattern, _around(rarest, reach)


def _reach(pattern: str) -> int:
    """Return how far from a word of a match the pattern may look: as wide as it can match, or `REACH_CHARS`."""
    return min(REACH_CHARS, int(_parse(pattern).getwidth()[1]) + AHEAD_CHARS)


def _has_near(places: list[int], place: int, reach: int) -> bool:
    """Say whether one of some ascending places is within reach of `place`."""
    at = bisect_left(places, place - reach)
    return at < len(places) and places[at] <= place + reach


def _around(places: list[int], reach: int) -> list[Span]:
    """Return what lies within reach of any of the ascending places, as stretches that do not overlap."""
    spans: list[Span] = []
    for place in places:
        begin = max(0, place - reach)
        if spans and begin <= spans[-1][1]:
            begin = spans.pop()[0]
        spans.append((begin, place + reach))
    return spans


def _parse(pattern: str) -> Any:
    return _parser.parse(pattern, re.IGNORECASE | re.DOTALL)


def needed_words(pattern: str) -> list[frozenset[str]]:
    """Return sets of lower-case words: a text that the pattern matches in holds one of each."""
    sets, exact = _of_sequence(_parse(pattern))
    return [*sets, *_kept(exact)]


def _kept(words: frozenset[str]) -> list[frozenset[str]]:
    """Return the set if it tells anything."""
    return [words] if words and all(map(_tells, words)) else []


def _tells(word: str) -> bool:
    """Say whether a word is not in every text: long enough, or of other signs than plain letters."""
    return len(word) >= LEAST_CHARS or (not (word.isascii() and word.replace(" ", "").isalnum()) and bool(word.strip()))


def _of_sequence(items: Iterable[tuple[Any, Any]]) -> tuple[list[frozenset[str]], frozenset[str]]:
    """Return the sets that a sequence needs, and all texts that its last stretch may be, as far as they are few."""
    sets: list[frozenset[str]] = []
    last = frozenset({""})
    for kind, value in items:
        inner, texts = _of_item(str(kind), value)
        joined = frozenset(before + after for before in last for after in texts) if texts is not None else None
        if joined is not None and len(joined) <= MOST_WORDS:
            last = joined
            continue
        sets += [*_kept(last), *inner]
        last = texts if texts is not None else frozenset({""})
    return sets, last


def _of_item(kind: str, value: Any) -> tuple[list[frozenset[str]], frozenset[str] | None]:
    """Return the sets that one item needs, and all texts that it may be, None if they are many or unknown."""
    if kind == "LITERAL":
        return [], frozenset({chr(value).lower()})
    if kind == "IN" and len(value) <= FEW_CHARS and all(str(one) == "LITERAL" for one, _ in value):
        return [], frozenset(chr(char).lower() for _, char in value)
    if kind in _ZERO_WIDTH:
        return [], frozenset({""})
    if kind == "SUBPATTERN":
        return _whole(value[-1])
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        return _of_repeat(*value)
    if kind == "BRANCH":
        return _of_branch([_whole(one) for one in value[1]])
    return [], None


def _whole(items: Sequence[tuple[Any, Any]]) -> tuple[list[frozenset[str]], frozenset[str] | None]:
    """Return what a part in brackets needs, and all texts that it may be if all of it is known."""
    sets, last = _of_sequence(items)
    known = not sets and all(_of_item(str(kind), value)[1] is not None for kind, value in items)
    return (sets, last) if known else ([*sets, *_kept(last)], None)


def _of_repeat(least: int, most: Any, items: Any) -> tuple[list[frozenset[str]], frozenset[str] | None]:
    sets, texts = _whole(items)
    if least == 0:
        return [], texts | {""} if texts is not None and most == 1 else None
    return (sets, texts) if least == most == 1 else ([*sets, *_kept(texts or frozenset())], None)


def _of_branch(
    branches: list[tuple[list[frozenset[str]], frozenset[str] | None]],
) -> tuple[list[frozenset[str]], frozenset[str] | None]:
    """Return all texts of all branches; where one is not known, one set with a word of each branch, if each has one."""
    known = [texts for _, texts in branches if texts is not None]
    if len(known) == len(branches):
        return [], frozenset().union(*known)
    told = []
    for sets, texts in branches:
        best = max([*sets, *_kept(texts or frozenset())], key=lambda words: min(map(len, words)), default=None)
        if best is None:
            return [], None
        told.append(best)
    return [frozenset().union(*told)], None
