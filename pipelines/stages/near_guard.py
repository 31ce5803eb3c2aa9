"""The clinical guard: say what two near duplicates contradict each other in, or that they do not.

The texts are aligned token by token, and each stretch that differs is judged with the sentences or lines around it:

- a sentence that is recognisably the same (at most half of its tokens differ) may differ in plain words, spelling and
  typing errors of plain words alone. A number, unit, sign, negation, drug or any other word refuses, listed or not;
- sentences that have no like in the other text are no contradiction, if they are long enough to be sentences, tell of
  the page (access dates, licences), or stand at the edge of the text and say nothing that the other does not; where
  both texts have such sentences at one place, they must be a small part of the text: a question is one;
- where a sentence was written anew, each side may say what the other does not mention, but not both, be it in numbers
  or in protected words, and a negation or comparison must be on both sides.

It errs towards keeping both. Not here: how alike texts must be (`near_verify`), which one stays (`near_resolve`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipelines.stages.near_letters import DIGITS
from pipelines.stages.near_regions import SAME_SENTENCE, plain_hashes, regions, segmented, touched
from pipelines.stages.near_spelling import is_respelt
from pipelines.stages.near_stretches import stretches_between
from pipelines.stages.near_tokens import JOINED, SIGN, STARTS, Places, Tokens, tokens_of
from pipelines.stages.near_words import BOILER, MARKERS, MONTHS, NEGATION, PLAIN, UNITS, is_clinical, is_protected

WHOLE_TOKENS = 8
"""A sentence of this many tokens may be there or not; a shorter one may be a cell or an item of a list."""
RELATED = 0.25
"""Dice similarity of content words from which a sentence may be another one written anew."""
REWRITTEN_TOKENS = 16
"""A shorter sentence that was written anew is too short to tell rewording from another question or answer."""
REPLACED = 0.05
"""Share of the shorter text up to which sentences may stand in place of others that they have nothing to do with."""
BOILERPLATE_TOKENS = 40

_YEAR = re.compile(r"(?:19|20)\d\d")
_COMPARISONS = frozenset("<>≤≥=±≠%‰°") | {"<=", ">=", "+/-"}


Stretch = tuple[int, int, int, int]
"""Begin and end in one text, begin and end in the other."""


class Token(NamedTuple):
    """One token as it is judged: its folded text, flags, and whether it may differ within a sentence."""

    text: str
    flags: int
    is_plain: bool


class Side:
    """One of the two texts: its tokens, and the segment (sentence or line) of each."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()
        self.text = segmented(self._data, tokens_of(self._data))
        self.tokens = Tokens(self.text.hashes, self.text.spans, self.text.flags)
        self.segments = self.text.segments

    def __len__(self) -> int:
        return len(self.segments)

    def token(self, place: int) -> Token:
        """Return the token at a place."""
        begin, end = self.tokens.spans[place]
        raw, flags = self._data[begin:end].decode(), int(self.tokens.flags[place])
        text = raw.lower().replace("\u2019", "'").replace("\u00ad", "")
        single = len(raw) == 1 and raw.isupper() and not flags & STARTS  # vitamin A, not an article
        return Token(text, flags, text in PLAIN and not single and not flags & (DIGITS | SIGN))

    def words(self, begin: int, end: int) -> list[Token]:
        """Return the tokens of a stretch."""
        return [self.token(place) for place in range(begin, end)]

    def span(self, segment: int) -> tuple[int, int]:
        """Return [begin, end) of a segment, counted from 1 as in `segments`."""
        return int(self.text.begins[segment - 1]), int(self.text.begins[segment])


class Region(NamedTuple):
    """Differences that touch the same sentences: stretches (begin, end, begin, end) and the segments they touch."""

    stretches: list[Stretch]
    touched: tuple[set[int], set[int]]


def contradiction(one: str, other: str) -> str:
    """Return what kind of thing two texts contradict each other in, "" when one may stand for the other."""
    return contradiction_of(Side(one), Side(other))


def contradiction_of(one: Side, other: Side) -> str:
    """Return the same for texts that were split already."""
    sides = (one, other)
    stretches = stretches_between(one.tokens, other.tokens)
    for first, end in regions(stretches, one.text, other.text, plain_hashes()).tolist():
        if why := _judge(sides, _region(sides, stretches[first:end])):
            return why
    return ""


def _region(sides: tuple[Side, Side], stretches: Places) -> Region:
    segments = [
        {segment for row in stretches for segment in range(*touched(side.text, row[2 * n], row[2 * n + 1]))}
        for n, side in enumerate(sides)
    ]
    return Region([tuple(row) for row in stretches.tolist()], (segments[0], segments[1]))


def _judge(sides: tuple[Side, Side], region: Region) -> str:
    """Judge one region: sentences of which something is left by what changed in them, the others as they stand."""
    changes, gone = _changes(sides, region)
    found = [[token for change in changes for token in change[n]] for n in (0, 1)]
    same = [(n, t) for n in (0, 1) for t in region.touched[n] - gone[n]]
    size = sum(end - begin for begin, end in (sides[n].span(segment) for n, segment in same))
    grown = all(region.touched) and not all(found)  # one sentence is the other with something more in it
    if not grown and len(found[0]) + len(found[1]) > SAME_SENTENCE * size:
        return _in_place_of_others(sides, region.touched)
    if not all(is_about_the_page(sides[n].words(*sides[n].span(segment))) for n, segment in same):
        for mine, theirs in changes:
            if why := _within_sentence(mine, theirs):
                return why
    return _in_place_of_others(sides, gone)


def _changes(
    sides: tuple[Side, Side], region: Region
) -> tuple[list[tuple[list[Token], list[Token]]], tuple[set[int], set[int]]]:
    """Return what changed within sentences, stretch by stretch, and the sentences of which nothing is left."""
    places = [[range(*s[2 * n : 2 * n + 2]) for s in region.stretches] for n in (0, 1)]
    counts = [Counter(int(sides[n].segments[p]) for stretch in places[n] for p in stretch) for n in (0, 1)]
    gone = tuple({t for t, c in counts[n].items() if c == np.subtract(*sides[n].span(t)[::-1])} for n in (0, 1))
    left = [
        [[sides[n].token(p) for p in one if sides[n].segments[p] not in gone[n]] for one in places[n]] for n in (0, 1)
    ]
    return list(zip(*left, strict=True)), (gone[0], gone[1])


def is_about_the_page(tokens: Sequence[Token]) -> bool:
    """Say whether a line is an access date, licence, page number or the like, and holds nothing clinical."""
    if len(tokens) > BOILERPLATE_TOKENS:
        return False
    words = {token.text for token in tokens}
    if any(t.text in _COMPARISONS or (is_clinical(t.text) and t.text not in MONTHS) for t in tokens):
        return False
    dated = not words.isdisjoint(MONTHS) and any(_YEAR.fullmatch(word) for word in words)
    known = all(t.is_plain or t.text in BOILER or t.flags & DIGITS for t in tokens)
    return not words.isdisjoint(MARKERS) or (known and (dated or not any(t.flags & DIGITS for t in tokens)))


def _within_sentence(mine: Sequence[Token], theirs: Sequence[Token]) -> str:
    """Judge a difference within a sentence that is the same: plain words and spelling only."""
    strange = [token for token in (*mine, *theirs) if not token.is_plain]
    return _kind(strange) if strange and not _are_respelt(mine, theirs) else ""


def _are_respelt(mine: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """Say whether two stretches are the same words spelt or hyphenated in two ways."""
    if any(token.flags & (DIGITS | SIGN) for token in (*mine, *theirs)):
        return False
    hyphenated = any(token.flags & JOINED for tokens in (mine, theirs) for token in tokens[1:])
    if hyphenated and "".join(t.text for t in mine) == "".join(t.text for t in theirs):
        return True
    return len(mine) == len(theirs) and all(
        is_respelt(a.text, b.text) or (a.is_plain and b.is_plain) for a, b in zip(mine, theirs, strict=True)
    )


def _in_place_of_others(sides: tuple[Side, Side], touched: tuple[set[int], set[int]]) -> str:
    """Judge sentences that only one text has, and sentences that stand in place of others."""
    segments = [
        {t: words for t in sorted(touched[n]) if not is_about_the_page(words := side.words(*side.span(t)))}
        for n, side in enumerate(sides)
    ]
    answered: list[list[Token]] = [[], []]
    alone = [0, 0]
    for n, mine in enumerate(segments):
        theirs = [_content(words) for words in segments[1 - n].values()]
        for segment, words in mine.items():
            if any(_are_related(_content(words), other) for other in theirs):
                answered[n] += words
            elif why := _alone(sides, n, segment, words):
                return why
            else:
                alone[n] += len(words)
    if min(alone) > REPLACED * min(map(len, sides)):
        return "sentence"
    return _unanswered(*answered)


def _content(words: Sequence[Token]) -> set[str]:
    return {token.text for token in words if not token.is_plain}


def _are_related(one: set[str], other: set[str]) -> bool:
    """Say whether two sentences share so much that one may be the other written anew."""
    return 2 * len(one & other) >= RELATED * (len(one) + len(other))


def _alone(sides: tuple[Side, Side], n: int, segment: int, words: Sequence[Token]) -> str:
    """Judge a sentence that has no like in the other text."""
    is_last = sides[n].span(segment)[1] == len(sides[n])
    at_edge = segment == 1 or is_last
    if len(words) >= WHOLE_TOKENS or (at_edge and _says_nothing_new(sides[1 - n], words)):
        return ""
    return _kind([token for token in words if not token.is_plain])


def _says_nothing_new(other: Side, words: Sequence[Token]) -> bool:
    """Say whether a title or the like has no number or negation, and no protected word that the other text lacks."""
    if any(token.flags & (DIGITS | SIGN) or token.text in NEGATION for token in words):
        return False
    protected = {token.text for token in words if is_protected(token.text)}
    return not protected or protected <= {token.text for token in other.words(0, len(other))}


def _unanswered(mine: Sequence[Token], theirs: Sequence[Token]) -> str:
    """Judge a sentence that was written anew: a short one, such as a question, must not name other things."""
    if max(len(mine), len(theirs)) < REWRITTEN_TOKENS:
        strange = [_content(mine) - _content(theirs), _content(theirs) - _content(mine)]
        if all(strange):
            return _kind([Token(text, _sign_of(text), False) for text in sorted(strange[0] | strange[1])])
    said = [Counter(token.text for token in tokens if _says(token)) for tokens in (mine, theirs)]
    left, right = said[0] - said[1], said[1] - said[0]
    if left and right:
        return _kind([Token(text, _sign_of(text), False) for text in (*left, *right)])
    strict = {text for text in (*left, *right) if text in NEGATION or text in _COMPARISONS}
    if strict:
        return _kind([Token(text, 0, False) for text in strict])
    order = [[t.text for t in tokens if t.flags & DIGITS] for tokens in (mine, theirs)]
    return "number" if not left and not right and order[0] != order[1] else ""


def _sign_of(text: str) -> int:
    return DIGITS if any(char.isdigit() for char in text) else 0


def _says(token: Token) -> bool:
    return bool(token.flags & (DIGITS | SIGN)) or is_protected(token.text)


def _kind(tokens: Sequence[Token]) -> str:
    """Return the gravest kind of thing among tokens, for the record."""
    if any(token.text in NEGATION for token in tokens):
        return "negation"
    if any(token.flags & DIGITS for token in tokens):
        return "number"
    if any(token.text in _COMPARISONS or token.flags & SIGN for token in tokens):
        return "sign"
    if any(token.text in UNITS for token in tokens):
        return "unit"
    if any(is_protected(token.text) for token in tokens):
        return "protected word"
    return "word" if tokens else ""
