"""Confirmation: the proposal, the natural and the uniform mixture, each trained with the same few seeds.

A surface can promise what training does not keep, so nothing is recommended that was not trained. Runs of one seed
share initial weights and order of draws, hence differences are taken seed by seed; their error is the noise of single
runs, pooled over all mixtures that were trained more than once. Not here: the proposal (`propose`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixer.experiments.extras import library
from mixer.experiments.table import Floats, Runs

PROPOSAL, NATURAL, UNIFORM = "proposal", "natural", "uniform"
LEVEL = 0.95
DECIMALS = 4
"""Of weights: a mixture is told to the ten-thousandth, and trained as it is told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The proposal's objective less that of another mixture, in bits per byte (below 0: better), with its interval."""

    other: str
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Say whether the interval leaves a doubt."""
        return "better" if self.high < 0 else "worse" if self.low > 0 else "not different beyond noise"


def to_train(mixtures: Mapping[str, Sequence[float]], seed: int, seeds: int) -> list[dict[str, Any]]:
    """Return the runs of a confirmation as a sweep takes them: every mixture with the same seeds."""
    return [
        {"id": f"{name}-{number}", "weights": [float(w) for w in weights], "seed": seed + number, "split": "held-out",
         "replicate": at}
        for at, (name, weights) in enumerate(mixtures.items())
        for number in range(seeds)
    ]  # fmt: skip


def rounded(weights: Floats) -> Floats:
    """Return weights of DECIMALS decimals that add up to 1 exactly: the largest remainders are rounded up."""
    units = np.asarray(weights, np.float64) * 10**DECIMALS
    whole = np.floor(units + 1e-9)
    left = 10**DECIMALS - int(whole.sum())
    whole[np.argsort(-(units - whole), kind="stable")[:left]] += 1
    exact: Floats = whole / 10**DECIMALS
    return exact


def values_of(runs: Runs, objective: Mapping[str, float]) -> Floats:
    """Return the objective of each run, shape (runs,): the weighted mean of its targets."""
    total = sum(objective.values())
    columns = [runs.column(name) * weight / total for name, weight in objective.items()]
    values: Floats = np.sum(columns, axis=0)
    return values


def differences(confirmed: Runs, swept: Runs, objective: Mapping[str, float]) -> tuple[list[Difference], float]:
    """Return the proposal against the others, and the noise of a single run (its standard deviation).

    Mixtures that lost a run (it diverged) are compared by the seeds that are left.
    """
    values = values_of(confirmed, objective)
    groups = {
        name: {int(seed): float(v) for seed, v, run in zip(confirmed.seeds, values, confirmed.ids, strict=True)
               if run.rpartition("-")[0] == name}
        for name in (PROPOSAL, NATURAL, UNIFORM)
    }  # fmt: skip
    noise, freedom = _noise([list(one.values()) for one in groups.values()] + _replicates(swept, objective))
    found = []
    for other in (NATURAL, UNIFORM):
        seeds = sorted(groups[PROPOSAL].keys() & groups[other].keys())
        if not seeds:
            continue
        value = float(np.mean([groups[PROPOSAL][seed] - groups[other][seed] for seed in seeds]))
        t = float(library("scipy.stats").t.ppf((1 + LEVEL) / 2, max(1, freedom)))
        half = t * noise * (2 / len(seeds)) ** 0.5
        found.append(Difference(other, value, value - half, value + half))
    return found, noise


def _replicates(runs: Runs, objective: Mapping[str, float]) -> list[list[float]]:
    values = values_of(runs, objective)
    return [values[runs.replicates == one].tolist() for one in np.unique(runs.replicates) if one >= 0]


def _noise(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return the pooled standard deviation within groups and its degrees of freedom."""
    freedom = sum(max(0, len(group) - 1) for group in groups)
    squares = sum(float(((np.array(group) - np.mean(group)) ** 2).sum()) for group in groups if len(group))
    return (squares / freedom) ** 0.5 if freedom else 0.0, freedom


def sentence(found: Sequence[Difference], noise: float) -> str:
    """Return the verdict in words, as plain when it is bad news."""
    told = [
        f"{one.verdict} {'than' if one.verdict in ('better', 'worse') else 'from'} {one.other} "
        f"({one.value:+.4f} bits per byte, 95 % interval {one.low:+.4f} to {one.high:+.4f})"
        for one in found
    ]
    return f"Trained, the proposal is {' and '.join(told)}; a single run varies by {noise:.4f}."
