"""The clinical guard: twins contradict each other whatever the language, edits of prose and of the page do not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.stages.near_align import align
from pipelines.stages.near_guard import Side, Stretch, _judge, _region, contradiction
from pipelines.stages.near_regions import plain_hashes, regions, touched
from pipelines.stages.near_signature import jaccard, shingle_sets, sign
from pipelines.stages.near_spelling import is_respelt
from pipelines.stages.near_stretches import stretches_between
from pipelines.stages.near_tokens import tokens_of
from pipelines.stages.near_words import PLAIN, is_protected

CASES = json.loads((Path(__file__).parent / "cases" / "dedup_near.json").read_text())
PASSAGES = CASES["passages"]


def changed(case: dict[str, Any]) -> tuple[str, str]:
    one = PASSAGES[case["passage"]]
    other = one
    for old, new in case["changes"]:
        other = other.replace(old, new, 1)
    first = case.get("first", {"before": "", "after": ""})
    return first["before"] + one + first["after"], case["before"] + other + case["after"]


@pytest.mark.parametrize(("passage", "kind", "old", "new"), CASES["twins"], ids=lambda value: ascii(value)[:30])
def test_clinical_twins_contradict_each_other(passage: str, kind: str, old: str, new: str) -> None:
    one, other = PASSAGES[passage], PASSAGES[passage].replace(old, new, 1)
    assert contradiction(one, other) != ""
    assert contradiction(other, one) != ""


@pytest.mark.parametrize("case", CASES["near"], ids=lambda case: ascii(f"{case['passage']}-{case['kind']}"))
def test_edits_of_prose_and_of_the_page_are_no_contradiction(case: dict[str, Any]) -> None:
    one, other = changed(case)
    assert one != other
    assert contradiction(one, other) == ""
    assert contradiction(other, one) == ""


@pytest.mark.xfail(strict=True, reason="kept apart though nothing clinical differs: the guard errs on this side")
@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["kind"])
def test_known_failures(case: dict[str, Any]) -> None:
    assert contradiction(*changed(case)) == ""


def test_there_are_enough_cases_in_four_languages() -> None:
    assert len(CASES["twins"]) >= 100
    assert len(CASES["near"]) >= 60
    for cases in ([case[0] for case in CASES["twins"]], [case["passage"] for case in CASES["near"]]):
        assert {name.rpartition("-")[2] for name in cases} == {"en", "fr", "es", "pt"}


def test_no_plain_word_is_protected() -> None:
    assert sorted(word for word in PLAIN if is_protected(word)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5mg", "5 MG"),
        (".5 mg", "0.5 mg"),
        ("L'enfant", "l’ enfant"),
        ("SpO2 <= 90 %", "spo2 ≤90%"),
        ("post-exposure; daily", "Post exposure daily."),
        ("1. Give\n2. Take", "Give Take"),
        ("a https://who.int/x?y=1 b", "a b"),
        ("5 ± 2 µg", "5 +/- 2 μg"),
    ],
)
def test_what_is_folded(one: str, other: str) -> None:
    assert tokens_of(one.encode()).hashes.tolist() == tokens_of(other.encode()).hashes.tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.5 mg", "5 mg"),
        ("5 Mg", "5 mg"),
        ("<140", ">140"),
        ("140/90", "14090"),
        ("-5 °C", "5 °C"),
        ("HER2+", "HER2-"),
        ("10³", "103"),
        ("5 mg", "5 µg"),
        ("año", "ano"),
        ("≥5", ">5"),
        ("5,000", "5.000"),
    ],
)
def test_what_counts(one: str, other: str) -> None:
    assert tokens_of(one.encode()).hashes.tolist() != tokens_of(other.encode()).hashes.tolist()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("haemorrhage", "hemorrhage", True),
        ("patients", "pateints", True),
        ("ileum", "ilium", False),
        ("methanol", "ethanol", False),
        ("prednisone", "prednisolone", False),
        ("abduction", "adduction", False),
        ("hypotension", "hypertension", False),
    ],
)
def test_words_one_letter_apart(one: str, other: str, same: bool) -> None:
    assert is_respelt(one, other) == same == is_respelt(other, one)


@given(st.text(max_size=80))
def test_a_text_never_contradicts_itself(text: str) -> None:
    assert contradiction(text, text.replace(" ", "  ")) == ""


@given(st.lists(st.integers(0, 5), max_size=30), st.lists(st.integers(0, 5), max_size=30))
def test_an_alignment_pairs_equal_tokens_in_order(one: list[int], other: list[int]) -> None:
    first, second = np.array(one, np.uint64), np.array(other, np.uint64)
    pairs = [(at, partner) for at, partner in enumerate(align(first, second).tolist()) if partner >= 0]
    assert all(one[at] == other[partner] for at, partner in pairs)
    assert [partner for _, partner in pairs] == sorted({partner for _, partner in pairs})


def test_minima_estimate_the_jaccard_similarity_of_the_sets() -> None:
    dice = np.random.default_rng(5)
    errors = []
    for kept in (300, 380, 395):
        words = dice.integers(0, 10**6, 400).tolist()
        other = words[:kept] + dice.integers(0, 10**6, 400 - kept).tolist()
        texts = pa.array([" ".join(f"w{word}" for word in one) for one in (words, other)], pa.large_string())
        signatures, tokens = sign(texts, 400, 1)
        assert tokens.tolist() == [400, 400]
        errors.append((signatures[0] == signatures[1]).mean() - jaccard(*shingle_sets(texts)))
    assert max(map(abs, errors)) < 0.07


def touching(sides: tuple[Side, Side], stretches: list[Stretch]) -> list[list[Stretch]]:
    """Stretches grouped by the segments that they touch on either side, in plain Python."""
    groups: list[list[Stretch]] = []
    known: list[set[int]] = [set(), set()]
    for stretch in stretches:
        here = [set(range(*touched(side.text, *stretch[2 * n : 2 * n + 2]))) for n, side in enumerate(sides)]
        if groups and any(mine & theirs for mine, theirs in zip(here, known, strict=True)):
            groups[-1].append(stretch)
            known = [mine | theirs for mine, theirs in zip(here, known, strict=True)]
        else:
            groups.append([stretch])
            known = here
    return groups


DRAWN = "the of a The A was were and not 5 mg mg. dose. Give child, vitamin A - . patients page"
WORDS = st.sampled_from([*DRAWN.split(), "\n"])


@given(st.lists(WORDS, max_size=40), st.lists(st.tuples(st.integers(0, 39), WORDS), max_size=8))
@example([*["Give", "the", "dose", ".", "A", "child", "was"]], [(1, "a")])
def test_what_the_guard_is_not_asked_about_it_would_pass(words: list[str], changes: list[tuple[int, str]]) -> None:
    changed = list(words)
    for at, word in changes:
        changed[at : at + len(word) % 2] = [word]
    sides = (Side(" ".join(words)), Side(" ".join(changed)))
    stretches = stretches_between(sides[0].tokens, sides[1].tokens)
    asked = regions(stretches, sides[0].text, sides[1].text, plain_hashes()).tolist()
    first = 0
    for group in touching(sides, [tuple(row) for row in stretches.tolist()]):
        last = first + len(group)
        assert [first, last] in asked or _judge(sides, _region(sides, stretches[first:last])) == ""
        asked = [one for one in asked if one != [first, last]]
        first = last
    assert asked == []


def test_plain_words_within_sentences_are_passed_unasked() -> None:
    one = "The mother of a child was given the fluids at home . Count the breaths of a calm child for one full minute ."
    other = one.replace(" the", "").replace(" was", " is")
    sides = (Side(one), Side(other))
    stretches = stretches_between(sides[0].tokens, sides[1].tokens)
    assert len(stretches) >= 3
    assert regions(stretches, sides[0].text, sides[1].text, plain_hashes()).tolist() == []
