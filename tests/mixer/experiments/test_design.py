"""A design keeps what must be kept, holds what is always in, tells its acceptance; its seed decides everything."""

import numpy as np
import pytest
from planted import Kind, plant

from mixer.experiments.constraints import Constraints, SliceFloor, constraints
from mixer.experiments.design import APART, STRETCH, default_count, propose_designs
from mixer.experiments.region import Region
from mixer.experiments.table import HELD_OUT, TRAIN
from pipelines.engine.errors import PlanError

PRIOR = {"papers": 70.0, "guidelines": 4.0, "mcq": 1.0, "differentials": 5.0, "replay": 20.0}


def kept(**more: object) -> Constraints:
    return constraints(PRIOR, **more)  # type: ignore[arg-type]


def test_natural_uniform_and_corners_are_always_in() -> None:
    design = propose_designs(kept(), 40, seed=1)
    np.testing.assert_allclose(design.weights[0], np.array(list(PRIOR.values())) / 100)
    np.testing.assert_allclose(design.weights[1], 0.2)
    np.testing.assert_allclose(design.weights[2:7], np.eye(5), atol=1e-12)
    np.testing.assert_allclose(design.weights.sum(axis=1), 1)
    assert (design.weights >= 0).all()


def test_counts_splits_and_replicates() -> None:
    runs = propose_designs(kept(), 40).runs("plan")
    assert len(runs) == 42
    assert len(runs.of(HELD_OUT)) == 4
    same = runs.take(runs.replicates == 0)
    assert same.seeds.tolist() == [0, 1, 2]
    assert (same.weights == same.weights[0]).all()
    assert set(same.splits) == {TRAIN}
    apart = np.abs(runs.weights[:, None] - runs.weights[None]).sum(axis=2) / 2 + np.eye(42)
    apart[np.ix_(runs.replicates == 0, runs.replicates == 0)] = 1
    assert apart.min() >= APART


def test_caps_hold_but_for_corners_and_the_acceptance_is_told() -> None:
    limits = kept(caps={"guidelines": 0.1, "mcq": 0.05}, least={"replay": 0.05}, forbidden=["differentials"])
    design = propose_designs(limits, 40)
    assert 0 < design.acceptance < 1
    for row, kind in zip(design.weights, design.kinds, strict=True):
        if kind in ("dirichlet", "border"):
            assert Region(limits).contains(row), kind
    assert (design.weights[:, 3] == 0).all(), "what may not be trained on never is"
    assert (design.weights[:, 4] >= 0.05 - 1e-9).all()
    assert design.weights[:, 1].max() <= STRETCH * 0.1 + 1e-9
    inside = Region(limits, design.weights)
    assert inside.contains(np.array([0.7, 0.1, 0.05, 0.0, 0.15])), "both caps can bind at once"


def test_slices_are_kept() -> None:
    limits = kept(floors=[SliceFloor("tropical", {"guidelines": 0.5, "papers": 0.01}, 0.1)])
    design = propose_designs(limits, 40)
    drawn = design.weights[[kind in ("dirichlet", "border") for kind in design.kinds]]
    assert (drawn @ [0.01, 0.5, 0, 0, 0] >= 0.1 - 1e-9).all()


def test_replay_share_is_an_axis_of_its_own() -> None:
    levels = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5)
    design = propose_designs(kept(), 60, replay="replay", levels=levels)
    drawn = design.weights[[kind == "dirichlet" for kind in design.kinds], 4]
    np.testing.assert_allclose(np.unique(drawn.round(6)), levels)
    with pytest.raises(PlanError, match="replay component 'general' is none of"):
        propose_designs(kept(), 60, replay="general")


def test_seed_decides_everything() -> None:
    one, two, other = (propose_designs(kept(), 40, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.weights, two.weights)
    assert not np.array_equal(one.weights, other.weights)


def test_default_count_and_too_tight_constraints() -> None:
    assert default_count(5) == 32
    assert default_count(17) == 68
    with pytest.raises(PlanError, match="7 are always in"):
        propose_designs(kept(), 7)
    tight = kept(caps={"papers": 0.7, "guidelines": 0.04, "mcq": 0.01, "differentials": 0.05, "replay": 0.2})
    with pytest.raises(PlanError, match="others that differ by 1% or more were found"):
        propose_designs(tight, 40)


@pytest.mark.parametrize(("kind", "seed"), [("reciprocal", 2), ("exponential", 7), ("exponential", 12)])
def test_no_corner_of_many_components_ends_a_hair_below_zero(kind: Kind, seed: int) -> None:
    assert propose_designs(plant(kind, 20, seed).kept, seed=seed).weights.min() >= 0
