"""The critical ratio of planted D-CPT surfaces is found again; what cannot be said is said."""

import numpy as np
import pytest

from mixer.experiments.cpt import CptLaw, CptRuns, critical_share, fit_cpt
from mixer.experiments.table import Floats
from pipelines.engine.errors import InputError

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
TOKENS = (5e8, 1e9, 2e9, 4e9)
LONG, LARGE = 4e9, 1e9


def law(seed: int, sizes: int) -> CptLaw:
    """A law in which less general data always means a higher general loss, at LONG tokens by .02 or more a tenth."""
    random = np.random.default_rng([seed, sizes])
    size = (random.uniform(0.3, 1), random.uniform(0.1, 0.4)) if sizes > 1 else (0.0, 0.0)
    tokens = (random.uniform(0.1, 0.2), random.uniform(0.1, 0.3), random.uniform(0.1, 0.5))
    share = (random.uniform(0.3, 0.6), random.uniform(0.03, 0.1), random.uniform(0.4, 0.9))
    return CptLaw(random.uniform(1.5, 2.5), size, tokens, share, (1e9, 3e8))


def trained(planted: CptLaw, sizes: tuple[float, ...], noise: float, seed: int = 0) -> CptRuns:
    shares, tokens, parameters = (one.ravel() for one in np.meshgrid(SHARES, TOKENS, sizes))
    losses = planted.predict(1 - shares, tokens, parameters)
    return CptRuns(shares, tokens, parameters, losses + noise * np.random.default_rng(seed).normal(size=len(losses)))


@pytest.mark.parametrize("sizes", [(LARGE,), (1e8, 3e8, LARGE)], ids=["one size", "three sizes"])
@pytest.mark.parametrize("seed", range(6))
def test_critical_ratio_is_found_again(sizes: tuple[float, ...], seed: int) -> None:
    planted = law(seed, len(sizes))
    critical = 0.3 + 0.1 * seed
    most = float(planted.predict(np.array([1 - critical]), np.array([LONG]), np.array([LARGE]))[0])
    found = critical_share(trained(planted, sizes, 0.001, seed), LONG, LARGE, most, resamples=10)
    assert abs(found.domain_share - critical) <= 0.02
    assert found.low <= found.high
    assert abs(found.least_replay - (1 - found.domain_share)) < 1e-12
    assert found.notes == ()


def test_losses_of_other_lengths_and_ratios_are_predicted() -> None:
    planted = law(3, 3)
    fitted = fit_cpt(*_columns(trained(planted, (1e8, 3e8, LARGE), 0.001)))
    shares, tokens, sizes = np.array([0.35, 0.6, 0.02]), np.array([3e9, 6e9, 1.5e9]), np.array([2e8, LARGE, 6e8])
    np.testing.assert_allclose(fitted.predict(shares, tokens, sizes), planted.predict(shares, tokens, sizes), atol=0.01)


def _columns(runs: CptRuns) -> tuple[Floats, Floats, Floats, Floats]:
    return 1 - runs.shares, runs.tokens, runs.parameters, runs.general


def test_what_lies_outside_is_told() -> None:
    runs = trained(law(0, 1), (LARGE,), 0.001)
    free = critical_share(runs, LONG, LARGE, 100.0, resamples=3)
    assert free.domain_share == 1.0
    assert "no replay is needed" in free.notes[0]
    never = critical_share(runs, LONG, LARGE, 0.1, resamples=3)
    assert never.domain_share == 0.0
    assert "even with general data alone" in never.notes[0]
    few = CptRuns(*(one[runs.shares < 0.8] for one in (runs.shares, runs.tokens, runs.parameters, runs.general)))
    far = critical_share(few, 10 * LONG, LARGE, 100.0, resamples=3)
    assert any("outside of the shares that were trained, 0.000 to 0.750" in note for note in far.notes)
    assert any("more than twice as long" in note for note in far.notes)


def test_too_few_runs_or_shares_are_told() -> None:
    ones = np.ones(10)
    with pytest.raises(InputError, match="at least 3 shares within 0 and 1"):
        fit_cpt(0.5 * ones, 1e9 * ones, 1e9 * ones, ones)
    with pytest.raises(InputError, match="needs at least 8 runs"):
        fit_cpt(ones[:4], ones[:4], ones[:4], ones[:4])
