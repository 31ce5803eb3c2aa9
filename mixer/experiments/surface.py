"""A fitted surface: what one target is expected to be at any mixture, how sure that is, and how it was chosen.

`fit.fit(runs, target)` makes one; proposals and pages read it. Nothing here has seen a held-out run: `scores` come from
cross-validation on training rows, the half-width of intervals from the errors of those folds (conformal: the share of
single new runs that fall within is the level asked for, whatever the model's own idea of its error), scaled by the
spread of bootstrap fits. Not here: fitting (`fit`), choosing weights (`propose`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from mixer.experiments.table import Floats, Runs


class Model(Protocol):
    """A regressor after its fit: weights of shape (n, components) to values of shape (n,)."""

    def predict(self, weights: Floats) -> Floats:
        """Return the expected value at each mixture."""
        ...


@runtime_checkable
class Smooth(Model, Protocol):
    """A model with a slope, so that the best mixture can be searched for and not only drawn."""

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at each mixture, shape (n, components)."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """What cross-validation on training rows says of one model: rank correlation, squared error, its standard error."""

    spearman: float
    mse: float
    mse_error: float


@dataclass(frozen=True, slots=True)
class Surface:
    """One target over all mixtures of `components`; lower is better.

    `noise` is the standard deviation of a single run: of seed replicates when there are `noise_runs` of them, else
    (0) the error of cross-validation. `signal` says whether the chosen model predicts left-out runs better than their
    mean does, beyond chance; without it a proposal is the prior. `bootstrap` are fits to resampled rows.
    """

    target: str
    components: tuple[str, ...]
    name: str
    model: Model
    scores: Mapping[str, Score]
    signal: bool
    noise: float
    noise_runs: int
    bootstrap: tuple[Model, ...]
    rivals: Mapping[str, Model]
    """All models that were fitted to the same rows, by name, for telling how much they disagree."""
    rows: Runs
    """The training runs that the fit has seen."""
    left_out: Floats
    """What the chosen model expects of each of these rows when it has not seen it, shape (rows,)."""
    error: float
    """Root of the mean squared error of `left_out`."""
    errors: Floats
    """Absolute errors of `left_out`, each over the spread at its mixture, ascending."""

    def predict(self, weights: Floats) -> Floats:
        """Return the expected value at mixtures of shape (n, components), shape (n,)."""
        return self.model.predict(np.atleast_2d(weights))

    def draws(self, weights: Floats) -> Floats:
        """Return what each bootstrap fit expects, shape (fits, n); the same fit in a row, so differences are paired."""
        return np.array([one.predict(np.atleast_2d(weights)) for one in self.bootstrap])

    def interval(self, weights: Floats, level: float = 0.9) -> Floats:
        """Return the low and high end that `level` of single new runs fall between, shape (n, 2)."""
        points = np.atleast_2d(weights)
        rank = min(int(np.ceil((len(self.errors) + 1) * level)), len(self.errors)) - 1
        half = self.errors[rank] * self.spread(points)
        middle = self.predict(points)
        return np.stack([middle - half, middle + half], axis=1)

    def spread(self, weights: Floats) -> Floats:
        """Return how far a new run may be off here, up to a factor: as fits of bootstrap draws differ, shape (n,)."""
        return spread(self.draws(weights), self.error)


def spread(draws: Floats, error: float) -> Floats:
    """Return the deviation of bootstrap draws (fits, n) on top of the error of left-out runs, shape (n,).

    By the middle 68 % of the draws: a fit that misses a corner of the simplex may be far off there.
    """
    low, high = np.quantile(draws, [0.16, 0.84], axis=0)
    both: Floats = np.hypot(error, (high - low) / 2)
    return both
