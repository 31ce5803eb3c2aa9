"""An exchange in memory: answers from a table or a function, and a log of who was asked when.

For tests of what happens around a fetch (robots, pace, redirects, the crawl loop), where sockets would only take time.
A request takes `takes_s` of virtual time, so that requests which overlap are seen as such. A URL that the script does
not know is a 404. Not for tests of the fetcher: those use `fakes.web.server`.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sources.web.clock import Clock
from sources.web.exchange import Refused, Response
from sources.web.url import Url


@dataclass(frozen=True)
class Answer:
    """What to answer; `refused` is the reason of a refusal instead."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    refused: str = ""


Script = Mapping[str, Answer] | Callable[[str, Mapping[str, str]], Answer]
"""Answers by URL, or a function of the URL and the request's headers."""


class Scripted:
    """`exchange` is the fetcher's; `log` has (virtual time at the start, host, URL) of each request in order."""

    def __init__(self, clock: Clock, script: Script, takes_s: float = 0) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.most_in_flight: Counter[str] = Counter()
        self._clock = clock
        self._script = script
        self._takes_s = takes_s
        self._in_flight: Counter[str] = Counter()

    async def exchange(self, url: Url, headers: Mapping[str, str] | None = None) -> Response | Refused:
        """Answer as scripted."""
        self.log.append((self._clock.monotonic(), url.host, str(url)))
        started = self._clock.now()
        self._in_flight[url.host] += 1
        self.most_in_flight[url.host] = max(self.most_in_flight[url.host], self._in_flight[url.host])
        try:
            await self._clock.sleep(self._takes_s)
        finally:
            self._in_flight[url.host] -= 1
        answer = self._answer(str(url), headers or {})
        if answer.refused:
            return Refused(str(url), answer.refused, "scripted")
        return Response(
            url=str(url),
            status=answer.status,
            reason="",
            http_version="HTTP/1.1",
            headers=answer.headers,
            raw=answer.body,
            body=answer.body,
            address="192.0.2.1",
            started=started,
            sent=(("Host", url.netloc), ("User-Agent", "medmix-test"), *(headers or {}).items()),
        )

    def urls(self) -> list[str]:
        """Return the URLs asked for, in order."""
        return [url for _, _, url in self.log]

    async def close(self) -> None:
        """Do nothing, as there are no connections."""

    def _answer(self, url: str, headers: Mapping[str, str]) -> Answer:
        if callable(self._script):
            return self._script(url, headers)
        return self._script.get(url, Answer(404))
