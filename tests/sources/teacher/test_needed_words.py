"""Patterns are tried only where they may match: never one less than without the gate."""

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.teacher import injection
from sources.teacher.needed_words import AHEAD_CHARS, REACH_CHARS, Gate, needed_words

WORDINGS = [injection._compiled(line) for _, line in injection._WORDINGS]
sre_parse: Any = getattr(re, "_parser").parse  # noqa: B009


@pytest.mark.parametrize(
    ("pattern", "sets"),
    [
        (r"\bsystem prompts?\b", [{"system prompt", "system prompts"}]),
        (r"(?:ignore|forget)\b.{0,30}?\borders?", [{"ignore", "forget"}, {"order", "orders"}]),
        (r"(?:stop )?answering", [{"answering", "stop answering"}]),
        (r"answer(?:ing|s)?", [{"answer", "answering", "answers"}]),
        (r"\w+ing", [{"ing"}]),
        (r"say (?:\w+ )?yes", [{"say "}, {"yes"}]),
        (r"(?:say){2,} no", [{"say"}, {" no"}]),
        (r"<\||\[inst\]", [{"<|", "[inst]"}]),
        (r"忽略.{0,20}指令", [{"忽略"}, {"指令"}]),
        (r"(?i:HELLO) you", [{"hello you"}]),
        (r"a|\d+", []),
        (r"[0-9a-f]{40}", []),
        (r"(?:x|y) of", [{"x of", "y of"}]),
        (r"(?=hidden)shown", [{"shown"}]),
    ],
)
def test_words_are_read_off_a_pattern(pattern: str, sets: list[set[str]]) -> None:
    assert needed_words(pattern) == [frozenset(one) for one in sets]


def test_stretches_lie_around_the_rarest_words() -> None:
    gate = Gate([r"answer\w*.{0,30}?\boption", r"never there", r"\d{3}"])
    text = "answer " * 500 + "a long way to option b" + " and so on" * 300 + " option c"
    (first, spans), (last, whole) = gate.stretches(text)
    place = text.index("option") + len("option") - 1
    assert (first, spans) == (0, [(place - REACH_CHARS, place + REACH_CHARS)])
    assert (last, whole) == (2, [(0, len(text))])


def test_a_pattern_reaches_as_far_as_it_can_match() -> None:
    ((_, spans),) = Gate([r"answer.{0,30}?\boption"]).stretches("and " * 100 + "answer or option" + " and" * 100)
    reach = len("answer" + "option") + 30 + AHEAD_CHARS
    assert spans == [(405 - reach, 405 + reach)]


def test_stretches_that_touch_are_one() -> None:
    text = "option " + " " * AHEAD_CHARS + "option"
    ((_, spans),) = Gate(["option"]).stretches(text)
    assert spans == [(0, len(text) - 1 + len("option") + AHEAD_CHARS)]


def test_no_wording_looks_farther_beyond_its_match_than_is_shown_to_it() -> None:
    for pattern in WORDINGS:
        ahead = [width for width in _widths_ahead(sre_parse(pattern.pattern)) if width > AHEAD_CHARS]
        assert not ahead or not needed_words(pattern.pattern)


def _widths_ahead(items: Any) -> Iterator[int]:
    """Yield the greatest width of each assertion in a parsed pattern."""
    for kind, value in items:
        if str(kind) in ("ASSERT", "ASSERT_NOT"):
            yield value[1].getwidth()[1]
        elif str(kind) == "BRANCH":
            yield from (width for one in value[1] for width in _widths_ahead(one))
        elif str(kind) in ("SUBPATTERN", "MAX_REPEAT", "MIN_REPEAT"):
            yield from _widths_ahead(value[-1])


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), before=st.integers(0, 900), after=st.integers(0, 900))
@pytest.mark.parametrize("number", range(len(WORDINGS)))
def test_what_a_wording_matches_is_never_missed(number: int, data: st.DataObject, before: int, after: int) -> None:
    drawn = data.draw(
        st.from_regex(WORDINGS[number], alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cf"]))
    )
    text = normalize("NFKC", "filler " * before + drawn + " filler" * after)
    low = text if WORDINGS[number].flags & re.IGNORECASE else text.lower()
    found = WORDINGS[number].search(low)
    if not found or len(found[0]) > REACH_CHARS:
        return
    spans = dict(injection._gate().stretches(low.lower())).get(number, [])
    assert any(WORDINGS[number].search(low, *span) for span in spans)
