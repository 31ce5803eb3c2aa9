"""Browsers without a browser: they ask through the routes that were set, as Playwright's would, and run no script.

`FakeBrowser` loads one page and shows what it was told to; `SiteBrowser` opens a fresh one for each page and shows the
page with the bodies of what it asked for at its end, as if a script had written them there.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class BrowserError(Exception):
    """Stands for playwright's Error."""


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `playwright` be importable, with an Error."""
    package, module = ModuleType("playwright"), ModuleType("playwright.async_api")
    module.Error = BrowserError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "playwright", package)
    monkeypatch.setitem(sys.modules, "playwright.async_api", module)


@dataclass
class FakeRoute:
    """One request of a page; `outcome` is the code of its abort, or what it was answered with."""

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


@dataclass
class SiteBrowser:
    """A browser of many pages; `wanted` has what their scripts ask for, `crashing` are pages that crash.

    `deadly` are pages that take the whole browser with them.
    """

    wanted: Mapping[str, list[str]]
    crashing: tuple[str, ...] = ()
    deadly: tuple[str, ...] = ()
    is_alive: bool = False
    started: int = 0
    stopped: int = 0
    shown: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["SiteBrowser"]:
        """Start and stop, as `sources.web.render.chromium` does."""
        self.started += 1
        self.is_alive = True
        yield self
        self.stopped += 1

    def is_connected(self) -> bool:
        return self.is_alive

    async def new_context(self, **options: Any) -> FakeBrowser:
        if not self.is_alive:
            raise BrowserError("Target page, context or browser has been closed")
        return await _SitePage(self).new_context(**options)


class _SitePage(FakeBrowser):
    def __init__(self, site: SiteBrowser) -> None:
        super().__init__()
        self._site = site

    async def goto(self, url: str, *, wait_until: str, timeout: float) -> None:
        self._site.shown.append(url)
        self._site.is_alive = url not in self._site.deadly
        if url in (*self._site.crashing, *self._site.deadly):
            raise BrowserError("Page crashed")
        self.wanted = [(one, "GET", "fetch") for one in self._site.wanted.get(url, [])]
        await super().goto(url, wait_until=wait_until, timeout=timeout)
        bodies = [route.outcome[2].decode() for route in self.routes if isinstance(route.outcome, tuple)]
        self.html = bodies[0].replace("</body>", "".join(bodies[1:]) + "</body>")
