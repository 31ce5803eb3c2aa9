"""The one gate that every call of every worker goes through: rate limits, concurrency, outages and the budget.

It lives in one place for all workers (`Runtime.service`: an object inline, a Ray actor on a cluster), so limits are
global. Calls enter in the order in which they asked. A permit that is not given back, because its worker died, lapses.
The budget is checked on entry, so a run spends at most the calls in flight beyond it. Not here: sending, retrying.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal

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


class Gate:
    """Grants permits. `spent_tokens` and `spent_money` are what the run used before this process."""

    def __init__(
        self,
        limits: Limits,
        budget: Budget,
        *,
        spent_tokens: int = 0,
        spent_money: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self._limits, self._budget, self._clock = limits, budget, clock or SystemClock()
        self._tokens, self._money = spent_tokens, spent_money
        self._requests_window = Window(limits.requests_per_minute)
        self._tokens_window = Window(limits.tokens_per_minute)
        self._breaker = Breaker(limits, self._clock.monotonic())
        self._flying: dict[int, tuple[float, list[float]]] = {}
        self._paused_until_s = 0.0
        self._granted = 0
        self._turn, self._changed = asyncio.Lock(), asyncio.Event()

    async def enter(self, tokens: int) -> Permit:
        """Return when a call that may use `tokens` may be sent, or none may be any more."""
        async with self._turn:
            while True:
                permit, wait_s = self._grant(tokens)
                if permit is not None:
                    return permit
                await self._wait(wait_s)

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
        self._paused_until_s = max(self._paused_until_s, now + pause_s) if pause_s else self._paused_until_s
        self._changed.set()

    async def spent(self) -> tuple[int, float]:
        """Return tokens and money used so far."""
        return self._tokens, self._money

    def _grant(self, tokens: int) -> tuple[Permit | None, float]:
        """Return a permit, or None and how long nothing will change by itself."""
        now = self._clock.monotonic()
        if stop := self._stop(now):
            return stop, 0.0
        for number in [number for number, (lapses_s, _) in self._flying.items() if lapses_s <= now]:
            del self._flying[number]
        if len(self._flying) >= (1 if self._breaker.is_open else self._limits.concurrency):
            return None, min(lapses_s for lapses_s, _ in self._flying.values()) - now
        wait_s = max(
            self._paused_until_s - now,
            self._requests_window.wait_s(now, 1),
            self._tokens_window.wait_s(now, tokens),
        )
        if wait_s > 0:
            return None, wait_s
        self._requests_window.take(now, 1)
        self._granted += 1
        self._flying[self._granted] = (now + self._limits.timeout_s + _LAPSE_S, self._tokens_window.take(now, tokens))
        return Permit(self._granted), 0.0

    def _stop(self, now: float) -> Permit | None:
        tokens, money = self._budget.tokens, self._budget.money
        if tokens is not None and self._tokens >= tokens:
            return Permit(stop="budget", detail=f"{self._tokens:,} of {tokens:,} tokens are spent")
        if money is not None and self._money >= money:
            return Permit(stop="budget", detail=f"{self._money:.4f} of {money:.4f} in money is spent")
        if self._breaker.is_dead(now):
            return Permit(stop="outage", detail=f"no answer for {self._limits.outage_s:.0f} s")
        return None

    async def _wait(self, wait_s: float) -> None:
        """Return after `wait_s`, or as soon as a call has left."""
        self._changed.clear()
        waits = [asyncio.ensure_future(self._changed.wait()), asyncio.ensure_future(self._clock.sleep(wait_s))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
