"""Constraints that collide or name what is not there are told before anything is trained."""

import numpy as np
import pytest

from mixer.experiments.constraints import cap_of_epochs, constraints
from pipelines.engine.errors import PlanError

PRIOR = {"papers": 6.0, "guidelines": 3.0, "replay": 1.0}


def test_prior_is_normalised_and_forbidden_components_get_nothing() -> None:
    kept = constraints(PRIOR, caps={"guidelines": 0.2}, least={"replay": 0.05}, forbidden=["papers"] * 0)
    np.testing.assert_allclose(kept.prior, [0.6, 0.3, 0.1])
    assert kept.most.tolist() == [1, 0.2, 1]
    assert kept.least.tolist() == [0, 0, 0.05]
    assert constraints(PRIOR, forbidden=["papers"]).most.tolist() == [0, 1, 1]


def test_cap_of_epochs_is_a_share_of_the_mixture() -> None:
    assert cap_of_epochs(50_000_000, 4, 1_000_000_000) == 0.2
    assert cap_of_epochs(50_000_000, 4, 1_000_000) == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"caps": {"guideline": 0.1}}, r"name \['guideline'\], the components are"),
        ({"caps": {"papers": 0.1, "guidelines": 0.1, "replay": 0.1}}, "the caps add up to 0.3"),
        ({"least": {"papers": 0.6, "guidelines": 0.6}}, "least weights to 1.2"),
        ({"least": {"papers": 0.6}, "caps": {"papers": 0.5}}, "'papers' shall have at least 0.6 and at most 0.5"),
        ({"least": {"papers": 0.6}, "forbidden": ["papers"]}, "at least 0.6 and at most 0"),
        ({"caps": {"papers": -0.1}}, "at least 0 and at most -0.1"),
    ],
)
def test_what_cannot_be_kept_is_told(given: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        constraints(PRIOR, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("prior", [{"a": 0.0}, {"a": -1.0, "b": 2.0}, {"a": float("nan")}])
def test_prior_must_be_a_mixture(prior: dict[str, float]) -> None:
    with pytest.raises(PlanError, match="the prior needs weights"):
        constraints(prior)
