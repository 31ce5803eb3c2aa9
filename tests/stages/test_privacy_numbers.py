"""What is said of the numbers near a place loses nothing: wherever a pattern finds one, its kind was held possible."""

import string

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipelines.stages.privacy_checks import luhn
from pipelines.stages.privacy_cued import CUED_KINDS
from pipelines.stages.privacy_find import STRUCTURED, places
from pipelines.stages.privacy_kinds import Kind, Shape, bare
from pipelines.stages.privacy_numbers import (
    FAR_CHARS,
    LUHN,
    MOST_BYTES,
    NEAR_CHARS,
    NUMBERS,
    around,
    has_query,
    most_digits,
    numbers_in,
)
from pipelines.stages.privacy_scan import QUERY

OF_NUMBERS = [(kind, shape) for kind in STRUCTURED if kind.bits & NUMBERS for shape in kind.shapes]
OF_QUERIES = [(kind, shape) for kind in STRUCTURED if kind.bits & QUERY for shape in kind.shapes]
WITH_LEAST = [kind for kind in STRUCTURED if kind.least_digits]
NOISE = st.text(string.digits + string.ascii_letters + " .,-+/():=?@%|\u00a0\u2011\u0663é", max_size=40)
NAMES = {"ids": lambda value: value.name if isinstance(value, Kind) else ""}


def padded(text: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.frombuffer(text.encode() + b"\n" * 8, np.uint8)


@pytest.mark.parametrize(("kind", "shape"), OF_NUMBERS, **NAMES)
@settings(max_examples=40)
@given(data=st.data(), before=NOISE, after=NOISE)
def test_a_number_that_a_pattern_finds_was_held_possible(
    kind: Kind, shape: Shape, data: st.DataObject, before: str, after: str
) -> None:
    line = before + data.draw(st.from_regex(shape.pattern)) + after
    match = next((found for part in line.split("\n") for found in shape.pattern.finditer(part)), None)
    assume(match)
    assert match
    lines = [match.string]
    if kind.bits & LUHN:  # its last digit is asked for too, and one of ten is right
        lines = [match.string[: match.end() - 1] + digit + match.string[match.end() :] for digit in "0123456789"]
        lines = [line for line in lines if luhn(bare(line[match.start() : match.end()]))]
    for raw in map(padded, lines):
        assert numbers_in(raw, 0, len(raw) - 8) & kind.bits
    assert lines


@pytest.mark.parametrize(("kind", "shape"), OF_QUERIES, **NAMES)
@settings(max_examples=40)
@given(data=st.data(), before=NOISE, after=NOISE)
def test_a_url_that_carries_something_was_held_possible(
    kind: Kind, shape: Shape, data: st.DataObject, before: str, after: str
) -> None:
    raw = padded(before + data.draw(st.from_regex(shape.pattern)) + after)
    assert has_query(raw, 0, len(raw) - 8)


@pytest.mark.parametrize("kind", WITH_LEAST, ids=lambda kind: kind.name)
@settings(max_examples=40)
@given(data=st.data())
def test_a_cued_number_has_the_digits_that_its_cue_asks_for(kind: Kind, data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(kind.shapes if kind in CUED_KINDS else kind.shapes[:1]))
    line = data.draw(st.from_regex(shape.pattern))
    assume(kind in CUED_KINDS or "2A" in line or "2B" in line)
    raw = padded(line)
    assert most_digits(raw, 0, len(raw) - 8) >= kind.least_digits


@given(st.text("ab 0é\n中", max_size=600), st.integers(0, 599), st.sampled_from([NEAR_CHARS, FAR_CHARS]))
def test_a_neighbourhood_holds_what_patterns_see(text: str, at: int, reach: tuple[int, int]) -> None:
    assume(at < len(text) and text[at] != "\n")
    line_start, line_end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line_end = len(text) if line_end < 0 else line_end
    raw, place = padded(text), len(text[:at].encode())
    begin, end = around(raw, place, *reach)
    first = max(line_start, text.rfind(" ", 0, max(0, at - reach[0])) + 1)
    last = text.find(" ", min(at + reach[1], line_end))
    last = line_end if last < 0 or last > line_end else last
    assert begin <= len(text[:first].encode())
    assert end >= len(text[:last].encode())
    assert b"\n" not in raw[begin:end].tobytes()


def test_where_there_are_no_blanks_all_is_possible() -> None:
    raw = padded("x" * (3 * MOST_BYTES))
    begin, end = around(raw, len(raw) // 2, *NEAR_CHARS)
    assert numbers_in(raw, begin, end) == NUMBERS
    assert most_digits(raw, begin, end) >= 15


@pytest.mark.parametrize("text", ["in 2017, 2018 and 2019-2021", "doi:10.1016/j.x.2019.01.012", "0.25 0.50 0.75 1.00"])
def test_years_and_digits_of_articles_hold_nothing(text: str) -> None:
    assert len(places(np.frombuffer(text.encode(), np.uint8))) == 0
