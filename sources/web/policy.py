"""What a host says about itself: robots.txt, tdmrep.json and ai.txt, each asked once a day at most and kept.

These requests obey the allowlist and the pace like any other, and every answer is handed to `keep` before it is read.
A resumed crawl is given what was kept (`remembered`) and does not ask again within the day. A file about text and data
mining that is not there, or cannot be had, reserves nothing; robots failures close the host (`sources.web.robots`).
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from sources.web.clock import Clock
from sources.web.exchange import Refused, Response, header
from sources.web.pace import Pace, retry_after_s
from sources.web.robots import FAILURE_KEPT_S, RobotsCache, Rules
from sources.web.store import Policy
from sources.web.url import Allowlist, Url

Exchange = Callable[[Url, Mapping[str, str]], Awaitable[Response | Refused]]
Keep = Callable[[Response], None]
DAY = timedelta(hours=24)
KEPT_BYTES = 512 << 10
"""More than any robots.txt that must be read (RFC 9309 asks for 500 KiB)."""
_KEPT_HEADERS = ("content-type", "location", "retry-after")
_TDMREP, _AI_TXT = "/.well-known/tdmrep.json", "/ai.txt"


class Policies:
    """The policy files of every host that one source touches."""

    def __init__(
        self,
        exchange: Exchange,
        allowlist: Allowlist,
        pace: Pace,
        clock: Clock,
        keep: Keep,
        remembered: Mapping[str, Policy] | None = None,
    ) -> None:
        self._exchange, self._allowlist, self._pace, self._clock, self._keep = exchange, allowlist, pace, clock, keep
        self._remembered = dict(remembered or {})
        self._robots = RobotsCache(self.ask, clock)
        self._bodies: dict[str, tuple[bytes | None, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def rules(self, url: Url) -> Rules:
        """Return the robots rules of the origin of `url`."""
        return await self._robots.rules(url)

    async def mining(self, url: Url) -> tuple[bytes | None, bytes | None]:
        """Return the bodies of tdmrep.json and ai.txt of an origin, None for what is not there."""
        async with self._locks.setdefault(url.origin, asyncio.Lock()):
            return await self._body(url, _TDMREP), await self._body(url, _AI_TXT)

    async def _body(self, url: Url, path: str) -> bytes | None:
        place = url.join(path)
        body, until_s = self._bodies.get(str(place), (None, -math.inf))
        if self._clock.monotonic() >= until_s:
            answer = await self.ask(place)
            body = answer.body if isinstance(answer, Response) and answer.status == 200 else None
            self._bodies[str(place)] = body, self._clock.monotonic() + DAY.total_seconds()
        return body

    async def ask(self, url: Url, headers: Mapping[str, str] | None = None) -> Response | Refused:
        """Ask for one policy file: from what was kept today, else from the host, in its turn."""
        if (why := self._allowlist.refusal(url)) is not None:
            return Refused(str(url), why, f"{url.host} is not among the hosts of the source")
        if (kept := self._remembered.get(str(url))) is not None and self._is_fresh(kept):
            return _answered(kept)
        async with self._pace.turn(url.host):
            answer = await self._exchange(url, headers or {})
            if isinstance(answer, Response) and answer.status in (429, 503):
                self._pace.slow_down(url.host, retry_after_s(header(answer, "retry-after"), self._clock.now()))
        if isinstance(answer, Response):
            self._keep(answer)
        return answer

    def _is_fresh(self, kept: Policy) -> bool:
        """A failure may be gone soon, so it is asked for again within the day, though not before its Retry-After."""
        asked, lasts_s = datetime.fromisoformat(kept.date), DAY.total_seconds()
        if kept.status == 429 or kept.status >= 500:
            told_s = retry_after_s(header(_answered(kept), "retry-after"), asked) or 0
            lasts_s = min(max(FAILURE_KEPT_S, told_s), lasts_s)
        return (self._clock.now() - asked).total_seconds() < lasts_s


def kept_policy(answer: Response) -> Policy:
    """Return what is kept of an answer for a resumed crawl."""
    headers = tuple((name, value) for name, value in answer.headers if name.lower() in _KEPT_HEADERS)
    return Policy(answer.url, answer.status, answer.started.isoformat(), headers, answer.body[:KEPT_BYTES])


def _answered(kept: Policy) -> Response:
    return Response(
        url=kept.url,
        status=kept.status,
        reason="",
        http_version="HTTP/1.1",
        headers=kept.headers,
        raw=kept.body,
        body=kept.body,
        address="",
        started=datetime.fromisoformat(kept.date),
    )
