"""The one gate that every call of every worker goes through: rate limits, concurrency, outages and the budget.

It lives in one place for all workers (`Runtime.service`: an object inline, a Ray actor on a cluster), so limits are
global. Calls enter in the order in which they asked. A permit that is not given back, because its worker died, lapses.
The budget is checked on entry, so a run spends at most the calls in flight beyond it. Not here: sending, retrying.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Literal

from pipelines.engine.service import Service
from sources.teacher.journal import Spent
from sources.teacher.limits import Breaker, Window
from sources.teacher.settings import Budget, Limits
from sources.web.clock import Clock, SystemClock

_LAPSE_S = 60.0
"""A permit lapses so long after the time that a try may take."""


@dataclass(frozen=True, slots=True)
class Permit:
    """May a call be sent? `number` gives it back; `stop` says why no call may be sent any more."""

    number: int = -1
    stop: Literal["", "budget", "outage"] = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """How a call ended: what it used, whether the endpoint is there, and how long it asks everybody to wait."""

    state: Literal["answered", "failed", "throttled"]
    tokens: int = 0
    money: float = 0.0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SharedGate:
    """The way from a worker to a gate that lives elsewhere."""

    service: Service

    async def enter(self, tokens: int) -> Permit:
        """Wait there for a permit."""
        permit: Permit = await self.service.call("enter", tokens)
        return permit

    async def leave(self, permit: int, done: Done) -> None:
        """Give it back there."""
        await self.service.call("leave", permit, done)


class Gate:
    """Grants permits. `spent` is what the run used before this process. It outlives event loops, its waits do not."""

    def __init__(self, limits: Limits, budget: Budget, spent: Spent, clock: Clock | None = None) -> None:
        self._limits, self._budget, self._clock = limits, budget, clock or SystemClock()
        self._tokens, self._money = spent.tokens, spent.money
        self._requests_window = Window(limits.requests_per_minute)
        self._tokens_window = Window(limits.tokens_per_minute)
        self._breaker = Breaker(limits, self._clock.monotonic())
        self._flying: dict[int, tuple[float, list[float]]] = {}
        self._paused_until_s = 0.0
        self._granted = 0
        self._line: deque[asyncio.Event] = deque()

    async def enter(self, tokens: int) -> Permit:
        """Return when a call that may use `tokens` may be sent, or none may be any more."""
        if not self._line:
            permit, _ = self._grant(tokens)
            if permit is not None:
                return permit
        turn = asyncio.Event()
        self._line.append(turn)
        try:
            while True:
                if self._line[0] is not turn:
                    await turn.wait()
                permit, wait_s = self._grant(tokens)
                if permit is not None:
                    return permit
                await self._wait(turn, wait_s)
        finally:
            self._line.remove(turn)
            self._wake()

    async def leave(self, permit: int, done: Done) -> None:
        """Give a permit back and tell how the call ended."""
        now = self._clock.monotonic()
        _, entry = self._flying.pop(permit, (0.0, None))
        self._tokens += done.tokens
        self._money += done.money
        if entry is not None:
            self._tokens_window.correct(entry, done.tokens)
        pause_s = done.wait_s
        if done.state == "failed":
            pause_s = max(pause_s, self._breaker.fail(now))
        elif done.state == "answered":
            self._breaker.succeed(now)
        if pause_s > 0:
            self._paused_until_s = max(self._paused_until_s, now + pause_s)
        self._wake()

    def spent(self) -> Spent:
        """Return what the run has used so far."""
        return Spent(self._tokens, self._money)

    def _grant(self, tokens: int) -> tuple[Permit | None, float]:
        """Return a permit, or None and how long nothing will change by itself."""
        now = self._clock.monotonic()
        if stop := self._stop(now):
            return stop, 0.0
        while self._flying and self._first_lapse_s() <= now:
            del self._flying[next(iter(self._flying))]
        if len(self._flying) >= (1 if self._breaker.is_open else self._limits.concurrency):
            return None, self._first_lapse_s() - now
        waits = (self._requests_window.wait_s(now, 1), self._tokens_window.wait_s(now, tokens))
        wait_s = max(self._paused_until_s - now, *waits)
        if wait_s > 0:
            return None, wait_s
        self._requests_window.take(now, 1)
        self._granted += 1
        self._flying[self._granted] = (now + self._limits.timeout_s + _LAPSE_S, self._tokens_window.take(now, tokens))
        return Permit(self._granted), 0.0

    def _first_lapse_s(self) -> float:
        """Return when the first permit lapses; they lapse in the order in which they were granted."""
        return next(iter(self._flying.values()))[0]

    def _stop(self, now: float) -> Permit | None:
        tokens, money = self._budget.tokens, self._budget.money
        if tokens is not None and self._tokens >= tokens:
            return Permit(stop="budget", detail=f"{self._tokens:,} of {tokens:,} tokens are spent")
        if money is not None and self._money >= money:
            return Permit(stop="budget", detail=f"{self._money:.4f} of {money:.4f} in money is spent")
        if self._breaker.is_dead(now):
            return Permit(stop="outage", detail=f"no answer for {self._limits.outage_s:.0f} s")
        return None

    def _wake(self) -> None:
        """Let the first in line look again."""
        if self._line:
            self._line[0].set()

    async def _wait(self, turn: asyncio.Event, wait_s: float) -> None:
        """Return after `wait_s`, or as soon as something has changed."""
        turn.clear()
        sleep = asyncio.ensure_future(self._clock.sleep(wait_s))
        sleep.add_done_callback(lambda done: None if done.cancelled() else turn.set())
        try:
            await turn.wait()
        finally:
            sleep.cancel()
