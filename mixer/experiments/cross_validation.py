"""Cross-validation on training rows: what each model expects of runs that it has not seen, and which one is chosen.

Runs of one mixture stay in one fold, else a replicate would be predicted from its twin. The default model is kept
unless another has a smaller squared error by more than one standard error of the paired difference: small differences
are chance, and few runs prefer what happens to bend their way. Held-out runs are never seen here.
"""

from collections.abc import Mapping

import numpy as np

from mixer.experiments.extras import library
from mixer.experiments.regressors import DEFAULT, fit_models
from mixer.experiments.surface import Score
from mixer.experiments.table import Floats, Ints

SMALL = 160
"""Up to so many runs ten folds, else five: few runs lose too much with a fifth of them."""


def folds_of(weights: Floats, count: int, seed: int) -> Ints:
    """Return the fold of each run, shape (runs,): equal mixtures share one, sizes differ by one mixture at most."""
    _, mixture = np.unique(weights, axis=0, return_inverse=True)
    mixtures = int(mixture.max()) + 1
    order = np.random.default_rng(seed).permutation(mixtures)
    place = np.empty(mixtures, np.int64)
    place[order] = np.arange(mixtures) % min(count, mixtures)
    return place[mixture.reshape(-1)]


def left_out(weights: Floats, values: Floats, names: tuple[str, ...], folds: Ints) -> dict[str, Floats]:
    """Return what each model expects of every run when fitted to the other folds, shape (runs,) by name."""
    found = {name: np.empty(len(values)) for name in names}
    for fold in range(int(folds.max()) + 1):
        seen, unseen = folds != fold, folds == fold
        for name, model in fit_models(weights[seen], values[seen], names).items():
            found[name][unseen] = model.predict(weights[unseen])
    return found


def scores_of(values: Floats, expected: Mapping[str, Floats]) -> dict[str, Score]:
    """Return rank correlation and squared error of each model's expectations."""
    return {name: _score(values, one) for name, one in expected.items()}


def chosen(values: Floats, expected: Mapping[str, Floats]) -> str:
    """Return the name of the model to use: the default, unless another is better beyond one standard error."""
    squares = {name: (values - one) ** 2 for name, one in expected.items()}
    best = min(squares, key=lambda name: float(squares[name].mean()))
    if DEFAULT not in squares or best == DEFAULT:
        return best
    difference = squares[DEFAULT] - squares[best]
    return best if difference.mean() > difference.std() / len(values) ** 0.5 else DEFAULT


def spearman(one: Floats, other: Floats) -> float:
    """Return the rank correlation, 0 when one of them is constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(library("scipy.stats").spearmanr(one, other).statistic)


def _score(values: Floats, expected: Floats) -> Score:
    squares = (values - expected) ** 2
    return Score(spearman(values, expected), float(squares.mean()), float(squares.std() / len(squares) ** 0.5))
