"""Confirmation says better only when it is, worse when it is, and otherwise that nothing was shown."""

import numpy as np
import pytest

from mixer.experiments.confirm import NATURAL, PROPOSAL, UNIFORM, differences, rounded, sentence, to_train
from mixer.experiments.table import HELD_OUT, Runs, runs_of

MIXTURES = {PROPOSAL: (0.6, 0.4), NATURAL: (0.8, 0.2), UNIFORM: (0.5, 0.5)}
OBJECTIVE = {"held-out/a": 1.0, "held-out/b": 3.0}


def confirmed(losses: dict[str, float], noise: float, seeds: int, draw: np.random.Generator) -> Runs:
    """Return a confirmation whose objective is as given, with the noise of single runs."""
    rows = to_train(MIXTURES, 100, seeds)
    values = [losses[row["id"].rpartition("-")[0]] + draw.normal(0, noise) for row in rows]
    return runs_of(
        ("a", "b"), [row["weights"] for row in rows], tuple(OBJECTIVE), [[v - 0.3, v + 0.1] for v in values],
        ids=[row["id"] for row in rows], splits=[HELD_OUT] * len(rows), seeds=[row["seed"] for row in rows],
        replicates=[row["replicate"] for row in rows],
    )  # fmt: skip


SWEPT = runs_of(("a", "b"), [[0.5, 0.5]], tuple(OBJECTIVE), [[1.0, 1.0]])


def test_every_mixture_is_trained_with_the_same_seeds() -> None:
    rows = to_train(MIXTURES, 100, 4)
    by_mixture = {name: [row["seed"] for row in rows if tuple(row["weights"]) == w] for name, w in MIXTURES.items()}
    assert by_mixture == {name: [100, 101, 102, 103] for name in MIXTURES}


@pytest.mark.parametrize(("gain", "word"), [(0.1, "better than natural"), (-0.1, "worse than natural")])
def test_a_difference_beyond_noise_is_told(gain: float, word: str) -> None:
    losses = {PROPOSAL: 2 - gain, NATURAL: 2.0, UNIFORM: 2 - gain}
    found, noise = differences(confirmed(losses, 0.01, 3, np.random.default_rng(1)), SWEPT, OBJECTIVE)
    assert [one.other for one in found] == [NATURAL, UNIFORM]
    assert word in sentence(found, noise)
    assert "not different beyond noise from uniform" in sentence(found, noise)
    assert found[0].low < -gain < found[0].high
    assert 0.002 < noise < 0.03


def test_without_a_difference_better_is_said_as_seldom_as_promised() -> None:
    draw, losses = np.random.default_rng(2), dict.fromkeys(MIXTURES, 2.0)
    told = [differences(confirmed(losses, 0.02, 3, draw), SWEPT, OBJECTIVE)[0][0].verdict for _ in range(400)]
    assert told.count("better") < 0.05 * 400
    assert told.count("not different beyond noise") > 0.9 * 400


def test_a_seed_that_diverged_in_one_mixture_is_left_out_of_both() -> None:
    losses = {PROPOSAL: 1.9, NATURAL: 2.0, UNIFORM: 2.1}
    whole = confirmed(losses, 0.0, 3, np.random.default_rng(3))
    part = whole.take([run != "natural-1" for run in whole.ids])
    found, _ = differences(part, SWEPT, OBJECTIVE)
    assert found[0].value == pytest.approx(-0.1)


def test_rounded_weights_add_up_to_one_and_move_less_than_a_unit() -> None:
    draw = np.random.default_rng(4)
    for size in (2, 3, 7, 20):
        for weights in draw.dirichlet(np.ones(size) / 2, 50):
            told = rounded(weights)
            assert sum(round(w * 10_000) for w in told) == 10_000
            assert np.abs(told - weights).max() < 1e-4
            assert (told >= 0).all()
