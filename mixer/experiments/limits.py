"""An experiment's settings as the constraints of its design and its proposal: the natural mixture and the epoch caps.

All in estimated tokens (4 bytes), which depend on no tokenizer. Not here: what constraints mean (`constraints`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mixer.experiments.constraints import Constraints, cap_of_epochs, constraints
from mixer.experiments.settings import ExperimentConfig


def limits(
    config: ExperimentConfig, counted: Sequence[Mapping[str, Any]], at_most: Mapping[str, float] | None = None
) -> Constraints:
    """Return the constraints; `counted` are the facts of the stage `held-out`, `at_most` limits of predicted losses.

    Raises PlanError when the target run is longer than all epoch caps allow.
    """
    tokens = {one["name"]: int(one["tokens"]) for one in counted}
    prior = {
        one.name: float(one.weight) if one.weight is not None else float(tokens[one.name]) for one in config.components
    }
    caps = {
        one.name: cap_of_epochs(tokens[one.name], float(one.max_epochs), config.target_tokens)
        for one in config.components
    }
    return constraints(prior, caps=caps, at_most=at_most)
