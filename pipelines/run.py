"""Run a run file: lock, plan, stages, funnel, index. What `medmix run` and `medmix plan` do.

Everything that can be refused is refused before the lock is taken and before Ray starts. The funnel and the index
are written last, and a run whose quarantine passed the limit of the run file ends with an error after finishing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.config import RunConfig
from pipelines.engine.driver import Outlook, look, run_stages
from pipelines.engine.errors import ConfigError, MedmixError, QuarantineError
from pipelines.engine.events import Events
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest, stage_folder
from pipelines.engine.place import drivers_folder, locked, look_into, open_place, place_of
from pipelines.engine.runtime import InlineRuntime, RayRuntime, Resources, Runtime
from pipelines.engine.status import EVENTS_NAME
from pipelines.engine.storage import Storage
from pipelines.plan import Plan, plan_run
from pipelines.report.funnel import funnel_parquet
from pipelines.report.limits import LIMITS, Limits, too_many_quarantined
from pipelines.report.retention import FILE as RETENTION
from pipelines.report.retention import Kept, below, low, read_retention, retention, retention_parquet
from pipelines.result import Result, read_result, stands, write_plan, write_result
from pipelines.stages.consolidation import UNGRANTED
from sources.digests import DigestCache

DIGESTS = ".inputs.json"
"""The cache of input digests: no data, and as good as none when it is damaged or gone."""


@dataclass(frozen=True, slots=True)
class How:
    """Where the work runs: decides speed, never bytes."""

    workers: int | None = None
    address: str | None = None
    inline: bool = False
    live: bool = True


class _Lazy:
    """Start the runtime at the first task, so that a finished run never does."""

    def __init__(self, start: Callable[[], Runtime]) -> None:
        self._start = start
        self.runtime: Runtime | None = None

    def __call__(self) -> Runtime:
        if self.runtime is None:
            self.runtime = self._start()
        return self.runtime

    def close(self) -> None:
        if self.runtime is not None:
            self.runtime.close()


def run(config: RunConfig, how: How) -> Result:
    """Bring a run to its end and return its result. Raises MedmixError."""
    out = place_of(config.out)
    storage = open_place(out)
    with locked(out) as lock, drivers_folder(out, EVENTS_NAME, DIGESTS) as own:
        events = Events(own, live=how.live)
        lazy = _Lazy(lambda: _runtime(storage, config, how))
        ended = {"kind": "run_refused", "error": "stopped, or a defect"}
        try:
            if lock.notice:
                events.emit("note", text=lock.notice)
            cache = DigestCache(own / DIGESTS)
            plan = plan_run(config, cache)
            cache.save()
            planned = _planned(config, plan)
            write_plan(storage, planned)
            events.emit("run_started", name=config.name, stages=len(plan.stages), command=config.command)
            ended["kind"] = "run_failed"
            for note in plan.notes:
                events.emit("note", text=note)
            manifests = run_stages(storage, plan.stages, lazy, events)
            for note in alarms(manifests) + rights_notes(config, plan, manifests):
                events.emit("note", text=note)
            body = {**_resulted(config, plan, manifests), "plan": digest(planned)}
            if not stands(storage, body, manifests):
                kept = retention(storage, manifests)
                for note in low(kept, config.retention.alarm, config.retention.min_documents):
                    events.emit("note", text=note)
                derived = {"funnel.parquet": funnel_parquet(manifests), RETENTION: retention_parquet(kept)}
                write_result(storage, body, manifests, derived)
            ended = {"kind": "run_done"}
        except MedmixError as error:
            ended["error"] = str(error)
            raise
        except KeyboardInterrupt:
            ended["error"] = "stopped by whoever ran it; run again to go on"
            raise
        finally:
            lazy.close()
            events.emit(**ended, name=config.name)
            events.close()
    return read_result(out)


def _planned(config: RunConfig, plan: Plan) -> dict[str, Any]:
    stages = [
        {"name": item.stage.name, "version": item.stage.version, "inputs": {r: list(n) for r, n in item.inputs.items()}}
        for item in plan.stages
    ]
    inputs = {name: [[f.key, f.sha256, f.size_bytes] for f in files] for name, files in plan.inputs.items()}
    return {"name": config.name, "config": config.identity(), "stages": stages, "inputs": inputs, "notes": plan.notes}


def _resulted(config: RunConfig, plan: Plan, done: dict[str, Manifest]) -> dict[str, Any]:
    folders = {name: done[stage].shards[0].facts["folder"] for name, stage in plan.mixtures.items()}
    notes = plan.notes + rights_notes(config, plan, done)
    kept = {"documents": list(plan.documents), "mixtures": folders, "notes": notes}
    return {"name": config.name, "config": config.identity(), "described": _described(config, plan), **kept}


def _described(config: RunConfig, plan: Plan) -> dict[str, Any]:
    """Return what cards and reports tell beside the bytes of stages: what people say, limits, what a teacher did."""
    sources = {
        source.name: {"title": source.title, "about": source.about.model_dump(mode="json") if source.about else None}
        for source in config.sources
    }
    found_by = {one.name: one.found_by.model_dump(mode="json") for one in config.mixtures if one.found_by}
    told = {"card": config.card.model_dump(mode="json"), "sources": sources, "found_by": found_by}
    return {**told, LIMITS: limits(config).described(), "run_file": config.read_from(), "generated": plan.generated}


def limits(config: RunConfig) -> Limits:
    """Return the limits that a run file sets."""
    floors = {name: float(floor) for name, floor in config.retention.floors.items()}
    return Limits(config.max_quarantined, config.retention.alarm, config.retention.min_documents, floors)


def _runtime(storage: Storage, config: RunConfig, how: How) -> Runtime:
    if how.inline:
        return InlineRuntime(storage)
    settings = config.resources
    resources = Resources(settings.cpus, settings.memory_bytes, settings.timeout_s)
    return RayRuntime(storage, workers=how.workers or _cpus(), address=how.address, resources=resources)


def _cpus() -> int:
    import os

    return len(os.sched_getaffinity(0))


def alarms(manifests: dict[str, Manifest]) -> list[str]:
    """Return what stages noted as alarming, such as a source that deduplication nearly wiped out."""
    return [text for m in manifests.values() for shard in m.shards for text in shard.facts.get("alarms", [])]


def rights_notes(config: RunConfig, plan: Plan, manifests: Mapping[str, Manifest]) -> list[str]:
    """Return a note on kept documents that no licence allows to train on, which only one profile lets in."""
    ledgers = [manifests[name].ledger for name in plan.documents]
    count = sum(ledger.counters[UNGRANTED] for ledger in ledgers)
    if not count:
        return []
    kept = sum(ledger.total().records_out for ledger in ledgers)
    return [
        f"{count:,} of {kept:,} kept documents have no licence that is known to allow training; the profile "
        f"{config.profile} lets them in, and nothing of it may be released; `profile: open` leaves them out"
    ]


def check_quarantine(config: RunConfig, result: Result) -> None:
    """Raise QuarantineError when more of the records than the run file allows were quarantined."""
    if told := too_many_quarantined(result.manifests, limits(config)):
        raise QuarantineError(f"{told}; the results are complete, the table above and funnel.parquet tell the reasons")


def check_floors(config: RunConfig, result: Result) -> None:
    """Raise QuarantineError when a slice was kept at less than its floor in the run file."""
    kept = kept_slices(result)
    if config.retention.floors and not kept:
        raise ConfigError(
            "retention.floors: no stage of the run file looks at slices; add {kind: coverage} as the first"
        )
    if missed := below(kept, config.retention.floors):
        raise QuarantineError(
            "\n".join(
                ["slices were kept at less than their floor (retention.floors); the results are complete:", *missed]
            )
        )


def kept_slices(result: Result) -> list[Kept]:
    """Return the retention audit of a finished run, empty when it has none."""
    return read_retention(bytes(result.storage.read(result.files[RETENTION]))) if RETENTION in result.files else []


@dataclass(frozen=True, slots=True)
class Expectation:
    """What `medmix plan` says of one stage: shards and cached shards (None while its inputs are not there), and why."""

    stage: str
    shards: int | None
    cached: int | None
    why: str
    tokens: int | None


def expect(config: RunConfig) -> tuple[Plan, list[Expectation]]:
    """Return the plan and what each stage would do now; writes only digests of inputs, beside a run that is there."""
    out = place_of(config.out)
    storage = look_into(out)
    with drivers_folder(out, DIGESTS) as own:
        cache = DigestCache(own / DIGESTS)
        plan = plan_run(config, cache)
        if own.is_dir():
            cache.save()
    manifests: dict[str, Manifest] = {}
    told = []
    for item in plan.stages:
        name = item.stage.name
        missing = [n for names in item.inputs.values() for n in names if n not in manifests]
        if missing:
            told.append(Expectation(name, None, None, f"after {', '.join(dict.fromkeys(missing))}", None))
            continue
        outlook = look(storage, item, manifests)
        if outlook.manifest is not None:
            manifests[name] = outlook.manifest
            tokens = outlook.manifest.ledger.total().tokens_out
            told.append(Expectation(name, len(outlook.tasks), len(outlook.tasks), "cached", tokens))
            continue
        cached = sum(
            storage.size(f"{stage_folder(name, item.stage.version)}/records/{task.shard}-{key[:16]}.json") is not None
            for task, key in zip(outlook.tasks, outlook.keys, strict=True)
        )
        told.append(Expectation(name, len(outlook.tasks), cached, why(storage, outlook), _estimate(outlook)))
    return plan, told


BYTES_A_TOKEN = {"html": 26, "jats": 9, "pdf": 120, "xml": 12, "mcq": 4, "records": 5, "text": 4}
"""Raw bytes for each estimated token, by parser: medians over the real sample; compressed input tells less."""


def _estimate(outlook: Outlook) -> int | None:
    """Estimate the tokens an extraction will give from its raw bytes; other stages know only afterwards."""
    source = getattr(outlook.planned.stage, "config", None)
    sizes = [ref.size_bytes for task in outlook.tasks for ref in task.inputs.get("raw", ())]
    if source is None or not sizes:
        return None
    return sum(sizes) // BYTES_A_TOKEN.get(getattr(source, "parser", ""), 8)


def why(storage: Storage, outlook: Outlook) -> str:
    """Say why a stage would run: what differs, field by field, from the last manifest that stands in its folder."""
    stage = outlook.planned.stage
    folder = stage_folder(stage.name, stage.version)
    standing = [p for p in storage.list(folder) if "/manifest-" in p]
    if not standing:
        return "not run yet"
    differences: list[list[str]] = []
    for path in standing:
        body = storage.read_sealed(path) or {}
        differences.append(
            _differences(body["identity"], outlook.identity) + _inputs_differ(body["inputs"], outlook.inputs)
        )
    return "; ".join(sorted(differences, key=len)[0]) or "its shards changed"


def _differences(old: object, new: object, at: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [line for k in keys for line in _differences(old.get(k), new.get(k), f"{at}.{k}" if at else str(k))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [line for i, pair in pairs for line in _differences(*pair, f"{at}.{i}" if at else str(i))]
    return [] if old == new else [f"{at} was {old!r}, is {new!r}"]


def _inputs_differ(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"its input {role!r} changed"
        for role in sorted(old.keys() | new.keys())
        if list(old.get(role, ())) != list(new.get(role, ()))
    ]
