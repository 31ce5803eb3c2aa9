"""What a host says of itself is asked for as politely as its pages, and a resumed crawl remembers the answer."""

import asyncio
from itertools import pairwise

import pytest
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted

from sources.web.exchange import Response
from sources.web.pace import Pace
from sources.web.policy import DAY, Policies, kept_policy
from sources.web.store import Policy
from sources.web.url import Allowlist, parse

SITE = "https://guide.example.org"
ROBOTS, TDMREP, AI_TXT = (f"{SITE}/{name}" for name in ("robots.txt", ".well-known/tdmrep.json", "ai.txt"))
PAGE = parse(f"{SITE}/doc")


class Asking:
    """The policies of one host over a script, and the pace that they share with its pages."""

    def __init__(self, script: dict[str, Answer], remembered: dict[str, Policy] | None = None, at_s: float = 0) -> None:
        self.clock = FakeClock()
        self.clock.advance(at_s)
        self.web, self.pace = Scripted(self.clock, script), Pace(self.clock, 5)
        self.kept: list[Response] = []
        allowlist = Allowlist(("guide.example.org",), http=False)
        self.policies = Policies(
            self.web.exchange, allowlist, self.pace, self.clock, self.kept.append, remembered or {}
        )

    def ask(self) -> list[str]:
        """Ask for all three files; return what went over the web."""

        async def all_three() -> None:
            await self.policies.rules(PAGE)
            await self.policies.mining(PAGE)

        asyncio.run(all_three())
        return self.web.urls()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("place", [ROBOTS, TDMREP, AI_TXT])
@pytest.mark.parametrize(("retry_after", "least_s"), [((("Retry-After", "900"),), 900), ((), 30)])
def test_a_host_that_is_busy_rests_whatever_file_it_was_asked_for(
    place: str, status: int, retry_after: tuple[tuple[str, str], ...], least_s: float
) -> None:
    asking = Asking({place: Answer(status, headers=retry_after)})
    assert asking.ask() == [ROBOTS, TDMREP, AI_TXT]
    times = [at for at, _, _ in asking.web.log] + [asking.clock.monotonic() + asking.pace.wait_s("guide.example.org")]
    waits = dict(zip([ROBOTS, TDMREP, AI_TXT], (later - earlier for earlier, later in pairwise(times)), strict=True))
    assert waits.pop(place) >= least_s
    assert all(5 <= wait_s < 6 for wait_s in waits.values())


@pytest.mark.parametrize(
    ("answer", "later_s", "is_asked"),
    [
        (Answer(200, b"User-agent: *"), 86_000, False),
        (Answer(200, b"User-agent: *"), 87_000, True),
        (Answer(404), 86_000, False),
        (Answer(503), 500, False),
        (Answer(503), 700, True),
        (Answer(429, headers=(("Retry-After", "7200"),)), 7000, False),
        (Answer(429, headers=(("Retry-After", "7200"),)), 7300, True),
        (Answer(503, headers=(("Retry-After", "999999999"),)), 86_000, False),
        (Answer(503, headers=(("Retry-After", "999999999"),)), DAY.total_seconds() + 1, True),
    ],
)
def test_a_resumed_crawl_asks_again_after_a_day_and_for_a_failure_sooner(
    answer: Answer, later_s: float, is_asked: bool
) -> None:
    first = Asking({ROBOTS: answer})
    asyncio.run(first.policies.rules(PAGE))
    resumed = Asking({}, {one.url: kept_policy(one) for one in first.kept}, at_s=later_s)
    asyncio.run(resumed.policies.rules(PAGE))
    assert resumed.web.urls() == [ROBOTS] * is_asked
