"""Fetching robots.txt: redirects, failures, and how long an answer holds."""

import asyncio
from typing import Any

import pytest
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted

from sources.web.robots import FAILURE_KEPT_S, KEPT_S, RobotsCache
from sources.web.url import parse

SITE = "https://clinic.example"
RULES = Answer(body=b"User-agent: *\nDisallow: /p\n")
OPEN = {"/p": None, "/q": None}
SHUT = {"/p": "robots_disallowed", "/q": None}


def to(location: str, status: int = 301) -> Answer:
    return Answer(status, headers=(("LOCATION", location),))


def chain(hops: int, status: int = 302) -> dict[str, Answer]:
    steps = {f"{SITE}/{step}": to(f"/{step + 1}", status) for step in range(1, hops)}
    return {f"{SITE}/robots.txt": to("/1", status), **steps, f"{SITE}/{hops}": RULES}


@pytest.mark.parametrize(
    ("script", "expect"),
    [
        ({}, OPEN),
        ({f"{SITE}/robots.txt": RULES}, SHUT),
        ({f"{SITE}/robots.txt": Answer(500)}, "robots_unavailable"),
        ({f"{SITE}/robots.txt": Answer(429)}, "robots_too_many_requests"),
        ({f"{SITE}/robots.txt": Answer(refused="tls_failed")}, "robots_unreachable"),
        (chain(1, 301), SHUT),
        (chain(1, 303), SHUT),
        (chain(1, 307), SHUT),
        (chain(1, 308), SHUT),
        (chain(5), SHUT),
        (chain(6), "robots_unavailable"),
        ({f"{SITE}/robots.txt": to("/robots.txt")}, "robots_unavailable"),
        ({f"{SITE}/robots.txt": to("https://other.example/r"), "https://other.example/r": RULES}, SHUT),
        ({f"{SITE}/robots.txt": to("//other.example/r"), "https://other.example/r": RULES}, SHUT),
        ({f"{SITE}/robots.txt": to("https://other.example/r")}, OPEN),
        (
            {
                f"{SITE}/robots.txt": to("https://other.example/r"),
                "https://other.example/r": Answer(refused="off_list"),
            },
            "robots_unreachable",
        ),
        ({f"{SITE}/robots.txt": to("")}, "robots_unavailable"),
        ({f"{SITE}/robots.txt": Answer(302)}, "robots_unavailable"),
        ({f"{SITE}/robots.txt": to("ftp://clinic.example/robots.txt")}, "robots_unavailable"),
        ({f"{SITE}/robots.txt": to("http://user@clinic.example/")}, "robots_unavailable"),
        ({f"{SITE}/robots.txt": Answer(304)}, "robots_unavailable"),
    ],
)
def test_answers_and_redirects(script: dict[str, Answer], expect: Any) -> None:
    clock = FakeClock()
    cache = RobotsCache(Scripted(clock, script).exchange, clock)
    rules = asyncio.run(cache.rules(parse(f"{SITE}/some/page?x=1")))
    told = {path: rules.refusal("medmix", SITE + path) for path in ("/p", "/q")}
    assert told == (expect if isinstance(expect, dict) else dict.fromkeys(told, expect))


def test_the_day_of_the_rfc_is_kept() -> None:
    assert KEPT_S <= 24 * 3600
    assert 60 <= FAILURE_KEPT_S <= 3600


def test_one_fetch_serves_an_origin_for_a_day_and_each_origin_has_its_own() -> None:
    clock = FakeClock()
    site = Scripted(clock, {f"{SITE}/robots.txt": RULES}, takes_s=2)
    cache = RobotsCache(site.exchange, clock)

    async def main() -> None:
        await asyncio.gather(*(cache.rules(parse(f"{SITE}/{page}")) for page in range(20)))
        assert site.urls() == [f"{SITE}/robots.txt"]
        await cache.rules(parse("http://clinic.example/a"))
        await cache.rules(parse("https://www.clinic.example/a"))
        assert site.urls()[1:] == ["http://clinic.example/robots.txt", "https://www.clinic.example/robots.txt"]
        clock.advance(KEPT_S - 10)
        await cache.rules(parse(f"{SITE}/late"))
        assert len(site.log) == 3
        clock.advance(10)
        await cache.rules(parse(f"{SITE}/later"))
        assert len(site.log) == 4

    asyncio.run(main())


def test_a_failure_is_asked_again_and_an_old_answer_does_not_outlive_one() -> None:
    clock = FakeClock()
    answers = iter([Answer(503), RULES, Answer(refused="dns_failed"), Answer(404)])
    site = Scripted(clock, lambda url, headers: next(answers))
    cache = RobotsCache(site.exchange, clock)

    async def ask() -> str | None:
        return (await cache.rules(parse(SITE))).refusal("medmix", f"{SITE}/p")

    async def main() -> list[str | None]:
        told = [await ask(), await ask()]
        clock.advance(FAILURE_KEPT_S)
        told += [await ask()]
        clock.advance(KEPT_S)
        told += [await ask(), await ask()]
        clock.advance(FAILURE_KEPT_S)
        return [*told, await ask()]

    down, gone = "robots_unavailable", "robots_unreachable"
    assert asyncio.run(main()) == [down, down, "robots_disallowed", gone, gone, None]
    assert len(site.log) == 4


def test_an_exchange_that_raises_leaves_the_origin_open_to_the_next_try() -> None:
    clock = FakeClock()

    def answer(url: str, headers: object) -> Answer:
        if len(site.log) == 1:
            raise ValueError("a defect")
        return RULES

    site = Scripted(clock, answer)
    cache = RobotsCache(site.exchange, clock)

    async def main() -> None:
        with pytest.raises(ValueError, match="a defect"):
            await cache.rules(parse(SITE))
        assert (await cache.rules(parse(SITE))).refusal("medmix", f"{SITE}/p") == "robots_disallowed"

    asyncio.run(main())
