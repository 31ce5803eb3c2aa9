"""The schedule keeps every component within Tijdeman's bound of its exact share, in every prefix."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer.schedule import Phase, active_components, assign, deviation_bound, exact, shares
from pipelines.engine.errors import PlanError


def weight_at(phase: Phase, component: int, step: int) -> Fraction:
    """The definition, step by step: the weight at the middle of step `step` (1-based)."""
    start = phase.weights[component] / sum(phase.weights)
    until = phase.until or phase.weights
    end = until[component] / sum(until)
    return start + (end - start) * Fraction(2 * step - 1, 2 * phase.sequences)


def check_every_prefix(phases: list[Phase]) -> np.ndarray:
    """Compare counts with exact running shares after every step; returns the assignment."""
    assigned = assign(phases)
    size = len(phases[0].weights)
    assert len(assigned) == sum(p.sequences for p in phases)
    bound = deviation_bound(len(active_components(phases)))
    running, counts, position = [Fraction(0)] * size, [0] * size, 0
    for phase in phases:
        for step in range(1, phase.sequences + 1):
            running = [running[i] + weight_at(phase, i, step) for i in range(size)]
            counts[assigned[position]] += 1
            position += 1
            worst = max(abs(counts[i] - running[i]) for i in range(size))
            assert worst <= bound, f"after {position}: {worst} > {bound}"
    assert shares(phases) == running
    return assigned


def fractions(*values: object) -> tuple[Fraction, ...]:
    return tuple(exact(value) for value in values)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8, 17, 33, 64])
def test_constant_weights_hold_in_every_prefix(k: int) -> None:
    rng = np.random.default_rng(k)
    weights = tuple(Fraction(int(w), 9973) for w in rng.integers(1, 9973, k))
    check_every_prefix([Phase(12_000 // (k + 16), weights)])


def test_phases_anneals_zero_weights_and_phases_shorter_than_k() -> None:
    phases = [
        Phase(500, fractions("0.5", "0.3", "0.2", 0, "0.000001")),
        Phase(3, fractions(0, 0, 1, 1, 0)),
        Phase(400, fractions("0.5", "0.3", "0.2", 0, "0.000001"), fractions(0, "0.1", "0.2", "0.7", 0)),
        Phase(0, fractions(1, 1, 1, 1, 1)),
        Phase(1, fractions(0, 0, 0, 0, 1)),
        Phase(300, fractions(0, "0.1", "0.2", "0.7", 0), fractions(1, 0, 0, 0, "0.000001")),
    ]
    check_every_prefix(phases)


def test_zero_weight_is_never_taken_and_one_component_takes_all() -> None:
    assert set(assign([Phase(5000, fractions("0.7", 0, "0.3"))]).tolist()) == {0, 2}
    assert assign([Phase(9, fractions(0, 3))]).tolist() == [1] * 9
    assert assign([Phase(0, fractions(1, 1))]).tolist() == []


def test_tiny_weight_gets_its_share_and_no_more() -> None:
    assigned = assign([Phase(1_000_000, fractions("0.999999", "0.000001"))])
    assert np.count_nonzero(assigned) == 1


def test_million_sequences_within_one_of_the_share() -> None:
    weights = fractions("0.35", "0.25", "0.2", "0.1", "0.07", "0.0299", "0.0001")
    assigned = assign([Phase(600_000, weights), Phase(400_000, weights, weights[::-1])])
    share = np.zeros(1_000_001)
    for i in (0, 3, 6):
        t = np.arange(1, 400_001)
        slope = float(weights[6 - i] - weights[i])
        share[1:600_001] = float(weights[i]) * np.arange(1, 600_001)
        share[600_001:] = share[600_000] + float(weights[i]) * t + slope * t * t / 800_000
        counts = np.concatenate([[0], np.cumsum(assigned == i)])
        assert np.abs(counts - share).max() < 1 - 1 / 12 + 1e-6


def test_integer_shares_are_met_exactly() -> None:
    assert np.bincount(assign([Phase(100, fractions(70, 29, 1))])).tolist() == [70, 29, 1]


def test_longer_schedule_with_the_same_weights_begins_with_the_shorter() -> None:
    weights = fractions("0.41", "0.33", "0.13", "0.13")
    longer = assign([Phase(5000, weights)])
    for length in (1, 7, 100, 999, 4999):
        assert assign([Phase(length, weights)]).tolist() == longer[:length].tolist()


def test_splitting_a_constant_phase_changes_nothing() -> None:
    weights = fractions("0.5", "0.4", "0.1")
    whole = assign([Phase(1000, weights)])
    parts = assign([Phase(137, weights), Phase(1, weights, weights), Phase(862, weights)])
    assert whole.tolist() == parts.tolist()


@pytest.mark.parametrize("stretch", [1, 7, 300])
def test_the_stretches_that_a_schedule_is_made_in_change_nothing(monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    phases = [
        Phase(500, fractions("0.5", "0.3", "0.2", 0, "0.000001")),
        Phase(3, fractions(0, 0, 1, 1, 0)),
        Phase(400, fractions("0.5", "0.3", "0.2", 0, "0.000001"), fractions(0, "0.1", "0.2", "0.7", 0)),
        Phase(0, fractions(1, 1, 1, 1, 1), fractions(0, 0, 0, 0, 1)),
    ]
    whole = assign(phases)
    monkeypatch.setattr("mixer.schedule.STRETCH", stretch)
    assert assign(phases).tolist() == whole.tolist()
    check_every_prefix(phases)


def test_decimals_are_read_as_written() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact("1e-6") == Fraction(1, 1_000_000)
    assert exact(3) == 3


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        ([Phase(1, fractions(1)), Phase(1, fractions(1, 1))], "one weight for each component"),
        ([Phase(-1, fractions(1, 1))], "-1 sequences"),
        ([Phase(1, fractions(1, -1))], "negative"),
        ([Phase(1, fractions(0, 0))], "all weights are zero"),
    ],
)
def test_impossible_phases_are_refused(phases: list[Phase], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        assign(phases)


@pytest.mark.parametrize("value", ["nan", "inf", "ten", "1/0"])
def test_weight_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(PlanError, match="not a finite number"):
        exact(value)


@st.composite
def random_phases(draw: st.DrawFn) -> list[Phase]:
    k = draw(st.integers(1, 12))
    weight = st.one_of(
        st.just(Fraction(0)), st.just(Fraction(1, 1_000_000)), st.fractions(0, 1, max_denominator=10_000)
    )
    vector = st.lists(weight, min_size=k, max_size=k).filter(any).map(tuple)
    phase = st.builds(Phase, st.integers(0, 60), vector, st.none() | vector)
    return draw(st.lists(phase, min_size=1, max_size=5))


@settings(max_examples=60, deadline=None)
@given(random_phases())
def test_any_phases_hold_in_every_prefix(phases: list[Phase]) -> None:
    check_every_prefix(phases)


@pytest.mark.nightly
@pytest.mark.parametrize("k", range(1, 65))
def test_every_k_with_anneals(k: int) -> None:
    rng = np.random.default_rng(k)
    draw = lambda: tuple(Fraction(int(w) + 1, 10**6) for w in rng.integers(0, 10**6, k))  # noqa: E731
    check_every_prefix([Phase(100, draw()), Phase(k // 2, draw()), Phase(200, draw(), draw())])
