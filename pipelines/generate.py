"""Generate text from a finished run with a teacher: what `medmix generate` does, and nothing else does.

The generation has a folder of its own, with lock, events, manifests and an index like a run's, so `medmix status` and
`medmix verify` work on it and a stopped job goes on where it was; what was paid for is in the journal. Where the
journal knows every answer no socket is opened. Another run reads what was accepted (`parser: generated`). Not here:
what is asked and what is accepted (`sources.teacher`).
"""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ConfigError, InputError, MedmixError
from pipelines.engine.events import Events
from pipelines.engine.hashing import digest
from pipelines.engine.lock import RunLock
from pipelines.engine.manifest import Manifest
from pipelines.engine.place import local_folder
from pipelines.engine.runtime import InlineRuntime, RayRuntime, Resources, Runtime
from pipelines.engine.storage import Storage, local_storage
from pipelines.report.funnel import funnel_parquet
from pipelines.report.generated import FILE, generated_report
from pipelines.report.samples import FILE as SAMPLES_PAGE
from pipelines.report.samples import samples_page
from pipelines.result import Result, read_result, write_plan, write_result
from pipelines.run import How
from sources.teacher.evidence import GatherEvidence
from sources.teacher.forecast import Forecast, forecast
from sources.teacher.gate import Gate, SharedGate
from sources.teacher.generation import Corpus, Generate
from sources.teacher.journal import Journal
from sources.teacher.serve import served
from sources.teacher.tasks import GenerationConfig

LONGEST_S = 30 * 86400.0
"""A slow endpoint may take weeks."""


def generate(config: GenerationConfig, how: How) -> Result:
    """Bring a generation to its end and return its index. Raises MedmixError."""
    corpus = corpus_of(config)
    out = local_folder(config.out).absolute()
    storage = local_storage(out)
    runtime: Runtime | None = None
    stages: list[Generate] = []
    is_ready = False

    def start() -> Runtime:
        nonlocal runtime, is_ready
        if runtime is None:
            resources = Resources(timeout_s=LONGEST_S)
            ray = partial(RayRuntime, storage, workers=how.workers or 1, address=how.address, resources=resources)
            runtime = InlineRuntime(storage) if how.inline else ray()
        if stages and not is_ready:
            log, others = out / "teacher-server.log", how.address is not None
            teacher = until_end.enter_context(served(config.teacher, runtime, log, for_other_nodes=others))
            for stage in stages:
                stage.teacher = teacher
                if teacher.url is not None:
                    stage.gate = SharedGate(runtime.service(f"teacher-{config.name}", partial(_open_gate, config)))
            is_ready = True
        return runtime

    with RunLock(out), Events(out, live=how.live) as events, ExitStack() as until_end:
        ended = {"kind": "run_failed", "error": "stopped, or a defect"}
        try:
            gather = GatherEvidence(corpus.kept, corpus.root, config.evidence, config.profile)
            planned = _planned(config, corpus)
            write_plan(storage, planned)
            events.emit("run_started", name=config.name, stages=1 + len(config.tasks))
            manifests = run_stages(storage, [PlannedStage(gather)], start, events)
            shown = Corpus(corpus.root, corpus.kept, manifests[gather.name])
            stages += [Generate(config, task, shown) for task in config.tasks]
            manifests |= run_stages(storage, [PlannedStage(stage) for stage in stages], start, events)
            _publish(storage, config, planned, manifests)
            ended = {"kind": "run_done"}
        except MedmixError as error:
            ended["error"] = str(error)
            raise
        finally:
            until_end.close()
            if runtime is not None:
                runtime.close()
            events.emit(**ended, name=config.name)
    return read_result(out)


def look_ahead(config: GenerationConfig) -> list[Forecast]:
    """Return what a generation would ask and cost. Raises MedmixError; writes nothing."""
    return forecast(config, corpus_of(config), local_storage(Path(config.run).absolute()))


def corpus_of(config: GenerationConfig) -> Corpus:
    """Return the kept documents of the run. Raises InputError while it is not finished, ConfigError for no source."""
    root = local_folder(config.run).absolute()
    try:
        result = read_result(root)
    except InputError as error:
        raise InputError(f"run: {error}") from error
    kept = [shard for name in result.documents for shard in result.manifests[name].shards]
    known = sorted({source for shard in kept for source in shard.ledger.sources})
    for index, task in enumerate(config.tasks):
        if unknown := sorted(set(task.sources) - set(known)):
            raise ConfigError(f"tasks.{index}.sources: {unknown[0]!r} is no source of {config.run}; it has {known}")
    return Corpus(str(root), kept)


def _open_gate(config: GenerationConfig) -> Gate:
    """Return the one gate of all workers, which knows what was spent before."""
    journal = Journal(Path(config.journal))
    return Gate(config.teacher.limits, config.teacher.budget, journal.spent(config.name))


def _planned(config: GenerationConfig, corpus: Corpus) -> dict[str, Any]:
    inputs = {"kept": [[one.shard, one.main.sha256, one.main.size_bytes] for one in corpus.kept]}
    stages = [{"name": name} for name in ("evidence", *(f"generate-{task.kind}" for task in config.tasks))]
    return {"name": config.name, "config": config.identity(), "stages": stages, "inputs": inputs, "notes": []}


def _publish(
    storage: Storage, config: GenerationConfig, planned: dict[str, Any], manifests: dict[str, Manifest]
) -> None:
    """Write the report and the index."""
    body = {
        "name": config.name,
        "config": config.identity(),
        "plan": digest(planned),
        "documents": [f"generate-{task.kind}" for task in config.tasks],
        "mixtures": {},
        "notes": [],
    }
    derived = {"funnel.parquet": funnel_parquet(manifests), FILE: generated_report(storage, manifests)}
    derived[SAMPLES_PAGE] = samples_page(storage, manifests)
    write_result(storage, body, manifests, derived)
