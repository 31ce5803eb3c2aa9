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
Not here: visit-time (nobody keeps it), waiting (`sources.web.pace`), fetching and caching (`sources.web.robots_cache`).
"""

import math

from protego import Protego

from sources.web.robots_lines import Groups, escaped, read, readable

MAX_CRAWL_DELAY_S = 60
ROBOTS_REASONS = frozenset(
    {
        "robots_disallowed", "robots_unreachable", "robots_unavailable", "robots_too_many_requests",
        "robots_unreadable", "crawl_delay_too_long",
    }
)  # fmt: skip


class Rules:
    """The rules of one origin. `failure` closes all of it, for the reason and detail given."""

    def __init__(self, body: bytes = b"", failure: str | None = None, detail: str = "") -> None:
        self.body = body
        self.failure = failure
        self.detail = detail
        self.groups: Groups = read(body)
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


def matches(pattern: str, url: str) -> bool:
    """Say whether a path pattern with `*` and `$`, as in robots.txt, matches the path and query of `url`."""
    rooted = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    return not Protego.parse(f"User-agent: *\nDisallow: {escaped(rooted.partition('#')[0])}\n").can_fetch(url, "*")


def _seconds(value: str) -> float | None:
    try:
        delay_s = float(value)
    except ValueError:
        return None
    return delay_s if math.isfinite(delay_s) and delay_s >= 0 else None
