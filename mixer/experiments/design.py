"""Which mixtures to train proxies on: around the prior from sparse to even, its borders, and two that are always in.

- Dirichlet draws around the square root of the prior, as RegMix (arXiv 2407.01492), with log-spaced strengths: some
  nearly of one component, some nearly the prior. What breaks a cap, floor or least weight is rejected, and the
  acceptance rate is told, as a low one means that hardly any mixture is allowed.
- borders: a rejected draw, pulled towards the prior until it just keeps everything, and corners of what is allowed.
- always in: the natural mixture, the uniform one, for each component a corner with the most of it, and one with much of
  all that have a cap, up to STRETCH times the caps. A proposal stays within the hull of what was trained, so a cap can
  bind only if mixtures on both sides of it were. What may not be (rights) or must be (least weights) holds in them too.
- with a replay component its share is an axis of its own: draws take its levels in turn, the others fill the rest.

From all candidates a greedy D-optimal pick on logs of weights and their squares takes the training mixtures; held-out
ones are drawn at random, so that they tell of the space and not of its edges. Three seeds of the natural mixture give
the noise floor. Not here: training (`proxy`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mixer.experiments.constraints import Constraints
from mixer.experiments.region import Region
from mixer.experiments.table import HELD_OUT, TRAIN, Floats, Ints, Runs, runs_of
from pipelines.engine.errors import PlanError

REPLAY_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5)
SMALLEST = 2e-4
"""Weights below are made 0: a proxy sees too few tokens of them to tell."""
STRETCH = 5.0
"""What corners may be over a cap: with 4 epochs a component is seen 20 times, which in a mixture still does no harm
(arXiv 2605.12715)."""
APART = 0.01
"""Least distance (half the sum of differences) between two mixtures."""
Names = npt.NDArray[np.str_]
_DRAWS_FOR_EACH = 60
_OFFSET = 0.01


@dataclass(frozen=True, slots=True)
class Design:
    """Mixtures to train, weights of shape (runs, components), and how they came about."""

    components: tuple[str, ...]
    weights: Floats
    kinds: tuple[str, ...]
    """natural, uniform, corner, dirichlet or border."""
    splits: tuple[str, ...]
    replicates: Ints
    seeds: Ints
    drawn: int
    accepted: int

    @property
    def acceptance(self) -> float:
        """Return the share of draws that kept all constraints."""
        return self.accepted / self.drawn

    def runs(self, plan: str = "") -> Runs:
        """Return the table of runs, without metrics yet."""
        return runs_of(
            self.components, self.weights, (), np.empty((len(self.weights), 0)), splits=self.splits,
            replicates=self.replicates, seeds=self.seeds, plan=plan,
        )  # fmt: skip


def default_count(components: int) -> int:
    """Return the number of mixtures for so many components: 4 each, at least 32 (8 each are better if affordable)."""
    return max(4 * components, 32)


def propose_designs(
    kept: Constraints, count: int | None = None, *, seed: int = 0, replay: str | None = None,
    levels: Sequence[float] = REPLAY_LEVELS, replicates: int = 3,
) -> Design:  # fmt: skip
    """Return `count` different mixtures, a tenth of them held out, and `replicates` - 1 more runs of the natural one.

    Raises PlanError when the constraints leave no room for so many, or `replay` is no component.
    """
    count = count or default_count(len(kept.components))
    region = Region(kept)
    random = np.random.default_rng(seed)
    always, always_kinds = _always(kept)
    pool, kinds, drawn, accepted = _candidates(region, count, random, replay, levels)
    pool, kinds = _apart(pool, kinds, always)
    wanted, held = count - len(always), max(1, round(count / 10))
    even = np.flatnonzero(kinds == "dirichlet") if (kinds == "dirichlet").sum() >= 2 * held else np.arange(len(kinds))
    if wanted - held < 1 or len(pool) < wanted:
        raise PlanError(
            f"{count} mixtures were asked for, {len(always)} are always in and {len(pool)} others that differ by "
            f"{APART:.0%} or more were found ({accepted} of {drawn} draws kept all constraints); ask for "
            f"{'fewer' if len(pool) < wanted else 'more'} runs or relax the constraints"
        )
    out = np.sort(random.choice(even, held, replace=False))
    left = np.setdiff1d(np.arange(len(pool)), out)
    picked = left[_d_optimal(always, pool[left], wanted - held)]
    extra = replicates - 1
    weights = np.vstack([always, always[:1].repeat(extra, axis=0), pool[picked], pool[out]])
    return Design(
        kept.components,
        weights,
        (*always_kinds, *["natural"] * extra, *kinds[picked], *kinds[out]),
        (TRAIN,) * (len(weights) - held) + (HELD_OUT,) * held,
        np.array([0] + [-1] * (len(always) - 1) + [0] * extra + [-1] * (wanted)),
        np.array([0] * len(always) + list(range(1, replicates)) + [0] * wanted),
        drawn,
        accepted,
    )


def _always(kept: Constraints) -> tuple[Floats, list[str]]:
    """Return the natural and the uniform mixture (the nearest that are possible) and the corners."""
    wide = _wide(kept)
    count = len(kept.components)
    points = [wide.nearest(kept.prior), wide.nearest(np.full(count, 1 / count))]
    capped = (kept.most < 1) & (kept.most > 0)
    for chosen in [*np.eye(count, dtype=bool), *([capped] if 1 < capped.sum() < count else [])]:
        room = 1 - float(kept.least[~chosen].sum())
        most = np.where(chosen, wide.kept.most, 0) * min(1.0, room / max(float(wide.kept.most[chosen].sum()), 1e-12))
        fixed = np.maximum(kept.least, most)
        bounds = replace(wide.kept, least=fixed, most=np.where(chosen, fixed, np.where(kept.most > 0, 1.0, 0.0)))
        points.append(Region(bounds).nearest(kept.prior))
    rows, kinds = _apart(np.array(points), np.array(["natural", "uniform"] + ["corner"] * (len(points) - 2)))
    return rows, list(kinds)


def _wide(kept: Constraints) -> Region:
    """Return what corners may be: caps stretched, floors of slices left to the proposal."""
    return Region(replace(kept, most=np.minimum(STRETCH * kept.most, 1), floors=()))


def _candidates(
    region: Region, count: int, random: np.random.Generator, replay: str | None, levels: Sequence[float]
) -> tuple[Floats, Names, int, int]:
    """Return mixtures to pick from with their kinds, and how many of the draws there were and were accepted."""
    draws = _draws(region.kept, count * _DRAWS_FOR_EACH, random, replay, levels)
    good = np.array([region.contains(one) for one in draws])
    centre = region.nearest(region.kept.prior)
    borders = np.array([_pulled(one, centre, region) for one in draws[~good][: 4 * count]])
    wide = _wide(region.kept)
    corners = np.array([wide.corner(random.normal(size=len(centre))) for _ in range(2 * len(centre))])
    rows = np.vstack([draws[good], borders.reshape(-1, len(centre)), corners])
    kinds = np.array(["dirichlet"] * int(good.sum()) + ["border"] * len(borders) + ["corner"] * len(corners))
    return rows, kinds, len(draws), int(good.sum())


def _draws(
    kept: Constraints, count: int, random: np.random.Generator, replay: str | None, levels: Sequence[float]
) -> Floats:
    """Return Dirichlet draws above the least weights, the share of a replay component at its levels in turn."""
    if replay is not None and replay not in kept.components:
        raise PlanError(f"replay component {replay!r} is none of {list(kept.components)}")
    size = len(kept.components)
    root = np.sqrt(np.maximum(kept.prior, 1e-3))
    strengths = np.geomspace(1, 2 * size, 15)
    allowed = (kept.most > 0).astype(float)
    rows = np.zeros((count, size))
    for row, strength in zip(rows, np.resize(strengths, count), strict=True):
        drawn = random.gamma(np.maximum(root / root.sum() * strength, 0.02)) * allowed
        row[:] = kept.least + (1 - kept.least.sum()) * drawn / max(drawn.sum(), 1e-300)
    rows[rows < SMALLEST] = 0
    rows = np.maximum(rows, kept.least)
    if replay is not None:
        _at_levels(rows, kept.components.index(replay), levels, len(strengths))
    mixtures: Floats = rows / rows.sum(axis=1, keepdims=True)
    return mixtures


def _at_levels(rows: Floats, column: int, levels: Sequence[float], turn: int) -> None:
    """Set one column to the levels, each for all strengths in turn, and scale the others to fill the rest."""
    shares = np.array(levels)[np.arange(len(rows)) // turn % len(levels)]
    others = np.delete(np.arange(rows.shape[1]), column)
    rows[:, others] *= ((1 - shares) / np.maximum(rows[:, others].sum(axis=1), 1e-12))[:, None]
    rows[:, column] = shares


def _pulled(point: Floats, centre: Floats, region: Region) -> Floats:
    """Return the mixture farthest from the centre, on the way to `point`, that is still allowed."""
    step = point - centre
    ends = [(region.kept.most - centre, step), (centre - region.kept.least, -step)]
    reach = [float((room[move > 1e-12] / move[move > 1e-12]).min()) for room, move in ends if (move > 1e-12).any()]
    for shares, least in region.floors():
        if step @ shares < -1e-12:
            reach.append(float((centre @ shares - least) / -(step @ shares)))
    pulled: Floats = np.clip(centre + max(min([1.0, *reach]), 0.0) * step, region.kept.least, region.kept.most)
    return pulled


def _apart(rows: Floats, kinds: Names, others: Floats | None = None) -> tuple[Floats, Names]:
    """Return the rows that are no near duplicate of an earlier one (nor of `others`)."""
    seen = list(others if others is not None else [])
    kept = []
    for at, row in enumerate(rows):
        if not seen or float(np.abs(np.array(seen) - row).sum(axis=1).min()) / 2 >= APART:
            seen.append(row)
            kept.append(at)
    return rows[kept], kinds[kept]


def _d_optimal(always: Floats, pool: Floats, count: int) -> Ints:
    """Return the rows of the pool that one after another add most to the determinant of the information."""
    logs = np.log1p(np.vstack([always, pool]) / _OFFSET)
    features = np.hstack([logs, logs**2])
    features = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
    features = np.hstack([np.ones((len(features), 1)), features])
    known, open_rows = features[: len(always)], features[len(always) :]
    inverse = np.linalg.inv(known.T @ known + 1e-2 * np.eye(features.shape[1]))
    picked: list[int] = []
    for _ in range(count):
        gain = np.einsum("ij,jk,ik->i", open_rows, inverse, open_rows)
        gain[picked] = -1
        best = int(gain.argmax())
        picked.append(best)
        side = inverse @ open_rows[best]
        inverse -= np.outer(side, side) / (1 + open_rows[best] @ side)
    return np.array(picked, np.int64)
