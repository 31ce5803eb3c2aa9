"""Patterns are tried only where they may match: never one less than without the gate."""

import re
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.teacher import injection
from sources.teacher.needed_words import REACH_CHARS, Gate, needed_words


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
    gate = Gate([r"answer.{0,30}?\boption", r"never there", r"\d{3}"])
    text = "answer " * 500 + "a long way to option b" + " and so on" * 300
    (first, spans), (last, whole) = gate.stretches(text)
    place = text.index("option") + len("option") - 1
    assert (first, spans) == (0, [(place - REACH_CHARS, place + REACH_CHARS)])
    assert (last, whole) == (2, [(0, len(text))])


def test_stretches_that_touch_are_one() -> None:
    text = "option " + " " * REACH_CHARS + "option"
    ((_, spans),) = Gate(["option"]).stretches(text)
    assert spans == [(0, len(text) - 1 + REACH_CHARS)]


WORDINGS = [pattern for _, pattern in injection._PATTERNS]


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
    spans = dict(injection._GATE.stretches(low.lower())).get(number, [])
    assert any(WORDINGS[number].search(low, *span) for span in spans)
