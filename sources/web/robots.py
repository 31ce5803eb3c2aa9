"""What a site's robots.txt lets us do: RFC 9309 with failures closed, on Protego's path matching.

| answer to /robots.txt                                  | what follows                                            |
|--------------------------------------------------------|---------------------------------------------------------|
| 2xx                                                    | its rules hold; none found (empty, a web page): all open |
| 2xx that is no text (compressed, a picture)            | closed, `robots_unreadable`                             |
| 4xx but 429, so 401 and 403 too                        | all open: the RFC's "unavailable". A site that refuses  |
|                                                        | us its pages as well answers those with 403 themselves  |
| 429                                                    | closed, `robots_too_many_requests`                      |
| 5xx, any other status, more than 5 redirects,          | closed, `robots_unavailable`; the RFC lets a crawler    |
| a redirect to nowhere                                  | take the last two for "unavailable", we do not          |
| timeout, DNS, TLS, refused connection, too large, ...  | closed, `robots_unreachable`                            |

A crawl-delay over 60 s closes the site as `crawl_delay_too_long`. A request-rate counts as a delay too. Percent
encoding is compared by the RFC: `%7Ea`, `~a` and `%7ea` are one path, where Google's parser keeps them apart.
Not here: visit-time (nobody keeps it), waiting (`sources.web.pace`), reading the lines (`sources.web.robots_lines`).
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import lru_cache

from protego import Protego

from sources.web.clock import Clock
from sources.web.exchange import Refusal, Refused, Response, location
from sources.web.robots_lines import MAX_BODY_BYTES, Groups, escaped, read, readable
from sources.web.url import Url

MAX_CRAWL_DELAY_S = 60
KEPT_S = 24 * 3600
FAILURE_KEPT_S = 600
MAX_REDIRECTS = 5
ROBOTS_REASONS = frozenset(
    {
        "robots_disallowed", "robots_unreachable", "robots_unavailable", "robots_too_many_requests",
        "robots_unreadable", "crawl_delay_too_long",
    }
)  # fmt: skip
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Exchange = Callable[[Url], Awaitable[Response | Refused]]
"""One request without redirects."""


class Rules:
    """The rules of one origin. `failure` closes all of it, for the reason and detail given."""

    def __init__(self, body: bytes = b"", failure: str | None = None, detail: str = "") -> None:
        self.body = body[: MAX_BODY_BYTES + 1]  # one more, so that it is still seen to be cut
        self.failure = failure
        self.detail = detail
        self.groups: Groups = read(self.body)
        self._matchers: dict[str, Protego] = {}

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The sitemap lines as the file has them, without repeats: mostly absolute URLs, of any host."""
        return self.groups.sitemaps

    def refusal(self, agent: str, url: str) -> str | None:
        """Return why `agent` (a product token or a User-Agent header) must not fetch `url`; None if it may."""
        if self.failure:
            return self.failure
        if not all(self._matcher(key).can_fetch(str(url), "*") for key in self.groups.of(agent)):
            return "robots_disallowed"
        return "crawl_delay_too_long" if (self.delay_s(agent) or 0) > MAX_CRAWL_DELAY_S else None

    def delay_s(self, agent: str) -> float | None:
        """Return the seconds that must lie between two requests; None if the site does not say. The longest counts."""
        delays = []
        for key in self.groups.of(agent):
            delays += [_seconds(value) for name, value in self.groups.lines[key] if name == "crawl-delay"]
            if rate := self._matcher(key).request_rate("*"):
                delays.append(rate.seconds / rate.requests)
        return max((delay for delay in delays if delay is not None), default=None)

    def _matcher(self, key: str) -> Protego:
        if key not in self._matchers:
            known = [line for line in self.groups.lines[key] if line[0] in ("allow", "disallow", "request-rate")]
            self._matchers[key] = Protego.parse(
                "User-agent: *\n" + "".join(f"{name}: {value}\n" for name, value in known)
            )
        return self._matchers[key]


def rules_from(status: int | None, body: bytes, failure: str | None) -> Rules:
    """Return the rules that follow from the answer to /robots.txt, its redirects followed.

    `failure` is the reason why there was no answer (then `status` is None), or why its redirects did not end.
    """
    if failure is not None or status is None:
        return Rules(failure="robots_unreachable" if status is None else "robots_unavailable", detail=failure or "")
    if 200 <= status < 300:
        return (
            Rules(body) if readable(body) else Rules(failure="robots_unreadable", detail=f"{len(body)} bytes, no text")
        )
    if status == 429:
        return Rules(failure="robots_too_many_requests", detail="status 429")
    if 400 <= status < 500:
        return Rules()
    return Rules(failure="robots_unavailable", detail=f"status {status}")


class RobotsCache:
    """What robots.txt says, by origin: fetched once and kept for a day at most (RFC 9309 section 2.4).

    The exchange is injected: it is the place for the source's allowlist, the pace and the store. It waits for a turn,
    so ask for the rules before taking a turn of the same host. Redirects are followed as far as the exchange goes to
    other hosts; the rules found bind the origin that was asked for. A failure is kept for ten minutes: a site that is
    down is asked again, but not for each of its pages. An old answer is not used when its successor fails.
    """

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._kept: dict[str, tuple[Rules, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def rules(self, url: Url) -> Rules:
        """Return the rules that bind `url`, fetched if they are not known or too old; one fetch at a time an origin."""
        async with self._locks.setdefault(url.origin, asyncio.Lock()):
            rules, until_s = self._kept.get(url.origin, (None, 0))
            if rules is None or self._clock.monotonic() >= until_s:
                rules = await self._fetch(url.join("/robots.txt"))
                kept_s = FAILURE_KEPT_S if rules.failure else KEPT_S
                self._kept[url.origin] = rules, self._clock.monotonic() + kept_s
            return rules

    async def _fetch(self, url: Url) -> Rules:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._exchange(url)
            if isinstance(answer, Refused):
                return rules_from(None, b"", answer.reason)
            if answer.status not in _REDIRECTS:
                return rules_from(answer.status, answer.body, None)
            target = location(answer)
            if not target:
                return rules_from(answer.status, b"", "no_location")
            try:
                url = url.join(target)
            except Refusal as refusal:
                return rules_from(answer.status, b"", refusal.reason)
        return Rules(failure="robots_unavailable", detail=f"more than {MAX_REDIRECTS} redirects")


def matches(pattern: str, url: str) -> bool:
    """Say whether a path pattern with `*` and `$`, as in robots.txt, matches the path and query of `url`."""
    return not _matcher(pattern).can_fetch(url, "*")


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> Protego:
    rooted = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    return Protego.parse(f"User-agent: *\nDisallow: {escaped(rooted.partition('#')[0])}\n")


def _seconds(value: str) -> float | None:
    try:
        delay_s = float(value)
    except ValueError:
        return None
    return delay_s if math.isfinite(delay_s) and delay_s >= 0 else None
