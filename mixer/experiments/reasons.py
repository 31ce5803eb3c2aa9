"""What is told of a proposal: its expected losses beside the natural mixture's, a verdict, what holds it back, notes.

Both mixtures are compared by the same bootstrap fits, so what they share in error cancels, and if the proposal is
expected to be worse that is said. Nothing is chosen here. Not here: the search (`propose`).
"""

from typing import Protocol

import numpy as np

from mixer.experiments.combined import PENALTY, Combined, curve_of
from mixer.experiments.constraints import Constraints
from mixer.experiments.proposal import Expected, Verdict
from mixer.experiments.region import Region
from mixer.experiments.search import Limit
from mixer.experiments.surface import Surface
from mixer.experiments.table import Floats

LEVEL = 0.9
_TIGHT = 1e-6


class Searched(Protocol):
    """What a search for a proposal offers to those who tell of it; `prior` is the nearest allowed mixture to it."""

    goal: Combined
    kept: Constraints
    region: Region
    limits: list[Limit]
    prior: Floats
    scale: float


def expected(what: Surface | Combined, weights: Floats, natural: Floats) -> Expected:
    """Return the losses at a mixture, at the natural and the uniform one, and the interval of the first difference."""
    points = np.vstack([weights, natural, np.full(len(weights), 1 / len(weights))])
    value = what.predict(points)
    draws = what.draws(points)
    low, high = np.quantile(draws[:, 0] - draws[:, 1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Expected(float(value[0]), float(value[1]), float(value[2]), float(low), float(high))


def verdict(goal: Combined, whole: Expected) -> Verdict:
    """Return what is to be thought of a proposal with these losses."""
    if not goal.signal:
        return "no signal"
    if whole.proposal > whole.natural + 1e-9:
        return "worse"
    return "better" if whole.difference_high < 0 else "not better"


def bound(search: Searched, weights: Floats) -> list[str]:
    """Return what holds the proposal back, by name."""
    kept, told = search.kept, []
    for name, weight, low, high in zip(kept.components, weights, kept.least, kept.most, strict=True):
        told += [f"cap {name}"] if weight >= high - _TIGHT and high < 1 else []
        told += [f"least {name}"] if weight <= low + _TIGHT and low > 0 else []
    for floor, (shares, most) in zip(kept.floors, search.region.floors(), strict=True):
        told += [f"slice {floor.name}"] if weights @ shares <= most + _TIGHT else []
    for target, limit in zip(kept.at_most or {}, search.limits, strict=True):
        told += [f"limit {target}"] if limit.curve(weights)[0] * limit.scale > -1e-3 else []
    return [*told, "sampled hull"] if _held_by_hull(search, weights) else told


def _held_by_hull(search: Searched, weights: Floats) -> bool:
    """Say whether the objective would go on falling outside of what was trained."""
    curve = curve_of(search.goal.models(), search.kept.prior, PENALTY * search.scale)
    if curve is None or not search.goal.signal or search.limits:
        return False
    slope = curve(weights)[1]
    corner = Region(search.kept).corner(slope / max(float(np.abs(slope).max()), 1e-300))
    step = weights + 1e-3 * (corner - weights)
    return not search.region.contains(step) and float(slope @ (weights - corner)) > 0.1 * search.scale


def notes(search: Searched, whole: Expected) -> list[str]:
    """Return what a reader has to know before the proposal is trusted."""
    told = []
    silent = [surface.target for surface, _ in search.goal.parts if not surface.signal]
    if silent:
        told.append(f"losses do not depend on weights beyond chance for: {', '.join(silent)}")
    if not search.goal.signal:
        told.append("no signal: the proposal is the natural mixture, as near as the constraints allow")
    if not np.allclose(search.prior, search.kept.prior, atol=1e-9):
        told.append("the natural mixture itself breaks a constraint or lies outside of what was trained")
    if verdict(search.goal, whole) == "worse":
        told.append(f"expected to be worse than the natural mixture by {whole.proposal - whole.natural:.4g}: do not")
    gain = whole.natural - whole.proposal
    if search.goal.signal and 0 <= gain < 2 * search.goal.noise:
        told.append(f"the expected gain, {gain:.4g}, is less than two deviations of a single run's noise")
    return told
