"""Rendering with a fake browser: every request goes through the given exchange, and what it refuses is aborted."""

import asyncio
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sources.web.exchange import Refusal, Refused, Response
from sources.web.render import RENDER_REASONS, RenderLimits, chromium, rendered
from sources.web.url import Url, parse

PAGE = parse("https://app.example.org/")


class BrowserError(Exception):
    """Stands for playwright's Error."""


@pytest.fixture(autouse=True)
def playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    package, module = ModuleType("playwright"), ModuleType("playwright.async_api")
    module.Error = BrowserError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "playwright", package)
    monkeypatch.setitem(sys.modules, "playwright.async_api", module)


@dataclass
class FakeRoute:
    request: Any
    outcome: Any = None

    async def abort(self, code: str) -> None:
        self.outcome = code

    async def fulfill(self, *, status: int, headers: dict[str, str], body: bytes) -> None:
        self.outcome = (status, headers, body)


@dataclass
class FakeBrowser:
    """Loads the page, then asks for `wanted` (URL, method, kind); one object plays browser, context and page."""

    wanted: list[tuple[str, str, str]] = field(default_factory=list)
    html: str = "<p>5 µg</p>"
    calls: list[str] = field(default_factory=list)
    routes: list[FakeRoute] = field(default_factory=list)

    async def new_context(self, **options: Any) -> "FakeBrowser":
        assert options == {"user_agent": "medmix-test", "service_workers": "block", "accept_downloads": False}
        return self

    async def route(self, pattern: str, handler: Any) -> None:
        assert pattern == "**/*"
        self.handler = handler

    async def route_web_socket(self, pattern: str, handler: Any) -> None:
        assert pattern == "**/*"
        handler(SimpleNamespace(close=lambda: self.calls.append("web socket closed")))

    async def close(self) -> None:
        self.calls.append("closed")

    async def new_page(self) -> "FakeBrowser":
        self.calls.append("page")
        return self

    async def goto(self, url: str, *, wait_until: str, timeout: float) -> None:
        assert (wait_until, timeout) == ("networkidle", 300_000)
        for address, method, kind in [(url, "GET", "document"), *self.wanted]:
            request = SimpleNamespace(url=address, method=method, resource_type=kind)
            self.routes.append(FakeRoute(request))
            await self.handler(self.routes[-1])
        if self.routes[0].outcome == "blockedbyclient":
            raise BrowserError("net::ERR_BLOCKED_BY_CLIENT")

    async def content(self) -> str:
        return self.html

    async def unroute_all(self, behavior: str) -> None:
        self.calls.append(behavior)


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

    with pytest.raises(RuntimeError, match="extra `render`"):
        asyncio.run(start())
