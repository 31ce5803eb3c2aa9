"""The child's half of `pipelines.engine.sandbox`: import parsers, serve items under limits until told to go.

It takes the two pipes for itself first, so that nothing a parser prints can reach the protocol. Each item gets
the same headroom above what the process uses when the item starts, so an item's fate does not depend on those
before it. It dies with its parent, also when that is killed. Started by `Sandbox` only, never by hand.
"""

import ctypes
import gc
import importlib
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from pipelines.engine.sandbox import attempt
from pipelines.engine.sandbox_process import DONE, FRAME, ODD, READY, RECORD, RETIRED, SandboxLimits

Parse = Callable[[bytes, str, dict[str, Any]], Iterable[Any]]

_PR_SET_PDEATHSIG = 1
_FORBIDDEN = (
    "socket.connect",
    "socket.bind",
    "socket.send",
    "socket.get",
    "subprocess.",
    "os.fork",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.",
)
_LEAVES = frozenset({str, int, bool, type(None)})
_at_work: list[str] = []
"""The parser that items may reach; empty while one is imported."""


def main() -> None:
    """Serve over stdin and stdout, with limits and parent from the settings (JSON, first argument)."""
    settings = json.loads(sys.argv[1])
    _die_with(settings.pop("parent"))
    requests, replies = _take_pipes()
    _set_soft(resource.RLIMIT_CORE, 0)
    _set_soft(resource.RLIMIT_FSIZE, 0)
    sys.addaudithook(_refuse)
    _serve(SandboxLimits(**settings), requests, replies)


def _serve(limits: SandboxLimits, requests: BinaryIO, replies: BinaryIO) -> None:
    parse: Parse = _no_parser
    grown_bytes = served = 0
    while (header := _receive(requests)) is not None and (body := _receive(requests)) is not None:
        request = json.loads(header)
        if "target" in request:
            before_bytes = _memory()[1]
            parse = _imported(request["target"])
            grown_bytes += _memory()[1] - before_bytes if served else _memory()[1] + limits.recycle_bytes
            _send(replies, READY)
            continue
        served += 1
        healthy = _answer(parse, limits, (body, request), replies)
        del body
        stays = healthy and served < limits.recycle_items and _memory()[1] <= grown_bytes
        _send(replies, DONE if stays else RETIRED)
        if not stays:
            return


def _no_parser(*_: Any) -> Iterable[Any]:
    raise LookupError("an item came before a parser")


@cache
def _imported(target: str) -> Parse:
    """Import a parser, which may do what a parser at work may not (a library asks the system for IPv6, say)."""
    module, _, function = target.partition(":")
    _at_work.clear()
    parse: Parse = getattr(importlib.import_module(module), function)
    _at_work.append(target)
    gc.collect()
    gc.freeze()
    return parse


def _answer(parse: Parse, limits: SandboxLimits, item: tuple[bytes, dict[str, Any]], replies: BinaryIO) -> bool:
    """Parse one item under the limits and send its records; return False when memory ran out."""
    body, header = item
    _set_soft(resource.RLIMIT_CPU, math.ceil(time.process_time() + limits.cpu_s))
    if size_bytes := _memory()[0]:
        _set_soft(resource.RLIMIT_AS, size_bytes + limits.memory_bytes)
    outcome = attempt(_send_records, parse, (body, header["key"], header["options"]), replies)
    _set_soft(resource.RLIMIT_AS, resource.RLIM_INFINITY)
    _set_soft(resource.RLIMIT_CPU, resource.RLIM_INFINITY)
    if outcome.declared:
        reason, detail = outcome.declared
        _send_record(replies, {"type": "Unreadable", "reason": reason, "detail": detail})
    elif outcome.error or not outcome.value:
        reason, detail = ("parser_error", outcome.error) if outcome.error else ("parser_memory", "MemoryError")
        _send_record(replies, {"type": "Fault", "reason": reason, "detail": detail, "name": ""})
    return outcome.error is not None or outcome.value is True


def _send_records(parse: Parse, item: tuple[bytes, str, dict[str, Any]], replies: BinaryIO) -> bool:
    """Send each record as it comes; return False when memory runs out, having let go of everything."""
    try:
        for record in parse(*item):
            _send_record(replies, record)
    except MemoryError:
        return False
    return True


def _send_record(replies: BinaryIO, record: Any) -> None:
    if is_dataclass(record) and not isinstance(record, type):
        record = {"type": type(record).__name__, **_fields(record)}
    if not isinstance(record, dict):
        raise TypeError("a parser yields dataclasses or dicts")
    try:
        payload = orjson.dumps(record, _plain, orjson.OPT_PASSTHROUGH_DATETIME) if _is_finite(record) else b""
    except TypeError:
        payload = b""
    if payload:
        _send(replies, RECORD, payload)
    else:
        _send(replies, ODD, _JSON.encode(record).encode("utf-8", "surrogatepass"))


def _is_finite(value: Any) -> bool:
    """Say whether a value holds no NaN and no infinity, of which orjson makes null without a word."""
    if isinstance(value, float):
        return math.isfinite(value)
    if not isinstance(value, (dict, list, tuple)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return all(type(one) in _LEAVES or not one or _is_finite(one) for one in inner)


def _plain(value: Any) -> Any:
    """Return what JSON knows for a named tuple, a number of a class of its own or a dataclass; TypeError otherwise."""
    if isinstance(value, tuple):
        return list(value)
    return float(value) if isinstance(value, float) else _fields(value)


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass; TypeError for anything else."""
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_fields, separators=(",", ":"))


def _send(replies: BinaryIO, kind: int, payload: bytes = b"") -> None:
    replies.write(FRAME.pack(kind, len(payload)))
    replies.write(payload)
    replies.flush()


def _receive(requests: BinaryIO) -> bytes | None:
    """Return the next payload; None when the parent closed the pipe."""
    head = requests.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    return requests.read(FRAME.unpack(head)[1])


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return private copies of stdin and stdout; then stdin reads nothing and stdout goes where stderr goes."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone")


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    """Audit hook: a parser starts no process and reaches no network. A pair of sockets within it is its own business
    (asyncio makes one when it is merely imported and used). Native code is not seen."""
    if _at_work and event.startswith(_FORBIDDEN):
        raise PermissionError(f"{event} is not allowed in a parser")


def _set_soft(limit: int, value: int) -> None:
    """Set a soft limit, as far as the hard limit allows."""
    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _memory() -> tuple[int, int]:
    """Return (virtual size, resident size) in bytes; zeros where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0, 0
    size, resident = statm.read_text().split()[:2]
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    return int(size) * page_bytes, int(resident) * page_bytes


if __name__ == "__main__":
    main()
