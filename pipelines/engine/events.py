"""What happened in a run, one JSON line an event, in `events.jsonl`; shown live on a terminal, else told on stderr.

Events are for people and monitors and are no data: they may hold wall times, and nothing reads them to decide
what to do. Every text passes redaction. A full disk silences the file, with one warning, and never ends a run.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from pipelines.engine.progress import LiveView, render_status
from pipelines.engine.secrets import redact
from pipelines.engine.status import EVENTS_NAME, Status, read_status

__all__ = ["KINDS", "Events", "Status", "read_status", "render_status"]

KINDS = frozenset(
    {"run_started", "run_refused", "run_failed", "run_done", "note", "shard_done", "shard_retried"}
    | {"stage_planned", "stage_started", "stage_done", "stage_cached"}
)
_SAID_ABOVE_TABLE = {"note": "text", "run_refused": "error", "run_failed": "error", "shard_retried": "reason"}
"""Events that are also told in words on a terminal, and the field that says why."""


class Events:
    """Context manager that writes the events of one run to `folder`.

    `live` asks for the table, which needs a terminal; without one, each event but `shard_done` is a JSON line on
    `stream` (stderr). Fields by kind: stage_planned(stage, shards, cached), stage_started(stage),
    shard_done(stage, shard, records, tokens, bytes, seconds, quarantined, worker_rss_bytes),
    shard_retried(stage, shard, reason), stage_done(stage), stage_cached(stage), note(text), run_failed(error),
    run_refused(error): nothing was begun.
    """

    def __init__(
        self,
        folder: Path,
        *,
        live: bool,
        console: Console | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.status = Status()
        self._path = folder / EVENTS_NAME
        self._stream = stream or sys.stderr
        self._clock = clock
        self._descriptor: int | None = None
        self._open()
        console = console or Console(stderr=True)
        self._view = LiveView(self.status, console, clock) if live and console.is_terminal else None

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def emit(self, kind: str, **fields: Any) -> None:
        """Write one event. Raises ValueError when `kind` is not one of KINDS."""
        if kind not in KINDS:
            raise ValueError(f"unknown event {kind!r}; known: {sorted(KINDS)}")
        event: dict[str, Any] = {"time": round(self._clock(), 3), "kind": kind, **_clean(fields)}
        line = json.dumps(event, ensure_ascii=False) + "\n"
        self._append(line)
        self.status.apply(event)
        if self._view is None and kind != "shard_done":
            self._stream.write(line)
            self._stream.flush()
        elif self._view and kind in _SAID_ABOVE_TABLE:
            where = "/".join(str(event[name]) for name in ("stage", "shard") if name in event)
            self._view.say(f"{kind} {where} {event.get(_SAID_ABOVE_TABLE[kind], '')}")

    def close(self) -> None:
        """Leave the last table on the screen and close the file."""
        if self._view:
            self._view.close()
            self._view = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")  # a crash tore the last line: keep ours apart from it
        except OSError as error:
            self._silence(error)

    def _append(self, line: str) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, line.encode("utf-8", "replace"))
        except OSError as error:
            self._silence(error)

    def _silence(self, error: OSError) -> None:
        self._stream.write(f"warning: {self._path} cannot be written ({error.strerror}); the run goes on without it\n")
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _clean(value: Any) -> Any:
    """Return a JSON value whose every text, also of keys and of what is no JSON value, is redacted."""
    if isinstance(value, dict):
        return {redact(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Real):  # numpy's numbers too
        return int(value) if isinstance(value, Integral) else float(value)
    return redact(str(value))
