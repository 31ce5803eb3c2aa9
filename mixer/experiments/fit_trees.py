"""LightGBM over mixture weights, as RegMix fits it (arXiv 2407.01492), without early stopping: nothing to stop on.

1,000 trees at a rate of .01. The least number of runs in a leaf falls with the number of runs, as with the usual 20 no
tree splits below 40 runs. Steps have no slope, so a proposal from trees is the best of many drawn mixtures.
"""

from dataclasses import dataclass
from typing import Any

from mixer.experiments.extras import library
from mixer.experiments.table import Floats

TREES = 1000
RATE = 0.01


@dataclass(frozen=True, slots=True)
class Trees:
    """A fitted booster."""

    booster: Any

    def predict(self, weights: Floats) -> Floats:
        """Return values at weights of shape (n, components), shape (n,)."""
        values: Floats = self.booster.predict(weights, num_threads=1)
        return values


def fit_trees(weights: Floats, values: Floats) -> Trees:
    """Return the fit; weights (n, components), values (n,)."""
    lightgbm = library("lightgbm")
    settings = {
        "objective": "regression",
        "learning_rate": RATE,
        "min_data_in_leaf": min(20, max(2, len(values) // 16)),
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 0,
        "verbosity": -1,
    }
    return Trees(lightgbm.train(settings, lightgbm.Dataset(weights, values), num_boost_round=TREES))
