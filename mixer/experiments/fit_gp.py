"""A Gaussian process over log-warped weights: ARD Matern-5/2 plus a linear part, at its most likely hyper-parameters.

Features are `log(1 + r / epsilon)`, standardised: what a component's first percent does is far from what its last does,
and the warp gives both room. Which epsilon is decided by the posterior too: on training rows of RegMix's table that is
as good as the best single one, whatever the number of runs. The priors on length-scales, amplitudes and noise are weak
(one e-fold or more) and keep few runs from explaining themselves by noise alone. Rasmussen and Williams, "Gaussian
Processes for Machine Learning" (2006), 2.2 and 5.4.1. Cost is cubic in the runs: for up to about a thousand. Not here:
error bars (those come from resampling, for all models alike).
"""

from dataclasses import dataclass, replace

import numpy as np

from mixer.experiments.extras import library
from mixer.experiments.table import Floats
from mixer.experiments.tail import Tail, tail_of

WARPS = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Values of epsilon; the search begins at the second and goes on to either side as long as that is more likely."""
_ROOT5 = 5**0.5
_JITTER = 1e-8


@dataclass(frozen=True, slots=True)
class Process:
    """A fitted process: rows it knows (as features), hyper-parameters and the weight of each row."""

    rows: Floats
    hyper: Floats
    """Logarithms: length-scale of each feature, amplitude, that of the linear part, noise (in units of `spread`)."""
    alpha: Floats
    feature_middle: Floats
    feature_spread: Floats
    epsilon: float
    middle: float
    spread: float
    tail: Tail

    def predict(self, weights: Floats) -> Floats:
        """Return values at weights of shape (n, components), shape (n,)."""
        kernel = _kernel(self.features(weights), self.rows, self.hyper)
        return self.tail.expanded(self.middle + self.spread * (kernel @ self.alpha))

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at each mixture, shape (n, components)."""
        x, scale = self.features(weights), np.exp(self.hyper[: self.rows.shape[1]])
        distance = _distance(x / scale, self.rows / scale)
        amplitude, linear = np.exp(2 * self.hyper[-3]), np.exp(2 * self.hyper[-2])
        pull = -5 / 3 * amplitude * (1 + _ROOT5 * distance) * np.exp(-_ROOT5 * distance) * self.alpha
        slopes = (pull.sum(axis=1)[:, None] * x - pull @ self.rows) / scale**2 + linear * (self.alpha @ self.rows)
        warp: Floats = 1 / (self.epsilon + np.maximum(weights, 0)) / self.feature_spread
        values = self.middle + self.spread * (_kernel(x, self.rows, self.hyper) @ self.alpha)
        slope: Floats = self.spread * slopes * warp * self.tail.stretch(values)[:, None]
        return slope

    def features(self, weights: Floats) -> Floats:
        """Return the warped, standardised weights, shape (n, components)."""
        warped = np.log1p(np.maximum(weights, 0) / self.epsilon)
        standard: Floats = (warped - self.feature_middle) / self.feature_spread
        return standard


def fit_process(weights: Floats, values: Floats, start: Process | None = None) -> Process:
    """Return the fit; with `start` its scales and hyper-parameters are kept and only the weights of rows are found."""
    if start is None:
        return _most_likely(weights, values)
    x, y = start.features(weights), (start.tail.compressed(values) - start.middle) / start.spread
    linalg = library("scipy.linalg")
    alpha = linalg.cho_solve(linalg.cho_factor(_noisy(x, start.hyper), lower=True), y)
    return replace(start, rows=x, alpha=alpha)


def _most_likely(weights: Floats, values: Floats) -> Process:
    """Return the process of the highest posterior over warps and hyper-parameters."""
    count = weights.shape[1]
    middle = np.r_[np.full(count, np.log(3.0 * count**0.5)), 0.0, np.log(0.3 / count**0.5), np.log(0.05)]
    width = np.r_[np.full(count, 1.0), 1.0, 1.0, 1.5]
    tail = tail_of(values)
    losses = tail.compressed(values)
    scale, spread = float(losses.mean()), float(losses.std()) or 1.0

    def climb(epsilon: float, hyper: Floats) -> tuple[float, Process]:
        warped = np.log1p(np.maximum(weights, 0) / epsilon)
        deviation = warped.std(axis=0)
        deviation = np.where(deviation > 1e-9, deviation, 1.0)
        one = Process(warped, hyper, values, warped.mean(axis=0), deviation, epsilon, scale, spread, tail)
        cost, found = _climb(one.features(weights), (losses - scale) / spread, hyper, middle, width)
        return cost, replace(one, hyper=found)

    least, best = climb(WARPS[1], middle)
    for side in (WARPS[:1], WARPS[2:]):
        for epsilon in side:
            cost, one = climb(epsilon, best.hyper)
            if cost >= least:
                break
            least, best = cost, one
    return fit_process(weights, values, best)


def _climb(x: Floats, y: Floats, start: Floats, middle: Floats, width: Floats) -> tuple[float, Floats]:
    """Return minus the log posterior at its nearest mode, and the log hyper-parameters there."""

    def cost(hyper: Floats) -> tuple[float, Floats]:
        value, slope = _evidence(x, y, hyper)
        off = (hyper - middle) / width
        return value + 0.5 * float(off @ off), slope + off / width

    bounds = list(zip(middle - 6 * width, middle + 6 * width, strict=True))
    found = library("scipy.optimize").minimize(
        cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 150, "ftol": 1e-7}
    )
    return float(found.fun), found.x


def _evidence(x: Floats, y: Floats, hyper: Floats) -> tuple[float, Floats]:
    """Return minus the log marginal likelihood (without its constant) and its slope in the log hyper-parameters."""
    linalg = library("scipy.linalg")
    count = x.shape[1]
    scaled = x / np.exp(hyper[:count])
    distance = _distance(scaled, scaled)
    decay = np.exp(2 * hyper[-3] - _ROOT5 * distance)
    factor = linalg.cholesky(_noisy(x, hyper), lower=True)
    inverse = linalg.lapack.dpotri(factor, lower=1)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    alpha = inverse @ y
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(factor)).sum())
    pull = inverse - np.outer(alpha, alpha)  # twice the slope in the kernel
    stretch = pull * decay * (1 + _ROOT5 * distance) * (5 / 3)
    by_scale = (stretch.sum(axis=1) @ scaled**2) - np.einsum("ij,ij->j", scaled, stretch @ scaled)
    by_amplitude = float((pull * decay * (1 + _ROOT5 * distance + 5 / 3 * distance**2)).sum())
    by_linear = float(np.exp(2 * hyper[-2]) * np.einsum("ij,ij->", x, pull @ x))
    by_noise = float(np.exp(2 * hyper[-1]) * np.trace(pull))
    return value, np.r_[by_scale, by_amplitude, by_linear, by_noise]


def _distance(one: Floats, other: Floats) -> Floats:
    squares: Floats = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.sqrt(np.maximum(squares, 0))


def _kernel(one: Floats, other: Floats, hyper: Floats) -> Floats:
    scale = np.exp(hyper[: one.shape[1]])
    distance = _distance(one / scale, other / scale)
    matern: Floats = (1 + _ROOT5 * distance + 5 / 3 * distance**2) * np.exp(2 * hyper[-3] - _ROOT5 * distance)
    linear: Floats = np.exp(2 * hyper[-2]) * (one @ other.T)
    return matern + linear


def _noisy(x: Floats, hyper: Floats) -> Floats:
    kernel = _kernel(x, x, hyper)
    diagonal = np.diag_indices(len(x))
    kernel[diagonal] += np.exp(2 * hyper[-1]) + _JITTER * max(1.0, float(kernel[diagonal].mean()))
    return kernel
