"""Runs parsers in a killable child process with limits, and contains Python errors of single records.

A parser meets hostile bytes through native code, so a crash, a hang or a 10 GB allocation must cost one item and
nothing else. One child serves many items (its start costs about a second) and is replaced after a death, a memory
fault or a fixed number of items. Frames of JSON cross the pipes, never pickle. CPU time decides, because it is the
same under load; wall time only ends sleeping hangs. The child's half is `pipelines.engine.sandbox_child`.
It is a guard against accidents and common exploits, not a jail: no seccomp, no name spaces.
"""

import hashlib
import json
import math
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from struct import Struct
from types import TracebackType
from typing import Any, Generic, TypeVar

from pipelines.engine.errors import StageError
from pipelines.engine.secrets import is_secret_name

T = TypeVar("T")

FAULT_REASONS = frozenset({"parser_error", "parser_crashed", "parser_timeout", "parser_memory", "parser_output"})
FRAME = Struct("<BQ")
"""Kind of a frame and the length of its payload in bytes; both directions."""
READY, RECORD, DONE, RETIRED = range(4)
"""Kinds the child sends: it can serve; one record; the item ended; the item ended and the child leaves."""

_CHUNK_BYTES = 1 << 20
_COMPLAINT_BYTES = 4096
_LIVENESS_S = 1.0
_OUT_OF_MEMORY = re.compile(
    rb"bad_alloc|MemoryError|out of memory|cannot allocate memory|memory allocation of \d+", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """What one item may use: CPU seconds (rounded up), silence in seconds, memory above that of the idle child,
    bytes of frames. The last two replace the child after so many items, or when it has grown so much."""

    cpu_s: float = 20
    wall_s: float = 120
    memory_bytes: int = 2 << 30
    output_bytes: int = 1 << 30
    recycle_items: int = 2000
    recycle_bytes: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """Either `value`, or `error`: exception class and 12 hex digits of its traceback, never its message.

    `declared` is (reason, detail) when the exception names them itself, as `Unreadable` does.
    """

    value: T | None = None
    error: str | None = None
    declared: tuple[str, str] | None = None


def attempt(function: Callable[..., T], *args: Any) -> Attempt[T]:
    """Call `function` and hold what came of it. Interrupts and SystemExit pass through."""
    try:
        return Attempt(value=function(*args))
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


class _Death(Exception):
    """The child cannot finish the item. `outside` says that another process may have killed it."""

    def __init__(self, reason: str, detail: str, *, outside: bool = False) -> None:
        super().__init__(reason, detail)
        self.outside = outside
        self.fault = {"type": "Fault", "reason": reason, "detail": detail, "name": ""}


class _Child:
    """One child process and the pipes to it, none of which can block us."""

    def __init__(self, target: str, limits: SandboxLimits) -> None:
        self._limits = limits
        self._budget_bytes = limits.output_bytes
        self._outgoing: list[memoryview] = []
        self._incoming = bytearray()
        self._complaint = b""
        settings = json.dumps({"target": target, "parent": os.getpid(), **asdict(limits)})
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipelines.engine.sandbox_child", settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env=_environment(),
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._to, self._from, self._murmur = self._process.stdin, self._process.stdout, self._process.stderr
        self._selector = selectors.DefaultSelector()
        for pipe, react in ((self._from, self._read), (self._murmur, self._listen)):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, react)
        os.set_blocking(self._to.fileno(), False)

    def send(self, header: bytes, body: bytes) -> None:
        """Queue one request; `receive` moves it."""
        self._budget_bytes = self._limits.output_bytes
        frame = FRAME.pack(0, len(header)) + header + FRAME.pack(0, len(body))
        self._outgoing = [memoryview(part) for part in (frame, body) if part]
        self._selector.register(self._to, selectors.EVENT_WRITE, self._write)

    def receive(self) -> tuple[int, bytes]:
        """Return the next frame (kind, payload). Raises _Death; the time between calls is not the child's."""
        deadline = time.monotonic() + self._limits.wall_s
        while (frame := self._next_frame()) is None:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise _Death("parser_timeout", f"no sign of life for {self._limits.wall_s:g} s")
            ready = self._selector.select(min(left_s, _LIVENESS_S))
            for key, _ in ready:
                key.data()
            if not ready and not self.alive():  # a grandchild may hold the pipe open, so that no end of file tells
                raise self._death()
        return frame

    def _next_frame(self) -> tuple[int, bytes] | None:
        if len(self._incoming) < FRAME.size:
            return None
        kind, size = FRAME.unpack_from(self._incoming)
        if size > self._budget_bytes:
            raise _Death("parser_output", f"more than {self._limits.output_bytes} bytes")
        end = FRAME.size + size
        if len(self._incoming) < end:
            return None
        payload = bytes(memoryview(self._incoming)[FRAME.size : end])
        del self._incoming[:end]
        self._budget_bytes -= size
        return kind, payload

    def _read(self) -> None:
        chunk = os.read(self._from.fileno(), _CHUNK_BYTES)
        if not chunk:
            raise self._death()
        self._incoming += chunk

    def _listen(self) -> None:
        chunk = os.read(self._murmur.fileno(), _CHUNK_BYTES)
        self._complaint = (self._complaint + chunk)[-_COMPLAINT_BYTES:]
        if not chunk:
            self._selector.unregister(self._murmur)

    def _write(self) -> None:
        try:
            sent = os.write(self._to.fileno(), self._outgoing[0][:_CHUNK_BYTES])
        except BrokenPipeError:  # dead, or deaf: reading will tell
            self._outgoing.clear()
        else:
            self._outgoing[0] = self._outgoing[0][sent:]
            self._outgoing = [part for part in self._outgoing if part]
        if not self._outgoing:
            self._selector.unregister(self._to)

    def _death(self) -> _Death:
        """Say why the child is dead, from its exit status and its last words (which are kept nowhere)."""
        status = self.kill()
        if status == -signal.SIGXCPU:
            return _Death("parser_timeout", f"more than {math.ceil(self._limits.cpu_s)} s of CPU")
        name = signal.Signals(-status).name if status < 0 else f"exit {status}"
        if _OUT_OF_MEMORY.search(self._complaint):
            return _Death("parser_memory", name)
        return _Death("parser_crashed", name, outside=status in (-signal.SIGKILL, -signal.SIGTERM))

    def last_words(self) -> str:
        """Return the last line the child wrote to stderr. May hold anything: only for use before the first item."""
        return self._complaint.decode(errors="replace").strip().rpartition("\n")[2]

    def alive(self) -> bool:
        """Return whether the child still runs."""
        return self._process.poll() is None

    def kill(self) -> int:
        """End the child with all its process group, and return its exit status."""
        if not self._murmur.closed:
            with suppress(ProcessLookupError, PermissionError):  # all of them gone already; macOS says the latter
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            with suppress(BlockingIOError):
                self._complaint += os.read(self._murmur.fileno(), _COMPLAINT_BYTES)
            self._selector.close()
            for pipe in (self._to, self._from, self._murmur):
                pipe.close()
        return self._process.wait()


def _environment() -> dict[str, str]:
    """Return our environment without secrets, and with our import path, so that the child imports the same code."""
    kept = {name: value for name, value in os.environ.items() if not is_secret_name(name)}
    return {**kept, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}


class Sandbox:
    """Runs the generator named by `target` ("module:function") over items, one at a time, in a child process."""

    def __init__(self, target: str, *, limits: SandboxLimits) -> None:
        self._target = target
        self._limits = limits
        self._child: _Child | None = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child:
            self._child.kill()
            self._child = None

    def run(self, body: bytes, key: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the records that the target yields for one item, each with its class name as `type`.

        An exception with `reason` and `detail` ends it with a record of type Unreadable; any other, or the child's
        death, with one of type Fault and a reason of FAULT_REASONS. What came before stays valid. An item whose
        child was killed from outside (out-of-memory killer, shutdown) is tried once more before it is blamed.
        Raises StageError when the target cannot be imported. Finish or close one item before the next.
        """
        given = 0
        for last in (False, True):
            try:
                for index, record in enumerate(self._records(body, key, options)):
                    if index >= given:
                        given += 1
                        yield record
            except _Death as death:
                if death.outside and not last:
                    continue
                yield death.fault
            return

    def _records(self, body: bytes, key: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        child = self._ready_child()
        at_rest = False
        try:
            child.send(json.dumps({"key": key, "options": options}).encode(), body)
            while (frame := child.receive())[0] == RECORD:
                yield _decode(frame[1])
            at_rest = frame[0] == DONE
        finally:
            if not at_rest:
                self.close()

    def _ready_child(self) -> _Child:
        if self._child and not self._child.alive():
            self.close()
        if self._child is None:
            self._child = child = _Child(self._target, self._limits)
            try:
                child.receive()
            except _Death as death:
                self.close()
                raise StageError(
                    f"sandbox: the parser {self._target!r} did not start ({death.fault['detail']}): "
                    f"{child.last_words() or 'it said nothing'}; check that it can be imported"
                ) from None
        return self._child


def _decode(payload: bytes) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(payload)
    except (ValueError, RecursionError):
        raise _Death("parser_crashed", "garbled frame") from None
    return record
