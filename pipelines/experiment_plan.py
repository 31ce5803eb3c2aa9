"""What an experiment will cost, before the first proxy is trained: how many proxies, how long, at what speed.

The speed of one proxy is stated in the file, or measured by training one here for two seconds. `medmix plan` of an
experiment file tells it from the file alone; a run tells it again, less what is there already. Not here: training.
"""

from dataclasses import dataclass

from mixer.experiments.decide import confirmed, swept
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.stages import CONFIRM, SWEEP
from pipelines.engine.driver import Outlook, look
from pipelines.engine.manifest import Manifest, read_record, stage_folder
from pipelines.engine.storage import Storage

CONFIRMED = 3
"""Mixtures that are confirmed: the proposal, the natural and the uniform one."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What training will take: proxies that are not there yet, tokens of each, and seconds on so many workers."""

    proxies: int
    there: int
    tokens: int
    tokens_per_s: float
    measured: bool
    workers: int

    @property
    def seconds(self) -> float:
        """Return the expected wall time of the proxies."""
        return self.proxies * self.tokens / self.tokens_per_s / min(self.workers, max(1, self.proxies))


def outline(config: ExperimentConfig, workers: int) -> Estimate:
    """Return what the whole will take, by the file alone; judging is taken for a tenth of training."""
    swept = 0 if config.results else config.design.count(len(config.components))
    count = swept + CONFIRMED * config.confirm_seeds
    return _estimate(config, count, 0, config.proxy.tokens // 10, config.proxy.vocabulary, workers)


def estimate(storage: Storage, config: ExperimentConfig, manifests: dict[str, Manifest], workers: int) -> Estimate:
    """Return what is left to train of an experiment whose design is there."""
    known, left, there = dict(manifests), 0, 0
    for stage in (swept(config), *confirmed(config)):
        name = stage.stage.name
        if any(one not in known for names in stage.inputs.values() for one in names):
            left += CONFIRMED * config.confirm_seeds if name == CONFIRM else 0
            continue
        outlook = look(storage, stage, known)
        if outlook.manifest is not None:
            known[name] = outlook.manifest
        if name == CONFIRM or (name == SWEEP and not config.results):
            done = _done(storage, outlook)
            left, there = left + len(outlook.tasks) - done, there + done
    items = manifests["evaluation"].shards[0].facts
    judging = items["tokens"] * config.proxy.evaluations // 3  # a forward pass costs a third of a step
    return _estimate(config, left, there, judging, items["vocabulary"], workers)


def _done(storage: Storage, outlook: Outlook) -> int:
    """Return how many tasks of a stage have their record."""
    stage, pairs = outlook.planned.stage, zip(outlook.tasks, outlook.keys, strict=True)
    folder = stage_folder(stage.name, stage.version)
    return sum(read_record(storage, folder, task.shard, key) is not None for task, key in pairs)


def _estimate(
    config: ExperimentConfig, left: int, there: int, judging: int, vocabulary: int, workers: int
) -> Estimate:  # fmt: skip
    speed = config.proxy.tokens_per_s
    if speed is None:
        from mixer.experiments.proxy import tokens_per_s

        speed = tokens_per_s(config.proxy, vocabulary) if left else 1.0
    return Estimate(left, there, config.proxy.tokens + judging, speed, config.proxy.tokens_per_s is None, workers)
