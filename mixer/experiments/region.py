"""The mixtures that are allowed: bounds, floors of slices, and (for proposals) the convex hull of what was trained.

A polytope, so its corners come from linear programmes (HiGHS, through scipy), which put a weight exactly on its bound.
The hull is the trust region: a model is asked only about mixtures that lie between mixtures it has seen. Not here:
limits on predicted losses, which are not linear (`search`).
"""

from dataclasses import dataclass

import numpy as np

from mixer.experiments.constraints import Constraints
from mixer.experiments.extras import library
from mixer.experiments.table import Floats
from pipelines.engine.errors import PlanError

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Region:
    """Mixtures within `kept`, and between the `sampled` ones of shape (n, components) if given."""

    kept: Constraints
    sampled: Floats | None = None

    def corner(self, cost: Floats) -> Floats:
        """Return the allowed mixture of the least `cost . weights`, shape (components,); PlanError when none is."""
        return self._least(np.r_[cost, np.zeros(self._extra)])

    def nearest(self, point: Floats) -> Floats:
        """Return the mixture itself when it is allowed, else one near it: in proportion if bounds alone are in the way.

        Scaling what is between the bounds changes a mixture least in the sense of Kullback and Leibler; else the sum
        of differences is made least.
        """
        scaled = _within_bounds(point, self.kept.least, self.kept.most)
        if self.contains(scaled):
            return scaled
        count = len(point)
        columns = np.zeros((2 * count, count + self._extra + count))
        columns[:count, :count], columns[count:, :count] = np.eye(count), -np.eye(count)
        columns[:count, -count:] = columns[count:, -count:] = -np.eye(count)
        cost = np.r_[np.zeros(count + self._extra), np.ones(count)]
        return self._least(cost, columns, np.r_[scaled, -scaled])

    def contains(self, point: Floats, tolerance: float = 1e-7) -> bool:
        """Say whether a mixture is allowed."""
        kept = self.kept
        inside = bool((point >= kept.least - tolerance).all() and (point <= kept.most + tolerance).all())
        inside = inside and all(point @ row >= least - tolerance for row, least in self.floors())
        if not inside or self.sampled is None:
            return inside
        hull = np.vstack([self.sampled.T, np.ones(len(self.sampled))])
        return bool(library("scipy.optimize").nnls(hull, np.r_[point, 1.0])[1] < max(tolerance, 1e-7) * 10)

    def floors(self) -> list[tuple[Floats, float]]:
        """Return for each slice the share that every component has of it, and the least of the mixture."""
        return [
            (np.array([floor.shares.get(name, 0.0) for name in self.kept.components]), floor.at_least)
            for floor in self.kept.floors
        ]

    @property
    def _extra(self) -> int:
        return 0 if self.sampled is None else len(self.sampled)

    def _least(self, cost: Floats, more: Floats | None = None, more_most: Floats | None = None) -> Floats:
        """Solve the programme over weights, shares of sampled mixtures, and further variables of at least 0."""
        count, size = len(self.kept.components), len(cost)
        equal, right = np.zeros((1, size)), np.ones(1)
        equal[0, :count] = 1
        if self.sampled is not None:
            between = np.zeros((count, size))
            between[:, :count], between[:, count : count + self._extra] = np.eye(count), -self.sampled.T
            equal, right = np.vstack([equal, between]), np.r_[right, np.zeros(count)]
        floors = self.floors()
        above = np.zeros((len(floors), size))
        for row, (shares, _) in zip(above, floors, strict=True):
            row[:count] = -shares
        most = np.array([-least for _, least in floors])
        if more is not None and more_most is not None:
            above, most = np.vstack([above, more]), np.r_[most, more_most]
        bounds = [*zip(self.kept.least, self.kept.most, strict=True), *[(0, None)] * (size - count)]
        solve = library("scipy.optimize").linprog
        found = solve(cost, above if len(above) else None, most if len(above) else None, equal, right, bounds)
        if found.status != 0:
            raise PlanError(
                "no mixture keeps all caps, least weights and floors of slices"
                + (" and lies between the mixtures that were trained" if self.sampled is not None else "")
                + f" ({found.message}); relax one of them"
            )
        weights: Floats = np.clip(found.x[:count], self.kept.least, self.kept.most)
        return weights


def _within_bounds(point: Floats, least: Floats, most: Floats) -> Floats:
    """Return `clip(t point, least, most)` with t such that it adds up to 1, by bisection on log t."""
    base = np.maximum(point, TOLERANCE)
    if abs(point.sum() - 1) < TOLERANCE and (point >= least).all() and (point <= most).all():
        return point
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(np.exp(middle) * base, least, most).sum() < 1 else (low, middle)
    found = np.clip(np.exp(high) * base, least, most)
    free = (found > least) & (found < most)
    return _exact(found, free)


def _exact(weights: Floats, free: Floats) -> Floats:
    """Return weights that add up to 1, what is off taken by those between their bounds."""
    off = 1 - weights.sum()
    room = weights[free].sum()
    if room:
        weights[free] = np.maximum(weights[free] + off * weights[free] / room, 0)  # rounding may end a hair below
    return weights
