"""Fetch the sources of a run file into its store: what `medmix sources fetch` does, and nothing else does.

The store is a folder of its own with its own lock, events and ledgers, so that many runs may read what was fetched
once. Everything that can be refused is refused before a request is made. Sources are fetched side by side as far as
they share no host; sources in packs follow, one after the other. Not here: what is asked of a site, and when
(`sources.web`), and how a release is frozen (`pipelines.fetch_packs`).
"""

import difflib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config import RunConfig
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ConfigError, InputError, MedmixError
from pipelines.engine.events import Events
from pipelines.engine.lock import RunLock
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import InlineRuntime, RayRuntime, Resources, Runtime
from pipelines.engine.storage import Storage, local_storage
from pipelines.engine.verify import ROOT
from pipelines.fetch_packs import Froze, check_packs, freeze_release
from pipelines.run import How
from sources.catalog import SourceConfig
from sources.connectors.table import check_site
from sources.crawled import store_of
from sources.replay.fetch import HubFetched, fetch_hub
from sources.web.agent import agent_of
from sources.web.browser import find_chromium
from sources.web.stage import NAME, Crawl, OpenWorld, open_world
from sources.web.store import last_totals

AT_ONCE = 8
"""Groups of sources that are fetched side by side: waiting takes no CPU, but each worker takes memory."""
LONGEST_S = 90 * 86400.0
"""A polite crawl may take weeks."""
PROGRESS_S = 30.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """The ledgers of a fetch, its store, hosts left for later (source -> host -> why), and what the hub gave."""

    manifest: Manifest | None
    """The crawl's, None when no source is on the web."""
    store: Path
    left: dict[str, dict[str, str]]
    frozen: tuple[Froze, ...] = ()
    hub: tuple[HubFetched, ...] = ()


def fetch(config: RunConfig, run_file: Path, names: list[str], how: How, world: OpenWorld | None = None) -> Fetched:
    """Fetch the named sources, or all that can be, as far as is possible now. Raises MedmixError."""
    chosen = chosen_sources(config, run_file, names)
    sites = [source for source in chosen if source.web]
    if sites and config.web is None:
        raise ConfigError(
            f"{run_file}:1:1: web.contact: this field is missing; add `web: {{contact: https://...}}`, a page or "
            "mailto: address where the operators of the sites can reach you; it is sent with every request"
        )
    for source in chosen:
        check_source(source)
    if world is None and any(source.web and source.web.render for source in sites):
        find_chromium()
    store = store_of(config.web)
    with RunLock(store) as lock, Events(store, live=how.live) as events:
        storage = local_storage(store)
        if lock.notice:
            events.emit("note", text=lock.notice)
        with _accounted(events):
            manifest = None
            if config.web and sites:
                crawl = Crawl(sites, agent_of(config.web.contact), storage, open_world=world or open_world)
                with _told(events, storage, sites):
                    manifest = _run(storage, crawl, how, events)
            packs = [source for source in chosen if source.pmc_oa]
            frozen = tuple(freeze_release(source, store, storage, how, events) for source in packs)
            hub = tuple(fetch_hub(source, storage, store, config.seed) for source in chosen if source.hub)
    shards = manifest.shards if manifest else ()
    left = {name: facts["left"] for shard in shards for name, facts in shard.facts.items() if facts["left"]}
    return Fetched(manifest, store, left, frozen, hub)


def check_finished(fetched: Fetched) -> None:
    """Raise InputError when hosts were left for later: what is stored is good, but not all."""
    if not fetched.left:
        return
    told = "; ".join(
        f"{source}: {', '.join(f'{host} ({why})' for host, why in sorted(hosts.items()))}"
        for source, hosts in sorted(fetched.left.items())
    )
    raise InputError(f"not finished, some hosts cannot be asked now: {told}; what is stored stays, fetch again later")


def chosen_sources(config: RunConfig, run_file: Path, names: list[str]) -> list[SourceConfig]:
    """Return the sources to fetch in the order of the run file. Raises ConfigError for a name that is none."""
    known = {source.name: source for source in config.sources if source.is_fetched}
    for name in names:
        if name in known:
            continue
        if any(source.name == name for source in config.sources):
            raise ConfigError(f"{run_file}: source {name} has no `web`, it is read from its `path`; leave it out")
        near = difflib.get_close_matches(name.lower(), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"sources to fetch are: {', '.join(known) or 'none'}"
        raise ConfigError(f"{run_file}: there is no source {name}; {hint}")
    if not known:
        raise ConfigError(f"{run_file}: no source has `web`, `pmc_oa` or `hub`, so there is nothing to fetch")
    return [source for name, source in known.items() if not names or name in names]


def check_source(source: SourceConfig) -> None:
    """Raise ConfigError when the options of a source do not fit its connector, or a host is none."""
    if source.name == ROOT:
        raise ConfigError(f"source {source.name}: the store keeps its ledgers under this name; choose another")
    if source.web is None:
        if source.pmc_oa is not None:
            check_packs(source)
        return
    check_site(source.web, f"source {source.name}: web")


def _run(storage: Storage, crawl: Crawl, how: How, events: Events) -> Manifest:
    runtime: Runtime | None = None

    def start() -> Runtime:
        nonlocal runtime
        runtime = InlineRuntime(storage) if how.inline else _ray(storage, crawl, how)
        return runtime

    try:
        return run_stages(storage, [PlannedStage(crawl)], start, events)[NAME]
    finally:
        if runtime is not None:
            runtime.close()


@contextmanager
def _accounted(events: Events) -> Iterator[None]:
    """Say that a fetch began, and how it ended."""
    ended: dict[str, Any] = {"kind": "run_failed", "error": "stopped, or a defect"}
    events.emit("run_started", name="fetch", stages=1)
    try:
        yield
        ended = {"kind": "run_done"}
    except MedmixError as error:
        ended["error"] = str(error)
        raise
    finally:
        events.emit(**ended, name="fetch")


def _ray(storage: Storage, crawl: Crawl, how: How) -> Runtime:
    workers = how.workers or min(AT_ONCE, len(crawl.tasks({})))
    return RayRuntime(storage, workers=workers, address=how.address, resources=Resources(timeout_s=LONGEST_S))


@contextmanager
def _told(events: Events, storage: Storage, chosen: list[SourceConfig]) -> Iterator[None]:
    """Tell how far each source is whenever a segment was sealed, while the work goes on elsewhere."""
    ended = threading.Event()
    seen: dict[str, Mapping[str, int]] = {source.name: last_totals(storage, source.name) for source in chosen}

    def watch() -> None:
        while not ended.wait(PROGRESS_S):
            for name, before in seen.items():
                if (now := last_totals(storage, name)) != before:
                    seen[name] = now
                    text = f"{name}: {now['settled']} of {now['links']} known links, {now['items']} documents stored"
                    events.emit("note", text=text)

    watcher = threading.Thread(target=watch, name="fetch-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
