"""Strings of PDF lines: each case lies in JSON as must-change, must-not-change, must-not-fuse or known-failure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.parse.pdf_join import ends_within_words, join_lines, vocabulary
from sources.parse.pdf_text import (
    GARBLED_SHARE,
    Piece,
    clean_codes,
    compose_accents,
    declared_language,
    decode,
    expand_ligatures,
    garbled_share,
    join_pieces,
    script_agrees,
    settle,
)

CASES = json.loads((Path(__file__).parent / "test_pdf_cases.json").read_text(encoding="utf-8"))


def _all(group: Any) -> Any:
    return [case for name in CASES[group] for case in CASES[group][name]]


@pytest.mark.parametrize(("left", "right", "known", "expected"), _all("join_lines"))
def test_lines_join_with_their_hyphen_only_removed_inside_a_word(
    left: Any, right: Any, known: Any, expected: Any
) -> None:
    assert join_lines(left, right, frozenset(known))[0] == expected


@pytest.mark.parametrize(("pieces", "expected"), _all("join_pieces"))
def test_raised_and_lowered_pieces_never_change_a_number(pieces: Any, expected: Any) -> None:
    assert join_pieces(Piece(*piece) for piece in pieces) == expected


@given(st.from_regex(r"[0-9]{1,4}([.,][0-9]{1,3})?", fullmatch=True), st.from_regex(r"[1-9][0-9]?", fullmatch=True))
def test_a_raised_mark_never_becomes_part_of_the_number_before_it(number: Any, mark: Any) -> None:
    line = join_pieces([Piece(number, False, 1.0, 0.0), Piece(mark, False, 0.65, 0.35)])
    assert number + mark not in line
    assert line.startswith(number)


@given(st.from_regex(r"[0-9]{1,3}", fullmatch=True), st.from_regex(r"[0-9]{1,3} mg", fullmatch=True))
def test_a_hyphen_between_digits_is_never_touched(low: Any, high: Any) -> None:
    assert join_lines(f"give {low}-", high)[0] == f"give {low}-{high}"


@pytest.mark.parametrize(("text", "expected"), CASES["ligatures"])
def test_only_latin_ligatures_are_expanded(text: Any, expected: Any) -> None:
    assert expand_ligatures(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES["accents"])
def test_accents_set_by_themselves_are_put_onto_the_letter_behind_them_only(text: Any, expected: Any) -> None:
    assert compose_accents(text) == expected


@pytest.mark.parametrize(("text", "bad"), CASES["garbled"])
def test_private_use_and_replacement_characters_are_garbled_but_bullets_are_not(text: Any, bad: Any) -> None:
    assert (garbled_share(text) > GARBLED_SHARE) is bad


@pytest.mark.parametrize(("tag", "expected"), CASES["language"])
def test_language_is_what_the_file_declares(tag: Any, expected: Any) -> None:
    assert declared_language(tag) == expected


def test_controls_become_visible_and_invisible_marks_go() -> None:
    codes = np.array([ord("a"), 1, 0x200B, ord("5"), 0xD835, 0xDC43], np.uint32)
    assert settle(decode(clean_codes(codes))) == "a\ufffd5\U0001d443"


def test_the_vocabulary_leaves_out_what_a_line_end_broke() -> None:
    words = vocabulary(["presented as evidence-based", "and was pre-", "sented again"])
    assert "presented" in words
    assert "evidence-based" in words
    assert "sented" not in words


@pytest.mark.parametrize(
    ("tag", "text", "agrees"),
    [
        ("ar-SA", "Treatment of cystic echinococcosis", False),
        ("en-US", "شرکت بورس کالای ايران", False),
        ("fa", "شرکت بورس کالای ايران", True),
        ("pt-BR", "Orientações para o cuidado", True),
        ("ko", "코로나 관련 보험", True),
        ("sr-Latn", "Lečenje malarije", True),
    ],
)
def test_a_declared_language_counts_only_when_its_script_agrees(tag: str, text: str, agrees: bool) -> None:
    assert script_agrees(tag, text) is agrees


@pytest.mark.parametrize(
    ("ends", "within"),
    [
        ([("예방", True), ("접종", False)] * 5, True),
        ([("예방", True)] * 10, False),
        ([("예방", False)] * 10, False),
        ([("vaccine", True), ("dose", False)] * 5, False),
    ],
)
def test_hangul_lines_end_within_words_only_when_the_file_shows_it(ends: list[tuple[str, bool]], within: bool) -> None:
    assert ends_within_words(ends) is within
