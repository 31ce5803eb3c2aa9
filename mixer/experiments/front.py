"""The front: the least objective for each most of the general loss, from keeping all of it to gaining all there is.

Each point is a search of its own with one more limit, begun at its neighbour. Points that another one beats in both are
left out. Not here: which point to take.
"""

from typing import Protocol

import numpy as np

from mixer.experiments.combined import Combined, curve_of
from mixer.experiments.constraints import Constraints
from mixer.experiments.proposal import FrontPoint
from mixer.experiments.region import Region
from mixer.experiments.search import Curve, Found, Limit, least
from mixer.experiments.surface import Surface
from mixer.experiments.table import Floats

POINTS = 9


class Searching(Protocol):
    """What a search for a proposal offers to its front."""

    goal: Combined
    kept: Constraints
    region: Region
    prior: Floats
    drawn: Floats
    scale: float

    def best(self, name: str | None, more: list[Limit] | None = None, start: Floats | None = None) -> Found:
        """Return the best mixture under further limits."""
        ...


def front(search: Searching, general: Surface, proposed: Floats) -> tuple[FrontPoint, ...]:
    """Return the points in order of the general loss, those ends included; none when it has no slope."""
    curve = curve_of([(general.model, 1.0)], search.kept.prior, 0.0)
    if curve is None:
        return ()
    start = search.drawn[int(general.predict(search.drawn).argmin())]
    easiest = least(search.region, curve, [np.vstack([start, search.prior])], max(general.noise, 1e-9))
    first = easiest.weights if easiest is not None else start
    low, high = curve(first)[0], curve(proposed)[0]
    found, here = [first], first
    for most in np.linspace(low, high, POINTS)[1:-1] if high > low else ():
        here = search.best(None, [Limit(_below(curve, float(most)), 1 / max(general.noise, 1e-9))], here).weights
        found.append(here)
    points = [_point(search, curve, one) for one in [*found, proposed]]
    return tuple(
        one for one in points if not any(o.objective < one.objective and o.general < one.general for o in points)
    )


def _point(search: Searching, curve: Curve, weights: Floats) -> FrontPoint:
    return FrontPoint(weights, float(search.goal.predict(weights[None])[0]), curve(weights)[0])


def _below(curve: Curve, most: float) -> Curve:
    def over(weights: Floats) -> tuple[float, Floats]:
        value, slope = curve(weights)
        return value - most, slope

    return over
