"""The crawl of one source in one round: take what the frontier gives, visit, store, look for more links.

Visits of different hosts go on at once, one a host; what they bring is stored and expanded by one task alone, so a
segment is sealed only between two pages and holds each page with what followed from it. Responses are written before
their links are looked for. A kill at any moment costs the open segment at most; the next run replays the sealed ones.
Not here: politeness and redirects (`sources.web.visit`), and what a sealed segment is (`sources.web.store`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.hashing import digest
from pipelines.engine.sandbox import FAULT_REASONS
from pipelines.engine.secrets import redact_url
from pipelines.engine.storage import Storage
from sources.catalog import SourceConfig
from sources.connectors.reasons import REASONS as CONNECTOR_REASONS
from sources.connectors.table import CONNECTORS, start_links
from sources.parse.reasons import REASONS as PARSER_REASONS
from sources.warc_fields import ITEM, ROLE, ROUND
from sources.web.clock import Clock
from sources.web.exchange import Response, header
from sources.web.frontier import Entry, Frontier, Outcome
from sources.web.keep import kept_of, obeyed, once
from sources.web.link import FIELDS, Link
from sources.web.pace import Pace
from sources.web.policy import Exchange, Policies, kept_policy
from sources.web.render_visit import OpenBrowser, Renderer, rendering
from sources.web.settings import WebConfig
from sources.web.store import (
    OpenSegment,
    Stored,
    before,
    failed,
    is_done,
    policies,
    read_segments,
    replay,
    settings_of,
    stored_items,
    sweep,
)
from sources.web.url import Allowlist
from sources.web.visit import PASSING_REASONS, PASSING_ROBOTS, VISIT_REASONS, Known, Visit, Visitor
from sources.web.warc_write import exchange_records, failure_record, warcinfo

CRAWL_REASONS = (
    VISIT_REASONS | FAULT_REASONS | frozenset(CONNECTOR_REASONS) | frozenset(PARSER_REASONS) | {"host_resting"}
)
DETAIL_CHARS = 300
MAX_REST_S = 1800.0
"""A host that has to rest for longer, as it asked or as it fails, is left for a later run."""
Expand = Callable[[str, bytes, str, dict[str, Any]], Awaitable[list[dict[str, Any]]]]
"""(target, body, key, options) -> the records that a connector yields for a page, each with its class as `type`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLimits:
    """When a segment is sealed: whichever comes first, looked at between pages."""

    responses: int = 500
    size_bytes: int = 64 << 20
    seconds: float = 300


@dataclass(frozen=True, slots=True)
class World:
    """What a crawl needs from outside: a way to ask, the time, a place where pages are expanded, perhaps a browser."""

    exchange: Exchange
    clock: Clock
    expand: Expand
    browser: OpenBrowser | None = None
    """For sources whose pages are rendered; None when there is none here."""


class SourceCrawl:
    """Crawls one source into its store; `pace` may be shared with others that touch the same hosts."""

    def __init__(
        self, config: SourceConfig, storage: Storage, agent: str, world: World, pace: Pace, limits: SegmentLimits
    ) -> None:
        assert config.web is not None
        self._web: WebConfig = config.web
        self._name, self._label = config.name, config.release or ""
        self._storage, self._agent, self._world, self._limits = storage, agent, world, limits
        self._pace = pace
        if self._web.render and world.browser is None:
            raise ConfigError(f"source {self._name}: web.render: there is no browser here to render its pages in")
        self._renderer: Renderer | None = None
        self._sealed = read_segments(storage, self._name)
        self._facts = {"round": self._label, "settings": settings_digest(config), "max_items": self._web.max_items}
        self._earlier = stored_items(before(self._sealed, self._label))
        self._earlier_addresses = {stored.url: stored for stored in self._earlier.values()}
        self.frontier = Frontier(self._web.max_items)
        self.left: dict[str, Outcome] = {}
        """Hosts with pending links that cannot be visited now, and why: the crawl is unfinished."""
        allowlist = Allowlist(self._web.hosts, self._web.http)
        files = Policies(world.exchange, allowlist, pace, world.clock, self._keep_policy, policies(self._sealed))
        self._visitor = Visitor(agent, world.exchange, allowlist, pace, files, world.clock)
        self._segments = len(self._sealed)
        self._segment: OpenSegment
        self._opened_s = 0.0
        self._is_between_pages = True

    async def run(self) -> Frontier:
        """Bring the round to its end and return the settled frontier. Raises MedmixError."""
        begun_with = settings_of(self._sealed, self._label)
        if begun_with not in (None, self._facts["settings"]):
            raise InputError(
                f"source {self._name}: round {self._label!r} was begun with another connector, options or hosts; set "
                "another `release` to crawl it anew, or move its folder out of the store"
            )
        replay(self._sealed, self._label, self.frontier)
        again = failed(self._sealed, self._label, PASSING_REASONS)
        if is_done(self._sealed, self._label, self._web.max_items) and not again:
            return self.frontier
        for number in again:
            self.frontier.reopen(self.frontier.entries[number])
        sweep(self._storage, self._name, self._sealed)
        if self._sealed:  # nobody knows when a killed crawl asked last
            await self._world.clock.sleep(self._web.delay_s)
        self._open()
        try:
            await self._crawl()
            self._seal(is_done=not self.left)
        except asyncio.CancelledError:  # stopped by hand: keep what is whole
            if self._is_between_pages and not self._segment.is_empty:
                self._seal(is_done=False)
            raise
        finally:
            self._segment.abandon()  # nothing, once it is sealed
        return self.frontier

    async def _crawl(self) -> None:
        if not self.frontier.entries:
            for link in start_links(self._web):
                self._find(link)
        browser = self._world.browser if self._web.render else None
        async with rendering(browser, self._agent, self._visitor) as self._renderer:
            await self._visit_all()

    async def _visit_all(self) -> None:
        running: dict[str, asyncio.Task[tuple[Entry, Visit]]] = {}
        try:
            while self._begin(running):
                waiting = running.values()
                await asyncio.wait(waiting, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED)
                for host in [host for host, task in running.items() if task.done()]:
                    await self._take(*running.pop(host).result())
                if self._is_full():
                    self._seal(is_done=False)
                    self._open()
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    def _begin(self, running: dict[str, asyncio.Task[tuple[Entry, Visit]]]) -> bool:
        """Start a visit on each host that is free and has work; say whether any is under way."""
        for host in self.frontier.hosts():
            if (rest_s := self._pace.wait_s(host)) > MAX_REST_S:
                self.left.setdefault(host, Outcome("quarantined", "host_resting", f"{host} rests for {rest_s:.0f} s"))
        for host in [host for host in self.frontier.hosts() if host not in running and host not in self.left]:
            if (entry := self.frontier.next(host)) is not None:
                running[host] = asyncio.create_task(self._visit(entry))
        return bool(running)

    async def _visit(self, entry: Entry) -> tuple[Entry, Visit]:
        if entry.link.role == "index":  # listings are always fetched anew: what they say now is the round
            visit = await self._visitor.visit(entry.link.url)
        else:
            stored = self._earlier.get(entry.known_as)
            known = Known(stored.etag, stored.last_modified) if stored and not self._renderer else None
            visit = await self._visitor.visit(entry.link.url, known, self.frontier.is_stored)
        if self._renderer and obeyed(entry, visit, self._world.clock.now()).result == "kept":
            await self._renderer.complete(visit)
        return entry, visit

    async def _take(self, entry: Entry, visit: Visit) -> None:
        """Store what a visit brought, find its links, and settle its own."""
        if visit.outcome.reason in PASSING_ROBOTS and not visit.asked:
            self.frontier.put_back(entry)
            self.left[entry.host] = visit.outcome
            return
        self._is_between_pages = False
        outcome = once(entry, visit, obeyed(entry, visit, self._world.clock.now()), self.frontier.is_stored)
        stored = self._write(entry, visit, outcome)
        if outcome.result == "kept" and entry.link.role == "index" and visit.page:
            outcome = await self._expand(entry, visit.page)
        self._settle(entry, outcome, stored, redact_url(visit.leads_to))
        self._is_between_pages = True

    # --- links ---------------------------------------------------------------------------------------------------

    def _find(self, link: Link) -> None:
        """Take a link into the frontier, unless it is known; one that may not be visited is settled at once."""
        url, host, refusal = self._visitor.judge(link.url)
        known_as = redact_url(url) if link.role == "item" else url
        found = Link(url=url, role=link.role, step=link.step, fields=link.fields)
        entry = self.frontier.add(found, host, known_as)
        if entry is not None:
            self._segment.found(entry)
            if refusal is not None:
                self._settle(entry, refusal)

    def _settle(self, entry: Entry, outcome: Outcome, stored: Stored | None = None, leads_to: str = "") -> None:
        self.frontier.settle(entry, outcome, stored.url if stored else "")
        self._segment.settled(entry, stored, leads_to)

    async def _expand(self, entry: Entry, answer: Response) -> Outcome:
        """Find the links of a listing; what is wrong with it, or with a line of it, is settled with its reason."""
        link = {"url": entry.link.url, "role": entry.link.role, "step": entry.link.step, "fields": entry.link.fields}
        options = {"connector": self._web.options, "link": link, "media_type": header(answer, "content-type")}
        found = await self._world.expand(CONNECTORS[self._web.connector], answer.body, answer.url, options)
        outcome = Outcome("kept")
        for number, record in enumerate(map(_writable, found)):
            if record["type"] == "Link":
                fields = {name: str(value) for name, value in record["fields"].items() if name in FIELDS}
                self._find(Link(url=record["url"], role=record["role"], step=record["step"], fields=fields))
            elif record.get("name"):
                self._fault(entry, number, record)
            else:
                outcome = _fault_outcome(record)
        return outcome

    def _fault(self, entry: Entry, number: int, record: dict[str, Any]) -> None:
        """Count a line of a listing that cannot be followed, under the listing's address and the line's name."""
        link = Link(url=f"{entry.link.url}#{record['name']}", role="item")
        faulty = self.frontier.add(link, "", f"{link.url} {number}")
        if faulty is not None:
            self._segment.found(faulty)
            self._settle(faulty, _fault_outcome(record))

    # --- the store -----------------------------------------------------------------------------------------------

    def _write(self, entry: Entry, visit: Visit, outcome: Outcome) -> Stored | None:
        earlier = self._known(entry, visit) if entry.link.role == ITEM else None
        kept = kept_of(entry, visit, outcome, earlier, self._label)
        for records in kept.records:
            self._segment.append(records)
        if visit.page is None:
            self._segment.header(failure_record(entry.link.url, self._world.clock.now(), kept.about))
        return kept.stored

    def _known(self, entry: Entry, visit: Visit) -> Stored | None:
        """Return what earlier rounds have of a page, also when only other links led to its address then."""
        by_address = self._earlier_addresses.get(redact_url(visit.page.url)) if visit.page else None
        return self._earlier.get(entry.known_as) or by_address

    def _keep_policy(self, answer: Response) -> None:
        self._segment.append(exchange_records(answer, ((ROLE, "policy"), (ROUND, self._label))).data)
        self._segment.policy(kept_policy(answer))

    def _open(self) -> None:
        self._opened_s = self._world.clock.monotonic()
        self._segment = OpenSegment(self._storage, self._name, self._segments, self._facts)
        fields = (("software", self._agent), ("format", "WARC File Format 1.1"), ("isPartOf", self._name))
        opening = (*fields, ("description", f"round {self._label or 'without a label'}"))
        self._segment.header(warcinfo(f"{self._segment.name}.warc.gz", opening, self._world.clock.now()))

    def _is_full(self) -> bool:
        limits, age_s = self._limits, self._world.clock.monotonic() - self._opened_s
        crowded = self._segment.responses >= limits.responses or self._segment.size_bytes >= limits.size_bytes
        return crowded or (age_s >= limits.seconds and not self._segment.is_empty)

    def _seal(self, *, is_done: bool) -> None:
        entries = self.frontier.entries
        settled = sum(entry.outcome is not None for entry in entries)
        totals = {"links": len(entries), "settled": settled, "items": self.frontier.kept_items}
        self._segment.seal(totals, done=is_done)
        self._segments += 1


def _writable(value: Any) -> Any:
    """Return a JSON value whose texts can be written as UTF-8: a hostile listing may hold half of a surrogate pair."""
    if isinstance(value, dict):
        return {name: _writable(item) for name, item in value.items()}
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _fault_outcome(record: dict[str, Any]) -> Outcome:
    reason, detail = str(record.get("reason", "")), str(record.get("detail", ""))[:DETAIL_CHARS]
    known = reason in CRAWL_REASONS
    return Outcome("quarantined", reason if known else "unreadable", detail if known else f"{reason}: {detail}")


def settings_digest(config: SourceConfig) -> str:
    """Return a digest of what decides which links a crawl finds and follows."""
    web = config.web
    return digest([web.connector, web.options, list(web.hosts), web.http, web.render]) if web else ""
