"""What an experiment's settings allow, which mixtures they train, and how many of those judge."""

import numpy as np
import pytest
from fakes.experiments import config

from mixer.experiments.decide import _judging
from mixer.experiments.design import propose_designs
from mixer.experiments.evidence import number, plain
from mixer.experiments.limits import limits
from mixer.experiments.table import HELD_OUT, TRAIN
from pipelines.engine.errors import PlanError

COUNTED = [{"name": name, "tokens": tokens} for name, tokens in
           (("guidelines", 3000), ("articles", 6000), ("replay", 1000))]  # fmt: skip


def test_natural_is_the_shares_of_tokens_and_caps_are_epochs_of_the_target() -> None:
    found = limits(config(target_tokens=20_000), COUNTED)
    assert found.prior.tolist() == [0.3, 0.6, 0.1]
    assert found.most.tolist() == [0.6, 1.0, 0.2], "4 epochs of 3,000 tokens in 20,000 are .6"
    assert limits(config(target_tokens=100), COUNTED).most.tolist() == [1.0, 1.0, 1.0]


def test_stated_weights_are_the_mixture_of_today() -> None:
    parts = zip(("guideline", "article", "replay"), COUNTED, ("2", "1", "1"), strict=True)
    components = [{"name": one["name"], "kinds": [kind], "weight": weight} for kind, one, weight in parts]
    found = limits(config(components=components, target_tokens=100), COUNTED)
    assert found.prior.tolist() == [0.5, 0.25, 0.25]


def test_a_target_that_no_mixture_can_fill_is_told() -> None:
    with pytest.raises(PlanError, match="no mixture keeps all bounds"):
        limits(config(target_tokens=50_000), COUNTED)


def test_as_many_mixtures_judge_as_were_asked_for_and_the_fixed_ones_never_do() -> None:
    designs = propose_designs(limits(config(target_tokens=12_000), COUNTED), 20, seed=1)
    splits = _judging(designs, 6, 1)
    assert splits.count(HELD_OUT) == 6
    kinds = np.array(designs.kinds)[[split == HELD_OUT for split in splits]]
    assert set(kinds) == {"dirichlet"}
    assert _judging(designs, 0, 1) == list(designs.splits)
    natural = [split for split, kind in zip(splits, designs.kinds, strict=True) if kind == "natural"]
    assert natural == [TRAIN] * 3


def test_figures_for_json_have_no_nan_and_few_digits() -> None:
    told = plain({0.9: float("nan"), "a": (np.float64(1 / 3), 2, None, "x"), "b": np.array([1.0, np.inf])})
    assert told == {"0.9": None, "a": [0.333333333, 2, None, "x"], "b": [1.0, None]}
    assert number(1e300 * 1e300) is None
