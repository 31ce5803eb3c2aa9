"""The figures of the default regressor on RegMix's tables: fitted on training rows, judged on mixtures never seen."""

import os
from pathlib import Path

import numpy as np
import pytest

from mixer.experiments.cross_validation import spearman
from mixer.experiments.exchange import read_tables
from mixer.experiments.extras import one_thread
from mixer.experiments.regressors import DEFAULT, fit_models
from mixer.experiments.table import HELD_OUT, Runs

DATA = os.environ.get("MEDMIX_DATA")
PILE_CC = "metric/the_pile_pile_cc_val_loss"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA, reason="MEDMIX_DATA does not name the folder of the real sample"),
]


@pytest.fixture(scope="module")
def tables() -> tuple[Runs, Runs]:
    folder = Path(DATA or "", "regmix")
    names = (("train", "train"), ("test", HELD_OUT))
    train, test = (
        read_tables(folder / f"{one}_mixture_1m.csv", folder / f"{one}_pile_loss_1m.csv", split=split).runs
        for one, split in names
    )
    return train, test


def judged(train: Runs, test: Runs, target: str) -> tuple[float, float]:
    """Return rank correlation and squared error of the default regressor on the held-out mixtures."""
    with one_thread():
        model = fit_models(train.weights, train.column(target), (DEFAULT,))[DEFAULT]
    expected, measured = model.predict(test.weights), test.column(target)
    return spearman(expected, measured), float(np.mean((expected - measured) ** 2))


def test_tables_are_those_of_the_paper(tables: tuple[Runs, Runs]) -> None:
    train, test = tables
    assert (len(train), len(test)) == (512, 256)
    assert (len(train.components), len(train.targets)) == (17, 13)
    assert not {tuple(row) for row in train.weights} & {tuple(row) for row in test.weights}


def test_pile_cc_from_all_runs(tables: tuple[Runs, Runs]) -> None:
    rho, mse = judged(*tables, PILE_CC)
    assert rho >= 0.994
    assert mse <= 0.0013


@pytest.mark.parametrize(("budget", "goal"), [(128, 0.988), (64, 0.975)])
def test_pile_cc_from_few_runs(tables: tuple[Runs, Runs], budget: int, goal: float) -> None:
    train, test = tables
    draws = [np.random.default_rng(draw).choice(len(train), budget, replace=False) for draw in range(5)]
    assert np.mean([judged(train.take(rows), test, PILE_CC)[0] for rows in draws]) >= goal


@pytest.mark.nightly
def test_all_thirteen_targets(tables: tuple[Runs, Runs]) -> None:
    assert np.mean([judged(*tables, target)[0] for target in tables[0].targets]) >= 0.992
