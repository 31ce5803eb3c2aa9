"""Marks are taken out without touching a letter, and what is broken is no telling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.teacher.marks import Mark, unmark

PLAIN = st.text(st.characters(exclude_characters="[]"), max_size=20)
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)


def test_marks_are_told_by_their_place_in_the_plain_text() -> None:
    marked = unmark("She has [3: a late period],\nand [ no ]?")
    assert marked is None, "a bracket is left over"
    marked = unmark("She has [3: a late period],\nand [10 : no fever ].")
    assert marked is not None
    assert marked.text == "She has a late period,\nand no fever."
    assert marked.marks == (Mark(3, "a late period", 8, 21), Mark(10, "no fever", 27, 35))
    assert marked.outside == "She has ,            ,\nand ,       ."


@pytest.mark.parametrize("text", ["[3: ]", "[3 a]", "[a: b]", "[3: a", "3: a]", "[3: [4: a] b]", "[: a]"])
def test_broken_marks_are_no_telling(text: str) -> None:
    assert unmark(text) is None


@given(st.lists(st.tuples(PLAIN, st.integers(0, 99), WORDS), max_size=6), PLAIN)
def test_whatever_is_marked_comes_out_whole(pieces: list[tuple[str, int, str]], end: str) -> None:
    marked = unmark("".join(f"{before}[{fact}: {words}]" for before, fact, words in pieces) + end)
    assert marked is not None
    assert marked.text == "".join(before + words for before, _, words in pieces) + end
    assert [(mark.fact, mark.words) for mark in marked.marks] == [(fact, words) for _, fact, words in pieces]
    assert all(marked.text[mark.start : mark.end] == mark.words for mark in marked.marks)
    assert len(marked.outside) == len(marked.text)
