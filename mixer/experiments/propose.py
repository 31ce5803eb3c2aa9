"""Propose the mixture of the least objective that keeps every constraint and lies within what was trained.

For smooth models the search of `search` from several starts: the prior, the best trained mixtures, the best drawn ones.
For models that are convex in the weights (linear, exponential) its gap proves how good the result is. Trees have no
slope, and get the best of many drawn mixtures. Without a signal the proposal is the prior, or the nearest allowed one.
Not here: what is told of it (`reasons`), the front against a general loss (`front`), and training that confirms
(`confirm`).
"""

from collections.abc import Mapping

import numpy as np

from mixer.experiments.combined import PENALTY, Combined, combined, curve_of
from mixer.experiments.constraints import Constraints
from mixer.experiments.extras import one_thread
from mixer.experiments.fit_laws import Exponential, Linear
from mixer.experiments.front import front
from mixer.experiments.proposal import Proposal
from mixer.experiments.reasons import bound, expected, notes, verdict
from mixer.experiments.region import Region
from mixer.experiments.regressors import Constant
from mixer.experiments.search import Curve, Found, Limit, least
from mixer.experiments.surface import Surface
from mixer.experiments.table import TRAIN, Floats, Runs
from pipelines.engine.errors import PlanError

DRAWN = 4000
BEST = 100
"""Of the drawn mixtures, for the average."""
STARTS = 4


def propose(
    surfaces: Mapping[str, Surface], objective: Mapping[str, float], kept: Constraints, runs: Runs,
    *, general: str | None = None, seed: int = 0,
) -> Proposal:  # fmt: skip
    """Return the proposal for a weighted mean of targets; with `general` also the front against that target.

    `runs` are those of the fits; their training rows span the trust region. Raises PlanError when no mixture keeps the
    constraints, or none is expected to keep a limit on a target (`kept.at_most`).
    """
    with one_thread():
        return _Search(surfaces, combined(surfaces, objective), kept, runs, seed).proposal(general)


class _Search:
    """One proposal in the making: region, drawn mixtures and limits, made once."""

    def __init__(
        self, surfaces: Mapping[str, Surface], goal: Combined, kept: Constraints, runs: Runs, seed: int
    ) -> None:
        self.surfaces, self.goal, self.kept = surfaces, goal, kept
        rows = np.unique(runs.of(TRAIN).weights, axis=0)
        self.region = Region(kept, rows)
        self.prior = self.region.nearest(kept.prior)
        self.scale = max(goal.noise, 1e-9)
        inside = rows[[Region(kept).contains(row) for row in rows]]
        self.drawn = _drawn(np.vstack([self.prior, inside]), seed)
        self.limits = [self._limit(target, most) for target, most in (kept.at_most or {}).items()]
        self.easiest = self._easiest()

    def proposal(self, general: str | None) -> Proposal:
        """Return the mixture with everything that is told of it."""
        best = self.best(None) if self.goal.signal else Found(self._silent(), np.nan, np.nan)
        names = [*set.intersection(*(set(part.rivals) for part, _ in self.goal.parts))] if self.goal.signal else []
        by_model = {name: self.best(name).weights for name in sorted(names)}
        weights = self._agreed(best.weights, by_model)
        told = {target: expected(surface, weights, self.kept.prior) for target, surface in self.surfaces.items()}
        whole = expected(self.goal, weights, self.kept.prior)
        convex = all(isinstance(model, Linear | Exponential | Constant) for model, _ in self.goal.models())
        return Proposal(
            components=self.kept.components,
            weights=weights,
            verdict=verdict(self.goal, whole),
            objective=whole,
            targets=told,
            bound=tuple(bound(self, weights)),
            notes=tuple(notes(self, whole)),
            average=self._average(),
            by_model=by_model,
            disagreement=max((float(np.abs(one - weights).sum()) / 2 for one in by_model.values()), default=0.0),
            gap=best.gap if convex and weights is best.weights else float("nan"),
            front=front(self, self.surfaces[general], weights) if general and self.goal.signal else (),
        )

    def best(self, name: str | None, more: list[Limit] | None = None, start: Floats | None = None) -> Found:
        """Return the best mixture by the chosen models, or by the named one alone."""
        models = self.goal.models(name)
        curve = curve_of(models, self.kept.prior, PENALTY * self.scale)
        limits = [*self.limits, *(more or [])]
        values = np.sum([share * model.predict(self.drawn) for model, share in models], axis=0)
        values[~self._keeps(self.drawn, limits)] = np.inf
        order = np.argsort(values, kind="stable")
        if curve is None:
            return Found(self.drawn[order[0]], float(values[order[0]]), np.nan)
        safe = [point for point in (start, self.easiest, self.prior) if point is not None]
        count = 1 if name else STARTS
        starts = [np.vstack([*safe, self.drawn[row]]) for row in order[:count]]
        found = least(self.region, curve, starts, self.scale, limits)
        if found is None:
            raise PlanError(f"no mixture within what was trained is expected to keep the limits {self.kept.at_most}")
        return found

    def _agreed(self, best: Floats, by_model: Mapping[str, Floats]) -> Floats:
        """Return the best of the chosen models, unless another model that predicts about as well warns of it.

        Of what each such model proposes, that whose worst expectation among them is least: a process may invent an
        optimum between runs, which a law does not believe in.
        """
        names = [name for name in by_model if self.goal.trusts(name)]
        found = [best, *(by_model[name] for name in names)]
        models = [self.goal.models(), *(self.goal.models(name) for name in names)]
        points = np.array(found)
        expected = [np.sum([share * model.predict(points) for model, share in one], axis=0) for one in models]
        return found[int(np.max(expected, axis=0).argmin())]

    def _silent(self) -> Floats:
        """Return the prior, or if it breaks a limit the mixture that keeps the limits by most."""
        easiest = self.easiest
        return self.prior if easiest is None or self._keeps(self.prior[None], self.limits)[0] else easiest

    def _keeps(self, points: Floats, limits: list[Limit]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if not limits:
            return np.ones(len(points), np.bool_)
        return np.array([all(limit.curve(point)[0] <= 0 for limit in limits) for point in points])

    def _limit(self, target: str, most: float) -> Limit:
        if target not in self.surfaces:
            raise PlanError(f"a limit names {target!r}, surfaces are fitted for {sorted(self.surfaces)}")
        surface = self.surfaces[target]
        curve = curve_of([(surface.model, 1.0)], self.kept.prior, 0.0)
        if curve is None:
            raise PlanError(f"a limit on {target!r} needs a model with a slope, {surface.name} has none; fit another")
        return Limit(_shifted(curve, most), 1 / max(surface.noise, 1e-9))

    def _easiest(self) -> Floats | None:
        """Return the mixture that keeps the limits by most, None without limits. Raises PlanError when none does."""
        if not self.limits:
            return None
        over = [max(limit.curve(point)[0] * limit.scale for limit in self.limits) for point in self.drawn]
        start: Floats = self.drawn[int(np.argmin(over))]
        if min(over) > 0 and len(self.limits) == 1:
            found = least(self.region, self.limits[0].curve, [np.vstack([start, self.prior])], self.scale)
            start = found.weights if found is not None else start
        for (target, most), limit in zip((self.kept.at_most or {}).items(), self.limits, strict=True):
            if (excess := limit.curve(start)[0]) > 0:
                raise PlanError(
                    f"no mixture within what was trained is expected to keep {target} at most {most:.4g}; the least "
                    f"found is {most + excess:.4g}. Allow more, or train mixtures with more of what it needs"
                )
        return start

    def _average(self) -> Floats:
        points = self.drawn[self._keeps(self.drawn, self.limits)]
        order = np.argsort(self.goal.predict(points), kind="stable")[:BEST]
        mean: Floats = points[order].mean(axis=0) if self.goal.signal and len(order) else self.prior
        return mean


def _drawn(rows: Floats, seed: int) -> Floats:
    """Return mixtures between allowed ones, shape (n, components): between a few, and from one to another."""
    random = np.random.default_rng([seed, 2])
    picked = random.integers(len(rows), size=(DRAWN, 4))
    shares = random.dirichlet(np.full(4, 0.5), DRAWN)
    return np.vstack([rows, np.einsum("ij,ijk->ik", shares, rows[picked])])


def _shifted(curve: Curve, most: float) -> Curve:
    def over(weights: Floats) -> tuple[float, Floats]:
        value, slope = curve(weights)
        return value - most, slope

    return over
