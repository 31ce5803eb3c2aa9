"""The least of a smooth function over allowed mixtures: corners from linear programmes, the best between them by SLSQP.

Simplicial decomposition (von Hohenbalken, Mathematical Programming 13, 1977): SLSQP finds the best mixture of the
corners known so far, a linear programme with the slope there finds the corner that promises most, until none promises
anything. Mixtures of allowed mixtures are allowed, so caps and the hull hold by construction, and a cap that binds
does so to the last bits. What the last corner promises is how much lower a convex function could be at most: a proof.
Functions that are not convex are begun at several mixtures. Limits on other smooth functions enter SLSQP, and the
slope of its Lagrangian the linear programme; one of the mixtures begun with has to keep them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mixer.experiments.extras import library
from mixer.experiments.region import Region
from mixer.experiments.table import Floats

ROUNDS = 60
_ROUNDING = 1e-6
Curve = Callable[[Floats], tuple[float, Floats]]
"""Value and slope at one mixture of shape (components,)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A function that shall be at most 0; multiplied with `scale` it is of the order of the objective."""

    curve: Curve
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """The best mixture, its value, and how much lower a convex function could be within the region at most."""

    weights: Floats
    value: float
    gap: float


def least(
    region: Region, curve: Curve, starts: Sequence[Floats], scale: float, limits: Sequence[Limit] = ()
) -> Found | None:
    """Return the best over all starts (each a list of allowed mixtures), or None when the limits hold nowhere.

    `scale` is the order of the differences that matter; the search ends at a thousandth of it.
    """
    found = [_descend(region, curve, start, scale, limits) for start in starts]
    kept = [one for one in found if all(limit.curve(one.weights)[0] * limit.scale <= 1e-6 for limit in limits)]
    return min(kept, key=lambda one: one.value, default=None)


def _descend(region: Region, curve: Curve, start: Floats, scale: float, limits: Sequence[Limit]) -> Found:
    """Alternate between the best mixture of the known corners and the corner of the steepest descent."""
    corners = np.atleast_2d(start)
    shares = np.full(len(corners), 1 / len(corners))
    gap = np.inf
    for _ in range(ROUNDS):
        shares, slope = _between(corners, shares, curve, scale, limits)
        kept = shares > 1e-9
        corners, shares = corners[kept], shares[kept] / shares[kept].sum()
        here = shares @ corners
        corner = region.corner(slope / max(float(np.abs(slope).max()), 1e-300))
        gap = float(slope @ (here - corner))
        if gap <= 1e-3 * scale or np.abs(corners - corner).max(axis=1).min() < 1e-12:
            break
        corners, shares = np.vstack([corners, corner]), np.r_[shares, 0.0]
    here = _snapped(here, region)
    return Found(here, curve(here)[0], max(gap, 0.0))


def _snapped(weights: Floats, region: Region) -> Floats:
    """Return the weights with those that are a rounding away from a bound on it, the rest adding up to 1 again."""
    least, most = region.kept.least, region.kept.most
    found = np.where(weights < least + _ROUNDING, least, np.where(weights > most - _ROUNDING, most, weights))
    free = (found > least) & (found < most)
    if free.any():
        found[free] *= (1 - found[~free].sum()) / found[free].sum()
    return found


def _between(
    corners: Floats, shares: Floats, curve: Curve, scale: float, limits: Sequence[Limit]
) -> tuple[Floats, Floats]:
    """Return the best shares of the corners, and the slope of the Lagrangian in the weights there."""

    def value(one: Floats) -> tuple[float, Floats]:
        found, slope = curve(one @ corners)
        return found / scale, corners @ slope / scale

    def room(limit: Limit) -> dict[str, object]:
        return {
            "type": "ineq",
            "fun": lambda one: -limit.curve(one @ corners)[0] * limit.scale,
            "jac": lambda one: -(corners @ limit.curve(one @ corners)[1]) * limit.scale,
        }

    pull = np.zeros(len(limits))
    if len(corners) > 1:
        ones = np.ones(len(corners))
        total = {"type": "eq", "fun": lambda one: one.sum() - 1, "jac": lambda one: ones}
        found = library("scipy.optimize").minimize(
            value, shares, jac=True, method="SLSQP", bounds=[(0, 1)] * len(corners),
            constraints=[total, *map(room, limits)], options={"maxiter": 200, "ftol": 1e-10},
        )  # fmt: skip
        tried = np.clip(found.x, 0, None)
        tried /= tried.sum()
        if np.isfinite(tried).all() and (limits or value(tried)[0] <= value(shares)[0]):
            shares, pull = tried, found.multipliers[1:]
    here = shares @ corners
    slope = curve(here)[1]
    for limit, one in zip(limits, pull, strict=True):
        slope = slope + scale * abs(float(one)) * limit.scale * limit.curve(here)[1]
    return shares, slope
