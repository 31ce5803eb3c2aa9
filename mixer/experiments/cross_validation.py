"""Cross-validation on training rows: what each model expects of runs that it has not seen, and which one is chosen.

Runs of one mixture stay in one fold, else a replicate would be predicted from its twin. The least squared error wins.
Keeping the default within one standard error was tried: on planted surfaces of 20 components it kept a process that
invents an optimum, as large errors of a few sparse mixtures hide what a law gains. Held-out runs are never seen here.
"""

from collections.abc import Mapping

import numpy as np

from mixer.experiments.extras import library
from mixer.experiments.regressors import fit_models
from mixer.experiments.surface import Score
from mixer.experiments.table import Floats, Ints
from mixer.experiments.tail import tail_of

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
    """Return the name of the model with the least squared error on left-out runs."""
    return min(expected, key=lambda name: float(_squares(values, expected[name]).mean()))


def spearman(one: Floats, other: Floats) -> float:
    """Return the rank correlation, 0 when one of them is constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(library("scipy.stats").spearmanr(one, other).statistic)


def _score(values: Floats, expected: Floats) -> Score:
    squares = _squares(values, expected)
    return Score(spearman(values, expected), float(squares.mean()), float(squares.std() / len(squares) ** 0.5))


def _squares(values: Floats, expected: Floats) -> Floats:
    """Return squared errors in compressed losses, so that a few runs far from any good mixture do not decide."""
    tail = tail_of(values)
    squares: Floats = (tail.compressed(values) - tail.compressed(expected)) ** 2
    return squares
