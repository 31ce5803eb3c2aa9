"""Parsers that misbehave, one a name: the sandbox's tests run them in its child."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Span(NamedTuple):
    path: str
    start: int
    end: int


@dataclass(slots=True)
class Part:
    text: str
    spans: list[Span] = field(default_factory=list)


class Dose(float):
    """A number of a class of its own."""


class Unreadable(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__("the patient's name")
        self.reason, self.detail = reason, detail


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Any]:
    """Do what `options["do"]` names, after one good record; without it, give the body back."""
    yield Part(f"{key}:{body[:40].decode()}")
    yield from DEEDS[options.get("do", "nothing")](body, options)


def at_call(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Any]:
    raise KeyError(key)


def nothing(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    return iter(())


def segfault(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part("before")
    ctypes.string_at(0)


def spin(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part("before")
    while True:
        pass


def sleep(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part("before")
    time.sleep(3600)


def one_allocation(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part(str(len(bytearray(10 << 30))))


def small_allocations(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    held = [bytearray(1 << 20) for _ in range(10 << 10)]
    yield Part(str(len(held)))


def native_allocation(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    allocate = ctypes.CDLL("libstdc++.so.6")._Znwm
    allocate.argtypes = [ctypes.c_size_t]
    yield Part(str(allocate(10 << 30)))


def leave(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part("before")
    os._exit(3)


def leave_politely(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    sys.exit(4)
    yield


def endless(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    while True:
        yield Part("x" * 100_000)


def chatter(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    for _ in range(20_000):
        print("noise that is no frame")
        print("more", file=sys.stderr)
    os.write(1, b"\x01\xff\xff")
    sys.stdout.flush()
    sys.stdin.read()
    yield Part("after")


def garble(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    """Write to every descriptor that is a pipe, as hostile native code could."""
    for fd in range(3, 20):
        try:
            os.write(fd, b"\x01" + (5).to_bytes(8, "little") + b"{{{{{")
        except OSError:
            continue
    yield Part("after")


def large(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part("y" * len(body))


def recursion(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield from recursion(body, options)


def deep_exception(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    error: Exception = ValueError("the patient's name")
    for _ in range(50_000):
        cause, error = error, ValueError("the patient's name")
        error.__cause__ = cause
    raise error
    yield


def unreadable(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    raise Unreadable("html_cut_short", "line 3")
    yield


def not_json(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield {"type": "Part", "text": b"bytes"}


def not_a_number(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield {"type": "Part", "dose": float("nan")}


def not_a_record(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield 5


def plain(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield Part("5 µg \ud800 <200", [Span("a > b", 0, 4)])
    yield {"type": "Own", "n": 1}
    yield Part("5 µg", [Span("a > b", 0, 4)])
    yield {"type": "Own", "large": 2**80, "dose": Dose(0.1), "whole": 1e16, "none": None}


def fork(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    os.fork()
    yield Part("after")


def run_program(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    subprocess.run(["true"], check=False)
    yield Part("after")


def connect(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    socket.create_connection(("127.0.0.1", 9))
    yield Part("after")


def write_file(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    Path(options["path"]).write_bytes(b"x" * 100_000)
    yield Part("after")


def native_forks(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    """Fork past Python's eyes; the copies hold the pipes open and sleep."""
    libc = ctypes.CDLL(None)
    for _ in range(20):
        if libc.fork() == 0:
            time.sleep(3600)
    yield Part("forked")
    if options.get("then") == "leave":
        os._exit(5)
    time.sleep(3600)


def killed(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    """Die as under the out-of-memory killer: once, or every time when no `path` is given."""
    yield Part("before")
    flag = Path(options.get("path", "/nonexistent"))
    if not flag.exists():
        if "path" in options:
            flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield Part("after")


def who(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    yield {"type": "Who", "pid": os.getpid(), "secret": os.environ.get("HF_TOKEN"), "parent": os.getppid()}


def leak(body: bytes, options: dict[str, Any]) -> Iterator[Any]:
    LEAKED.append(bytearray(b"x" * (8 << 20)))
    yield {"type": "Who", "pid": os.getpid()}


LEAKED: list[bytearray] = []
DEEDS: dict[str, Callable[[bytes, dict[str, Any]], Iterator[Any]]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", "") == __name__
}
