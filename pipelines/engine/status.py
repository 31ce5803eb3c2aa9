"""The state of a run, folded from its events: the same value for the live view and for `medmix status`.

`Status.apply` takes one event; `read_status` takes all lines of `events.jsonl`, passing over what a crash tore. A
resumed run appends to the same file, so `run_started` begins anew. Numbers come from the events and are shown,
never trusted: what a stage wrote is what its manifest says.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipelines.engine.place import look_into, place_of

EVENTS_NAME = "events.jsonl"
_KEPT_NOTES = 5

StageState = Literal["planned", "running", "done", "cached"]
RunState = Literal["none", "running", "failed", "done"]


@dataclass(slots=True)
class StageStatus:
    """Progress of one stage. `shards_cached` were committed before this run; `seconds` are summed over shards."""

    state: StageState = "planned"
    shards: int = 0
    shards_cached: int = 0
    shards_done: int = 0
    records: int = 0
    tokens: int = 0
    bytes: int = 0
    seconds: float = 0.0
    quarantined: int = 0
    retried: int = 0
    peak_rss_bytes: int = 0
    started_s: float | None = None
    ended_s: float | None = None

    def elapsed_s(self, now_s: float) -> float:
        """Return wall seconds since the stage started, up to its end or to `now_s`."""
        if self.started_s is None:
            return 0.0
        return max(0.0, (self.ended_s if self.ended_s is not None else now_s) - self.started_s)

    def records_per_s(self, now_s: float) -> float:
        """Return records done per second of wall time; 0 before the first."""
        elapsed_s = self.elapsed_s(now_s)
        return self.records / elapsed_s if elapsed_s else 0.0

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds left at the pace so far; None while unknown or not running."""
        if self.state != "running" or not self.shards_done:
            return None
        todo = max(0, self.shards - self.shards_cached - self.shards_done)
        return self.elapsed_s(now_s) * todo / self.shards_done


@dataclass(slots=True)
class Status:
    """State of a run: stages in the order they were planned, the last notes, and why it failed if it did."""

    state: RunState = "none"
    started_s: float | None = None
    updated_s: float | None = None
    error: str = ""
    stages: dict[str, StageStatus] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def apply(self, event: dict[str, Any]) -> None:
        """Take one event into account; events of an unknown kind only move the time."""
        kind = event.get("kind")
        self.updated_s = float(event.get("time", 0.0))
        if kind == "run_started":
            self.state, self.started_s, self.error = "running", self.updated_s, ""
            self.stages, self.notes = {}, []
        elif kind in ("run_done", "run_failed"):
            self.state = "done" if kind == "run_done" else "failed"
            self.error = str(event.get("error", "")) if kind == "run_failed" else ""
        elif kind == "run_refused" and self.state != "done":
            self.state, self.error = "failed", str(event.get("error", ""))
        elif kind == "run_refused":  # what is done stays done
            self._note(f"refused since: {event.get('error', '')}")
        elif kind == "note":
            self._note(str(event.get("text", "")))
        elif "stage" in event:
            _apply_to_stage(self.stages.setdefault(str(event["stage"]), StageStatus()), event)

    def _note(self, text: str) -> None:
        self.notes = [*self.notes, text][-_KEPT_NOTES:]


def _apply_to_stage(stage: StageStatus, event: dict[str, Any]) -> None:
    kind, now_s = event["kind"], float(event.get("time", 0.0))
    if "shards" in event and kind in ("stage_planned", "stage_started", "stage_cached"):
        stage.shards = int(event["shards"])
        stage.shards_cached = stage.shards if kind == "stage_cached" else int(event.get("cached", 0))
    if kind == "stage_started":
        stage.state, stage.started_s = "running", now_s
    elif kind == "stage_done":
        stage.state, stage.ended_s = "done", now_s
    elif kind == "stage_cached":
        stage.state = "cached"
    elif kind == "shard_retried":
        stage.retried += 1
    elif kind == "shard_done":
        stage.shards_done += 1
        for name in ("records", "tokens", "bytes", "seconds", "quarantined"):
            setattr(stage, name, getattr(stage, name) + (event.get(name) or 0))
        stage.peak_rss_bytes = max(stage.peak_rss_bytes, event.get("worker_rss_bytes") or 0)


def read_status(run: Path | str) -> Status:
    """Return the state of the run in a folder or store; state "none" when it has no events."""
    status = Status()
    for event in read_events(run):
        status.apply(event)
    return status


def read_events(run: Path | str) -> Iterator[dict[str, Any]]:
    """Yield the events of a run, none when there are none. Torn lines are passed over."""
    storage = look_into(place_of(run))
    if storage.size(EVENTS_NAME) is None:
        return
    for line in bytes(storage.disk.read(EVENTS_NAME)).decode(errors="replace").split("\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "kind" in event:
            yield event
