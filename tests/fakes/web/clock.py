"""Virtual time for asyncio tests: days of waiting pass at once, and always in the same order.

A sleeper wakes when every task of the loop is blocked: then time jumps to the earliest moment that anybody waits for,
and one sleeper is woken (of equal moments the one that fell asleep first). It runs until it blocks again before the
next is woken, so a run has one history. Real input and output is no blocking that the clock can see: hold the clock
while a socket or a thread is waited for (`held`), or time runs away. `asyncio.timeout` goes by the loop's own clock
and never fires here.
"""

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2030, 1, 1, tzinfo=UTC)


class FakeClock:
    """A `sources.web.clock.Clock` whose seconds pass only when all tasks are blocked."""

    def __init__(self, start: datetime = START) -> None:
        self.elapsed_s = 0.0
        self._start = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._slept = 0
        self._held = 0
        self._ticking = False

    def monotonic(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self.elapsed_s

    def now(self) -> datetime:
        """Return the start plus the virtual seconds."""
        return self._start + timedelta(seconds=self.elapsed_s)

    def advance(self, seconds: float) -> None:
        """Let time pass by hand; sleepers whose moment came wake at the next chance."""
        self.elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of virtual time."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        moment: asyncio.Future[None] = loop.create_future()
        self._slept += 1
        heapq.heappush(self._sleepers, (self.elapsed_s + seconds, self._slept, moment))
        self._call(loop)
        await moment

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stop time while something real is waited for."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._call(asyncio.get_running_loop())

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._ticking:
            self._ticking = True
            loop.call_soon(self._tick, loop)

    def _tick(self, loop: Any) -> None:
        """Wake the next sleeper if nobody else can run, and come back as long as there are sleepers."""
        self._ticking = False
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if self._held or not self._sleepers:
            return
        if not loop._ready:
            moment, _, sleeper = heapq.heappop(self._sleepers)
            self.elapsed_s = max(self.elapsed_s, moment)
            sleeper.set_result(None)
        self._call(loop)
