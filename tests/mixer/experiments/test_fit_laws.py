"""Each law finds itself again in runs that it made, and its slope is the slope of what it predicts."""

import numpy as np
import pytest

from mixer.experiments.fit_gp import _evidence, fit_process
from mixer.experiments.fit_laws import Exponential, Linear, Reciprocal, fit_exponential, fit_linear, fit_reciprocal
from mixer.experiments.fit_trees import fit_trees
from mixer.experiments.regressors import Constant, Mean
from mixer.experiments.surface import Model, Smooth
from mixer.experiments.table import Floats

COMPONENTS = 5
LAWS = {
    "linear": (fit_linear, Linear(3.0, np.array([0.5, -1, 0, 2, -0.2]))),
    "exponential": (fit_exponential, Exponential(2.0, np.array([0.7, -2, 0.1, 1, -0.5]))),
    "reciprocal": (
        fit_reciprocal,
        Reciprocal(1.5, np.array([0.2, -1, 0.5, -3, 0.1]), np.array([0.3, 0.6, 0.2, 0.4, 0.9])),
    ),
}


def mixtures(count: int, seed: int) -> Floats:
    """Sparse and even mixtures alike, shape (count, COMPONENTS)."""
    random = np.random.default_rng(seed)
    return np.vstack([random.dirichlet(np.full(COMPONENTS, 10 ** random.uniform(-0.7, 0.7))) for _ in range(count)])


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e3])
def test_law_is_found_again_in_its_own_runs_whatever_the_unit(name: str, unit: float) -> None:
    fit, law = LAWS[name]
    seen, unseen = mixtures(80, 0), mixtures(200, 1)
    found = fit(seen, unit * law.predict(seen) + 7 * unit)
    truth = unit * law.predict(unseen) + 7 * unit
    error = float(np.sqrt(np.mean((found.predict(unseen) - truth) ** 2)) / truth.std())
    assert error < 0.04


@pytest.mark.parametrize("name", LAWS)
def test_refit_from_a_fit_stays_there(name: str) -> None:
    fit, law = LAWS[name]
    seen = mixtures(60, 2)
    values = law.predict(seen) + np.random.default_rng(0).normal(size=60) * 0.02
    first = fit(seen, values)
    again = first if name == "linear" else fit(seen, values, first)  # type: ignore[call-arg]
    np.testing.assert_allclose(again.predict(seen), first.predict(seen), atol=2e-3 * values.std())


def fitted() -> list[Model]:
    seen = mixtures(60, 3)
    values = LAWS["reciprocal"][1].predict(seen)
    laws: list[Smooth] = [fit(seen, values) for fit, _ in LAWS.values()]
    return [*laws, fit_process(seen, values), Mean(tuple(laws)), Constant(2.0)]


@pytest.mark.parametrize("model", fitted(), ids=lambda model: type(model).__name__)
def test_slope_is_that_of_the_prediction(model: Smooth) -> None:
    points = mixtures(6, 4) * 0.9 + 0.02
    step = 1e-6
    numeric = np.stack(
        [
            (model.predict(points + step * axis) - model.predict(points - step * axis)) / (2 * step)
            for axis in np.eye(COMPONENTS)
        ],
        axis=1,
    )
    np.testing.assert_allclose(model.gradient(points), numeric, rtol=1e-3, atol=1e-4)


def test_trees_have_no_slope() -> None:
    seen = mixtures(60, 3)
    assert not isinstance(fit_trees(seen, seen[:, 0]), Smooth)


def test_slope_of_the_evidence_is_right() -> None:
    random = np.random.default_rng(0)
    x, y, hyper = random.normal(size=(25, 3)), random.normal(size=25), random.normal(size=6) * 0.3
    step = 1e-6
    numeric = [
        (_evidence(x, y, hyper + step * a)[0] - _evidence(x, y, hyper - step * a)[0]) / (2 * step) for a in np.eye(6)
    ]
    np.testing.assert_allclose(_evidence(x, y, hyper)[1], numeric, rtol=1e-4, atol=1e-5)


def test_process_bends_where_no_law_does() -> None:
    seen, unseen = mixtures(120, 5), mixtures(200, 6)

    def wave(points: Floats) -> Floats:
        return np.sin(6 * points[:, 0]) + np.log(points[:, 1] + 0.01)

    found = fit_process(seen, wave(seen))
    assert np.corrcoef(found.predict(unseen), wave(unseen))[0, 1] > 0.99


@pytest.mark.parametrize("name", LAWS)
def test_equal_values_and_lonely_components_break_nothing(name: str) -> None:
    fit, _ = LAWS[name]
    seen = mixtures(20, 7)
    np.testing.assert_allclose(fit(seen, np.full(20, 3.0)).predict(seen), 3.0, atol=0.2)
    seen = np.hstack([seen, np.zeros((20, 1))])
    assert np.isfinite(fit(seen, seen[:, 0]).predict(np.eye(COMPONENTS + 1))).all()
    assert np.isfinite(fit_process(seen, seen[:, 0]).predict(np.eye(COMPONENTS + 1))).all()


def test_a_process_of_great_amplitude_and_little_noise_has_an_evidence() -> None:
    weights = np.random.default_rng(3).dirichlet(np.ones(3), 40)
    hyper = np.r_[np.full(3, 6.0), 9.0, -4.0, -12.0]  # a search comes by here when losses hardly depend on weights
    value, slope = _evidence(weights, weights[:, 0], hyper)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
