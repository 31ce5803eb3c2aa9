"""Run planned stages, each to a manifest as soon as its inputs stand, doing only what is not done yet.

A stage is cached when its manifest stands under the fingerprint of its identity, inputs and tasks; a shard is cached
when its record stands under its task key. So a rerun, a resume after any crash, and a run with one changed setting
are the same loop. The runtime is started at the first task that must run, so a finished run never starts Ray.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from pipelines.engine.errors import CorruptionError, StageError
from pipelines.engine.events import Events
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import (
    Manifest,
    ShardRecord,
    manifest_path,
    read_manifest,
    read_record,
    stage_folder,
    task_key,
    whole_identity,
)
from pipelines.engine.runtime import Failure, Runtime
from pipelines.engine.settle import settle
from pipelines.engine.stage import ShardTask, Stage
from pipelines.engine.storage import Storage
from pipelines.engine.work import Order, Report


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage and, for each role of its input, the stages whose shards it reads, in order."""

    stage: Stage
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def awaited(self) -> set[str]:
        """The names of the stages that it reads."""
        return {name for names in self.inputs.values() for name in names}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known about a stage before it runs: its tasks, which of them are committed, and its manifest if all."""

    planned: PlannedStage
    fingerprint: str
    identity: dict[str, Any]
    inputs: dict[str, tuple[str, ...]]
    tasks: list[ShardTask]
    keys: list[str]
    manifest: Manifest | None


def look(storage: Storage, planned: PlannedStage, manifests: Mapping[str, Manifest]) -> Outlook:
    """Plan the tasks of a stage whose inputs are committed, and see what is cached."""
    stage = planned.stage
    inputs = {role: join([manifests[name] for name in names]) for role, names in planned.inputs.items()}
    tasks = stage.tasks(inputs)
    _check_names(stage, tasks)
    identity = whole_identity(stage)
    keys = [task_key(stage.name, stage.version, identity, task) for task in tasks]
    digests = {role: tuple(manifests[name].digest for name in names) for role, names in planned.inputs.items()}
    fingerprint = digest([stage.name, stage.version, identity, digests, keys])
    manifest = read_manifest(storage, stage_folder(stage.name, stage.version), fingerprint)
    return Outlook(planned, fingerprint, identity, digests, tasks, keys, manifest)


def _check_names(stage: Stage, tasks: list[ShardTask]) -> None:
    """Raise StageError when two shards share a name: one would take the other's place."""
    twice = [shard for shard, count in Counter(task.shard for task in tasks).items() if count > 1]
    if twice:
        raise StageError(
            f"{stage.name}: {len(twice)} shard names are planned more than once, e.g. {twice[0]!r}; "
            "name shards after their source"
        )


@dataclass(slots=True)
class _Begun:
    """A stage that is at work, with the records of its shards that are committed."""

    outlook: Outlook
    records: dict[str, ShardRecord]

    @property
    def is_done(self) -> bool:
        return len(self.records) == len(self.outlook.tasks)


def run_stages(
    storage: Storage, planned: list[PlannedStage], runtime: Callable[[], Runtime], events: Events
) -> dict[str, Manifest]:
    """Bring every stage to its manifest and return them by stage name, as planned. Raises MedmixError.

    Stages that wait for no other one are worked on together, so that the last shard of each leaves no worker idle.
    """
    _check_plan(planned)
    manifests: dict[str, Manifest] = {}
    waiting = list(planned)
    while waiting:
        ready = [item for item in waiting if manifests.keys() >= item.awaited]
        if not ready:
            raise StageError(f"{', '.join(item.stage.name for item in waiting)}: these stages wait for each other")
        manifests |= _run_together(storage, ready, manifests, runtime, events)
        waiting = [item for item in waiting if item.stage.name not in manifests]
    return {item.stage.name: manifests[item.stage.name] for item in planned}


def _check_plan(planned: list[PlannedStage]) -> None:
    """Raise StageError when a stage is planned twice, or reads one that is not planned."""
    names = Counter(item.stage.name for item in planned)
    for item in planned:
        if names[item.stage.name] > 1:
            raise StageError(f"{item.stage.name}: planned more than once; give one of them another name")
        if unknown := sorted(item.awaited - names.keys()):
            raise StageError(f"{item.stage.name}: its input {unknown[0]!r} is no stage of this plan")


def _run_together(
    storage: Storage,
    ready: list[PlannedStage],
    manifests: Mapping[str, Manifest],
    runtime: Callable[[], Runtime],
    events: Events,
) -> dict[str, Manifest]:
    begun: dict[str, _Begun] = {}
    done: dict[str, Manifest] = {}

    def orders() -> Iterator[Order]:
        for item in ready:
            outlook = look(storage, item, manifests)
            name = item.stage.name
            if outlook.manifest is not None:
                check_sizes(storage, outlook.manifest)
                events.emit("stage_cached", stage=name, shards=len(outlook.tasks))
                done[name] = outlook.manifest
                continue
            begun[name] = _begin(storage, outlook, events)
            if begun[name].is_done:
                done[name] = _finish(storage, begun[name], events)
            known = set(begun[name].records)  # shards may be committed while the rest are asked for
            yield from (Order(item.stage, task) for task in outlook.tasks if task.shard not in known)

    def notify(kind: str, order: Order, failure: Failure) -> None:
        where = {"stage": order.stage.name, "shard": order.task.shard}
        where |= {"reason": failure.kind, "detail": failure.detail}
        if kind == "row_skipped":
            events.emit("note", text="a record that loses its worker was found: it is quarantined", **where)
        else:
            events.emit(kind, **where)

    to_do = orders()
    if (first_order := next(to_do, None)) is None:
        return done
    for order, report in settle(runtime(), chain([first_order], to_do), notify):
        assert report.record is not None  # only probes have none, and settle keeps those to itself
        own = begun[order.stage.name]
        own.records[order.task.shard] = report.record
        events.emit("shard_done", stage=order.stage.name, shard=order.task.shard, **_facts(report))
        if own.is_done:
            done[order.stage.name] = _finish(storage, own, events)
    return done


def _begin(storage: Storage, outlook: Outlook, events: Events) -> _Begun:
    """Find the shards of a stage that are committed."""
    stage = outlook.planned.stage
    folder = stage_folder(stage.name, stage.version)
    records: dict[str, ShardRecord] = {}
    for task, key in zip(outlook.tasks, outlook.keys, strict=True):
        record = read_record(storage, folder, task.shard, key)
        if record is not None:
            records[task.shard] = record
    events.emit("stage_started", stage=stage.name, shards=len(outlook.tasks), cached=len(records))
    return _Begun(outlook, records)


def _finish(storage: Storage, begun: _Begun, events: Events) -> Manifest:
    """Write the manifest of a stage whose shards are all committed."""
    outlook, records = begun.outlook, begun.records
    stage = outlook.planned.stage
    folder = stage_folder(stage.name, stage.version)
    manifest = Manifest(
        stage.name,
        stage.version,
        outlook.fingerprint,
        outlook.identity,
        outlook.inputs,
        tuple(records[task.shard] for task in outlook.tasks),
        stage.reasons,
    )
    check_sizes(storage, manifest)
    storage.publish_sealed(manifest_path(folder, outlook.fingerprint), manifest.to_json())
    total = manifest.ledger.total()
    events.emit(
        "stage_done",
        stage=stage.name,
        shards=len(outlook.tasks),
        records=total.records_in,
        kept=total.records_kept,
        dropped=total.dropped.total(),
        quarantined=total.quarantined.total(),
    )
    return manifest


def _facts(report: Report) -> dict[str, Any]:
    assert report.record is not None
    total = report.record.ledger.total()
    return {
        "records": total.records_in,
        "tokens": total.tokens_in,
        "bytes": sum(ref.size_bytes for ref in report.record.files.values()),
        "quarantined": total.quarantined.total(),
        "seconds": round(report.seconds, 3),
        "worker_rss_bytes": report.worker_rss_bytes,
    }


def check_sizes(storage: Storage, manifest: Manifest) -> None:
    """Raise CorruptionError when a listed file is missing or has another size: cheap, and before any use."""
    for record in manifest.shards:
        for ref in record.files.values():
            size = storage.size(ref.path)
            if size != ref.size_bytes:
                found = "it is missing" if size is None else f"it has {size} bytes"
                raise CorruptionError(
                    f"{ref.path}: the record of shard {record.shard} says {ref.size_bytes} bytes, but {found}; "
                    f"restore it, or remove the shard's record and {manifest.folder}/manifest-*.json and run again"
                )


def join(manifests: list[Manifest]) -> Manifest:
    """Return several stages' shards as one input, in order."""
    if len(manifests) == 1:
        return manifests[0]
    shards = tuple(shard for manifest in manifests for shard in manifest.shards)
    inputs = {manifest.stage: (manifest.digest,) for manifest in manifests}
    return Manifest("+".join(m.stage for m in manifests), "0", digest(inputs), {}, inputs, shards, frozenset())
