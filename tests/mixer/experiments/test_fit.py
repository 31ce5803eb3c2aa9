"""A surface is chosen and fitted on training rows alone, knows noise when it sees it, and is the same every time."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from mixer.experiments.calibration import calibration
from mixer.experiments.cross_validation import chosen, folds_of, spearman
from mixer.experiments.fit import NO_SIGNAL, fit, leave_one_out, noise_floor
from mixer.experiments.fit_laws import Reciprocal
from mixer.experiments.regressors import DEFAULT, EXPONENTIAL, LINEAR, NAMES, fit_models
from mixer.experiments.table import HELD_OUT, TRAIN, Floats, Runs, runs_of
from pipelines.engine.errors import ConfigError, InputError

LAW = Reciprocal(2.0, np.array([0.0, -1.0, 0.5, -0.5]), np.array([0.3, 0.5, 0.2, 0.7]))
NOISE = 0.003
QUICK = (LINEAR, DEFAULT)


def planted(count: int = 48, noise: float = NOISE, signal: float = 1.0, seed: int = 0, held_out: int = 20) -> Runs:
    """Runs of a known law: `count` for training, three of them of one mixture, and some held out."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.ones(4), count + held_out)
    weights[:3] = 0.25
    values = signal * LAW.predict(weights) + noise * random.normal(size=len(weights))
    return runs_of(
        "abcd", weights, ["loss"], values[:, None],
        splits=[TRAIN] * count + [HELD_OUT] * held_out, replicates=[0] * 3 + [-1] * (count + held_out - 3),
    )  # fmt: skip


def grid() -> Floats:
    return np.random.default_rng(9).dirichlet(np.ones(4), 50)


def test_surface_predicts_what_was_held_out_and_knows_how_well() -> None:
    runs = planted(64, held_out=200)
    surface = fit(runs, "loss", names=QUICK)
    found = calibration(surface, runs.of(HELD_OUT))
    assert surface.signal
    assert surface.name == DEFAULT
    assert surface.scores[DEFAULT].mse < surface.scores[LINEAR].mse
    assert found.spearman_low < found.spearman < found.spearman_high
    assert found.spearman > 0.97
    assert found.mse**0.5 < 2 * NOISE
    assert found.regret < 4 * NOISE


@pytest.mark.nightly
def test_intervals_hold_as_many_new_runs_as_they_say() -> None:
    tables = [planted(64, held_out=200, seed=seed) for seed in range(4)]
    found = [calibration(fit(t, "loss", names=(DEFAULT,), resamples=15), t.of(HELD_OUT)).coverage for t in tables]
    for level in (0.5, 0.8, 0.9):
        share = np.mean([one[level] for one in found])
        assert abs(share - level) < 0.08, f"{share:.2f} of the runs within the {level:.0%} interval"


def test_a_mixture_that_is_left_out_does_not_tell_of_itself() -> None:
    runs = planted(32)
    surface = fit(runs, "loss", names=(DEFAULT,), resamples=3)
    found = leave_one_out(surface)
    spoiled = runs.metrics.copy()
    spoiled[10] += 3
    other = runs_of(runs.components, runs.weights, runs.targets, spoiled, splits=runs.splits, replicates=[-1] * 52)
    same_model = replace(surface, rows=other.of(TRAIN))
    assert leave_one_out(same_model)[10] == pytest.approx(found[10], abs=1e-6)
    assert found[0] == found[1] == found[2], "all runs of one mixture are left out together"
    assert spearman(found, runs.of(TRAIN).column("loss")) > 0.9


def test_held_out_rows_are_never_looked_at() -> None:
    runs = planted()
    spoiled = runs.metrics.copy()
    spoiled[-20:] = 1e6
    other = runs_of(
        runs.components, runs.weights, runs.targets, spoiled, splits=runs.splits, replicates=runs.replicates
    )
    one, two = fit(runs, "loss", names=QUICK, resamples=3), fit(other, "loss", names=QUICK, resamples=3)
    np.testing.assert_array_equal(one.predict(grid()), two.predict(grid()))
    np.testing.assert_array_equal(one.interval(grid()), two.interval(grid()))
    assert one.scores == two.scores


def test_same_runs_and_seed_give_the_same_bits() -> None:
    one, two = (fit(planted(32), "loss", names=QUICK, resamples=3) for _ in range(2))
    assert one.scores == two.scores
    np.testing.assert_array_equal(one.interval(grid()), two.interval(grid()))
    rows = planted(32)
    one_of_each, again = (fit_models(rows.weights, rows.column("loss")) for _ in range(2))
    assert tuple(one_of_each) == NAMES
    for name, model in one_of_each.items():
        np.testing.assert_array_equal(model.predict(grid()), again[name].predict(grid()), err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_pure_noise_is_called_no_signal(seed: int) -> None:
    runs = planted(40, noise=1.0, signal=0.0, seed=seed)
    surface = fit(runs, "loss", names=QUICK, resamples=5)
    assert not surface.signal
    assert surface.name == NO_SIGNAL
    np.testing.assert_array_equal(surface.predict(grid()), runs.of(TRAIN).column("loss").mean())
    assert (surface.interval(grid())[:, 1] - surface.interval(grid())[:, 0] > 2).all()


def test_noise_floor_is_the_spread_between_seeds() -> None:
    values = np.array([[1.0], [1.2], [5.0], [5.4], [9.0], [np.nan]])
    runs = runs_of("ab", [[0.5, 0.5]] * 6, ["m"], values, replicates=[0, 0, 7, 7, -1, 7])
    noise, count = noise_floor(runs, "m")
    assert count == 4
    assert noise == pytest.approx(((0.02 + 0.08) / 2) ** 0.5)
    assert noise_floor(runs.take([4]), "m")[1] == 0
    assert fit(planted(40), "loss", names=(LINEAR,), resamples=3).noise_runs == 3


def test_equal_mixtures_share_a_fold() -> None:
    weights = np.vstack([grid(), grid()[:7], grid()[:3]])
    folds = folds_of(weights, 10, seed=0)
    np.testing.assert_array_equal(folds[:7], folds[50:57])
    np.testing.assert_array_equal(folds[:3], folds[57:])
    assert np.bincount(folds[:50]).tolist() == [5] * 10
    assert folds_of(weights[:4], 10, seed=0).max() == 3, "no more folds than mixtures"


def test_least_error_on_left_out_runs_wins_and_a_wild_run_does_not_decide() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=200)
    near = values + 0.2 * random.normal(size=200)
    better = values + 0.1 * random.normal(size=200)
    assert chosen(values, {DEFAULT: near, EXPONENTIAL: better}) == EXPONENTIAL
    values[0], near[0], better[0] = 500.0, 499.0, 450.0
    assert chosen(values, {DEFAULT: near, EXPONENTIAL: better}) == EXPONENTIAL


def test_missing_metrics_are_passed_over_and_too_few_runs_told() -> None:
    runs = planted(20)
    runs.metrics[5:9] = [[np.nan], [np.inf], [-np.inf], [np.nan]]
    assert len(fit(runs, "loss", names=(LINEAR,), resamples=3).rows) == 16
    with pytest.raises(InputError, match="7 training runs have a finite value, a fit needs at least 8"):
        fit(runs.take(range(11)), "loss")


def test_calibration_refuses_rows_of_the_fit() -> None:
    runs = planted(20)
    surface = fit(runs, "loss", names=(LINEAR,), resamples=3)
    with pytest.raises(InputError, match="cannot be judged"):
        calibration(surface, runs)


def test_missing_library_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ConfigError, match=r"needs scipy, which is not installed.*\[experiments\]"):
        fit(planted(20), "loss", names=(DEFAULT,))
