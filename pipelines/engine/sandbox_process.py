"""One child process of the sandbox: how it is started, spoken to without ever blocking, and ended with all it started.

The child's memory and CPU limits are its own affair (`sandbox_child`); silence, too much output and death are seen
here. Pipes are moved by one selector loop, so neither 100 MB bodies nor 100 MB answers can lock both sides. The
child leads its own process group, which is killed as a whole. Not here: what an item's records mean (`sandbox`).
"""

import json
import math
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, cast

from pipelines.engine.secrets import is_secret_name

FRAME = Struct("<BQ")
"""Kind of a frame and the length of its payload in bytes; both directions."""
READY, RECORD, ODD, DONE, RETIRED = range(5)
"""Kinds the child sends: the parser is imported; one record; one that only Python's own `json` can carry (half of a
surrogate pair, an integer of more than 64 bits); the item ended; the item ended and the child leaves."""

START_S = 120.0
"""How long a child may take to import its parser, on a busy machine, whatever the limit for items."""

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


class Death(Exception):
    """The child cannot finish the item. `outside` says that another process may have killed it."""

    def __init__(self, reason: str, detail: str, *, outside: bool = False) -> None:
        super().__init__(reason, detail)
        self.outside = outside
        self.fault = {"type": "Fault", "reason": reason, "detail": detail, "name": ""}


class Child:
    """One child process and the pipes to it, none of which can block us; `target` is the parser it has turned to."""

    def __init__(self, limits: SandboxLimits) -> None:
        self.target = ""
        self._limits = limits
        self._budget_bytes = limits.output_bytes
        self._outgoing: list[memoryview] = []
        self._incoming = bytearray()
        self._complaint = b""
        settings = json.dumps({"parent": os.getpid(), **asdict(limits)})
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipelines.engine.sandbox_child", settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env=_environment(),
        )
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._to, self._from, self._murmur = (cast("BinaryIO", pipe) for pipe in pipes)
        self._selector = selectors.DefaultSelector()
        for pipe, react in ((self._from, self._read), (self._murmur, self._listen)):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, react)
        os.set_blocking(self._to.fileno(), False)

    def turn_to(self, target: str) -> None:
        """Have the child import the parser `target`, which serves from now on. Raises Death when it cannot."""
        self.send({"target": target}, b"")
        self.receive(START_S)
        self.target = target

    def send(self, header: dict[str, Any], body: bytes) -> None:
        """Queue one request; `receive` moves it."""
        self._complaint = b""
        self._budget_bytes = self._limits.output_bytes
        head = json.dumps(header).encode()
        frame = FRAME.pack(0, len(head)) + head + FRAME.pack(0, len(body))
        self._outgoing = [memoryview(part) for part in (frame, body) if part]
        self._selector.register(self._to, selectors.EVENT_WRITE, self._write)

    def receive(self, least_wait_s: float = 0.0) -> tuple[int, bytes]:
        """Return the next frame (kind, payload). Raises Death; the time between calls is not the child's."""
        deadline = time.monotonic() + max(self._limits.wall_s, least_wait_s)
        while (frame := self._next_frame()) is None:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise Death("parser_timeout", f"no sign of life for {self._limits.wall_s:g} s")
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
            raise Death("parser_output", f"more than {self._limits.output_bytes} bytes")
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

    def _death(self) -> Death:
        """Say why the child is dead, from its exit status and its last words (which are kept nowhere)."""
        with suppress(subprocess.TimeoutExpired):  # its pipe closes just before it ends by itself
            self._process.wait(_LIVENESS_S)
        status = self.kill()
        if status == -signal.SIGXCPU:
            return Death("parser_timeout", f"more than {math.ceil(self._limits.cpu_s)} s of CPU")
        name = signal.Signals(-status).name if status < 0 else f"exit {status}"
        if _OUT_OF_MEMORY.search(self._complaint):
            return Death("parser_memory", name)
        return Death("parser_crashed", name, outside=status in (-signal.SIGKILL, -signal.SIGTERM))

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
    return {**kept, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
