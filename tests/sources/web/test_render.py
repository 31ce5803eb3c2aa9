"""Rendering with a fake browser: every request goes through the given exchange, and what it refuses is aborted."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.web.browser import FakeBrowser, install

from pipelines.engine.errors import ConfigError
from sources.web.exchange import Refusal, Refused, Response
from sources.web.render import RENDER_REASONS, RenderLimits, chromium, rendered
from sources.web.url import Url, parse

PAGE = parse("https://app.example.org/")


@pytest.fixture(autouse=True)
def playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def answer(url: Url, status: int = 200) -> Response:
    headers = (("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("Set-Cookie", "a=b"))
    return Response(
        url=str(url),
        status=status,
        reason="",
        http_version="HTTP/1.1",
        headers=headers,
        raw=b"raw",
        body=b"body",
        address="93.184.216.1",
        started=datetime(2030, 1, 1, tzinfo=UTC),
    )


def render(
    browser: FakeBrowser, outcomes: dict[str, Any], limits: RenderLimits | None = None
) -> tuple[bytes, list[str]]:
    asked: list[str] = []

    async def ask(url: Url) -> Response | Refused:
        asked.append(str(url))
        return outcomes.get(str(url)) or answer(url)

    return asyncio.run(rendered(browser, PAGE, "medmix-test", ask, limits)), asked


def test_every_request_is_asked_for_or_aborted() -> None:
    wanted = [
        ("https://cdn.example.org/s.js", "GET", "script"),
        ("https://tracker.example.net/t.js", "GET", "script"),
        ("https://app.example.org/api", "POST", "fetch"),
        ("https://app.example.org/logo.png", "GET", "image"),
        ("http://127.0.0.1:8080/x", "GET", "fetch"),
        ("http://2130706433/", "GET", "document"),
        ("file:///etc/passwd", "GET", "document"),
        ("https://app.example.org/moved", "GET", "fetch"),
    ]
    outcomes = {
        "https://tracker.example.net/t.js": Refused("https://tracker.example.net/t.js", "off_list", "not listed"),
        "https://app.example.org/moved": answer(PAGE, status=302),
    }
    browser = FakeBrowser(wanted)
    html, asked = render(browser, outcomes)
    given = (200, {"Content-Type": "text/html"}, b"body")
    assert html == "<p>5 µg</p>".encode()
    assert [route.outcome for route in browser.routes] == [given, given, *["blockedbyclient"] * 7]
    assert asked == [str(PAGE), "https://cdn.example.org/s.js", *outcomes]
    assert browser.calls == ["web socket closed", "page", "ignoreErrors", "closed"]


def test_the_number_of_requests_is_bounded() -> None:
    browser = FakeBrowser([(f"https://app.example.org/{number}", "GET", "fetch") for number in range(10)])
    _, asked = render(browser, {}, RenderLimits(requests=4))
    assert len(asked) == 4
    assert [route.outcome for route in browser.routes[4:]] == ["blockedbyclient"] * 7


@pytest.mark.parametrize(
    ("outcome", "limits", "reason"),
    [
        (Refused(str(PAGE), "robots_disallowed", "said no"), RenderLimits(), "robots_disallowed"),
        (answer(PAGE, status=301), RenderLimits(), "render_failed"),
        (answer(PAGE), RenderLimits(html_bytes=5), "render_too_large"),
        (answer(PAGE), RenderLimits(requests=0), "render_failed"),
    ],
)
def test_a_page_that_is_not_had_says_why(outcome: Any, limits: RenderLimits, reason: str) -> None:
    browser = FakeBrowser()
    with pytest.raises(Refusal) as refused:
        render(browser, {str(PAGE): outcome}, limits)
    assert (refused.value.reason, bool(refused.value.detail)) == (reason, True)
    assert reason in RENDER_REASONS or reason == "robots_disallowed"
    assert browser.calls[-1] == "closed"


def test_without_the_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)

    async def start() -> None:
        async with chromium("/usr/bin/chromium"):
            pass

    with pytest.raises(ConfigError, match="extra `render`"):
        asyncio.run(start())
