"""Proposals on planted surfaces: near the true best, caps bind exactly, noise gives the prior, worse is flagged."""

from dataclasses import replace

import numpy as np
import pytest
from planted import Kind, Planted, plant, proposed

from mixer.experiments.constraints import SliceFloor, constraints
from mixer.experiments.fit import fit
from mixer.experiments.fit_laws import Exponential, Linear
from mixer.experiments.propose import propose
from mixer.experiments.region import Region
from mixer.experiments.regressors import DEFAULT, EXPONENTIAL, LINEAR, TREES
from mixer.experiments.table import TRAIN, Floats, runs_of
from pipelines.engine.errors import PlanError

LAWS = (LINEAR, EXPONENTIAL)


def excess(planted: Planted, seed: int) -> tuple[float, bool]:
    """Return the true loss at the proposal above the best, in units of noise, and whether its active caps bind."""
    found, best = proposed(planted, seed), planted.best()
    near = zip(found.weights, planted.kept.most, strict=True)
    bound = [weight for weight, cap in near if cap < 1 and abs(weight - cap) < 1e-4]  # all of a mixture is no cap
    assert abs(found.weights.sum() - 1) < 1e-9
    assert (found.weights >= 0).all()
    assert (found.weights <= planted.kept.most).all()
    over = (planted.loss(found.weights) - planted.loss(best)) / planted.noise
    return over, all(weight in planted.kept.most for weight in bound)


@pytest.mark.parametrize(("kind", "count"), [("reciprocal", 3), ("exponential", 5)])
def test_proposal_is_within_noise_of_the_best(kind: Kind, count: int) -> None:
    found = [excess(plant(kind, count, seed), seed) for seed in range(1)]
    assert max(over for over, _ in found) <= 1
    assert all(bound for _, bound in found)


@pytest.mark.nightly
@pytest.mark.parametrize("count", [3, 5, 10, 20])
@pytest.mark.parametrize("kind", ["reciprocal", "exponential"])
def test_proposals_of_twenty_seeds(kind: Kind, count: int) -> None:
    found = [excess(plant(kind, count, seed), seed) for seed in range(20)]
    assert np.mean([over <= 1 for over, _ in found]) >= 0.9, found
    assert all(bound for _, bound in found)


def planted_line(noise: float = 0.002) -> Planted:
    """An exponential law of three components of which the first is best, capped, and the third worst."""
    kept = constraints({"good": 1.0, "middling": 1.0, "bad": 2.0}, caps={"good": 0.3})
    return Planted(Exponential(1.0, np.array([-1.5, -0.5, 0.5])), kept, noise)


def test_cap_binds_exactly_is_named_and_convex_optimum_is_proven() -> None:
    planted = planted_line()
    runs = planted.runs(0)
    found = propose({"loss": fit(runs, "loss", names=LAWS, resamples=10)}, {"loss": 2.0}, planted.kept, runs)
    assert found.weights[0] == 0.3
    np.testing.assert_allclose(found.weights, [0.3, 0.7, 0], atol=1e-4)
    assert found.bound == ("cap good",)
    assert found.verdict == "better"
    assert 0 <= found.gap < planted.noise / 100
    assert found.objective.proposal < found.objective.natural < 2
    assert found.objective.difference_high < 0
    assert set(found.by_model) == set(LAWS)
    assert found.disagreement < 0.05


def test_same_runs_give_the_same_bits() -> None:
    planted = planted_line()
    runs = planted.runs(1)
    tables = [{"loss": fit(runs, "loss", names=(EXPONENTIAL, DEFAULT), resamples=3)} for _ in range(2)]
    one, two = (propose(surfaces, {"loss": 1.0}, planted.kept, runs) for surfaces in tables)
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.average, two.average)
    assert one.objective == two.objective


@pytest.mark.parametrize("seed", range(3))
def test_pure_noise_gives_the_prior_and_says_so(seed: int) -> None:
    kept = constraints({"a": 5.0, "b": 3.0, "c": 2.0})
    planted = Planted(Exponential(1.0, np.zeros(3)), kept, 0.05)
    runs = planted.runs(seed)
    found = propose({"loss": fit(runs, "loss", names=LAWS, resamples=10)}, {"loss": 1.0}, kept, runs)
    np.testing.assert_array_equal(found.weights, [0.5, 0.3, 0.2])
    assert found.verdict == "no signal"
    assert any("no signal" in note for note in found.notes)


def test_proposal_expected_worse_than_natural_is_flagged() -> None:
    planted = planted_line()
    runs = planted.runs(0)
    forced = constraints({"good": 6.0, "middling": 3.0, "bad": 1.0}, caps={"good": 0.1}, least={"bad": 0.5})
    found = propose({"loss": fit(runs, "loss", names=LAWS, resamples=10)}, {"loss": 1.0}, forced, runs)
    assert found.verdict == "worse"
    assert any("worse than the natural mixture" in note for note in found.notes)
    assert set(found.bound) >= {"cap good", "least bad"}


def test_an_optimum_that_one_model_invents_and_another_as_good_warns_of_is_not_proposed() -> None:
    planted = planted_line()
    runs = planted.runs(0)
    surface = fit(runs, "loss", names=LAWS, resamples=5)
    inventing = Linear(2.0, np.array([0.0, 0.0, -3.0]))
    taken_in = replace(surface, name=LINEAR, model=inventing, scores=dict.fromkeys(LAWS, surface.scores[EXPONENTIAL]))
    found = propose({"loss": taken_in}, {"loss": 1.0}, planted.kept, runs)
    assert found.weights[2] < 0.01
    far_worse = replace(surface.scores[EXPONENTIAL], mse=100 * surface.scores[EXPONENTIAL].mse)
    alone = replace(taken_in, scores={LINEAR: surface.scores[EXPONENTIAL], EXPONENTIAL: far_worse})
    alone = replace(alone, rivals={**surface.rivals, LINEAR: inventing})
    assert propose({"loss": alone}, {"loss": 1.0}, planted.kept, runs).weights[2] > 0.9


def test_nothing_outside_of_what_was_trained_is_proposed() -> None:
    kept = constraints({"good": 1.0, "middling": 1.0, "bad": 1.0})
    random = np.random.default_rng(0)
    weights = random.dirichlet(np.full(3, 40.0), 40)
    law = planted_line().law
    values = law.predict(weights) + 0.0005 * random.normal(size=40)
    runs = runs_of(kept.components, weights, ["loss"], values[:, None])
    found = propose({"loss": fit(runs, "loss", names=LAWS, resamples=10)}, {"loss": 1.0}, kept, runs)
    assert Region(kept, runs.of(TRAIN).weights).contains(found.weights)
    assert found.bound == ("sampled hull",)
    assert found.weights[0] > 0.42


def two_targets() -> tuple[dict[str, Exponential], Planted]:
    return {
        "medical": Exponential(1.0, np.array([-1.5, -0.5, 0.5])),
        "general": Exponential(2.0, np.array([0.8, 0.1, -1.0])),
    }, planted_line()


def test_limit_on_a_general_loss_holds_and_the_front_trades() -> None:
    laws, planted = two_targets()
    design = planted.runs(0)
    random = np.random.default_rng(1)
    metrics = np.stack([law.predict(design.weights) for law in laws.values()], axis=1)
    runs = runs_of(design.components, design.weights, list(laws), metrics + 0.002 * random.normal(size=metrics.shape))
    surfaces = {target: fit(runs, target, names=LAWS, resamples=10) for target in laws}
    limit = float(surfaces["general"].predict(planted.kept.prior)[0]) + 0.1
    kept = constraints({"good": 1.0, "middling": 1.0, "bad": 2.0}, caps={"good": 0.3}, at_most={"general": limit})
    found = propose(surfaces, {"medical": 1.0}, kept, runs, general="general")
    free = propose(surfaces, {"medical": 1.0}, planted.kept, runs)
    assert float(surfaces["general"].predict(free.weights)[0]) > limit + 0.1
    assert float(surfaces["general"].predict(found.weights)[0]) == pytest.approx(limit, abs=2e-4)
    assert "limit general" in found.bound
    general = [point.general for point in found.front]
    objective = [point.objective for point in found.front]
    assert len(found.front) >= 5
    assert general == sorted(general)
    assert objective == sorted(objective, reverse=True)
    hopeless = constraints({"good": 1.0, "middling": 1.0, "bad": 2.0}, at_most={"general": 1.0})
    with pytest.raises(PlanError, match=r"expected to keep general at most 1; the least found is 2\.\d+"):
        propose(surfaces, {"medical": 1.0}, hopeless, runs)


def test_slice_floor_holds() -> None:
    planted = planted_line()
    runs = planted.runs(0, 60)
    floor = SliceFloor("tropical", {"bad": 0.5}, 0.1)
    kept = constraints({"good": 1.0, "middling": 1.0, "bad": 2.0}, caps={"good": 0.3}, floors=[floor])
    found = propose({"loss": fit(runs, "loss", names=LAWS, resamples=5)}, {"loss": 1.0}, kept, runs)
    assert found.weights[2] == pytest.approx(0.2, abs=1e-6)
    assert "slice tropical" in found.bound


@pytest.mark.nightly
def test_trees_have_no_slope_and_get_the_best_of_many_drawn_mixtures() -> None:
    planted = planted_line()
    runs, kept = planted.runs(0, 60), planted.kept
    drawn = propose({"loss": fit(runs, "loss", names=(TREES,), resamples=2)}, {"loss": 1.0}, kept, runs)
    assert Region(kept).contains(drawn.weights)
    assert Region(kept).contains(drawn.average)
    assert np.isnan(drawn.gap)


def test_objective_must_name_targets_with_surfaces() -> None:
    planted = planted_line()
    runs = planted.runs(0)
    surface = fit(runs, "loss", names=(LINEAR,), resamples=2)
    with pytest.raises(PlanError, match=r"the objective names \['bpb'\]"):
        propose({"loss": surface}, {"bpb": 1.0}, planted.kept, runs)
    with pytest.raises(PlanError, match="the objective needs weights"):
        propose({"loss": surface}, {"loss": 0.0}, planted.kept, runs)


def test_nearest_mixture_keeps_proportions() -> None:
    kept = constraints({"a": 6.0, "b": 3.0, "c": 1.0}, caps={"a": 0.4})
    near: Floats = Region(kept).nearest(kept.prior)
    np.testing.assert_allclose(near, [0.4, 0.45, 0.15])
