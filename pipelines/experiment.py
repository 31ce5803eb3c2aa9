"""Run an experiment file: the run it stands on, then split, sweep, proposal and confirmation, each only once.

The experiment's folder is its own, with the same manifests and records as a run's, so it resumes after any crash and a
second run of the whole gives the same bytes. How long proxies will take is told before the first is trained. Not here:
what is written of the results (`experiment_results`) and the command line (`experiment_cli`).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mixer.experiments.decide import confirmed, designed, swept
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.split import Given
from mixer.experiments.stages import prepared
from mixer.experiments.sweep import clear_scratch
from pipelines.config import RunConfig
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ConfigError, InputError, MedmixError
from pipelines.engine.events import Events
from pipelines.engine.lock import RunLock
from pipelines.engine.manifest import Manifest
from pipelines.engine.place import local_folder
from pipelines.engine.runtime import InlineRuntime, RayRuntime, Resources, Runtime
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, local_storage
from pipelines.experiment_plan import Estimate, estimate
from pipelines.load import load_as, load_run
from pipelines.result import Result
from pipelines.run import How
from pipelines.run import run as run_all
from pipelines.stages.coverage import Coverage

NEEDED = ("torch", "scipy", "sklearn", "lightgbm", "altair", "vl_convert")


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment file that was read, and the run file that it names."""

    config: ExperimentConfig
    run: RunConfig
    run_file: Path


def load_experiment(path: Path, overrides: list[str]) -> Experiment:
    """Return an experiment and its run. Raises ConfigError."""
    config = load_as(ExperimentConfig, path, overrides)
    run_file = path.parent / config.run
    return Experiment(config, load_run(run_file), run_file)


def run_experiment(
    experiment: Experiment, how: How, tell: Callable[[Estimate], None]
) -> tuple[Storage, dict[str, Manifest], Result]:
    """Bring an experiment to its end and return what stands; `tell` hears what it will take. Raises MedmixError."""
    check_installed()
    root = local_folder(experiment.run.out).absolute()
    local_folder(experiment.config.out)  # refused before anything is done
    result = run_all(experiment.run, how)
    given = given_of(result, root, experiment.config)
    with working(experiment.config, how) as (storage, events):
        first = [*prepared(experiment.config, given), *designed(experiment.config)]
        manifests = done(storage, first, how, Resources(), events)
        tell(estimate(storage, experiment.config, manifests, _workers(how)))
        proxy = experiment.config.proxy
        asked = Resources(proxy.cpus, proxy.memory_bytes, proxy.timeout_s, proxy.gpus)
        rest = [swept(experiment.config), *confirmed(experiment.config)]
        manifests = done(storage, [*first, *rest], how, asked, events)
        clear_scratch(storage)
    return storage, manifests, result


@contextmanager
def working(config: ExperimentConfig, how: How) -> Iterator[tuple[Storage, Events]]:
    """Hold an experiment's folder and tell its events, how it ends included."""
    out = local_folder(config.out).absolute()
    with RunLock(out) as lock, Events(out, live=how.live) as events:
        if lock.notice:
            events.emit("note", text=lock.notice)
        events.emit("run_started", name=config.name)
        ended = {"kind": "run_failed", "error": "stopped, or a defect"}
        try:
            yield local_storage(out), events
            ended = {"kind": "run_done"}
        except MedmixError as error:
            ended["error"] = str(error)
            raise
        finally:
            events.emit(**ended, name=config.name)


def check_installed() -> None:
    """Raise InputError at once when a library is missing that is wanted only after the training."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"an experiment needs {', '.join(missing)}; install with: pip install -e '.[train,experiments]'"
        )


def given_of(result: Result, root: Path, config: ExperimentConfig) -> Given:
    """Return what a finished run gives to an experiment. Raises ConfigError for sources of questions it has not."""

    def files(stage: str) -> tuple[FileRef, ...]:
        return tuple(_at(root, ref) for ref in result.manifests[stage].files())

    questions = {}
    for one in config.questions:
        unknown = [name for name in one.sources if f"extract-{name}" not in result.manifests]
        if unknown:
            have = sorted(name.removeprefix("extract-") for name in result.manifests if name.startswith("extract-"))
            raise ConfigError(
                f"questions {one.name!r}: the run {result.name} has no source {unknown[0]!r}; it has {', '.join(have)}"
            )
        questions[one.name] = tuple(ref for name in one.sources for ref in files(f"extract-{name}"))
    shards = [shard for name in result.documents for shard in result.manifests[name].shards]
    coverage = files(Coverage.name) if Coverage.name in result.manifests else ()
    return Given(tuple((one.shard, _at(root, one.main)) for one in shards), coverage, questions)


def _at(root: Path, ref: FileRef) -> FileRef:
    return FileRef(str(root / ref.path), ref.sha256, ref.size_bytes, ref.rows, ref.tokens)


def _workers(how: How) -> int:
    return 1 if how.inline else how.workers or len(os.sched_getaffinity(0))


def done(
    storage: Storage, stages: list[PlannedStage], how: How, resources: Resources, events: Events
) -> dict[str, Manifest]:
    """Bring stages to their end, in a runtime that is started only when there is something to do."""
    started: list[Runtime] = []

    def runtime() -> Runtime:
        if not started:
            started.append(
                InlineRuntime(storage)
                if how.inline
                else RayRuntime(storage, workers=_workers(how), address=how.address, resources=resources)
            )
        return started[0]

    try:
        return run_stages(storage, stages, runtime, events)
    finally:
        for one in started:
            one.close()
