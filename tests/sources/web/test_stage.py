"""Sources in groups that share no host, and when a finished round is done again."""

from pathlib import Path
from shutil import rmtree
from typing import Any

from fakes.stages import Events
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted

from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage, local_storage
from sources.catalog import SourceConfig
from sources.web.crawl import Expand, World
from sources.web.stage import Crawl, host_groups

LOG: list[str] = []


def source(name: str, *hosts: str, **web: Any) -> SourceConfig:
    told = {"connector": "urls", "hosts": hosts, "options": {"urls": [f"https://{hosts[0].removeprefix('*.')}/"]}}
    return SourceConfig.model_validate({"name": name, "kind": "guideline", "web": {**told, **web}})


def scripted_world(agent: str, expand: Expand) -> World:
    clock = FakeClock()

    async def exchange(url: Any, headers: Any = None) -> Any:
        LOG.append(str(url))
        return await Scripted(clock, lambda *_: Answer(body=b"text")).exchange(url, headers)

    return World(exchange, clock, expand)


def fetch(storage: Storage, *sources: SourceConfig) -> tuple[list[str], dict[str, int]]:
    """Return the URLs that were asked for, and what was kept of each source."""
    LOG.clear()
    crawl = Crawl(list(sources), "test", storage, open_world=scripted_world)
    manifest = run_stages(storage, [PlannedStage(crawl)], lambda: InlineRuntime(storage), Events())["crawl"]
    return list(LOG), {name: counts.records_kept for name, counts in manifest.ledger.sources.items()}


def test_sources_that_may_touch_one_domain_are_crawled_one_after_the_other() -> None:
    sources = [
        source("a", "www.who.example"),
        source("b", "b.example.net"),
        source("c", "*.example.net"),
        source("d", "d.example.com", "iris.who.example"),
        source("e", "e.co.uk"),
        source("f", "f.co.uk"),
    ]
    groups = [[config.name for config in group] for group in host_groups(sources)]
    assert groups == [["a", "d"], ["b", "c"], ["e"], ["f"]]


def test_a_later_source_can_join_two_groups() -> None:
    sources = [
        source("a", "a.example.net"),
        source("b", "b.example.com"),
        source("c", "c.example.net", "c.example.com"),
    ]
    assert [[config.name for config in group] for group in host_groups(sources)] == [["a", "b", "c"]]


def test_a_finished_round_is_replayed_and_a_store_that_was_emptied_is_filled_again(tmp_path: Path) -> None:
    storage, one = local_storage(tmp_path), source("one", "one.example.org")
    assert fetch(storage, one) != ([], {})
    for _ in range(3):
        assert fetch(storage, one) == ([], {"one": 1})
    rmtree(tmp_path / "one")
    asked, kept = fetch(storage, one)
    assert "https://one.example.org/" in asked
    assert kept == {"one": 1}


def test_more_sources_fetch_only_what_is_new(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    fetch(storage, source("one", "one.example.org"))
    asked, kept = fetch(storage, source("one", "one.example.org"), source("two", "two.example.org"))
    assert not [url for url in asked if "one.example.org" in url]
    assert kept == {"one": 1, "two": 1}
