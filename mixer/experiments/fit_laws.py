"""Parametric laws of a loss over mixture weights: linear, exponential, reciprocal power; least squares in log units.

- linear: `c + t.r`, ridge with a penalty far below the data's.
- exponential (Ye et al., arXiv 2403.16952; Olmix 2602.12237 with another loss): `c + exp(t.r)`; as weights add up to 1
  the amplitude is folded into t. Convex in r, so its best mixture can be proven.
- reciprocal power (the mixture term of arXiv 2507.09404): `E + 1 / sum_i C_i (r_i + 1e-6)^g_i` with C and g above 0.

Runs in the upper tail of losses count less (`tail`). Parameters have weak Gaussian priors, which decide only what few
runs leave open. All are deterministic and know their gradient. Not here: kernels (`fit_gp`), trees (`fit_trees`),
choosing between them (`fit`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixer.experiments.extras import library
from mixer.experiments.table import Floats
from mixer.experiments.tail import tail_of

OFFSET = 1e-6
"""Added to weights before a power is taken: a weight of 0 is common and its slope would be infinite."""
ROUNDS = 3
NOISE = 0.06
"""Noise, in units of the spread of values, at which priors have the widths below (one e-fold for amounts)."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`constant + slope . r`."""

    constant: float
    slope: Floats

    def predict(self, weights: Floats) -> Floats:
        """Return values at weights of shape (n, components), shape (n,)."""
        values: Floats = self.constant + weights @ self.slope
        return values

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at each mixture, shape (n, components)."""
        return np.tile(self.slope, (len(weights), 1))


@dataclass(frozen=True, slots=True)
class Exponential:
    """`floor + exp(slope . r)`."""

    floor: float
    slope: Floats

    def predict(self, weights: Floats) -> Floats:
        """Return values at weights of shape (n, components), shape (n,)."""
        return self.floor + _exp(weights @ self.slope)

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at each mixture, shape (n, components)."""
        return np.outer(_exp(weights @ self.slope), self.slope)


@dataclass(frozen=True, slots=True)
class Reciprocal:
    """`floor + 1 / sum_i exp(amount_i) (r_i + OFFSET)^power_i`."""

    floor: float
    amount: Floats
    power: Floats

    def _terms(self, weights: Floats) -> Floats:
        return _exp(self.amount + self.power * np.log(np.maximum(weights, 0) + OFFSET))

    def predict(self, weights: Floats) -> Floats:
        """Return values at weights of shape (n, components), shape (n,)."""
        values: Floats = self.floor + 1 / self._terms(weights).sum(axis=1)
        return values

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at each mixture, shape (n, components)."""
        terms = self._terms(weights)
        slopes: Floats = -terms * self.power / (np.maximum(weights, 0) + OFFSET) / terms.sum(axis=1, keepdims=True) ** 2
        return slopes


def fit_linear(weights: Floats, values: Floats) -> Linear:
    """Return the ridge fit; weights (n, components), values (n,)."""
    middle, mean = weights.mean(axis=0), float(values.mean())
    x = weights - middle
    ridge = 1e-4 * np.trace(x.T @ x) / x.shape[1] + 1e-12
    slope = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ (values - mean))
    return Linear(mean - float(middle @ slope), slope)


def fit_exponential(weights: Floats, values: Floats, start: Exponential | None = None) -> Exponential:
    """Return the least-squares fit, the best of starts at several floors (or from `start` alone)."""
    scale = _Scale(values)
    y, k = scale.to(values), weights.shape[1]

    def residuals(p: Floats) -> tuple[Floats, Floats]:
        bend = _exp(weights @ p[1:])
        slopes = np.column_stack([np.ones(len(y)), bend[:, None] * weights])
        return scale.trust * (p[0] + bend - y), scale.trust[:, None] * slopes

    if start is not None:
        shift = np.log(scale.spread)
        starts = [np.r_[(start.floor - scale.middle) / scale.spread, start.slope - shift]]
    else:
        starts = []
        for below in (0.1, 1.0, 10.0):
            floor = y.min() - below
            line = fit_linear(weights, np.log(y - floor))
            starts.append(np.r_[floor, line.slope + line.constant])
    middle = np.r_[0.0, np.zeros(k)]
    best = _best(residuals, starts, middle, np.r_[0.02, np.full(k, 0.05)])
    return Exponential(scale.middle + scale.spread * best[0], best[1:] + np.log(scale.spread))


def fit_reciprocal(weights: Floats, values: Floats, start: Reciprocal | None = None) -> Reciprocal:
    """Return the least-squares fit, the best of starts at several floors and powers (or from `start` alone)."""
    scale = _Scale(values)
    y, k = scale.to(values), weights.shape[1]
    logs = np.log(weights + OFFSET)

    def residuals(p: Floats) -> tuple[Floats, Floats]:
        power = np.exp(p[k + 1 :])
        terms = _exp(p[1 : k + 1] + power * logs)
        total = terms.sum(axis=1)
        by_amount = -terms / total[:, None] ** 2
        slopes = np.column_stack([np.ones(len(y)), by_amount, by_amount * power * logs])
        return scale.trust * (p[0] + 1 / total - y), scale.trust[:, None] * slopes

    if start is not None:
        floor = (start.floor - scale.middle) / scale.spread
        starts = [np.r_[floor, start.amount + np.log(scale.spread), np.log(start.power)]]
    else:
        starts = []
        for below, power in ((0.3, 0.3), (2.0, 0.1), (1.0, 0.7)):
            floor = y.min() - below
            total = np.log(k ** (1 - power) * (np.mean(y) - floor))
            starts.append(np.r_[floor, np.full(k, -total), np.full(k, np.log(power))])
    middle = np.r_[-1.0, np.full(k, -1.0), np.full(k, np.log(0.5))]
    best = _best(residuals, starts, middle, np.r_[0.05, np.full(k, 0.06), np.full(k, 0.15)])
    return Reciprocal(
        scale.middle + scale.spread * best[0], best[1 : k + 1] - np.log(scale.spread), np.exp(best[k + 1 :])
    )


class _Scale:
    """Values in units of their spread, so that priors mean the same for every target, and how much each is trusted."""

    def __init__(self, values: Floats) -> None:
        tail = tail_of(values)
        compressed = tail.compressed(values)
        self.middle = float(compressed.mean())
        self.spread = float(compressed.std()) or 1.0
        self.trust = tail.trust(values)

    def to(self, values: Floats) -> Floats:
        return (values - self.middle) / self.spread


def _best(
    model: Callable[[Floats], tuple[Floats, Floats]], starts: list[Floats], middle: Floats, pull: Floats
) -> Floats:
    """Return the parameters of the least squares over all starts; `pull` is how strongly each is drawn to `middle`.

    Runs with less noise than NOISE weaken the pull in proportion, as a prior of fixed width would; the noise is what is
    left over by as many parameters as the runs decide (MacKay, "Bayesian interpolation", 1992).
    """
    least_squares = library("scipy.optimize").least_squares

    def nearest(start: Floats, strength: Floats) -> Any:
        def value(p: Floats) -> Floats:
            off: Floats = np.r_[model(p)[0], strength * (p - middle)]
            return off

        def slope(p: Floats) -> Floats:
            slopes: Floats = np.vstack([model(p)[1], np.diag(strength)])
            return slopes

        return least_squares(value, start, slope, method="lm", x_scale="jac", max_nfev=400)

    best: Floats = min((nearest(start, pull) for start in starts), key=lambda one: float(one.cost)).x
    strength = pull
    for _ in range(ROUNDS):
        left, slopes = model(best)
        known = slopes.T @ slopes
        used = float(np.trace(np.linalg.solve(known + np.diag(strength**2), known)))
        noise = float(np.sqrt(left @ left / max(len(left) - used, 1.0)))
        strength = pull * min(1.0, noise / NOISE)
        best = nearest(best, strength).x
    return best


def _exp(values: Floats) -> Floats:
    bounded: Floats = np.exp(np.clip(values, -60, 60))
    return bounded
