"""Whether a site still is what its entry says: a known document, two pages of the list, and the page of terms.

A handful of polite requests a source, as a crawl would make them; nothing is stored. Pages are expanded and parsed in
the sandbox. What is found is said in one word, the worst first: `moved` (gone, or led off the hosts), `blocked` (turned
away, by robots rules too, or unreachable), `structure_changed`, `rights_changed` (the terms no longer say the licence,
or mining was reserved), `never_verified` (there is no canary to compare), `ok`. Not here: repairing an entry.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from pydantic import ValidationError

from pipelines.engine.errors import ConfigError
from pipelines.engine.sandbox import Sandbox, SandboxLimits
from sources.catalog import PARSERS, SourceConfig, parser_for
from sources.connectors.table import CONNECTORS, start_links
from sources.web.agent import agent_of
from sources.web.check_signs import is_challenge, is_elsewhere, licence_marker
from sources.web.crawl import Expand, World
from sources.web.exchange import Response, header
from sources.web.heard import Heard
from sources.web.link import Link
from sources.web.pace import Pace
from sources.web.policy import Policies
from sources.web.render_visit import rendering
from sources.web.settings import WebConfig, WebRunConfig
from sources.web.stage import host_groups, open_world
from sources.web.url import Allowlist
from sources.web.visit import PASSING_ROBOTS, Visit, Visitor

Verdict = Literal["moved", "blocked", "structure_changed", "rights_changed", "never_verified", "ok"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ROT = frozenset(VERDICTS[:4])
INDEX_PAGES = 2
MOST_SEEN = 3
"""How many findings of one source are told."""
_MOVED = re.compile(r"off_list|http_not_listed|bad_redirect|too_many_redirects|http_(404|410|3\d\d)")
_BOUNDS = frozenset({"next_repeats", "too_many_pages", "too_many_links", "too_deep"})
"""Faults that say how far a list was followed, not that it changed."""


class Finding(NamedTuple):
    """One thing that was seen."""

    verdict: Verdict
    seen: str


class Report(NamedTuple):
    """What is said of one source."""

    source: str
    verdict: Verdict
    seen: str


@dataclass
class Check:
    """The check of one source; `visit` fetches as a crawl would, `run` is the sandbox."""

    config: SourceConfig
    web: WebConfig
    visit: Callable[[str], Awaitable[Visit]]
    run: Expand
    found: list[Finding] = field(default_factory=list)
    _answers: dict[str, Response | None] = field(default_factory=dict)

    async def report(self) -> Report:
        """Look at all that the entry claims and say what is worst."""
        listed = await self._list()
        canary = await self._canary()
        await self._rights()
        if self.found:
            worst = min(self.found, key=lambda finding: VERDICTS.index(finding.verdict)).verdict
            told = list(dict.fromkeys(finding.seen for finding in self.found))
            more = f"; and {len(told) - MOST_SEEN} more" if len(told) > MOST_SEEN else ""
            return Report(self.config.name, worst, "; ".join(told[:MOST_SEEN]) + more)
        if not canary:
            return Report(self.config.name, "never_verified", f"{listed}; no canary to compare")
        return Report(self.config.name, "ok", f"{listed}; the canary is as it was")

    async def _list(self) -> str:
        """Follow the list over its first pages; return what was seen when it is as described."""
        left = deque(start_links(self.web))
        pages = items = 0
        while left and pages < INDEX_PAGES:
            link = left.popleft()
            pages += 1
            if (answer := await self._page(link.url)) is None:
                continue
            if link.role == "item":
                items += 1
                await self._document(link.url, answer, ())
                continue
            links, fault = await self._expanded(link, answer)
            if fault:
                self._unfit(link.url, answer, fault)
            items += sum(found.role == "item" for found in links)
            left.extendleft(reversed([found for found in links if found.role == "index"]))
        if not self.found and not items and not left:
            self.found.append(Finding("structure_changed", f"{pages} pages of the list name no document"))
        return f"{items} documents on {pages} pages of the list"

    async def _expanded(self, link: Link, answer: Response) -> tuple[list[Link], str]:
        """Return the links of a page of the list, and what is wrong with it."""
        told = {"url": link.url, "role": link.role, "step": link.step, "fields": link.fields}
        options = {"connector": self.web.options, "link": told, "media_type": header(answer, "content-type")}
        links, fault = [], ""
        for record in await self.run(CONNECTORS[self.web.connector], answer.body, answer.url, options):
            if record["type"] == "Link":
                links.append(
                    Link(url=record["url"], role=record["role"], step=record["step"], fields=dict(record["fields"]))
                )
            elif not record.get("name") and record["reason"] not in _BOUNDS:
                fault = f"{record['reason']} {record.get('detail', '')}".strip()
        return links, fault

    async def _canary(self) -> bool:
        """Say whether there is a canary, having compared it."""
        canary = self.config.about.canary if self.config.about else None
        if canary and (answer := await self._page(canary.url)):
            await self._document(canary.url, answer, canary.strings)
        return canary is not None

    async def _document(self, url: str, answer: Response, strings: Iterable[str]) -> None:
        """Parse a document, which must have text with the strings in it."""
        texts = [f"{part.get('title') or ''}\n{part['text']}" for part in await self._parts(answer)]
        flat = " ".join(" ".join(texts).split())
        missing = [string for string in strings if " ".join(string.split()) not in flat]
        if not flat:
            self._unfit(url, answer, "the parser finds no text")
        elif missing:
            self._unfit(url, answer, f"no {missing[0][:60]!r} in it")

    async def _parts(self, answer: Response) -> list[dict[str, Any]]:
        media_type = header(answer, "content-type")
        name: str | None = self.config.parser
        if name == "auto":
            suffix = PurePosixPath(urlsplit(answer.url).path).suffix.lower()
            name = parser_for(suffix, media_type, answer.body[:4096])
        if name is None:
            return []
        options = dict(self.config.options)
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:+-]+)", media_type, re.IGNORECASE)
        if charset and PARSERS[name].charset:
            options.setdefault("charset", charset[1])
        records = await self.run(PARSERS[name].target, answer.body, answer.url, options)
        return [record for record in records if record["type"] == "Part"]

    async def _rights(self) -> None:
        """Look for the licence on the page that is its evidence."""
        rights, marker = self.config.rights, licence_marker(self.config.rights.spdx)
        if marker is None or not rights.evidence.startswith(("https://", "http://")):
            return
        if (answer := await self._page(rights.evidence)) is None:
            return
        if not marker.search(answer.body.decode("utf-8", "replace")):
            verdict: Verdict = "blocked" if is_challenge(answer.body) else "rights_changed"
            self.found.append(Finding(verdict, f"{rights.evidence}: no longer says {rights.spdx}"))

    async def _page(self, url: str) -> Response | None:
        """Visit an address once; what keeps it from being read, and what it reserves, is a finding."""
        if url in self._answers:
            return self._answers[url]
        visit = await self.visit(url)
        self._answers[url] = visit.page
        if visit.page is None:
            reason = visit.outcome.reason
            verdict: Verdict = "moved" if _MOVED.fullmatch(reason) else "blocked"
            why = f"{reason} ({visit.outcome.detail})" if reason in PASSING_ROBOTS else reason
            self.found.append(Finding(verdict, f"{url}: {why}"))
        elif visit.reservation and visit.reservation.tdm_reserved and not self.config.rights.tdm_reserved:
            said = "; ".join(visit.reservation.evidence)[:100]
            self.found.append(Finding("rights_changed", f"{url}: text and data mining is reserved ({said})"))
        return visit.page

    def _unfit(self, url: str, answer: Response, seen: str) -> None:
        """Take down a page that is not what the entry says, with the likeliest reason."""
        verdict: Verdict = "structure_changed"
        if is_challenge(answer.body):
            verdict, seen = "blocked", "asks the visitor to prove to be human"
        elif is_elsewhere(url, answer.url):
            verdict, seen = "moved", f"leads to {answer.url}, and {seen}"
        self.found.append(Finding(verdict, f"{url}: {seen}"))


def check_with_web(configs: list[SourceConfig], contact: str) -> list[Report]:
    """Check sources on the real web. Raises ConfigError for a wrong contact, InputError when there is no network."""
    try:
        agent = agent_of(WebRunConfig(contact=contact).contact)
    except ValidationError as error:
        raise ConfigError(f"--contact: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    with Sandbox(limits=SandboxLimits()) as sandbox:
        lock = asyncio.Lock()

        async def run(target: str, body: bytes, key: str, options: dict[str, Any]) -> list[dict[str, Any]]:
            async with lock:  # one child, many hosts
                return await asyncio.to_thread(lambda: list(sandbox.run(target, body, key, options)))

        world = open_world(agent, run)
        heard = Heard(world.exchange)
        reports = asyncio.run(check_sources(configs, agent, replace(world, exchange=heard.exchange)))
        heard.check()
        return reports


async def check_sources(configs: list[SourceConfig], agent: str, world: World) -> list[Report]:
    """Check sources as `agent`, those that may touch the same host one after the other; reports in order of names."""
    reports = [Report(one.name, "never_verified", why) for one in configs if (why := _why_not(one, world))]
    groups = [
        _check_group(group, agent, world) for group in host_groups([one for one in configs if not _why_not(one, world)])
    ]
    reports += [report for group in await asyncio.gather(*groups) for report in group]
    return sorted(reports)


def _why_not(config: SourceConfig, world: World) -> str:
    """Return why a source cannot be checked, empty when it can."""
    if config.web is None:
        return "it has no `web` yet"
    return (
        "its pages are rendered in a browser, and there is none here"
        if config.web.render and world.browser is None
        else ""
    )


async def _check_group(configs: list[SourceConfig], agent: str, world: World) -> list[Report]:
    pace = Pace(world.clock, max(config.web.delay_s for config in configs if config.web))
    reports = []
    for config in configs:
        assert config.web is not None
        terms = urlsplit(config.rights.evidence).hostname
        hosts = Allowlist((*config.web.hosts, *([terms] if terms else [])), config.web.http)
        policies = Policies(world.exchange, hosts, pace, world.clock, lambda _: None)
        visitor = Visitor(agent, world.exchange, hosts, pace, policies, world.clock)
        async with rendering(world.browser if config.web.render else None, agent, visitor) as renderer:
            visit = renderer.visit if renderer else visitor.visit
            reports.append(await Check(config, config.web, visit, world.expand).report())
    return reports
