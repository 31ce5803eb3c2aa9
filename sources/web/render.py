"""Pages that only JavaScript completes: a browser of the system, which itself opens no connection (extra `render`).

Every request of a page (itself, scripts, data) is intercepted and answered from `ask`, so list, robots, pace, address
guard and limits hold for all of them; what is refused there is aborted here. Redirects are resolved by `ask` and never
handed to the browser, because a redirected request is not intercepted again. As a second wall the browser is started
with no names, a dead proxy, no service workers and no sockets for pages. What comes out is the document after its
scripts, as HTML; the bytes that went in are stored by whoever provides `ask`. Off by default.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pipelines.engine.errors import ConfigError
from sources.web.exchange import Refusal, Refused, Response
from sources.web.url import Url, parse

RENDER_REASONS = frozenset({"render_failed", "render_too_large"})
"""Why a page cannot be rendered, besides the reasons of `ask` for the page itself."""

Ask = Callable[[Url], Awaitable[Response | Refused]]
"""Fetches one URL under every rule of the source, redirects followed; never answers with a redirect."""

_SECONDARY = frozenset({"font", "image", "manifest", "media", "texttrack"})
_FRAMING = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "set-cookie", "transfer-encoding"}
)
WALLS: dict[str, Any] = {
    "args": [
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--disable-quic",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # the name that older browsers know
    ],
    "proxy": {"server": "http://127.0.0.1:9", "bypass": "<-loopback>"},
}
"""How the browser is started: it resolves no name, and its proxy is the discard port, for loopback too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderLimits:
    """How much one page may ask for, and how long that may take, pace between its requests included."""

    requests: int = 100
    total_s: float = 300
    html_bytes: int = 50 << 20


@dataclass
class _Guard:
    """Answers the requests of one page; `refused` is why the page itself was not had.

    Without slots, because Playwright leaves a mark on the object whose method it calls.
    """

    page_url: Url
    ask: Ask
    requests_left: int
    refused: Refused | None = None

    async def handle(self, route: Any) -> None:
        answer = await self._answer(route.request)
        if answer is None:
            await route.abort("blockedbyclient")
            return
        headers = {name: value for name, value in answer.headers if name.lower() not in _FRAMING}
        await route.fulfill(status=answer.status, headers=headers, body=answer.body)

    async def _answer(self, request: Any) -> Response | None:
        if request.method != "GET" or request.resource_type in _SECONDARY or self.requests_left == 0:
            return None
        self.requests_left -= 1
        try:
            url = parse(request.url)
        except Refusal:
            return None
        outcome = await self.ask(url)
        if isinstance(outcome, Response) and not 300 <= outcome.status < 400:
            return outcome
        if url == self.page_url:
            moved = Refused(str(url), "render_failed", "the page answered with a redirect")
            self.refused = outcome if isinstance(outcome, Refused) else moved
        return None


async def rendered(browser: Any, url: Url, agent: str, ask: Ask, limits: RenderLimits | None = None) -> bytes:
    """Open `url` in a fresh context, let its scripts run until it is quiet, and return the HTML as UTF-8.

    `browser` is Playwright's. Raises Refusal with the reason of `ask` for the page itself, or one of `RENDER_REASONS`.
    """
    bounds = limits or RenderLimits()
    guard = _Guard(url, ask, bounds.requests)
    try:
        html = await _in_fresh_context(browser, agent, guard, bounds)
    except _playwright_errors() as exc:
        if guard.refused is not None:
            raise Refusal(guard.refused.reason, guard.refused.detail) from exc
        raise Refusal("render_failed", f"{url.host}: {str(exc)[:200]}") from exc
    if len(html) > bounds.html_bytes:
        raise Refusal("render_too_large", f"{len(html):,} bytes of HTML, at most {bounds.html_bytes:,}")
    return html


async def _in_fresh_context(browser: Any, agent: str, guard: _Guard, bounds: RenderLimits) -> bytes:
    context = await browser.new_context(user_agent=agent, service_workers="block", accept_downloads=False)
    try:
        return await _quiet_page(context, guard, bounds)
    finally:
        await context.unroute_all(behavior="ignoreErrors")
        await context.close()


async def _quiet_page(context: Any, guard: _Guard, bounds: RenderLimits) -> bytes:
    """Routes belong to the context, not to a page: pop-up windows are pages too."""
    await context.route("**/*", guard.handle)
    await context.route_web_socket("**/*", lambda socket: socket.close())
    page = await context.new_page()
    await page.goto(str(guard.page_url), wait_until="networkidle", timeout=bounds.total_s * 1000)
    return str(await page.content()).encode("utf-8", "replace")


@asynccontextmanager
async def chromium(executable: str) -> AsyncIterator[Any]:
    """Start the Chromium at `executable`, walled off and in its sandbox.

    Raises ConfigError when it does not start: without the extra, or as root, since the sandbox needs another user.
    """
    try:
        from playwright.async_api import async_playwright
    except ImportError as exc:
        raise ConfigError("web.render: needs the extra `render` (playwright) and a Chromium of the system") from exc
    async with async_playwright() as driver:
        try:
            browser = await driver.chromium.launch(executable_path=executable, chromium_sandbox=True, **WALLS)
        except _playwright_errors() as exc:
            raise ConfigError(f"web.render: {executable} does not start as a browser: {str(exc)[:500]}") from exc
        try:
            yield browser
        finally:
            await browser.close()


def _playwright_errors() -> tuple[type[Exception], ...]:
    """Return what Playwright raises; nothing when it is not installed."""
    try:
        from playwright.async_api import Error
    except ImportError:
        return ()
    return (Error,)
