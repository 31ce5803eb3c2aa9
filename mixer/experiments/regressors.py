"""The regressors by name, and the default that averages two of them.

The mean of the reciprocal-power law and the Gaussian process is the default: the law knows how losses fall with the
share of a component, the process what the law does not know, and on RegMix's table cross-validation ranks their mean
above either. Not here: which one a target gets (`fit`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mixer.experiments.fit_gp import Process, fit_process
from mixer.experiments.fit_laws import Exponential, Linear, Reciprocal, fit_exponential, fit_linear, fit_reciprocal
from mixer.experiments.fit_trees import Trees, fit_trees
from mixer.experiments.surface import Model, Smooth
from mixer.experiments.table import Floats

LINEAR, EXPONENTIAL, RECIPROCAL, TREES, PROCESS = "linear", "exponential", "reciprocal", "lightgbm", "gp"
DEFAULT = "mean(reciprocal, gp)"
PARTS: Mapping[str, Callable[[Floats, Floats], Model]] = {
    LINEAR: fit_linear,
    EXPONENTIAL: fit_exponential,
    RECIPROCAL: fit_reciprocal,
    TREES: fit_trees,
    PROCESS: fit_process,
}
NAMES = (*PARTS, DEFAULT)


@dataclass(frozen=True, slots=True)
class Constant:
    """The mean of the runs: all that is known of a target without signal."""

    value: float

    def predict(self, weights: Floats) -> Floats:
        """Return the same value for each mixture, shape (n,)."""
        return np.full(len(weights), self.value)

    def gradient(self, weights: Floats) -> Floats:
        """Return zeros, shape (n, components)."""
        return np.zeros_like(weights)


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of several models."""

    parts: tuple[Smooth, ...]

    def predict(self, weights: Floats) -> Floats:
        """Return values at weights of shape (n, components), shape (n,)."""
        values: Floats = np.mean([part.predict(weights) for part in self.parts], axis=0)
        return values

    def gradient(self, weights: Floats) -> Floats:
        """Return the slope at each mixture, shape (n, components)."""
        slopes: Floats = np.mean([part.gradient(weights) for part in self.parts], axis=0)
        return slopes


def fit_models(weights: Floats, values: Floats, names: tuple[str, ...] = NAMES) -> dict[str, Model]:
    """Return the named models fitted to weights (n, components) and values (n,)."""
    found: dict[str, Model] = {name: fit(weights, values) for name, fit in PARTS.items() if name in names}
    if DEFAULT in names:
        parts = [found.get(name) or PARTS[name](weights, values) for name in (RECIPROCAL, PROCESS)]
        found[DEFAULT] = Mean(tuple(part for part in parts if isinstance(part, Smooth)))
    return {name: found[name] for name in names}


def refit(model: Model, weights: Floats, values: Floats) -> Model:
    """Return the same kind of model for resampled rows, from where the given one ended; cheap enough for many."""
    match model:
        case Mean():
            return _refit_mean(model, weights, values)
        case Process():
            return fit_process(weights, values, model)
        case Reciprocal():
            return fit_reciprocal(weights, values, model)
        case Exponential():
            return fit_exponential(weights, values, model)
        case Linear():
            return fit_linear(weights, values)
        case Trees():
            return fit_trees(weights, values)
    return Constant(float(values.mean()))


def _refit_mean(model: Mean, weights: Floats, values: Floats) -> Mean:
    parts = (refit(part, weights, values) for part in model.parts)
    return Mean(tuple(part for part in parts if isinstance(part, Smooth)))
