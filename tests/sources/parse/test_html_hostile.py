"""Hostile pages give parts or named refusals, and the sentence behind the trick is in the text or the page refused."""

import re
import time
from collections import Counter

import pytest

from sources.parse.html import parse
from sources.parse.part import Part, Unreadable
from tests.sources.parse.hostile_html import CASES, SECRET, SENTINEL, Hostile, hostile

PUSH_CASES = range(0, CASES, 8)
MAX_CPU_S = 20
MAX_REFUSED_SHARE = 0.25
REASONS = {"html_too_deep", "html_truncated", "binary", "undecodable", "empty", "no_text", "error_page"}


def outcome(case: Hostile) -> str:
    """Return kept or the reason of the refusal; fails when the page lost its sentence without a word."""
    begun = time.process_time()
    text, refusal = read(case.body)
    assert time.process_time() - begun < MAX_CPU_S, case.name
    if refusal is not None:
        assert refusal.reason in REASONS, case.name
        assert SENTINEL not in refusal.detail, case.name
        return refusal.reason
    assert SENTINEL in re.sub(r"\s+", " ", text), case.name
    assert not (case.hides and SECRET in text), case.name
    return "kept"


def read(body: bytes) -> tuple[str, Unreadable | None]:
    try:
        (part,) = parse(body, "k.html", {})
    except Unreadable as refusal:
        return "", refusal
    assert isinstance(part, Part)
    return part.text, None


def refuse_refusals(outcomes: Counter[str]) -> None:
    refused = outcomes.total() - outcomes["kept"]
    assert refused <= MAX_REFUSED_SHARE * outcomes.total(), dict(outcomes)


def test_hostile_pages_are_whole_or_refused_by_name() -> None:
    refuse_refusals(Counter(outcome(hostile(number)) for number in PUSH_CASES))


@pytest.mark.nightly
def test_all_hostile_pages_are_whole_or_refused_by_name() -> None:
    refuse_refusals(Counter(outcome(hostile(number)) for number in range(CASES)))


@pytest.mark.nightly
@pytest.mark.parametrize("word", ["one more word ", "x", "&lt;5 mg "])
def test_text_nodes_of_more_than_ten_megabytes(word: str) -> None:
    page = f"<html><body><p>{word * (11_000_000 // len(word))}</p><p>{SENTINEL}</p></body></html>"
    assert outcome(Hostile("11 MB", page.encode(), hides=False)) == "kept"
