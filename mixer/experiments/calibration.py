"""How good a surface is on runs that it has not seen: ranks, errors, coverage of its intervals, the cost of its pick.

Every figure has its band: the rank correlation by resampling held-out mixtures, coverage with the number of runs, the
error beside the noise of a single run, below which no surface can come. Nothing is fitted or chosen here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixer.experiments.cross_validation import spearman
from mixer.experiments.surface import Surface
from mixer.experiments.table import Floats, Runs
from pipelines.engine.errors import InputError

LEVELS = (0.5, 0.8, 0.9, 0.95)
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected against measured on `runs` mixtures; `rank` (1: best) and `regret` are those of the surface's pick."""

    runs: int
    spearman: float
    spearman_low: float
    spearman_high: float
    mse: float
    noise: float
    noise_runs: int
    rank: int
    regret: float
    coverage: Mapping[float, float]
    """Share of runs within the interval of each level."""


def calibration(surface: Surface, runs: Runs, seed: int = 0) -> Calibration:
    """Return how the surface does on runs that it was not fitted to. Raises InputError when they are not apart."""
    measured = runs.column(surface.target)
    runs, measured = runs.take(np.isfinite(measured)), measured[np.isfinite(measured)]
    if not len(runs) or set(runs.ids) & set(surface.rows.ids):
        raise InputError(
            f"{surface.target!r} cannot be judged: the runs given were fitted to, or none has a finite value; "
            "give those of the held-out split"
        )
    expected = surface.predict(runs.weights)
    low, high = rank_band(expected, measured, seed)
    pick = int(expected.argmin())
    inside = {level: _inside(surface, runs, measured, level) for level in LEVELS}
    return Calibration(
        len(runs), spearman(expected, measured), low, high, float(np.mean((expected - measured) ** 2)),
        surface.noise, surface.noise_runs, int((measured < measured[pick]).sum()) + 1,
        float(measured[pick] - measured.min()), inside,
    )  # fmt: skip


def rank_band(expected: Floats, measured: Floats, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % band of the rank correlation over resampled mixtures."""
    random = np.random.default_rng(seed)
    drawn = random.integers(len(measured), size=(RESAMPLES, len(measured)))
    low, high = np.quantile([spearman(expected[rows], measured[rows]) for rows in drawn], [0.025, 0.975])
    return float(low), float(high)


def _inside(surface: Surface, runs: Runs, measured: Floats, level: float) -> float:
    ends = surface.interval(runs.weights, level)
    return float(((measured >= ends[:, 0]) & (measured <= ends[:, 1])).mean())
