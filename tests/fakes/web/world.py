"""The world of a crawl in tests, made by a module-level function so that it reaches a worker or a child process.

The wire to the fixture web comes as a JSON file named by MEDMIX_TEST_WIRE; without it there is no network at all, and
asking for anything fails the test. Waits take no time: the clock jumps, while real sockets are used at real speed.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fakes.web.wire import Wire, WireConnect, WireResolver

from sources.web.crawl import Expand, World
from sources.web.exchange import Refused, Response
from sources.web.fetch import Fetcher
from sources.web.url import Url

WIRE = "MEDMIX_TEST_WIRE"


class JumpingClock:
    """The machine's clock, with every sleep added to it instead of slept."""

    def __init__(self) -> None:
        self._jumped_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._jumped_s

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._jumped_s)

    async def sleep(self, seconds: float) -> None:
        self._jumped_s += max(0.0, seconds)
        await asyncio.sleep(0)


def wired_world(agent: str, expand: Expand) -> World:
    """Return the fixture web that MEDMIX_TEST_WIRE leads to."""
    wire, clock = Wire(**json.loads(Path(os.environ[WIRE]).read_text())), JumpingClock()
    fetcher = Fetcher(
        agent, resolver=WireResolver(wire), clock=clock, connect=WireConnect(wire), ssl_context=wire.ssl_context()
    )
    return World(fetcher.exchange, clock, expand)


def no_world(agent: str, expand: Expand) -> World:
    """Return a world without a web."""

    async def exchange(url: Url, headers: Mapping[str, str] | None = None) -> Response | Refused:
        raise AssertionError(f"{url} was asked for, and must not be")

    return World(exchange, JumpingClock(), expand)
