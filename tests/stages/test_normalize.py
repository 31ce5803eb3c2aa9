"""Normalising keeps every clinical fact, can be replayed, and knows where each section went."""

import json
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stages.normalize import Normalize, NormalizeConfig, normalize, replay
from sources.document import Document, estimate_tokens, from_table, to_table

CASES = json.loads((Path(__file__).parent / "cases" / "normalize.json").read_text())
ALPHABET = (
    "abAZ059.,;<>≤≥±−+-–/%()[]| \t\n\r\x00\x02\x0b\x0c\x1f\x7f\x80\x85\x93\x9d\xa0\xad½³µμ°éâ"
    "\u0301\u0308\u0338\u1100\u1161\u11a8\u2007\u2009\u200b\u200c\u200d\u200e\u2028\u202f\u2126\u212b\ufeff"
    "ထไทخखመ用５٥\u3000\ud7a3𝛼"
)
texts = st.one_of(st.text(ALPHABET, max_size=60), st.text(max_size=60))
FACTS = set("<>≤≥±−+-–/%.,()[]|½³µμ°")


def facts(text: str) -> str:
    """Letters, numbers and clinical signs in canonical form, which no edit may add, drop, change or move."""
    canonical = unicodedata.normalize("NFD", text)
    return "".join(c for c in canonical if c in FACTS or unicodedata.category(c)[0] in "LN")


@pytest.mark.parametrize("case", CASES["must_change"], ids=lambda c: ascii(c["before"])[:30])
def test_must_change(case: dict[str, Any]) -> None:
    done = normalize(case["before"])
    assert (done.text, done.names) == (case["after"], case["edits"])
    assert replay(case["before"], done.names) == case["after"]


@pytest.mark.parametrize("text", CASES["must_not_change"], ids=lambda t: ascii(t)[:30])
def test_must_not_change(text: str) -> None:
    assert normalize(text).text == text


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda c: ascii(c["before"])[:30])
@pytest.mark.xfail(strict=True, reason="known failure, kept in sight")
def test_known_failure(case: dict[str, Any]) -> None:
    assert normalize(case["before"]).text == case["want"], case["why"]


@given(texts)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalize(normalize(text).text).names == []


@given(texts)
def test_replay_gives_the_same_text(text: str) -> None:
    done = normalize(text)
    assert replay(text, done.names) == done.text


@given(texts)
def test_letters_numbers_and_signs_are_kept_in_order(text: str) -> None:
    done = normalize(text)
    if not {"mojibake", "c1"} & set(done.names):
        assert facts(done.text) == facts(text)


@given(texts)
def test_numbers_are_never_joined(text: str) -> None:
    done = normalize(text)
    if "mojibake" not in done.names:
        assert numbers(done.text) == numbers(text)


def numbers(text: str) -> list[str]:
    """Runs of digits; anything else parts them."""
    return "".join(c if c.isdigit() else " " for c in unicodedata.normalize("NFD", text)).split()


@given(st.lists(st.text(ALPHABET, max_size=25), max_size=5))
def test_a_section_is_what_it_would_be_alone(parts: list[str]) -> None:
    text = "\n\n".join(parts)
    sections, start = [], 0
    for part in parts:
        sections.append({"path": "s", "start": start, "end": start + len(part)})
        start += len(part) + 2
    done = normalize(text)
    for part, section in zip(parts, done.sections(sections), strict=True):
        assert done.text[section["start"] : section["end"]].strip() == normalize(part).text.strip()


@given(texts, st.data())
def test_offsets_keep_their_order_and_stay_inside(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=6)))
    done = normalize(text)
    moved = done.sections([{"path": "", "start": a, "end": b} for a, b in pairwise(cuts)])
    flat = [offset for section in moved for offset in (section["start"], section["end"])]
    assert flat == sorted(flat)
    assert all(0 <= offset <= len(done.text) for offset in flat)


def test_replay_refuses_an_unknown_edit() -> None:
    with pytest.raises(KeyError, match="no edit named 'fold_case'"):
        replay("x", ["fold_case"])


def _document(**fields: Any) -> Document:
    return Document(id="1", kind="article", source="s", key="k", **{"text": "fine", "tokens": 1, **fields})


def stage() -> Normalize:
    return Normalize(NormalizeConfig())


def test_a_document_that_needs_nothing_is_left_alone() -> None:
    table = to_table([_document()])
    assert stage().apply(table).table.equals(table)


def test_a_changed_document_names_its_edits_and_moves_its_sections() -> None:
    old = {"stage": "extract", "version": "1", "config": "c", "names": ["a"]}
    document = _document(
        text="\ufeffDose\r\n\r\nTake 5\u00a0mg", sections=[{"path": "Dose", "start": 7, "end": 18}], edits=[old]
    )
    (done,) = from_table(stage().apply(to_table([document])).table)
    assert done.text == "Dose\n\nTake 5 mg"
    assert done.text[done.sections[0]["start"] : done.sections[0]["end"]].strip() == "Take 5 mg"
    assert done.edits[0] == old
    assert done.edits[1]["names"] == ["newlines", "invisible", "nbsp"]
    assert (done.edits[1]["stage"], done.edits[1]["version"]) == ("normalize", "1")
    assert done.tokens == estimate_tokens(done.text)


def test_chat_turns_and_questions_are_treated_like_text() -> None:
    messages = [{"role": "user", "content": "5\u00a0mg?", "trained": False}]
    mcq = {
        "question": "Anti\u00adbiotic?",
        "options": ["A\u00a0b", None],
        "gold": [0],
        "explanation": None,
        "split": "a\u00a0b",
        "subject": None,
    }
    (done,) = from_table(stage().apply(to_table([_document(messages=messages, mcq=mcq)])).table)
    assert done.messages == [{"role": "user", "content": "5 mg?", "trained": False}]
    assert done.mcq == {**mcq, "question": "Antibiotic?", "options": ["A b", None]}
    assert done.edits[0]["names"] == ["invisible", "nbsp"]
    assert (done.text, done.tokens) == ("fine", 1)


def test_batching_does_not_matter() -> None:
    table = to_table([_document(text=case["before"]) for case in CASES["must_change"]])
    whole = stage().apply(table).table
    parts = [stage().apply(table.slice(row, 1)).table for row in range(table.num_rows)]
    assert whole.to_pylist() == [row for part in parts for row in part.to_pylist()]
