"""An entry of the catalogue with a folder of pages: crawled as it is declared, stored, read back, made documents.

A new source needs its YAML file and such a folder, and no line of code here or anywhere.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted
from fakes.web.sites import FixtureSite, load, names

from pipelines.engine.storage import local_storage
from sources.archive import Item, Limits, open_items
from sources.assemble import Declared, Found, document_of
from sources.catalog import PARSERS, SourceConfig, parser_for
from sources.crawled import crawled
from sources.document import Document
from sources.parse.part import Unreadable
from sources.web.crawl import SegmentLimits, SourceCrawl, World
from sources.web.pace import Pace

SITES = [name for name in names() if load(name).source]


async def run(target: str, body: bytes, key: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Run in this task: the sandbox is a process, which virtual time knows nothing of."""
    module, _, function = target.partition(":")
    found: list[dict[str, Any]] = []
    try:
        for one in getattr(import_module(module), function)(body, key, options):
            found.append({"type": type(one).__name__, **asdict(one)})
    except Unreadable as error:
        found.append({"type": "Unreadable", "reason": error.reason, "detail": error.detail})
    return found


def script(site: FixtureSite) -> Mapping[str, Answer]:
    """Return the answers of a site: its pages, its documents, an open robots.txt on each of its hosts."""
    served = [*site.pages, *(item["url"] for item in site.items)]
    answers = {}
    for url in served:
        body, media_type = site.body(url)
        answers[url] = Answer(200, body, (("Content-Type", media_type),))
        robots = f"{url.partition('://')[0]}://{url.split('/')[2]}/robots.txt"
        answers.setdefault(robots, Answer(200, b"User-agent: *\nAllow: /\n", (("Content-Type", "text/plain"),)))
    return answers


def documents(config: SourceConfig, site: FixtureSite, store: Path) -> dict[str, Document]:
    """Crawl a site into `store` and return its documents by their URL."""
    clock = FakeClock()
    web = Scripted(clock, script(site))
    assert config.web is not None
    pace = Pace(clock, config.web.delay_s)
    world = World(web.exchange, clock, run)
    asyncio.run(SourceCrawl(config, local_storage(store), "medmix-test", world, pace, SegmentLimits()).run())
    stored = crawled(config, store)
    assert stored is not None
    found = {}
    for file in stored.files:
        for item in open_items(file.path, file.key, "warc", Limits()):
            assert isinstance(item, Item), item
            name = config.parser if config.parser != "auto" else parser_for("", item.media_type, item.body[:4096])
            assert name is not None, item.media_type
            module, _, function = PARSERS[name].target.partition(":")
            for part in getattr(import_module(module), function)(item.body, item.key, dict(config.options)):
                place = Found(item, "0" * 64, file.key, item.key, {})
                document = document_of(Declared(config), place, item.key, asdict(part))
                found[document.url or ""] = document
    return found


@pytest.mark.parametrize("name", SITES)
def test_an_entry_gives_documents_that_say_what_the_site_says(name: str, tmp_path: Path) -> None:
    site = load(name)
    assert site.source is not None
    found = documents(site.source, site, tmp_path)
    assert sorted(found) == sorted(item["url"] for item in site.items)
    assert site.says, "give at least one document with what it says"
    for url, strings in site.says.items():
        flat = " ".join(f"{found[url].title} {found[url].text}".split())
        for string in strings:
            assert string in flat
    assert {document.source for document in found.values()} == {site.source.name}
