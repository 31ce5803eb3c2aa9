"""Results obtained elsewhere in the place of a sweep: `ratios.csv` and `metrics.csv` of a folder, as olmix writes them.

Columns are named as the components and the targets of the experiment are (`held-out/guidelines`, `questions/medqa`,
`general`); others are left aside. Such runs may be of larger models than any that is trained here, whose checkpoints
`medmix experiment eval` judges by the same texts. What surfaces propose from them is confirmed by proxies of our own.
Not here: reading the tables (`exchange`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixer.experiments.exchange import METRICS, RATIOS, RUNS, aligned, read_folder
from mixer.experiments.settings import GENERAL, ExperimentConfig
from mixer.experiments.stages import SWEEP
from mixer.experiments.table import HELD_OUT, TRAIN, Runs, to_arrow
from pipelines.engine.hashing import derive_seed, sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask


class Imported:
    """Write the imported runs as a sweep writes its own."""

    name = SWEEP
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: ExperimentConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder

    def identity(self) -> dict[str, Any]:
        """Return the digests of the tables, and what is read of them."""
        paths = (self._folder / name for name in (RATIOS, METRICS, RUNS))
        tables = {path.name: sha256_bytes(path.read_bytes()) for path in paths if path.is_file()}
        own = {name: self._config.identity()[name] for name in ("seed", "components", "objective", "design")}
        return {"imported": tables, **own}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task."""
        return [ShardTask("imported")]

    def run(self, shard: Shard) -> None:
        """Write the runs. Raises InputError for tables that are none, or lack a component or a target."""
        found = read_folder(self._folder)
        runs = _chosen(found.runs, self._config)
        if HELD_OUT not in runs.splits:
            runs = _parted(runs, self._config)
        shard.write(to_arrow(runs))
        shard.facts.update({"diverged": False, "left_out": list(found.left_out)})


def _chosen(runs: Runs, config: ExperimentConfig) -> Runs:
    """Return the runs with the experiment's components and targets alone. Raises InputError for those it has not."""
    general = [GENERAL] if config.forgetting is not None or GENERAL in runs.targets else []
    targets = dict.fromkeys([*config.objective, *general])
    return aligned(runs, [one.name for one in config.components], tuple(targets))


def _parted(runs: Runs, config: ExperimentConfig) -> Runs:
    """Return the runs with a part of them held out, drawn by the seed, where their table parts none."""
    order = sorted(runs.ids, key=lambda run: (derive_seed(config.seed, "judging", run), run))
    apart = set(order[: round(len(order) * float(config.design.held_out))])
    return replace(runs, splits=tuple(HELD_OUT if run in apart else TRAIN for run in runs.ids))
