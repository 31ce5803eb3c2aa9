"""The objective of a proposal: several targets weighted explicitly, as one function with its slope and its draws.

Weights are divided by their sum, so the objective is in the unit of its targets. A penalty by the Kullback-Leibler
distance to the prior is a small part of the noise of a single run: it decides where the runs decide nothing, and costs
less than could be measured where they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixer.experiments.search import Curve
from mixer.experiments.surface import Model, Smooth, Surface
from mixer.experiments.table import Floats
from pipelines.engine.errors import PlanError

PENALTY = 0.1
"""Noise of a single run that one nat of distance to the prior has to be worth."""
TRUSTED = 2.0
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Combined:
    """Surfaces with their shares of the objective, the shares adding up to 1."""

    parts: tuple[tuple[Surface, float], ...]

    @property
    def signal(self) -> bool:
        """Say whether any part has a signal."""
        return any(surface.signal for surface, _ in self.parts)

    @property
    def noise(self) -> float:
        """Return the standard deviation of the objective of a single run, targets taken as independent."""
        return float(np.sqrt(sum((share * surface.noise) ** 2 for surface, share in self.parts)))

    def predict(self, weights: Floats) -> Floats:
        """Return the expected objective at mixtures of shape (n, components), shape (n,)."""
        values: Floats = np.sum([share * surface.predict(weights) for surface, share in self.parts], axis=0)
        return values

    def draws(self, weights: Floats) -> Floats:
        """Return the objective by each bootstrap fit, shape (fits, n)."""
        values: Floats = np.sum([share * surface.draws(weights) for surface, share in self.parts], axis=0)
        return values

    def trusts(self, name: str) -> bool:
        """Say whether a model's error on left-out runs is at most TRUSTED times the chosen one's, for every target."""
        scores = [
            (surface.scores[name].mse, surface.scores[surface.name].mse) for surface, _ in self.parts if surface.signal
        ]
        return all(mse <= TRUSTED**2 * least for mse, least in scores)

    def models(self, name: str | None = None) -> list[tuple[Model, float]]:
        """Return the models with their shares: the chosen ones, or the named one for every target with a signal."""
        return [
            (surface.model if name is None or not surface.signal else surface.rivals[name], share)
            for surface, share in self.parts
        ]


def combined(surfaces: Mapping[str, Surface], objective: Mapping[str, float]) -> Combined:
    """Return the objective. Raises PlanError for a target without a surface, or weights that are none."""
    if unknown := sorted(set(objective) - set(surfaces)):
        raise PlanError(f"the objective names {unknown}, surfaces are fitted for {sorted(surfaces)}")
    total = sum(objective.values())
    if min(objective.values(), default=0) < 0 or not total > 0:
        raise PlanError(f"the objective needs weights of at least 0, one of them above 0; got {dict(objective)}")
    return Combined(tuple((surfaces[name], weight / total) for name, weight in objective.items() if weight))


def curve_of(models: list[tuple[Model, float]], prior: Floats, penalty: float) -> Curve | None:
    """Return value and slope of the weighted models with the penalty, or None when one of them has no slope."""
    smooth = [(model, share) for model, share in models if isinstance(model, Smooth)]
    if len(smooth) < len(models):
        return None
    base = (prior + _FLOOR) / (prior + _FLOOR).sum()

    def curve(weights: Floats) -> tuple[float, Floats]:
        row = np.maximum(weights, 0)[None]
        value = sum(share * float(model.predict(row)[0]) for model, share in smooth)
        slope = np.sum([share * model.gradient(row)[0] for model, share in smooth], axis=0)
        logs = np.log((row[0] + _FLOOR) / base)
        return value + penalty * float(row[0] @ logs), slope + penalty * (logs + row[0] / (row[0] + _FLOOR))

    return curve
