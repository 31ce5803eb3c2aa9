"""The time that the web room goes by: a protocol of three calls, and the machine's own clock.

Pace, robots cache, timeouts and dates of responses take a `Clock`, so that tests run days of politeness in a second of
virtual time. `monotonic` measures gaps, `now` dates records. Nothing here decides bytes of a document: what a page
says does not depend on when it was fetched, and the fetch time is written down as such. No timeouts, no timers.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the web room gets its time from."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def now(self) -> datetime:
        """Return the date and time in UTC, aware of its zone."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; zero or less lets other tasks run once."""
        ...


class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        """Return the seconds of `time.monotonic`."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the current date and time in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep in the running loop."""
        await asyncio.sleep(max(0.0, seconds))
