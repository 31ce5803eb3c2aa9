"""Fit a surface to the training runs of one target: models, choice by cross-validation, noise floor, intervals.

Held-out runs are put aside before anything is computed. Where cross-validation finds no signal (ranks of left-out runs
are not predicted beyond chance), the surface is the mean of the runs, and says so: a proposal from it is the prior.
The same runs and seed give the same bits. Not here: judging a surface on held-out runs (`calibration`).
"""

import numpy as np

from mixer.experiments.cross_validation import SMALL, chosen, folds_of, left_out, scores_of, spearman
from mixer.experiments.extras import one_thread
from mixer.experiments.regressors import NAMES, Constant, fit_models, refit
from mixer.experiments.surface import Model, Surface, spread
from mixer.experiments.table import TRAIN, Floats, Ints, Runs
from pipelines.engine.errors import InputError

MIN_RUNS = 8
NO_SIGNAL = "none (mean of the runs)"
CHANCE = 3.1
"""Standard deviations by which ranks of left-out runs must agree to be called signal (p < .001)."""
_TINY = 1e-12


def fit(runs: Runs, target: str, *, names: tuple[str, ...] = NAMES, seed: int = 0, resamples: int = 40) -> Surface:
    """Return the surface of one target; with one name in `names` that model is taken without a choice.

    Runs without a finite metric are passed over. Raises InputError when fewer than MIN_RUNS are left.
    """
    rows = runs.of(TRAIN)
    rows = rows.take(np.isfinite(rows.column(target)))
    if len(rows) < MIN_RUNS:
        raise InputError(
            f"target {target!r}: {len(rows)} training runs have a finite value, a fit needs at least {MIN_RUNS}; "
            "train more proxies, or see why theirs are missing"
        )
    with one_thread():
        return _fit(rows, target, names, seed, resamples)


def _fit(rows: Runs, target: str, names: tuple[str, ...], seed: int, resamples: int) -> Surface:
    weights, values = rows.weights, rows.column(target)
    folds = folds_of(weights, 10 if len(rows) <= SMALL else 5, seed)
    expected = left_out(weights, values, names, folds)
    name = chosen(values, expected)
    models = fit_models(weights, values, names)
    signal = spearman(expected[name], values) * (len(rows) - 1) ** 0.5 > CHANCE
    model, guess = (models[name], expected[name]) if signal else (Constant(float(values.mean())), _means(values, folds))
    noise, noise_runs = noise_floor(rows, target)
    error = max(float(np.sqrt(np.mean((values - guess) ** 2))), _TINY)
    bootstrap = tuple(_resample(model, weights, values, seed, resamples))
    around = spread(np.array([one.predict(weights) for one in bootstrap]), error)
    return Surface(
        target=target,
        components=rows.components,
        name=name if signal else NO_SIGNAL,
        model=model,
        scores=scores_of(values, expected),
        signal=signal,
        noise=noise if noise_runs else error,
        noise_runs=noise_runs,
        bootstrap=bootstrap,
        rivals=models,
        rows=rows,
        left_out=guess,
        error=error,
        errors=np.sort(np.abs(values - guess) / around),
    )


def leave_one_out(surface: Surface) -> Floats:
    """Return what the surface expects of each of its runs when that run's mixture is left out, shape (rows,).

    The kind of model, and a process's scales, are those that all runs chose; the rest is fitted anew each time.
    """
    weights, values = surface.rows.weights, surface.rows.column(surface.target)
    mixtures = np.unique(weights, axis=0, return_inverse=True)[1].reshape(-1)
    found = np.empty(len(values))
    with one_thread():
        for out in (mixtures == one for one in range(int(mixtures.max()) + 1)):
            found[out] = refit(surface.model, weights[~out], values[~out]).predict(weights[out])
    return found


def noise_floor(runs: Runs, target: str) -> tuple[float, int]:
    """Return the standard deviation between seeds of one mixture, pooled, and of how many runs (0: no replicates)."""
    values = runs.column(target)
    groups = [values[(runs.replicates == one) & np.isfinite(values)] for one in np.unique(runs.replicates) if one >= 0]
    groups = [group for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return float("nan"), 0
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return (squares / freedom) ** 0.5, sum(len(group) for group in groups)


def _means(values: Floats, folds: Ints) -> Floats:
    """Return for each run the mean of the other folds."""
    totals = [(values[folds != fold]).mean() for fold in range(int(folds.max()) + 1)]
    return np.array(totals)[folds]


def _resample(model: Model, weights: Floats, values: Floats, seed: int, resamples: int) -> list[Model]:
    random = np.random.default_rng([seed, 1])
    drawn = (random.integers(len(values), size=len(values)) for _ in range(resamples))
    return [refit(model, weights[rows], values[rows]) for rows in drawn]
