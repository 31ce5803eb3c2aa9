"""What a mixture must keep, as bounds and linear floors on its weights: epoch caps, rights, replay, slices.

A cap in epochs is a bound on a weight: `share <= epochs x tokens of the component / tokens of the mixture`. A component
whose rights forbid training has the bound 0. "At least 2 % of the tokens on neglected tropical diseases" is a linear
floor over the share that each component has of them. A limit on a predicted loss (forgetting) is not linear and is
named by its target. Not here: finding the best mixture within them (`propose`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixer.experiments.table import Floats
from pipelines.engine.errors import PlanError


@dataclass(frozen=True, slots=True)
class SliceFloor:
    """At least this part of the mixture's tokens shall be of a slice; `shares` says how much of each component is."""

    name: str
    shares: Mapping[str, float]
    at_least: float


@dataclass(frozen=True, slots=True)
class Constraints:
    """Bounds on weights of shape (components,), floors of slices, and the most that predicted targets may be."""

    components: tuple[str, ...]
    prior: Floats
    """The natural mixture, from which a proposal departs only for a reason."""
    least: Floats
    most: Floats
    floors: tuple[SliceFloor, ...] = ()
    at_most: Mapping[str, float] | None = None
    """The highest predicted loss of a target, such as the general one before training plus a tolerance."""


def constraints(
    prior: Mapping[str, float], *, caps: Mapping[str, float] | None = None, least: Mapping[str, float] | None = None,
    forbidden: Sequence[str] = (), floors: Sequence[SliceFloor] = (), at_most: Mapping[str, float] | None = None,
) -> Constraints:  # fmt: skip
    """Return checked constraints for the components of `prior` (its values are divided by their sum).

    `caps` and `least` bound weights, `forbidden` are components that may not be trained on. Raises PlanError when a
    name is unknown or no mixture can keep all of them, with the values that collide.
    """
    names = tuple(prior)
    named = [*(caps or {}), *(least or {}), *forbidden, *(name for floor in floors for name in floor.shares)]
    if unknown := sorted(set(named) - set(names)):
        raise PlanError(f"constraints name {unknown}, the components are {list(names)}")
    natural = np.array([prior[name] for name in names], np.float64)
    if not (np.isfinite(natural).all() and (natural >= 0).all() and natural.sum() > 0):
        raise PlanError(f"the prior needs weights of at least 0, one of them above 0; got {dict(prior)}")
    low = np.array([(least or {}).get(name, 0.0) for name in names])
    high = np.array([0.0 if name in forbidden else min((caps or {}).get(name, 1.0), 1.0) for name in names])
    for name, a, b in zip(names, low, high, strict=True):
        if not 0 <= a <= b:
            raise PlanError(f"component {name!r} shall have at least {a:.4g} and at most {b:.4g} of the mixture")
    if high.sum() < 1 - 1e-12 or low.sum() > 1 + 1e-12:
        raise PlanError(
            f"no mixture keeps all bounds: the caps add up to {high.sum():.4g} (1 is needed), the least weights to "
            f"{low.sum():.4g} (at most 1); raise a cap in epochs, lower the tokens of the mixture or a least weight"
        )
    return Constraints(names, natural / natural.sum(), low, high, tuple(floors), at_most)


def cap_of_epochs(component_tokens: int, epochs: float, mixture_tokens: int) -> float:
    """Return the largest weight that a component can have without being seen more than `epochs` times."""
    return min(1.0, epochs * component_tokens / mixture_tokens)
