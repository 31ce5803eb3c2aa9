"""Runs parsers in a killable child process with limits, and contains Python errors of single records.

A parser meets hostile bytes through native code, so a crash, a hang or a 10 GB allocation must cost one item and
nothing else. One child serves many items and all parsers (its start and their imports cost up to a second) and is
replaced after a death, a memory fault or a fixed number of items. Frames of JSON cross the pipes, never pickle. CPU
time decides, because it is the same under load; wall time only ends sleeping hangs. The pipes are in
`sandbox_process`, the child's half is `sandbox_child`. It is a guard against accidents and common exploits, not a
jail: no seccomp, no name spaces.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

import orjson

from pipelines.engine.errors import MedmixError, StageError
from pipelines.engine.sandbox_process import DONE, ODD, RECORD, Child, Death, SandboxLimits

__all__ = ["FAULT_REASONS", "Attempt", "Sandbox", "SandboxLimits", "attempt"]

T = TypeVar("T")

FAULT_REASONS = frozenset({"parser_error", "parser_crashed", "parser_timeout", "parser_memory", "parser_output"})


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """Either `value`, or `error`: exception class and 12 hex digits of its traceback, never its message.

    `declared` is (reason, detail) when the exception names them itself, as `Unreadable` does.
    """

    value: T | None = None
    error: str | None = None
    declared: tuple[str, str] | None = None


def attempt(function: Callable[..., T], *args: Any) -> Attempt[T]:
    """Call `function` and hold what came of it.

    Interrupts and SystemExit pass through, and so does MedmixError: a missing model is no fault of the record.
    """
    try:
        return Attempt(value=function(*args))
    except MedmixError:
        raise
    except Exception as error:
        reason, detail = getattr(error, "reason", None), getattr(error, "detail", None)
        declared = (reason, detail) if isinstance(reason, str) and isinstance(detail, str) else None
        return Attempt(error=f"{type(error).__name__} {_traceback_digest(error)}", declared=declared)


def _traceback_digest(error: Exception) -> str:
    """Digest module:function:line of each frame: equal for equal causes, on every machine.

    How deep a recursion gets depends on the caller, so its frames count only up to the first that repeats.
    """
    frames: list[str] = []
    step: TracebackType | None = error.__traceback__
    while step:
        code = step.tb_frame.f_code
        frame = f"{step.tb_frame.f_globals.get('__name__')}:{code.co_name}:{step.tb_lineno}"
        if isinstance(error, RecursionError) and frame in frames:
            break
        frames.append(frame)
        step = step.tb_next
    return hashlib.sha256("\n".join(frames).encode()).hexdigest()[:12]


class Sandbox:
    """Runs generators named "module:function" over items, one at a time, in a child process."""

    def __init__(self, *, limits: SandboxLimits) -> None:
        self._limits = limits
        self._child: Child | None = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child:
            self._child.kill()
            self._child = None

    def run(self, target: str, body: bytes, key: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the records that `target` yields for one item, each with its class name as `type`.

        An exception with `reason` and `detail` ends it with a record of type Unreadable; any other, or the child's
        death, with one of type Fault and a reason of FAULT_REASONS. What came before stays valid. An item whose
        child was killed from outside (out-of-memory killer, shutdown) is tried once more before it is blamed.
        Raises StageError when the target cannot be imported. Finish or close one item before the next.
        """
        given = 0
        for last in (False, True):
            try:
                for index, record in enumerate(self._records(target, body, key, options)):
                    if index >= given:
                        given += 1
                        yield record
            except Death as death:
                if death.outside and not last:
                    continue
                yield death.fault
            return

    def _records(self, target: str, body: bytes, key: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        child = self._ready_child(target)
        at_rest = False
        try:
            child.send({"key": key, "options": options}, body)
            while (frame := child.receive())[0] in (RECORD, ODD):
                yield _decode(*frame)
            at_rest = frame[0] == DONE
        finally:
            if not at_rest:
                self.close()

    def _ready_child(self, target: str) -> Child:
        """Return a child that has imported `target` and turns to it next."""
        if self._child and not self._child.alive():
            self.close()
        self._child = child = self._child or Child(self._limits)
        if child.target != target:
            try:
                child.turn_to(target)
            except Death as death:
                self.close()
                raise StageError(
                    f"sandbox: the parser {target!r} did not start ({death.fault['detail']}): "
                    f"{child.last_words() or 'it said nothing'}; check that it can be imported"
                ) from None
        return child


def _decode(kind: int, payload: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(payload) if kind == RECORD else json.loads(payload)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise Death("parser_crashed", "garbled frame")
    return record
