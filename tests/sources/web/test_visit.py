"""One URL to its end: every hop judged anew, patience with busy servers, and an end to patience."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from fakes.web.clock import START, FakeClock
from fakes.web.scripted import Answer, Scripted
from fakes.web.scripts import raw
from fakes.web.server import Web
from fakes.web.world import JumpingClock

from sources.web.fetch import Fetcher
from sources.web.frontier import Outcome
from sources.web.pace import Pace
from sources.web.policy import Policies
from sources.web.url import Allowlist
from sources.web.visit import Known, Visit, Visitor

A, B = "https://a.example.org", "https://b.example.org"
PAGE = Answer(body=b"<p>5 mg</p>", headers=(("Content-Type", "text/html"),))


def to(location: str, status: int = 302) -> Answer:
    return Answer(status, headers=(("Location", location),))


def visit(
    script: Any, url: str = f"{A}/x", known: Known | None = None, is_stored: Callable[[str], bool] = lambda _: False
) -> tuple[Visit, Scripted]:
    """Visit over a script; return the visit and the web with its log, policy files included."""
    clock = FakeClock()
    web = Scripted(clock, script)
    allowlist, pace = Allowlist(("a.example.org", "b.example.org"), http=False), Pace(clock, 5)
    policies = Policies(web.exchange, allowlist, pace, clock, lambda answer: None)
    visitor = Visitor("medmix/1 (+https://example.org)", web.exchange, allowlist, pace, policies, clock)
    return asyncio.run(visitor.visit(url, known, is_stored)), web


def pages(web: Scripted) -> list[str]:
    return [url for url in web.urls() if not url.endswith(("/robots.txt", "/tdmrep.json", "/ai.txt"))]


def test_a_page_is_asked_for_after_its_robots_and_judged_by_its_policies() -> None:
    found, web = visit({f"{A}/x": PAGE})
    assert found.outcome == Outcome("kept")
    assert web.urls() == [f"{A}/robots.txt", f"{A}/x", f"{A}/.well-known/tdmrep.json", f"{A}/ai.txt"]
    assert found.robots == "allowed"


@pytest.mark.parametrize(
    ("location", "reason", "asked"),
    [
        (f"{B}/y", "", [f"{A}/x", f"{B}/y"]),
        ("/y#part", "http_404", [f"{A}/x", f"{A}/y"]),
        ("https://evil.test/", "off_list", [f"{A}/x"]),
        ("http://b.example.org/y", "http_not_listed", [f"{A}/x"]),
        ("https://127.0.0.1/", "address_not_global", [f"{A}/x"]),
        ("https://0x7f.1/", "odd_address", [f"{A}/x"]),
        ("https://user@b.example.org/y", "userinfo", [f"{A}/x"]),
        ("file:///etc/passwd", "other_scheme", [f"{A}/x"]),
        (f"{B}/closed", "robots_disallowed", [f"{A}/x"]),
        ("", "bad_redirect", [f"{A}/x"]),
    ],
)
def test_each_redirect_is_judged_as_a_link_is(location: str, reason: str, asked: list[str]) -> None:
    robots = Answer(body=b"User-agent: medmix\nDisallow: /closed\n")
    found, web = visit({f"{A}/x": to(location), f"{B}/y": PAGE, f"{B}/robots.txt": robots})
    assert found.outcome.reason == reason
    assert pages(web) == asked
    assert {host for _, host, _ in web.log} <= {"a.example.org", "b.example.org"}


@pytest.mark.parametrize(("hops", "reason"), [(5, ""), (6, "too_many_redirects")])
def test_five_redirects_are_followed_and_no_more(hops: int, reason: str) -> None:
    script = {f"{A}/{n}": to(f"/{n + 1}") for n in range(hops)} | {f"{A}/{hops}": PAGE}
    found, web = visit(script, f"{A}/0")
    assert found.outcome.reason == reason
    assert len(pages(web)) == 6


def test_a_redirect_to_stored_bytes_is_not_followed() -> None:
    found, web = visit({f"{A}/x": to(f"{B}/y"), f"{B}/y": PAGE}, is_stored=lambda url: url == f"{B}/y")
    assert found.outcome.result == "dropped"
    assert found.outcome.reason == "duplicate_url"
    assert pages(web) == [f"{A}/x"]


@pytest.mark.parametrize(
    ("retry_after", "least_s"),
    [("120", 120), ((START.replace(minute=4)).strftime("%a, %d %b %Y %H:%M:%S GMT"), 230), ("", 30), ("soon", 30)],
)
def test_a_busy_server_is_asked_again_after_its_rest(retry_after: str, least_s: float) -> None:
    answers = [Answer(503, headers=(("Retry-After", retry_after),)), PAGE]
    found, web = visit(lambda url, _: answers.pop(0) if url == f"{A}/x" else Answer(404))
    assert found.outcome == Outcome("kept")
    times = [at for at, _, url in web.log if url == f"{A}/x"]
    assert times[1] - times[0] >= least_s
    assert [one.status for one in found.asked] == [503, 200]


@pytest.mark.parametrize(
    ("answer", "times", "outcome"),
    [
        (Answer(429), 3, ("quarantined", "http_429")),
        (Answer(500), 3, ("quarantined", "http_500")),
        (Answer(429, headers=(("Retry-After", "7200"),)), 1, ("quarantined", "http_429")),
        (Answer(refused="reset"), 3, ("quarantined", "reset")),
        (Answer(refused="dns_failed"), 3, ("quarantined", "dns_failed")),
        (Answer(refused="tls_failed"), 1, ("quarantined", "tls_failed")),
        (Answer(refused="too_large"), 1, ("quarantined", "too_large")),
        (Answer(404), 1, ("dropped", "http_404")),
        (Answer(410), 1, ("dropped", "http_410")),
        (Answer(403), 1, ("dropped", "http_403")),
        (Answer(204), 1, ("quarantined", "http_204")),
        (Answer(299), 1, ("quarantined", "http_other")),
        (Answer(304), 1, ("quarantined", "not_asked_for")),
    ],
)
def test_what_is_tried_again_and_how_it_ends(answer: Answer, times: int, outcome: tuple[str, str]) -> None:
    found, web = visit(lambda url, _: answer if url == f"{A}/x" else Answer(404))
    assert (found.outcome.result, found.outcome.reason) == outcome
    asked = [at for at, _, url in web.log if url == f"{A}/x"]
    assert len(asked) == times
    assert all(later - earlier >= 30 for earlier, later in pairwise(asked))


def test_conditional_headers_are_sent_and_304_is_an_answer() -> None:
    seen = []

    def script(url: str, headers: Any) -> Answer:
        seen.append(dict(headers)) if url == f"{A}/x" else None
        return Answer(304) if url == f"{A}/x" else Answer(404)

    found, _ = visit(script, known=Known(etag='"7"', last_modified="Tue, 01 Jan 2030 00:00:00 GMT"))
    assert found.outcome == Outcome("kept")
    assert found.answer is not None
    assert seen == [{"If-None-Match": '"7"', "If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}]


@pytest.mark.parametrize(
    ("robots", "reason"),
    [
        (Answer(body=b"User-agent: *\nCrawl-delay: 61\n"), "crawl_delay_too_long"),
        (Answer(500), "robots_unavailable"),
        (Answer(refused="tls_failed"), "robots_unreachable"),
        (Answer(refused="total_timeout"), "robots_unreachable"),
        (to("https://evil.test/robots.txt"), "robots_unreachable"),
    ],
)
def test_robots_that_close_the_host_let_no_page_through(robots: Answer, reason: str) -> None:
    found, web = visit({f"{A}/robots.txt": robots, f"{A}/x": PAGE})
    assert found.outcome.reason == reason
    assert web.urls() == [f"{A}/robots.txt"]


def test_a_page_whose_signals_trip_us_is_kept_as_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    def tripped(*_: object) -> None:
        raise RecursionError("page text that must not be told")

    monkeypatch.setattr("sources.web.visit.signals", tripped)
    found, _ = visit({f"{A}/x": PAGE})
    assert found.outcome == Outcome("kept")
    assert found.reservation is not None
    assert found.reservation.tdm_reserved
    assert "page text" not in found.reservation.evidence[0]


@pytest.mark.parametrize(
    ("written", "reached"),
    [
        ("/dosé/µg".encode(), "/dos%C3%A9/%C2%B5g"),
        ("/dos\xe9".encode("latin-1"), "/dos%C3%A9"),
        (b"/dos%C3%A9", "/dos%C3%A9"),
        ("https://führer.example.org/β".encode(), "/%CE%B2"),
    ],
)
def test_a_redirect_outside_ascii_leads_to_what_the_server_meant(web: Web, written: bytes, reached: str) -> None:
    told = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: " + written + b"\r\n\r\n"
    web.site("a.example.org").on("/x", raw(told))
    for host in ("a.example.org", "xn--fhrer-kva.example.org"):
        web.site(host).page(reached, b"<p>5 mg</p>")
    clock = JumpingClock()
    allowlist, pace = Allowlist(("*.example.org",), http=False), Pace(clock, 5)
    one = Fetcher("m", resolver=web.resolver, clock=clock, connect=web.connect, ssl_context=web.ssl_context())
    policies = Policies(one.exchange, allowlist, pace, clock, lambda answer: None)
    visitor = Visitor("m", one.exchange, allowlist, pace, policies, clock)
    found = asyncio.run(visitor.visit(f"{A}/x"))
    assert found.outcome == Outcome("kept"), found.outcome
    assert found.answer is not None
    assert found.answer.url.endswith(reached)
    assert reached in [request.path for request in web.requests]
