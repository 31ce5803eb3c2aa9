"""The keyed permutation is one, for every size; keys give unrelated orders; any position is computed alone."""

import numpy as np
import pytest

from mixer.permutation import permutation


@pytest.mark.parametrize("size", [*range(1, 70), 255, 256, 257, 1000, 4095, 4097, 100_003])
def test_every_position_exactly_once(size: int) -> None:
    found = permutation(np.arange(size), size, 5, "component", size % 3)
    assert np.array_equal(np.sort(found), np.arange(size))


def test_positions_are_computed_alone() -> None:
    whole = permutation(np.arange(10_007), 10_007, "key")
    some = np.array([9_999, 0, 17, 17, 5_000])
    assert permutation(some, 10_007, "key").tolist() == whole[some].tolist()
    assert len(permutation(np.zeros(0, np.int64), 10, "key")) == 0


def test_seed_component_and_epoch_each_change_the_order() -> None:
    keys = [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1)]
    orders = [permutation(np.arange(5000), 5000, *key) for key in keys]
    for i, one in enumerate(orders):
        assert np.array_equal(one, permutation(np.arange(5000), 5000, *keys[i]))
        for other in orders[:i]:
            assert np.count_nonzero(one == other) < 15, "unrelated orders agree in about one place"


@pytest.mark.parametrize("size", [1000, 4096, 65_537])
def test_order_looks_shuffled(size: int) -> None:
    found = permutation(np.arange(size), size, "looks")
    steps = np.abs(np.diff(found))
    assert abs(steps.mean() / size - 1 / 3) < 0.03, "the mean distance of neighbours is a third of the size"
    assert abs(np.corrcoef(np.arange(size), found)[0, 1]) < 0.12
    counts = np.histogram2d(np.arange(size), found, bins=8)[0]
    expected = size / 64
    assert ((counts - expected) ** 2 / expected).sum() < 110, "chi-squared over 49 degrees of freedom"


@pytest.mark.parametrize("position", [-1, 10])
def test_position_outside_is_refused(position: int) -> None:
    with pytest.raises(ValueError, match=r"\[0, 10\)"):
        permutation(np.array([position]), 10, "key")
