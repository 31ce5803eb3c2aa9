"""The stages between sweep and confirmation: which mixtures to train, and what their losses propose.

`Design` lists the mixtures of the sweep, `Decide` fits a surface to each target and proposes weights, rounded to four
decimals so that what is confirmed is to the letter what the mixture file says. Both write their whole reasoning. Not
here: the methods (`design`, `fit`, `propose`).
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mixer.experiments.confirm import NATURAL, PROPOSAL, UNIFORM, rounded, to_train
from mixer.experiments.design import Design as Designs
from mixer.experiments.design import propose_designs
from mixer.experiments.evidence import combined, curves, fitted, number, plain
from mixer.experiments.fit import fit
from mixer.experiments.imported import Imported
from mixer.experiments.limits import limits
from mixer.experiments.propose import propose
from mixer.experiments.regressors import NAMES, TREES
from mixer.experiments.settings import GENERAL, ExperimentConfig
from mixer.experiments.stages import CONFIRM, SWEEP, sweep
from mixer.experiments.sweep import collect
from mixer.experiments.table import HELD_OUT, TRAIN, to_arrow
from pipelines.engine.driver import PlannedStage
from pipelines.engine.hashing import canonical_json, derive_seed, digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask


class Design:
    """List the mixtures of the sweep."""

    name = "design"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: ExperimentConfig) -> None:
        self._config = config

    def identity(self) -> dict[str, Any]:
        """Return what a design depends on beside the sizes of components."""
        names = ("seed", "components", "target_tokens", "design")
        return {name: value for name, value in self._config.identity().items() if name in names}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task over the counts of the stage `held-out`."""
        return [ShardTask("design", params={"counted": list(inputs["chosen"].shards[0].facts["components"])})]

    def run(self, shard: Shard) -> None:
        """Tell the runs as facts; ids are made of what is trained, so a larger design keeps the runs of a smaller."""
        limited = limits(self._config, shard.task.params["counted"])
        count = self._config.design.count(len(limited.components))
        general = next((one.name for one in self._config.components if one.general), None)
        shares = [float(share) for share in self._config.design.general_shares]
        replay = general if shares else None
        designs = propose_designs(limited, count, seed=self._config.seed, replay=replay, levels=shares or (0.0,))
        splits = _judging(designs, round(count * float(self._config.design.held_out)), self._config.seed)
        runs: dict[str, dict[str, Any]] = {}
        rows = zip(designs.weights, splits, designs.seeds, designs.replicates, strict=True)
        for at, (weights, split, order, replicate) in enumerate(rows):
            exact = rounded(weights).tolist()
            seed = derive_seed(self._config.seed, "proxy", int(order)) % (1 << 31)
            row = {"weights": exact, "seed": seed, "split": split, "replicate": int(replicate)}
            runs.setdefault(digest([exact, seed])[:12], {**row, "kind": designs.kinds[at]})
        shard.facts["acceptance"] = designs.acceptance
        shard.facts["runs"] = [{"id": name, **row} for name, row in runs.items()]


class Decide:
    """Fit, propose, and list what is to be confirmed."""

    name = "decide"
    version = "3"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: ExperimentConfig) -> None:
        self._config = config

    def identity(self) -> dict[str, Any]:
        """Return what a proposal depends on beside the runs."""
        names = ("seed", "components", "target_tokens", "objective", "forgetting", "confirm_seeds")
        return {name: value for name, value in self._config.identity().items() if name in names}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task over the results of the sweep."""
        counted = {"counted": list(inputs["chosen"].shards[0].facts["components"]), "plan": inputs["sweep"].digest}
        return [ShardTask("decision", {"runs": tuple(inputs["sweep"].files())}, counted)]

    def run(self, shard: Shard) -> None:
        """Write the table of runs, and the proposal with all that speaks for it. Raises PlanError."""
        runs = collect([shard.table(ref) for ref in shard.inputs("runs")], shard.task.params["plan"])
        shard.write(to_arrow(runs))
        seed = self._config.seed
        counted = shard.task.params["counted"]
        natural = limits(self._config, counted).prior
        objective = {name: float(weight) for name, weight in self._config.objective.items()}
        general = GENERAL if GENERAL in runs.targets else None
        surfaces = {name: fit(runs, name, seed=seed) for name in objective}
        if general:  # a limit and a front need a slope, which trees have not
            surfaces[GENERAL] = fit(runs, GENERAL, names=tuple(name for name in NAMES if name != TREES), seed=seed)
        at_most = None
        if self._config.forgetting is not None:
            at_most = {GENERAL: float(surfaces[GENERAL].predict(natural)[0]) + float(self._config.forgetting)}
        kept = limits(self._config, counted, at_most)
        found = propose(surfaces, objective, kept, runs, general=general, seed=seed)
        weights = rounded(found.weights)
        uniform = np.full(len(weights), 1 / len(weights))
        told = {
            "components": list(found.components),
            "natural": rounded(natural).tolist(),
            "weights": weights.tolist(),
            "verdict": found.verdict,
            "objective": plain(asdict(found.objective)),
            "targets": {name: plain(asdict(one)) for name, one in found.targets.items()},
            "bound": list(found.bound),
            "notes": list(found.notes),
            "average": rounded(found.average).tolist(),
            "by_model": {name: rounded(one).tolist() for name, one in found.by_model.items()},
            "disagreement": number(found.disagreement),
            "front": [
                {"weights": rounded(p.weights).tolist(), "objective": p.objective, "general": p.general}
                for p in found.front
            ],
            "fits": {name: fitted(surface, runs, seed) for name, surface in surfaces.items()},
            "combined": combined(surfaces, objective, runs, seed),
            "curves": curves(surfaces, objective, natural),
        }
        shard.sink("proposal", "json").write(canonical_json(told))
        mixtures = {PROPOSAL: weights, NATURAL: rounded(natural), UNIFORM: rounded(uniform)}
        first = derive_seed(seed, "confirm") % (1 << 31)
        shard.facts["runs"] = to_train({n: w.tolist() for n, w in mixtures.items()}, first, self._config.confirm_seeds)


def designed(config: ExperimentConfig) -> list[PlannedStage]:
    """Return the stage that lists the mixtures of the sweep; none where results of elsewhere are in its place."""
    return [] if config.results else [PlannedStage(Design(config), {"chosen": ("held-out",)})]


def swept(config: ExperimentConfig) -> PlannedStage:
    """Return the sweep over the design, or the results of elsewhere."""
    if config.results:
        return PlannedStage(Imported(config, Path(config.results)))
    return sweep(SWEEP, config, Design.name)


def confirmed(config: ExperimentConfig) -> list[PlannedStage]:
    """Return what follows a sweep: fits and proposal, and the training that confirms it."""
    decide = PlannedStage(Decide(config), {"sweep": (SWEEP,), "chosen": ("held-out",)})
    return [decide, sweep(CONFIRM, config, Decide.name)]


def _judging(designs: Designs, count: int, seed: int) -> list[str]:
    """Return the splits with at least `count` held-out runs: more of the drawn mixtures are taken from training."""
    splits = list(designs.splits)
    drawn = [at for at, kind in enumerate(designs.kinds) if kind == "dirichlet" and splits[at] == TRAIN]
    drawn.sort(key=lambda at: derive_seed(seed, "judging", at))
    for at in drawn[: max(0, count - splits.count(HELD_OUT))]:
        splits[at] = HELD_OUT
    return splits
