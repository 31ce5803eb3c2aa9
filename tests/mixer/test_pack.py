"""Packing keeps every token exactly once, cuts only what must be cut, and prefers the borders of sections."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer.pack import Breaks, Packed, PackRule, pack
from pipelines.engine.errors import PlanError


def breaks(*rows: list[int]) -> Breaks:
    return Breaks.of(pa.chunked_array([pa.array(list(rows), pa.list_(pa.int32()))]))


def check(packed: Packed, lengths: list[int], rule: PackRule) -> None:
    """Every property that must hold for any packing."""
    seen: dict[int, list[tuple[int, int, bool, bool]]] = {row: [] for row in range(len(lengths))}
    for s in range(packed.sequences):
        rows = range(packed.offsets[s], packed.offsets[s + 1])
        keys = [(packed.document[p], packed.start[p]) for p in rows]
        assert keys
        assert keys == sorted(keys)
        assert 0 <= packed.pad_tokens[s] < rule.sequence_tokens
        assert packed.lengths[rows].sum() + packed.pad_tokens[s] == rule.sequence_tokens
        assert len({packed.document[p] // rule.window_documents for p in rows}) == 1
    for p in range(len(packed.document)):
        seen[int(packed.document[p])].append(
            (int(packed.start[p]), int(packed.tokens[p]), bool(packed.bos[p]), bool(packed.eos[p]))
        )
    for row, pieces in seen.items():
        at = 0
        for number, (start, tokens, bos, eos) in enumerate(sorted(pieces)):
            assert start == at, f"document {row}: gap or overlap at {at}"
            assert tokens > 0
            at += tokens
            assert bos == (rule.bos if number == 0 else rule.continuation_bos)
            assert eos == (rule.eos and at == lengths[row])
        assert at == lengths[row]
        if lengths[row] + rule.bos + rule.eos <= rule.sequence_tokens:
            assert len(pieces) == (1 if lengths[row] else 0), f"document {row} fits and was cut"


RULES = st.builds(
    PackRule, st.integers(4, 40), st.booleans(), st.booleans(), st.booleans(), st.integers(1, 30), st.integers(0, 100)
)


@settings(max_examples=150, deadline=None)
@given(RULES, st.lists(st.integers(0, 130), max_size=60), st.data())
def test_every_token_exactly_once(rule: PackRule, lengths: list[int], data: st.DataObject) -> None:
    def draw(length: int) -> list[int]:
        return sorted(data.draw(st.sets(st.integers(1, length - 1), max_size=6))) if length > 1 else []

    sections, paragraphs = breaks(*map(draw, lengths)), breaks(*map(draw, lengths))
    packed = pack(np.array(lengths, np.int64), rule, sections, paragraphs)
    check(packed, lengths, rule)
    again = pack(np.array(lengths, np.int64), rule, sections, paragraphs)
    assert all(np.array_equal(getattr(packed, n), getattr(again, n)) for n in ("offsets", "document", "start"))


def test_best_fit_against_a_plain_search() -> None:
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, 60, 500)
    packed = pack(lengths, PackRule(64, bos=False, eos=True))
    free: list[int] = []
    for cost in sorted((lengths + 1).tolist(), reverse=True):
        room = min((f for f in free if f >= cost), default=None)
        if room is None:
            free.append(64 - cost)
        else:
            free[free.index(room)] -= cost
    assert sorted(packed.pad_tokens.tolist()) == sorted(free)


def cuts(packed: Packed) -> list[int]:
    return sorted(int(start) for start in packed.start if start > 0)


RULE = PackRule(100, bos=True, eos=True)


@pytest.mark.parametrize(
    ("length", "sections", "paragraphs", "expected", "why"),
    [
        (150, [60, 80], [95], [80], "the last section within reach wins over a later paragraph"),
        (150, [60], [80, 90], [90], "a section out of reach gives way to the last paragraph"),
        (150, [60], [70], [99], "no border within reach: the token border of a full sequence"),
        (150, [74], [], [74], "a quarter of a sequence is within reach"),
        (150, [73], [], [99], "and no more"),
        (199, [], [], [99, 198], "the eos does not fit into the second piece, so a third one begins"),
        (99, [], [], [98], "one token too many for the eos; the last piece is never empty"),
        (98, [50], [50], [], "what fits is never cut"),
        (400, [90, 180, 270, 360], [], [90, 180, 270, 360], "section by section"),
    ],
)
def test_where_long_documents_are_cut(
    length: int, sections: list[int], paragraphs: list[int], expected: list[int], why: str
) -> None:
    packed = pack(np.array([length]), RULE, breaks(sections), breaks(paragraphs))
    assert cuts(packed) == expected, why


def test_no_documents_and_empty_documents() -> None:
    assert pack(np.zeros(0, np.int64), RULE).sequences == 0
    assert pack(np.zeros(5, np.int64), RULE).sequences == 0
    packed = pack(np.array([0, 7, 0]), RULE)
    assert packed.document.tolist() == [1]
    assert packed.pad_tokens.tolist() == [91]


def test_breaks_of_a_sliced_column() -> None:
    column = pa.array([[1, 2], [], [5], [7, 8, 9]], pa.list_(pa.int32()))
    sliced = Breaks.of(column.slice(2))
    assert sliced.positions[sliced.offsets[0] : sliced.offsets[1]].tolist() == [5]
    assert sliced.positions[sliced.offsets[1] : sliced.offsets[2]].tolist() == [7, 8, 9]


@pytest.mark.parametrize("rule", [(3, 20_000, 25), (100, 0, 25), (100, 9, 101), (100, 9, -1)])
def test_impossible_rules_are_refused(rule: tuple[int, int, int]) -> None:
    with pytest.raises(PlanError, match="at least"):
        PackRule(rule[0], True, True, False, *rule[1:])


def test_reach_decides_between_borders_and_full_sequences() -> None:
    for reach, expected in [(0, 99), (10, 95), (50, 60), (100, 60)]:
        rule = PackRule(100, bos=True, eos=True, reach_percent=reach)
        assert cuts(pack(np.array([150]), rule, breaks([60]), breaks([95]))) == [expected]


def mixed_lengths(documents: int, seed: int) -> np.ndarray:
    """70 % like abstracts, 22 % like web pages, 8 % like papers (median 6,000 tokens)."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, documents, p=[0.7, 0.22, 0.08])
    median, spread = np.array([300, 700, 6000])[kind], np.array([0.45, 0.9, 0.5])[kind]
    return np.maximum(1, (median * np.exp(spread * rng.standard_normal(documents))).astype(np.int64))


def test_padding_is_below_a_thousandth_on_a_mixed_corpus() -> None:
    lengths = mixed_lengths(60_000, 1)
    packed = pack(lengths, PackRule(4096, bos=True, eos=True))
    assert packed.tokens.sum() == lengths.sum()
    assert packed.pad_tokens.sum() / (packed.sequences * 4096) <= 0.001
    cut = np.unique(packed.document[packed.start > 0])
    assert (lengths[cut] + 2 > 4096).all()


def paragraphs_of(lengths: np.ndarray, every: int) -> Breaks:
    return breaks(*(list(range(every, length, every)) for length in lengths.tolist()))


def at_borders(packed: Packed, every: int) -> float:
    later = packed.start[packed.start > 0]
    return float((later % every == 0).mean())


def share_padded(packed: Packed) -> float:
    return float(packed.pad_tokens.sum()) / (packed.sequences * packed.sequence_tokens)


def test_long_documents_alone_are_not_padded_for_the_sake_of_paragraphs() -> None:
    lengths = np.random.default_rng(5).integers(1500, 6000, 900)
    rule = PackRule(1000, bos=False, eos=True)
    packed = pack(lengths, rule, None, paragraphs_of(lengths, 130))
    assert packed.sequences == pack(lengths, replace(rule, reach_percent=0)).sequences
    assert (
        packed.sequences
        < pack(lengths, replace(rule, padding_per_mille=1000), None, paragraphs_of(lengths, 130)).sequences * 0.98
    )


def test_short_documents_fill_what_cuts_at_paragraphs_leave_free() -> None:
    rng = np.random.default_rng(5)
    lengths = rng.permutation(np.concatenate([rng.integers(1500, 6000, 200), rng.integers(5, 60, 4000)]))
    packed = pack(lengths, PackRule(1000, bos=False, eos=True), None, paragraphs_of(lengths, 130))
    assert share_padded(packed) <= 0.002
    assert at_borders(packed, 130) > 0.9


def test_between_both_some_documents_are_cut_at_paragraphs() -> None:
    rng = np.random.default_rng(5)
    lengths = rng.permutation(np.concatenate([rng.integers(1500, 6000, 400), rng.integers(5, 60, 1200)]))
    packed = pack(lengths, PackRule(1000, bos=False, eos=True), None, paragraphs_of(lengths, 130))
    assert share_padded(packed) <= 0.002
    assert 0.1 < at_borders(packed, 130) < 0.9


def test_a_conversation_is_cut_before_a_turn_whatever_padding_it_costs() -> None:
    lengths = np.full(400, 1500)
    turns = paragraphs_of(lengths, 830)
    packed = pack(lengths, PackRule(1000, bos=True, eos=True), turns, None, np.ones(400, np.bool_))
    assert set(packed.start.tolist()) == {0, 830}
