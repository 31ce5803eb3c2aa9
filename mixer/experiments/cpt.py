"""Continued pretraining: how losses go with the domain's share, tokens and model size, and how little replay is enough.

D-CPT law (arXiv 2406.01375): `L(r, D, N) = E + A / N^a + B r^eta / D^b + C / (r + eps)^g`, for the loss of one domain
with r its share, D trained tokens, N parameters; the general loss has r as the share of general data. With one model
size the term in N is part of E. From a fitted general loss follow the critical mixture ratio (arXiv 2407.17467): the
largest domain share at which the general loss is not above a given one by more than a tolerance, and its complement,
the least replay. Bands come from fits to resampled runs. Not here: surfaces of many components (`fit`).
"""

from dataclasses import dataclass

import numpy as np

from mixer.experiments.extras import library, one_thread
from mixer.experiments.table import Floats, Ints
from pipelines.engine.errors import InputError

MIN_ROWS = 8
GRID = 2001
_STARTS = ((0.3, 0.3, 0.5), (1.0, 0.2, 0.2), (0.5, 0.5, 1.0), (0.1, 0.1, 1.5))


@dataclass(frozen=True, slots=True)
class CptLaw:
    """The fitted law: floor, (A, a), (B, eta, b), (C, eps, g); tokens and parameters in the units of `of`."""

    floor: float
    size: tuple[float, float]
    tokens: tuple[float, float, float]
    share: tuple[float, float, float]
    of: tuple[float, float]
    """Tokens and parameters that count as 1: the geometric means of the runs."""

    def predict(self, shares: Floats, tokens: Floats, parameters: Floats) -> Floats:
        """Return the loss at shares of this domain, trained tokens and parameters, all of shape (n,)."""
        d, n = np.asarray(tokens) / self.of[0], np.asarray(parameters) / self.of[1]
        (big_a, a), (big_b, eta, b), (big_c, eps, g) = self.size, self.tokens, self.share
        values: Floats = self.floor + big_a * n**-a + big_b * shares**eta * d**-b + big_c * (shares + eps) ** -g
        return values


@dataclass(frozen=True, slots=True)
class Critical:
    """The largest domain share that keeps the general loss, the least replay, and the 90 % band of the former."""

    domain_share: float
    low: float
    high: float
    notes: tuple[str, ...]

    @property
    def least_replay(self) -> float:
        """Return the least share of general data."""
        return 1 - self.domain_share


def fit_cpt(shares: Floats, tokens: Floats, parameters: Floats, losses: Floats, start: CptLaw | None = None) -> CptLaw:
    """Return the least-squares fit; arrays of shape (runs,), shares in [0, 1] of the domain whose loss it is.

    Raises InputError for fewer than MIN_ROWS runs, or values that are none.
    """
    table = np.array([shares, tokens, parameters, losses], np.float64)
    if table.shape[1] < MIN_ROWS or not np.isfinite(table).all() or (table[1:3] <= 0).any():
        raise InputError(
            f"a D-CPT law needs at least {MIN_ROWS} runs with finite losses and tokens; got {table.shape[1]}"
        )
    if table[0].min() < 0 or table[0].max() > 1 or len(np.unique(table[0])) < 3:
        raise InputError(f"a D-CPT law needs at least 3 shares within 0 and 1; got {sorted(set(table[0].tolist()))}")
    with one_thread():
        return _fit(table, start)


@dataclass(frozen=True, slots=True)
class CptRuns:
    """Runs of continued pretraining, arrays of shape (runs,): domain share, tokens, parameters, last general loss."""

    shares: Floats
    tokens: Floats
    parameters: Floats
    general: Floats

    def law(self, rows: Ints | None = None, start: CptLaw | None = None) -> CptLaw:
        """Return the law of the general loss, over the share of general data, fitted to some rows or all."""
        one = slice(None) if rows is None else rows
        return fit_cpt(1 - self.shares[one], self.tokens[one], self.parameters[one], self.general[one], start)


def critical_share(
    runs: CptRuns, tokens: float, parameters: float, most: float, *, resamples: int = 40, seed: int = 0
) -> Critical:
    """Return the largest domain share of a run of so many tokens that keeps the general loss at most `most`.

    `most` is the general loss of the base model plus the tolerance for forgetting.
    """
    law = runs.law()
    share, notes = _largest(law, tokens, parameters, most)
    random = np.random.default_rng([seed, 4])
    drawn = [random.integers(len(runs.shares), size=len(runs.shares)) for _ in range(resamples)]
    fits = [runs.law(rows, law) for rows in drawn if len(np.unique(runs.shares[rows])) > 2]
    found = [_largest(one, tokens, parameters, most)[0] for one in fits]
    low, high = np.quantile(found, [0.05, 0.95]) if found else (np.nan, np.nan)
    if not runs.shares.min() <= share <= runs.shares.max():
        seen = f"{runs.shares.min():.3f} to {runs.shares.max():.3f}"
        notes.append(f"{share:.3f} lies outside of the shares that were trained, {seen}")
    if tokens > 2 * runs.tokens.max() or parameters > 2 * runs.parameters.max():
        notes.append("the run asked about is more than twice as long or large as any that was trained")
    return Critical(share, float(low), float(high), tuple(notes))


def _largest(law: CptLaw, tokens: float, parameters: float, most: float) -> tuple[float, list[str]]:
    """Return the largest share up to which the general loss is kept at every share that is smaller."""
    domain = np.linspace(0, 1, GRID)
    ones = np.ones(GRID)
    expected = law.predict(1 - domain, tokens * ones, parameters * ones)
    over = np.flatnonzero(expected > most)
    if not len(over):
        return 1.0, [f"the general loss is kept at any share; no replay is needed for {most:.4g}"]
    first = int(over[0])
    if first == 0:
        return 0.0, [f"the general loss is expected above {most:.4g} even with general data alone; allow more"]
    below, above = expected[first - 1], expected[first]
    return float(domain[first - 1] + (most - below) / (above - below) * (domain[1] - domain[0])), []


def _fit(table: Floats, start: CptLaw | None) -> CptLaw:
    """Fit in logs of all that is positive, with weak priors on them, from several starts."""
    shares, tokens, parameters, losses = table
    of = (float(np.exp(np.log(tokens).mean())), float(np.exp(np.log(parameters).mean())))
    if start is not None:
        of = start.of
    log_d, log_n = np.log(tokens / of[0]), np.log(parameters / of[1])
    many = bool(np.ptp(log_n) > 1e-9)
    spread = float(losses.std()) or 1.0
    lowest = float(losses.min())

    def law(p: Floats) -> CptLaw:
        e = np.exp(np.clip(p[1:], -12, 5))
        size = (float(e[6]) * spread, float(e[7])) if many else (0.0, 0.0)
        return CptLaw(
            lowest - spread * float(p[0]), size, (float(e[0]) * spread, float(e[1]), float(e[2])),
            (float(e[3]) * spread, float(e[4]), float(e[5])), of,
        )  # fmt: skip

    middle = np.r_[1.0, np.log([1.0, 0.5, 0.3, 0.3, 0.05, 0.5]), np.log([1.0, 0.3]) if many else []]
    pull = np.r_[0.003, np.full(len(middle) - 1, 0.003)]

    def residuals(p: Floats) -> Floats:
        values = law(p).predict(shares, np.exp(log_d) * of[0], np.exp(log_n) * of[1])
        off: Floats = np.r_[(values - losses) / spread, pull * (p - middle)]
        return off

    starts = []
    for big, exponent, g in _STARTS if start is None else ():
        one = middle.copy()
        one[1], one[3], one[4], one[6] = np.log(big), np.log(exponent), np.log(big), np.log(g)
        starts.append(one)
    if start is not None:
        logs = np.log(np.maximum([*start.tokens, *start.share, *(start.size if many else ())], 1e-12))
        for place in (0, 3, *((6,) if many else ())):
            logs[place] -= np.log(spread)
        starts = [np.r_[(lowest - start.floor) / spread, logs]]
    solve = library("scipy.optimize").least_squares
    found = [solve(residuals, one, method="lm", max_nfev=4000) for one in starts]
    return law(min(found, key=lambda one: float(one.cost)).x)
