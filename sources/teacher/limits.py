"""What holds calls back: requests and tokens in any 60 seconds, and an endpoint that is down.

Plain arithmetic on times that are passed in (seconds of a monotonic clock). A sliding window is exact where a token
bucket is not: however a server counts its minutes, none holds more than the limit. Not here: waiting, and who shares a
limit (`gate`).
"""

from collections import deque

from sources.teacher.settings import Limits

SPAN_S = 60.0


class Window:
    """At most `limit` units in any `SPAN_S` seconds; None limits nothing."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._taken: deque[list[float]] = deque()
        self._sum = 0.0

    def wait_s(self, now: float, units: int) -> float:
        """Return how long until `units` fit; more units than the limit fit into an empty window."""
        if self._limit is None:
            return 0.0
        while self._taken and self._taken[0][0] <= now - SPAN_S:
            self._sum -= self._taken.popleft()[1]
        excess = self._sum + units - self._limit
        for at, taken in self._taken:
            if excess <= 0:
                break
            excess -= taken
            wait_s = at + SPAN_S - now
            if excess <= 0:
                return wait_s
        return self._taken[-1][0] + SPAN_S - now if excess > 0 and self._taken else 0.0

    def take(self, now: float, units: int) -> list[float]:
        """Count `units` from now on; the entry may be corrected later."""
        entry = [now, float(units)]
        if self._limit is not None:
            self._taken.append(entry)
            self._sum += units
        return entry

    def correct(self, entry: list[float], units: int) -> None:
        """Put the units that were really used in the place of those that were taken."""
        if self._taken and entry[0] >= self._taken[0][0]:
            self._sum += units - entry[1]
        entry[1] = float(units)


class Breaker:
    """Opens after so many failures in a row; then one call at a time tries, ever more rarely, until one answers."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._failures = 0
        self._answered_s = now

    @property
    def is_open(self) -> bool:
        """Say whether only one call at a time may try."""
        return self._failures >= self._limits.outage_failures

    def succeed(self, now: float) -> None:
        """An answer came, even one that refuses: the endpoint is there."""
        self._failures, self._answered_s = 0, now

    def fail(self, now: float) -> float:
        """A try failed; return the seconds for which all should wait, 0 while the breaker is closed."""
        if self._failures == 0:
            self._answered_s = max(self._answered_s, now)
        self._failures += 1
        rounds = self._failures - self._limits.outage_failures
        if rounds < 0:
            return 0.0
        return min(self._limits.backoff_s * 2.0 ** min(rounds, 30), self._limits.longest_backoff_s)

    def is_dead(self, now: float) -> bool:
        """Say whether the endpoint has been down for too long to go on."""
        return self.is_open and now - self._answered_s >= self._limits.outage_s
