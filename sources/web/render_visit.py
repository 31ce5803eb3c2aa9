"""Visits of sources whose pages only scripts complete: first as any other, then in a browser.

Whatever the page asks for is a visit of its own under list, robots, pace and limits, and is kept beside the page. The
page itself is not asked for twice; scripts that many pages share are asked for once a crawl. What its data reserve, the
page reserves. A page that cannot be rendered has no text, so its link fails. Not here: the browser
(`sources.web.render`), and whether there is one (`sources.web.browser`).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from sources.web.exchange import Refusal, Refused, Response, header
from sources.web.render import rendered
from sources.web.reservation import Reservation
from sources.web.url import Url, parse
from sources.web.visit import PASSING_REASONS, Visit, Visitor, outcome_of

OpenBrowser = Callable[[], AbstractAsyncContextManager[Any]]
"""Starts a browser, Playwright's or one that behaves as it does, and stops it in the end."""
REMEMBERED_BYTES = 64 << 20
"""Answers to scripts and data that are remembered, the first ones, so that pages with the same scripts share them."""
_HTML = re.compile(r"\s*(text/html|application/xhtml\+xml)\s*(;|$)", re.IGNORECASE)
_TEXTLESS = re.compile(r"\s*(text/css|(text|application)/(x-)?(java|ecma)script)\b", re.IGNORECASE)


@asynccontextmanager
async def rendering(open_browser: OpenBrowser | None, agent: str, visitor: Visitor) -> AsyncIterator["Renderer | None"]:
    """Have a browser open while a source is crawled; yield None when it needs none."""
    if open_browser is None:
        yield None
        return
    async with AsyncExitStack() as browsers:
        renderer = Renderer(lambda: browsers.enter_async_context(open_browser()), agent, visitor)
        await renderer.browser()  # so that one that does not start is known before anything is asked
        yield renderer


class Renderer:
    """Completes the visits of one source; a browser that died under a page is replaced for the next one."""

    def __init__(self, start: Callable[[], Awaitable[Any]], agent: str, visitor: Visitor) -> None:
        self._start, self._agent, self._visitor = start, agent, visitor
        self._browser: Any = None
        self._starting = asyncio.Lock()
        self._remembered: dict[str, Visit] = {}
        self._remembered_bytes = 0

    async def browser(self) -> Any:
        """Return a browser that runs. Raises ConfigError when none starts."""
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                self._browser = await self._start()
            return self._browser

    async def visit(self, url: str) -> Visit:
        """Visit a URL and render what is there."""
        visit = await self._visitor.visit(url)
        await self.complete(visit)
        return visit

    async def complete(self, visit: Visit) -> None:
        """Render the page that a visit brought, if it is one; what came of it stands in the visit then."""
        if visit.answer is None or not _HTML.match(header(visit.answer, "content-type")):
            return
        loading = _Loading(visit.answer, self._visitor, self._remembered)
        try:
            html = await rendered(await self.browser(), loading.page, self._agent, loading.ask)
            visit.reservation = await self._reserved(visit, loading, html)
            visit.rendered = _as_answer(visit.answer, html)
        except Refusal as refusal:
            visit.answer, visit.outcome = None, outcome_of(refusal)
        finally:
            await loading.end()
        visit.beside += [one for part in loading.visits() for one in part.asked]
        self._remember(loading)

    async def _reserved(self, visit: Visit, loading: "_Loading", html: bytes) -> Reservation:
        """Return what the page reserves, raw and rendered, and the data in it; the strictest counts."""
        assert visit.answer is not None
        shown = await self._visitor.judged(loading.page, replace(visit.answer, body=html))
        return _strictest([one for one in (visit.reservation, shown) if one], loading.used.values())

    def _remember(self, loading: "_Loading") -> None:
        for visit in loading.visits():
            size_bytes = len(visit.answer.body) if visit.answer else 0
            fits = self._remembered_bytes + size_bytes <= REMEMBERED_BYTES
            if fits and visit.outcome.reason not in PASSING_REASONS:
                self._remembered[visit.url] = visit
                self._remembered_bytes += size_bytes


class _Loading:
    """What one page asks for while its scripts run, each address once; nothing goes on after `end`."""

    def __init__(self, answer: Response, visitor: Visitor, remembered: dict[str, Visit]) -> None:
        self.page = parse(answer.url)
        self.used: dict[str, Visit] = {}
        self._answer, self._visitor, self._remembered = answer, visitor, remembered
        self._tasks: dict[str, asyncio.Task[Visit]] = {}
        self._is_over = False

    async def ask(self, url: Url) -> Response | Refused:
        """Answer one request of the page, redirects followed."""
        if url == self.page:
            return self._answer
        name = str(url)
        if (found := self._remembered.get(name)) is None:
            if not self._is_over and name not in self._tasks:
                self._tasks[name] = asyncio.create_task(self._visitor.visit(name))
            found = await _outcome(self._tasks.get(name))
        if found is None:
            return Refused(name, "render_failed", "the page is closed")
        self.used[name] = found
        return found.answer or Refused(name, found.outcome.reason, found.outcome.detail)

    async def end(self) -> None:
        """Stop what is still waiting for its turn."""
        self._is_over = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def visits(self) -> list[Visit]:
        """Return the visits that came to their end, in the order of asking. Raises what one of them raised."""
        return [task.result() for task in self._tasks.values() if not task.cancelled()]


async def _outcome(task: asyncio.Task[Visit] | None) -> Visit | None:
    """Wait for a visit, which goes on when nobody waits any more; None when it was stopped."""
    if task is None:
        return None
    await asyncio.wait([task])
    return None if task.cancelled() else task.result()


def _as_answer(answer: Response, html: bytes) -> Response:
    told = (("Content-Type", "text/html; charset=utf-8"),)
    return replace(answer, headers=told, raw=html, body=html, sent=())


def _strictest(pages: list[Reservation], parts: Iterable[Visit]) -> Reservation:
    """Return all that the versions of a page say, and a reservation of data in it; scripts and styles hold no text."""
    data = [part for part in parts if part.answer and not _TEXTLESS.match(header(part.answer, "content-type"))]
    reserving = [part.reservation for part in data if part.reservation and part.reservation.tdm_reserved]
    return Reservation(
        tdm_reserved=bool(reserving) or any(page.tdm_reserved for page in pages),
        noindex=any(page.noindex for page in pages),
        nofollow=any(page.nofollow for page in pages),
        unavailable_after=min((page.unavailable_after for page in pages if page.unavailable_after), default=None),
        evidence=tuple(dict.fromkeys(line for one in (*pages, *reserving) for line in one.evidence)),
    )
