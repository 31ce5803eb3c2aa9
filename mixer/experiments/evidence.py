"""What speaks for a proposal, as plain JSON values: fits on runs they have not seen, and how losses move with shares.

Measured against expected on held-out mixtures with a band, and leave-one-out on the others, for the objective that
combines the targets; for each of them folds on the others, as its model was chosen by. Nothing is chosen by these
figures. Not here: drawing them (`pipelines.report`).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from mixer.experiments.calibration import calibration, rank_band
from mixer.experiments.confirm import values_of
from mixer.experiments.cross_validation import spearman
from mixer.experiments.fit import leave_one_out
from mixer.experiments.surface import Surface
from mixer.experiments.table import HELD_OUT, Floats, Runs

STEPS = 41
"""Points of a curve."""
LEVEL = 0.9
"""Part of single runs within an interval."""


def fitted(surface: Surface, runs: Runs, seed: int) -> dict[str, Any]:
    """Return how a surface was chosen, and how it does on runs that it has not seen."""
    held_out = runs.of(HELD_OUT)
    told: dict[str, Any] = {
        "model": surface.name,
        "signal": bool(surface.signal),
        "noise": number(surface.noise),
        "noise_runs": int(surface.noise_runs),
        "scores": {name: plain(asdict(one)) for name, one in surface.scores.items()},
        "left_out": _pairs(surface.left_out, surface.rows.column(surface.target)),
    }
    if len(held_out) > 1:
        told["parity"] = _pairs(surface.predict(held_out.weights), held_out.column(surface.target))
        told["held_out"] = plain(asdict(calibration(surface, held_out, seed)))
    return told


def combined(
    surfaces: Mapping[str, Surface], objective: Mapping[str, float], runs: Runs, seed: int
) -> dict[str, Any]:  # fmt: skip
    """Return the same of the objective: rank correlation of expected and measured with its band, and the pairs."""
    told: dict[str, Any] = {}
    train, held_out = next(iter(surfaces.values())).rows, runs.of(HELD_OUT)
    for name, rows, expected in (
        ("left_out", train, _weighted({name: leave_one_out(surfaces[name]) for name in objective}, objective)),
        ("held_out", held_out, _expected(surfaces, objective, held_out.weights)),
    ):
        measured = values_of(rows, objective)
        if len(rows) > 2:
            low, high = rank_band(expected, measured, seed)
            rank = {"runs": len(rows), "spearman": number(spearman(expected, measured)), "low": number(low)}
            told[name] = {**rank, "high": number(high), "pairs": _pairs(expected, measured)}
    return told


def curves(surfaces: Mapping[str, Surface], objective: Mapping[str, float], natural: Floats) -> list[dict[str, Any]]:
    """Return each loss along the share of each component, the others in the natural proportion, within what was seen.

    Rows hold component, share, target (`objective` for the combined one), value and the 90 % interval of a single run.
    """
    rows: list[dict[str, Any]] = []
    any_surface = next(iter(surfaces.values()))
    left_out = _weighted({name: surfaces[name].left_out for name in objective}, objective)
    errors = np.sort(np.abs(left_out - values_of(any_surface.rows, objective)))  # conformal, as those of a surface
    half = errors[min(int(np.ceil((len(errors) + 1) * LEVEL)), len(errors)) - 1]
    for at, component in enumerate(any_surface.components):
        rest = np.delete(natural, at).sum()
        if not rest:
            continue
        top = float(any_surface.rows.weights[:, at].max())
        shares = np.linspace(0, top, STEPS)
        points = np.outer((1 - shares) / rest, natural)
        points[:, at] = shares
        for name, surface in surfaces.items():
            ends = surface.interval(points, LEVEL)
            rows += [
                {"component": component, "share": number(share), "target": name, "value": number(value),
                 "low": number(low), "high": number(high)}
                for share, value, (low, high) in zip(shares, surface.predict(points), ends, strict=True)
            ]  # fmt: skip
        values = _expected(surfaces, objective, points)
        rows += [
            {"component": component, "share": number(share), "target": "objective", "value": number(value),
             "low": number(value - half), "high": number(value + half)}
            for share, value in zip(shares, values, strict=True)
        ]  # fmt: skip
    return rows


def plain(value: Any) -> Any:
    """Return JSON values: keys are text, numbers that are none (NaN, infinite) are null, others have 9 digits."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    return number(float(value)) if isinstance(value, float | np.floating) else value


def number(value: float) -> float | None:
    """Return a number for JSON, null for what is none."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


def _expected(surfaces: Mapping[str, Surface], objective: Mapping[str, float], weights: Floats) -> Floats:
    return _weighted({name: surfaces[name].predict(weights) for name in objective}, objective)


def _weighted(values: Mapping[str, Floats], objective: Mapping[str, float]) -> Floats:
    """Return the weighted mean of the values of targets."""
    total = sum(objective.values())
    found: Floats = np.sum([values[name] * weight / total for name, weight in objective.items()], axis=0)
    return found


def _pairs(expected: Floats, measured: Floats) -> list[list[float | None]]:
    return [[number(a), number(b)] for a, b in zip(expected, measured, strict=True)]
