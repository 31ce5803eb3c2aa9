"""No schedule of a proven budget exceeds an epoch cap; what was changed is told with figures."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer.caps import Budget, Shape, Supply, fit_budget
from mixer.schedule import assign, exact
from pipelines.engine.errors import PlanError


def supplies(*found: tuple[int, object]) -> list[Supply]:
    return [Supply(f"c{i}", n, exact(cap)) for i, (n, cap) in enumerate(found)]  # type: ignore[arg-type]


def constant(*weights: object) -> list[Shape]:
    return [Shape(Fraction(1), tuple(exact(w) for w in weights))]  # type: ignore[arg-type]


def counts(budget: Budget, components: int) -> list[int]:
    return np.bincount(assign(budget.phases), minlength=components).tolist()


def test_budget_within_the_caps_is_left_alone() -> None:
    budget = fit_budget(100, constant("0.6", "0.4"), supplies((60, 1), (20, 2)), "fail")
    assert budget.sequences == 100
    assert counts(budget, 2) == [60, 40]
    assert budget.requested == budget.effective == (Fraction(3, 5), Fraction(2, 5))
    assert budget.notes == ()


def test_no_budget_means_as_long_as_the_caps_allow() -> None:
    budget = fit_budget(None, constant("0.6", "0.4"), supplies((1000, 4), (20, 2)), "fail")
    assert counts(budget, 2) == [60, 40]
    natural = fit_budget(None, constant(37, 63), supplies((37, 1), (63, 1)), "fail")
    assert counts(natural, 2) == [37, 63], "natural weights and one epoch take everything"


def test_fail_says_which_component_and_by_how_much() -> None:
    with pytest.raises(PlanError, match=r"at most 100 hold") as caught:
        fit_budget(500, constant("0.6", "0.4"), supplies((1000, 4), (20, 2)), "fail")
    assert "c1: share 200.0 of 20 packed sequences is 10.00 epochs, cap 2" in str(caught.value)
    assert "c0" not in str(caught.value)


def test_shorten_keeps_the_weights() -> None:
    budget = fit_budget(500, constant("0.6", "0.4"), supplies((1000, 4), (20, 2)), "shorten")
    assert counts(budget, 2) == [60, 40]
    assert budget.notes == ("shortened from 500 to 100 sequences by the epoch caps",)


def test_redistribute_gives_what_is_over_to_the_others_in_proportion() -> None:
    budget = fit_budget(100, constant("0.5", "0.3", "0.2"), supplies((10, 2), (500, 1), (500, 1)), "redistribute")
    assert counts(budget, 3) == [20, 48, 32]
    assert budget.requested == (Fraction(1, 2), Fraction(3, 10), Fraction(1, 5))
    assert budget.effective == (Fraction(1, 5), Fraction(12, 25), Fraction(8, 25))
    assert len(budget.notes) == 1


def test_redistribute_cascades_and_says_when_nothing_is_left() -> None:
    budget = fit_budget(100, constant("0.6", "0.3", "0.1"), supplies((10, 1), (20, 2), (500, 1)), "redistribute")
    assert counts(budget, 3) == [10, 40, 50]
    with pytest.raises(PlanError, match="all epoch caps together allow 60"):
        fit_budget(100, constant("0.6", "0.3", "0.1"), supplies((10, 1), (20, 2), (10, 1)), "redistribute")


def test_empty_component_is_an_error_unless_optional() -> None:
    empty = [Supply("full", 50, Fraction(1)), Supply("gone", 0, Fraction(4))]
    with pytest.raises(PlanError, match="'gone' has a weight but not one document"):
        fit_budget(None, constant(1, 1), empty, "fail")
    assert counts(fit_budget(None, constant(1, 0), empty, "fail"), 2) == [50, 0]
    optional = [empty[0], Supply("gone", 0, Fraction(4), optional=True)]
    budget = fit_budget(None, constant(1, 1), optional, "fail")
    assert counts(budget, 2) == [50, 0]
    assert "'gone' is empty" in budget.notes[0]


def test_mixture_without_a_sequence_is_refused() -> None:
    with pytest.raises(PlanError, match="no sequence at all"):
        fit_budget(None, constant("0.5", "0.5"), supplies((100, 1), (1, "0.5")), "fail")


def test_phases_and_anneals_hold_the_caps_to_the_end() -> None:
    shapes = [
        Shape(exact("0.7"), (exact("0.9"), exact("0.1"))),
        Shape(exact("0.3"), (exact("0.9"), exact("0.1")), (exact("0.2"), exact("0.8"))),
    ]
    budget = fit_budget(None, shapes, supplies((700, 1), (100, 2)), "fail")
    taken = counts(budget, 2)
    assert taken[0] <= 700
    assert taken[1] <= 200
    longer = budget.sequences + 3
    with pytest.raises(PlanError, match=f"at most {budget.sequences} hold"):
        fit_budget(longer, shapes, supplies((700, 1), (100, 2)), "fail")


COMPONENTS = st.lists(
    st.tuples(st.integers(1, 300), st.fractions("0.3", 5, max_denominator=20), st.integers(0, 50)),
    min_size=1,
    max_size=6,
).filter(lambda found: any(weight for _, _, weight in found))


@settings(max_examples=120, deadline=None)
@given(COMPONENTS, st.none() | st.integers(1, 900), st.sampled_from(["fail", "shorten", "redistribute"]))
def test_no_plan_exceeds_a_cap(found: list[tuple[int, Fraction, int]], wanted: int | None, policy: str) -> None:
    supply = [Supply(f"c{i}", n, cap) for i, (n, cap, _) in enumerate(found)]
    shapes = constant(*(weight for _, _, weight in found))
    try:
        budget = fit_budget(wanted, shapes, supply, policy)  # type: ignore[arg-type]
    except PlanError:
        return
    assert sum(budget.effective) == 1
    for i, taken in enumerate(counts(budget, len(found))):
        assert taken <= supply[i].max_epochs * supply[i].sequences
        assert found[i][2] or not taken
    if wanted is not None and policy != "shorten":
        assert budget.sequences == wanted
