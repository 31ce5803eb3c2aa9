"""How long a mixture may be: epoch caps proven before anything is written.

Each component has so many packed sequences and a cap in epochs. The schedule gives component i at most
ceil(share) sequences (`schedule`), so a length holds when ceil(share) <= floor(cap x sequences) for all. Where the
budget asked for does not hold, the policy decides: fail, shorten it, or redistribute what is over to the others in
proportion, which changes the weights least in the sense of Kullback and Leibler. All in exact rationals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from mixer.schedule import Phase, normalise, shares
from pipelines.engine.errors import PlanError

Policy = Literal["fail", "shorten", "redistribute"]


@dataclass(frozen=True, slots=True)
class Supply:
    """What a component has: packed sequences, a cap in epochs; an optional one may be empty."""

    name: str
    sequences: int
    max_epochs: Fraction
    optional: bool = False

    @property
    def cap(self) -> int:
        """Return the most sequences that may be taken."""
        return floor(self.max_epochs * self.sequences)


@dataclass(frozen=True, slots=True)
class Shape:
    """A phase before its length is known: its share of the mixture, and its weights (moving to `until` if given)."""

    share: Fraction
    weights: tuple[Fraction, ...]
    until: tuple[Fraction, ...] | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The proven mixture: phases with lengths, requested and effective share of each component, what was changed."""

    phases: tuple[Phase, ...]
    requested: tuple[Fraction, ...]
    effective: tuple[Fraction, ...]
    notes: tuple[str, ...]

    @property
    def sequences(self) -> int:
        """Return the length of the mixture in sequences."""
        return sum(phase.sequences for phase in self.phases)


def fit_budget(wanted: int | None, shapes: Sequence[Shape], supplies: Sequence[Supply], policy: Policy) -> Budget:
    """Return the budget of `wanted` sequences, or of as many as the caps allow when None. Raises PlanError."""
    shapes, notes = _without_empty(shapes, supplies)
    requested = _mean(shapes)
    longest = _longest(shapes, supplies)
    length = longest if wanted is None else wanted
    if length > longest:
        if policy == "fail":
            raise PlanError(_violations(length, longest, shapes, supplies))
        if policy == "redistribute":
            shapes = _redistributed(length, shapes, supplies)
            notes.append(f"weights were redistributed so that {length:,} sequences keep all epoch caps")
        else:
            notes.append(f"shortened from {length:,} to {longest:,} sequences by the epoch caps")
            length = longest
    if length < 1:
        least = min((s for s in supplies if s.sequences), key=lambda s: s.cap, default=None)
        hint = f"; component {least.name!r} has only {least.sequences} packed sequences" if least else ""
        raise PlanError(f"the mixture would have no sequence at all{hint}; use shorter sequences or higher epoch caps")
    return Budget(phases_of(length, shapes), requested, _mean(shapes), tuple(notes))


def phases_of(length: int, shapes: Sequence[Shape]) -> tuple[Phase, ...]:
    """Return the phases of a mixture of `length` sequences; borders are rounded down, the last one is `length`."""
    phases, done, reached = [], 0, Fraction(0)
    for shape in shapes:
        reached += shape.share
        border = floor(length * reached)
        phases.append(Phase(border - done, shape.weights, shape.until))
        done = border
    return tuple(phases)


def _without_empty(shapes: Sequence[Shape], supplies: Sequence[Supply]) -> tuple[list[Shape], list[str]]:
    """Take the weight from optional components without a sequence. Raises PlanError for others that are empty."""
    weighted = [any(s.weights[i] or (s.until and s.until[i]) for s in shapes) for i in range(len(supplies))]
    empty = [i for i, supply in enumerate(supplies) if weighted[i] and supply.sequences == 0]
    for i in empty:
        if not supplies[i].optional:
            raise PlanError(
                f"component {supplies[i].name!r} has a weight but not one document; check its sources, "
                "kinds and languages, or set its weight to 0"
            )

    def kept(weights: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        return normalise([Fraction(0) if i in empty else weight for i, weight in enumerate(weights)])

    notes = [f"component {supplies[i].name!r} is empty and its weight went to the others in proportion" for i in empty]
    return [Shape(s.share, kept(s.weights), s.until and kept(s.until)) for s in shapes], notes


def _mean(shapes: Sequence[Shape]) -> tuple[Fraction, ...]:
    """Return the share of each component in the whole mixture."""
    means = [(s.share, s.weights, s.until or s.weights) for s in shapes]
    return tuple(
        sum((share * (a[i] + b[i]) / 2 for share, a, b in means), Fraction(0)) for i in range(len(means[0][1]))
    )


def _holds(length: int, shapes: Sequence[Shape], supplies: Sequence[Supply]) -> bool:
    totals = shares(phases_of(length, shapes))
    return all(ceil(total) <= supply.cap for total, supply in zip(totals, supplies, strict=True))


def _longest(shapes: Sequence[Shape], supplies: Sequence[Supply]) -> int:
    """Return the largest length up to which every length holds, by bisection from the mean shares."""
    bounds = [supply.cap / mean for supply, mean in zip(supplies, _mean(shapes), strict=True) if mean]
    low, high = 0, floor(min(bounds)) + len(shapes) + 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _holds(middle, shapes, supplies) else (low, middle - 1)
    return low


def _redistributed(length: int, shapes: Sequence[Shape], supplies: Sequence[Supply]) -> list[Shape]:
    """Water-filling: components over their cap get just the cap, the rest grow in proportion. Raises PlanError."""
    if len(shapes) > 1 or shapes[0].until is not None:
        raise PlanError("on_cap: redistribute needs constant weights; with phases use `shorten` or `fail`")
    room = sum(supply.cap for supply, weight in zip(supplies, shapes[0].weights, strict=True) if weight)
    if room < length:
        raise PlanError(
            f"{length:,} sequences are wanted, but all epoch caps together allow {room:,}; raise a cap or shorten"
        )
    weights, full = list(shapes[0].weights), set[int]()
    while over := {i for i, w in enumerate(weights) if i not in full and ceil(w * length) > supplies[i].cap}:
        full |= over
        left = 1 - sum((Fraction(supplies[i].cap, length) for i in full), Fraction(0))
        free = sum((shapes[0].weights[i] for i in range(len(weights)) if i not in full), Fraction(0))
        for i in range(len(weights)):
            weights[i] = Fraction(supplies[i].cap, length) if i in full else shapes[0].weights[i] * left / (free or 1)
    return [Shape(Fraction(1), tuple(weights))]


def _violations(length: int, longest: int, shapes: Sequence[Shape], supplies: Sequence[Supply]) -> str:
    lines = [f"{length:,} sequences break epoch caps; at most {longest:,} hold with these weights:"]
    for supply, total in zip(supplies, shares(phases_of(length, shapes)), strict=True):
        if ceil(total) > supply.cap:
            lines.append(
                f"  {supply.name}: share {float(total):,.1f} of {supply.sequences:,} packed sequences is "
                f"{float(total / supply.sequences):.2f} epochs, cap {float(supply.max_epochs):g}"
            )
    lines.append("lower total_tokens or the weight, raise max_epochs, or set on_cap: shorten or redistribute")
    return "\n".join(lines)
