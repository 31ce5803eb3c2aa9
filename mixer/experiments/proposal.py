"""The words of a proposal: the mixture, what it is expected to give, what held it back, and a plain verdict.

`propose.propose(surfaces, objective, constraints, runs)` makes one. All expectations are of models fitted to training
rows; the verdict compares the proposal with the natural mixture by the same bootstrap fits, so what both share in
error cancels. Only training at the proposal confirms it. Not here: the search (`propose`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mixer.experiments.table import Floats

Verdict = Literal["better", "not better", "worse", "no signal"]
"""Against the natural mixture, beyond noise: better; not better; worse (flagged, do not train it); or the runs hold no
signal at all, and the proposal is the prior."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One target at the proposal and at the natural mixture, and the interval of their difference (negative: gain)."""

    proposal: float
    natural: float
    uniform: float
    difference_low: float
    difference_high: float


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """One mixture of the front: the least objective at this most of the general loss."""

    weights: Floats
    objective: float
    general: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mixture over `components`, shape (components,), with its reasons."""

    components: tuple[str, ...]
    weights: Floats
    verdict: Verdict
    objective: Expected
    targets: Mapping[str, Expected]
    bound: tuple[str, ...]
    """What holds it back: `cap NAME`, `least NAME`, `slice NAME`, `limit TARGET`, `sampled hull`."""
    notes: tuple[str, ...]
    average: Floats
    """Mean of the best of many mixtures drawn within the constraints (RegMix's pick), shape (components,)."""
    by_model: Mapping[str, Floats]
    """What each model alone would propose."""
    disagreement: float
    """Largest distance in weight (half the sum of differences) between the proposal and one of `by_model`."""
    gap: float
    """How much lower the fitted objective could at most be within the constraints if the model is convex, else NaN."""
    front: tuple[FrontPoint, ...] = ()
