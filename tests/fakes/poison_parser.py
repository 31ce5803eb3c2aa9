"""A parser that does what the item's bytes say: JSON lines of parts and faults, or a deed that ends its process."""

import ctypes
import json
import time
from collections.abc import Iterator
from typing import Any

from sources.parse.part import Fault, Part, Unreadable


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Give one record a line: {"part": {...}}, {"fault": {...}}, {"raise": reason}, {"do": deed}; options as extra."""
    for line in body.decode().splitlines():
        order = json.loads(line)
        if "part" in order:
            yield Part(**{"extra": {"options": options} if options else {}, **order["part"]})
        elif "fault" in order:
            yield Fault(**order["fault"])
        elif "raise" in order:
            raise Unreadable(order["raise"], "as told")
        else:
            yield from DEEDS[order["do"]]()


def segfault() -> Iterator[Part]:
    yield Part(text=str(ctypes.string_at(0)))


def spin() -> Iterator[Part]:
    while True:
        pass
    yield


def sleep() -> Iterator[Part]:
    time.sleep(3600)
    yield Part(text="awake")


def memory() -> Iterator[Part]:
    yield Part(text=str(len(bytearray(10 << 30))))


def chatter() -> Iterator[Part]:
    while True:
        yield Part(text="x" * (8 << 20))


def error() -> Iterator[Part]:
    raise KeyError("dose")
    yield


DEEDS = {deed.__name__: deed for deed in (segfault, spin, sleep, memory, chatter, error)}
