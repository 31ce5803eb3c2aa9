"""The crawl as a stage of the engine: one shard for each group of sources that may touch the same host.

The stage runs on the store, not on a run folder: its locks, events and ledgers are there. Each link found is kept,
dropped or quarantined with its reason, so nothing is lost between a site and its documents. A shard's work does not
follow from its inputs alone, so a round that is not finished is never taken for done: its task has a new name each
time, and what is stored already is replayed, not fetched. Not here: which sources there are (`pipelines.fetch`).
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.engine.errors import ConfigError
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.sandbox import Sandbox, SandboxLimits
from pipelines.engine.secrets import redact_url
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Rejected, ShardTask
from pipelines.engine.storage import Storage
from sources.catalog import SourceConfig
from sources.web.browser import find_chromium
from sources.web.clock import SystemClock
from sources.web.crawl import CRAWL_REASONS, Expand, SegmentLimits, SourceCrawl, World
from sources.web.frontier import MAX_ITEMS, Frontier, Outcome
from sources.web.pace import Pace
from sources.web.render import chromium
from sources.web.render_visit import OpenBrowser
from sources.web.store import failed, is_done, read_segments
from sources.web.url import registrable_domain
from sources.web.visit import PASSING_REASONS

NAME = "crawl"
VERSION = "1"
OpenWorld = Callable[[str, Expand], World]
"""(agent, expand) -> what is outside; a module-level function, so that a task can travel to a worker."""
KEPT = pa.schema([(name, pa.string()) for name in ("source", "url", "role", "title")])
"""One row for each link that is kept."""


def open_world(agent: str, expand: Expand) -> World:
    """Return the real web, with a browser if this machine can start one."""
    from sources.web.fetch import Fetcher
    from sources.web.resolve import SystemResolver

    clock = SystemClock()
    exchange = Fetcher(agent, resolver=SystemResolver(), clock=clock).exchange
    return World(exchange, clock, expand, _browser())


def _browser() -> OpenBrowser | None:
    try:
        return partial(chromium, find_chromium())
    except ConfigError:  # `pipelines.fetch` told what is missing, if any source needs it
        return None


class Crawl:
    """Crawls sources into the store that the stage runs on. `open_world` and `limits` are for tests."""

    name = NAME
    version = VERSION
    reasons = CRAWL_REASONS

    def __init__(
        self,
        configs: list[SourceConfig],
        agent: str,
        storage: Storage,
        *,
        open_world: OpenWorld = open_world,
        limits: SegmentLimits | None = None,
    ) -> None:
        self._configs = {config.name: config for config in configs}
        self._agent, self._open_world, self._limits = agent, open_world, limits or SegmentLimits()
        self._states = {config.name: _state(storage, config) for config in configs}

    def identity(self) -> dict[str, Any]:
        """Return nothing: each task says which sources it crawls."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each group of sources, in the order of the run file."""
        tasks = []
        for group in host_groups(list(self._configs.values())):
            told = [{"source": c.identity(), "state": self._states[c.name]} for c in group]
            tasks.append(ShardTask(group[0].name, params={"names": [c.name for c in group], "told": told}))
        return tasks

    def run(self, shard: Shard) -> None:
        """Crawl the sources of a group one after the other, under one pace."""
        configs = [self._configs[name] for name in shard.task.params["names"]]
        with Sandbox(limits=SandboxLimits()) as sandbox:

            async def expand(target: str, body: bytes, key: str, options: dict[str, Any]) -> list[dict[str, Any]]:
                return await asyncio.to_thread(lambda: list(sandbox.run(target, body, key, options)))

            world = self._open_world(self._agent, expand)
            asyncio.run(self._crawl_all(shard, configs, world))

    async def _crawl_all(self, shard: Shard, configs: list[SourceConfig], world: World) -> None:
        pace = Pace(world.clock, max(config.web.delay_s for config in configs if config.web))
        rows: list[dict[str, str]] = []
        for config in configs:
            crawl = SourceCrawl(config, shard.storage, self._agent, world, pace, self._limits)
            frontier = await crawl.run()
            rows += _account(shard, config.name, frontier, crawl.left)
            left = {host: f"{outcome.reason}: {outcome.detail}" for host, outcome in crawl.left.items()}
            shard.facts[config.name] = {"items": frontier.kept_items, "left": left}
        shard.write(pa.Table.from_pylist(rows, KEPT))


def _account(shard: Shard, source: str, frontier: Frontier, left: Mapping[str, Outcome]) -> list[dict[str, str]]:
    """Count every link with its outcome, unvisited ones with that of their host; return those that are kept."""
    counts, rows = shard.count(source), []
    for entry in frontier.entries:
        outcome = entry.outcome or left.get(entry.host) or Outcome("dropped", MAX_ITEMS)
        url = redact_url(entry.link.url)
        counts.records_in += 1
        if outcome.result == "kept":
            counts.records_kept += 1
            counts.records_out += 1
            title = entry.link.fields.get("title", "")
            rows.append({"source": source, "url": url, "role": entry.link.role, "title": title})
        else:
            why = Rejected(outcome.reason, outcome.detail, quarantine=outcome.result == "quarantined")
            shard.reject(source, url, 0, why)
    return rows


def host_groups(configs: list[SourceConfig]) -> list[list[SourceConfig]]:
    """Return the sources in groups such that no two groups may touch the same registrable domain, in stable order."""
    groups: list[tuple[set[str], list[SourceConfig]]] = []
    for config in configs:
        bare = [host.removeprefix("*.") for host in (config.web.hosts if config.web else ())]
        domains = {registrable_domain(host) or host for host in bare}
        touching = [group for group in groups if group[0] & domains]
        groups = [group for group in groups if group not in touching]
        members = [member for group in touching for member in group[1]]
        groups.append((domains.union(*(group[0] for group in touching)), [*members, config]))
    return sorted((members for _, members in groups), key=lambda members: configs.index(members[0]))


def _state(storage: Storage, config: SourceConfig) -> str:
    """Return what names a task: of a round without anything left to try its last list, else how often it was tried."""
    segments, label = read_segments(storage, config.name), config.release or ""
    limit = config.web.max_items if config.web else None
    if is_done(segments, label, limit) and not failed(segments, label, PASSING_REASONS):
        return digest(segments[-1])
    return f"unfinished after {len(storage.list(f'stages/{NAME}@{VERSION}/records'))} records"
