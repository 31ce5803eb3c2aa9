"""When a host may be asked again: one request in flight, a rest after each, and whatever longer the host asks for.

The rest is counted from the end of one request to the start of the next, so that a slow server gets more of it; it is
the source's delay or the site's crawl-delay, whichever is longer, plus a millisecond so that rounding never makes it
short. Who waits for a host gets it in the order of asking. A host that answers 429 or 503 rests for its Retry-After, or
else for 30 s, doubled each time in a row up to an hour. A Retry-After over a day is cut to a day and told in `capped`;
a crawl that would rather come back later looks at `wait_s`. Leave a turn before taking that of another host, as two
tasks that want each other's host would wait for ever. Crawl-delays over 60 s never get here (`sources.web.robots`).
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sources.web.clock import Clock

FIRST_DEFERRAL_S = 30.0
LONGEST_OWN_DEFERRAL_S = 3600.0
LONGEST_DEFERRAL_S = 86400.0
SLACK_S = 0.001
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(slots=True)
class _Lane:
    """One host: when its last request ended, until when it rests besides, its refusals in a row, whose turn it is."""

    delay_s: float
    ended_s: float = -math.inf
    rests_until_s: float = -math.inf
    strikes: int = 0
    strikes_before: int = 0
    """What `strikes` was when the last turn began; no more since means that its request went well."""
    holder: object = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def ready_s(self) -> float:
        return max(self.ended_s + self.delay_s, self.rests_until_s)


class Pace:
    """The turns of all hosts of one crawl; `delay_s` is the least rest between two requests to one host."""

    def __init__(self, clock: Clock, delay_s: float) -> None:
        self.capped: list[tuple[str, float]] = []
        """Hosts that asked for more than a day, with the seconds they asked for."""
        self._clock = clock
        self._delay_s = delay_s
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait until `host` may be asked, and keep others from it inside the block, which is one request.

        Raises RuntimeError if the task has the turn of `host` already, since it would wait for itself.
        """
        lane, task = self._lane(host), asyncio.current_task()
        if lane.holder is task:
            raise RuntimeError(f"a turn of {host} was asked for inside a turn of it; leave that one first")
        async with lane.lock:
            while (wait_s := lane.ready_s() - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait_s)
            if lane.strikes == lane.strikes_before:
                lane.strikes = 0
            lane.strikes_before, lane.holder = lane.strikes, task
            try:
                yield
            finally:
                lane.holder = None
                lane.ended_s = self._clock.monotonic() + SLACK_S

    def set_delay(self, host: str, delay_s: float | None) -> None:
        """Take over a site's crawl-delay; the source's own holds if that is longer, or if there is none."""
        self._lane(host).delay_s = max(self._delay_s, delay_s or 0)

    def slow_down(self, host: str, seconds: float | None = None) -> float:
        """Let `host` rest for `seconds` from now, or for longer each time in a row if it does not say how long.

        To be called within the turn that was refused, or right after it.
        Returns the seconds that it rests, less than asked only beyond a day. A rest that runs already is never cut.
        """
        lane = self._lane(host)
        lane.strikes += 1
        if seconds is None:
            rest_s = min(FIRST_DEFERRAL_S * 2.0 ** min(lane.strikes - 1, 30), LONGEST_OWN_DEFERRAL_S)
        else:
            rest_s = min(seconds, LONGEST_DEFERRAL_S)
            if rest_s < seconds:
                self.capped.append((host, seconds))
        lane.rests_until_s = max(lane.rests_until_s, self._clock.monotonic() + rest_s + SLACK_S)
        return rest_s

    def wait_s(self, host: str) -> float:
        """Return the seconds until `host` may be asked, others who wait for it left aside."""
        return max(0.0, self._lane(host).ready_s() - self._clock.monotonic())

    def _lane(self, host: str) -> _Lane:
        return self._lanes.setdefault(host, _Lane(self._delay_s))


def retry_after_s(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, 0 for a date gone by, None when it cannot be read.

    Seconds or an HTTP date in one of its three forms (RFC 9110 section 10.2.3); the sum may be infinite.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
