"""Which component each sequence of a mixture comes from: chairman assignment in exact integers.

Tijdeman's rule ("The chairman assignment problem", Discrete Mathematics 32, 1980): the j-th item of component i is
released once its share passes j + e and is due before its share passes j + 1 - e, with e = 1/(2k-2) for k components;
the released item that is due first goes next, ties by component. Then in every prefix, through phases and anneals,
|count - share| <= 1 - 1/(2k-2) < 1. Shares are rationals and no float decides. The last phase is taken to go on for
ever, so a longer schedule with the same weights begins with the shorter one. Not here: epoch caps (`caps`) and the
order within a component (`permutation`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from heapq import heappop, heappush
from math import isqrt, lcm

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.engine.errors import PlanError

Ints = npt.NDArray[np.int64]
MAX_COMPONENTS = 1 << 16
STRETCH = 1 << 22
"""Steps that are worked out at a time: some 200 MB."""
_SAFE = 1 << 62
"""Numbers below it fit into 64 bits, with room for a sum."""
_NEVER = 1 << 46  # a due step beyond every schedule; times MAX_COMPONENTS it still fits an int64


@dataclass(frozen=True, slots=True)
class Phase:
    """A run of sequences with constant weights, or weights that move linearly from `weights` to `until`.

    Weights are relative (they are divided by their sum). The weight of step t of an anneal (1-based) is the one at
    its middle, (t - 1/2) / sequences of the way, so that the mean over the phase is exactly that of both ends.
    """

    sequences: int
    weights: tuple[Fraction, ...]
    until: tuple[Fraction, ...] | None = None

    def ends(self) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
        """Return the normalised weights at the start and at the end of the phase."""
        start = normalise(self.weights)
        return start, start if self.until is None else normalise(self.until)


@dataclass(frozen=True, slots=True)
class _Span:
    """One component in one phase: its share after m steps is `before + start m + slope m^2 / 2`."""

    sequences: int
    before: Fraction
    start: Fraction
    slope: Fraction

    def share(self, steps: int) -> Fraction:
        return self.before + self.start * steps + self.slope * steps * steps / 2


def exact(value: int | float | str | Decimal | Fraction) -> Fraction:
    """Return a weight as the rational that its decimal digits spell (0.1 is one tenth).

    Raises PlanError for what is not a finite number.
    """
    try:
        return value if isinstance(value, Fraction) else Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise PlanError(f"weight {value!r} is not a finite number; write a decimal such as 0.25") from None


def normalise(weights: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Return the weights divided by their sum. Raises PlanError when one is negative or all are zero."""
    if any(weight < 0 for weight in weights):
        raise PlanError(f"weights must not be negative, got {[float(w) for w in weights]}")
    total = sum(weights, Fraction(0))
    if total == 0:
        raise PlanError("all weights are zero; at least one component needs a weight above zero")
    return tuple(weight / total for weight in weights)


def deviation_bound(active: int) -> Fraction:
    """Return the proven bound on |count - share| for `active` components with a weight above zero."""
    return Fraction(0) if active < 2 else 1 - Fraction(1, 2 * active - 2)


def active_components(phases: Sequence[Phase]) -> list[int]:
    """Return the components that have a weight above zero at any end of any phase that has sequences."""
    ends = [end for phase in phases if phase.sequences for end in phase.ends()]
    return [i for i in range(len(phases[0].weights)) if any(end[i] > 0 for end in ends)]


def shares(phases: Sequence[Phase], after: int | None = None) -> list[Fraction]:
    """Return the exact share of each component, in sequences, `after` so many steps (default: all)."""
    done = sum(phase.sequences for phase in phases) if after is None else after
    totals = [Fraction(0)] * len(phases[0].weights)
    for phase in phases:
        steps = min(done, phase.sequences)
        done -= steps
        for i, (a, b) in enumerate(zip(*phase.ends(), strict=True)):
            totals[i] = _span(phase.sequences, totals[i], a, b).share(steps)
    return totals


def assign(phases: Sequence[Phase]) -> npt.NDArray[np.uint16]:
    """Return the component of each sequence, in training order; O(N log k) in exact integers.

    It is made stretch by stretch, so that a plan of any length takes 2 bytes a sequence and no more. Raises PlanError
    when phases disagree on the number of components or a phase has a negative length.
    """
    _validate(phases)
    total = sum(phase.sequences for phase in phases)
    active = active_components(phases) if total else []
    if len(active) < 2:
        return np.full(total, active[0] if active else 0, dtype=np.uint16)
    slack = Fraction(1, 2 * len(active) - 2)
    components = [_Component(tuple(_spans(phases, i)), phases[-1].ends()[1][i], slack) for i in active]
    chosen, given, waiting = np.empty(total, np.uint16), [0] * len(active), np.zeros(0, np.int64)
    for first in range(0, total, STRETCH):
        last = min(first + STRETCH, total)
        items = [range(done, component.released(last)) for done, component in zip(given, components, strict=True)]
        release = np.concatenate([c.release(mine) for c, mine in zip(components, items, strict=True)])
        due = [c.due(mine) * MAX_COMPONENTS + i for c, mine, i in zip(components, items, active, strict=True)]
        order = np.argsort(release, kind="stable")
        keys = np.concatenate(due)[order]
        waiting = _earliest_due_first(chosen[first:last], first, release[order], keys, waiting)
        given = [mine.stop for mine in items]
    return chosen


def _validate(phases: Sequence[Phase]) -> None:
    sizes = {len(weights) for phase in phases for weights in (phase.weights, phase.until or phase.weights)}
    if len(sizes) != 1 or not 0 < max(sizes) <= MAX_COMPONENTS:
        raise PlanError(f"every phase needs one weight for each component; the phases have {sorted(sizes)} weights")
    for index, phase in enumerate(phases):
        if phase.sequences < 0:
            raise PlanError(f"phase {index} has {phase.sequences} sequences; it needs zero or more")


def _span(sequences: int, before: Fraction, start: Fraction, end: Fraction) -> _Span:
    slope = (end - start) / sequences if sequences else Fraction(0)
    return _Span(sequences, before, start, slope)


def _spans(phases: Sequence[Phase], component: int) -> Iterator[_Span]:
    before = Fraction(0)
    for phase in phases:
        start, end = (weights[component] for weights in phase.ends())
        yield (span := _span(phase.sequences, before, start, end))
        before = span.share(phase.sequences)


@dataclass(frozen=True, slots=True)
class _Component:
    """The steps (1-based) at which the items of a component are released, and by which they are due."""

    spans: tuple[_Span, ...]
    last_weight: Fraction
    slack: Fraction

    def released(self, step: int) -> int:
        """Return how many items are released after so many steps."""
        for span in self.spans:
            if step <= span.sequences:
                break
            step -= span.sequences
        return _reached(span.share(step) - self.slack, strict=False)

    def release(self, items: range) -> Ints:
        return _first_steps(self.spans, self.slack, False, items)

    def due(self, items: range) -> Ints:
        due = _first_steps(self.spans, 1 - self.slack, True, items)
        if len(due) == len(items):
            return due
        last, late = self.spans[-1], _NEVER  # at most one item is due after the end: as if the last weights went on
        if self.last_weight:
            left = items.stop - self.slack - last.share(last.sequences)
            late = min(late, sum(span.sequences for span in self.spans) + int(left // self.last_weight) + 1)
        return np.append(due, np.int64(late))


def _reached(share: Fraction, strict: bool) -> int:
    """Return how many of the items 0, 1, ... a share has reached (passed, if strict)."""
    return max(0, -((-share) // 1) if strict else share // 1 + 1)


def _first_steps(spans: Sequence[_Span], shift: Fraction, strict: bool, items: range) -> Ints:
    """Return the first step at which the share reaches (passes, if strict) j + shift, for those of the items that it
    does."""
    done, item, steps = 0, items.start, [np.zeros(0, np.int64)]
    for span in spans:
        stop = min(items.stop, _reached(span.share(span.sequences) - shift, strict))  # they lie in this span at last
        if stop > item:
            steps.append(_solve(span, shift, strict, range(item, stop)) + done)
            item = stop
        done += span.sequences
    return np.concatenate(steps)


def _solve(span: _Span, shift: Fraction, strict: bool, items: range) -> npt.NDArray[np.int64]:
    """Return the least m with a m^2 + b m >= c (> c if strict) for each item, all in integers."""
    a, b, offset = span.slope / 2, span.start, shift - span.before
    scale = lcm(a.denominator, b.denominator, offset.denominator)
    a_, b_, offset_ = int(a * scale), int(b * scale), int(offset * scale) + strict
    if a_ == 0 and items.stop * scale + abs(offset_) < _SAFE:
        return -(-(np.arange(items.start, items.stop) * scale + offset_) // b_)
    return np.fromiter(_roots(a_, b_, (item * scale + offset_ for item in items)), np.int64, len(items))


def _roots(a: int, b: int, bounds: Iterable[int]) -> Iterator[int]:
    """Yield the least m with a m^2 + b m >= c for each bound c, in integers of any size."""
    if a == 0:
        yield from (-(-c // b) for c in bounds)
    elif a > 0:  # (2 a m + b)^2 >= d, and 2 a m + b is an integer
        for c in bounds:
            d = b * b + 4 * a * c
            root = isqrt(d)
            yield -((b - root - (root * root < d)) // (2 * a))
    else:  # the weight falls and 2 a m + b stays at or above zero within the phase: (2 a m + b)^2 <= d
        for c in bounds:
            yield -((isqrt(b * b + 4 * a * c) - b) // (-2 * a))


@compiled
def _earliest_due_first(chosen: npt.NDArray[np.uint16], done: int, release: Ints, keys: Ints, waiting: Ints) -> Ints:
    """Run the released item with the smallest key (due, component) at each step after `done`; return what waits then.

    The heap holds about 2k items.
    """
    heap = [np.int64(0) for _ in range(0)]
    for key in waiting:
        heappush(heap, key)
    pending = 0
    for place in range(len(chosen)):
        while pending < len(release) and release[pending] <= done + place + 1:
            heappush(heap, keys[pending])
            pending += 1
        chosen[place] = heappop(heap) % MAX_COMPONENTS
    return np.array(heap)
