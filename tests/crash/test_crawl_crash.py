"""A crawl exits, or its disk fails, at every storage operation; the next one asks for nothing that was stored."""

import asyncio
import errno
import io
from typing import Any

import pytest
from fakes.disk import Fault, FaultyDisk, MemoryDisk, SimulatedExit
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted

from pipelines.engine.disk import Disk
from pipelines.engine.errors import StorageError
from pipelines.engine.storage import Storage
from sources.archive import Limits
from sources.archive_item import Item
from sources.archive_stream import Stream
from sources.catalog import SourceConfig
from sources.warc import read_warc
from sources.web.crawl import SegmentLimits, SourceCrawl, World
from sources.web.pace import Pace
from sources.web.store import file_of, is_done, read_segments

SITE = "https://guide.example.org"
PAGES = [f"{SITE}/{n}" for n in range(9)]
SCRIPT = {url: Answer(body=url.encode(), headers=(("Content-Type", "text/html"),)) for url in PAGES}
CONFIG = SourceConfig.model_validate(
    {
        "name": "guide",
        "kind": "guideline",
        "web": {"connector": "urls", "hosts": ["guide.example.org"], "options": {"urls": PAGES}},
    }
)


async def nothing_to_expand(*_: Any) -> list[dict[str, Any]]:
    return []


def crawl(disk: Disk) -> list[str]:
    """Crawl three pages a segment; return the pages that were asked for."""
    clock = FakeClock()
    web = Scripted(clock, SCRIPT)
    world = World(web.exchange, clock, nothing_to_expand)
    one = SourceCrawl(CONFIG, Storage(disk), "test", world, Pace(clock, 5), SegmentLimits(responses=3))
    try:
        asyncio.run(one.run())
    finally:
        asked = [url for url in web.urls() if url in PAGES]
    return asked


def stored(disk: Disk) -> set[str]:
    segments = read_segments(Storage(disk), "guide")
    return {one["stored"]["url"] for body in segments for one in body["settled"] if "stored" in one}


def keys(disk: Disk) -> list[str]:
    """Return the keys of what our reader finds in the listed files, each verified."""
    found = []
    for body in read_segments(Storage(disk), "guide"):
        data = Storage(disk).read(file_of(body))
        items = list(read_warc(Stream(io.BytesIO(bytes(data)), Limits()), Limits()))
        assert all(isinstance(item, Item) for item in items)
        found += [item.key for item in items if isinstance(item, Item)]
    return found


def operations() -> int:
    disk = FaultyDisk(MemoryDisk())
    assert crawl(disk) == PAGES
    assert keys(disk.disk) == PAGES
    assert len(disk.operations) > 20
    return len(disk.operations)


def check(fault: Fault) -> None:
    faulty = FaultyDisk(MemoryDisk(), fault)
    with pytest.raises((SimulatedExit, StorageError)):
        crawl(faulty)
    disk = faulty.disk
    before = stored(disk)
    asked = crawl(disk)
    assert not before & set(asked), f"{fault} at {faulty.operations[fault.at - 1]}: asked again"
    assert keys(disk) == PAGES, f"{fault} at {faulty.operations[fault.at - 1]}"
    assert is_done(read_segments(Storage(disk), "guide"), "")


def test_exit_at_every_operation_of_a_crawl_then_resume() -> None:
    for at in range(1, operations() + 1):
        check(Fault(at, after=at % 2 == 0))


@pytest.mark.nightly
def test_exit_before_and_after_every_operation_of_a_crawl() -> None:
    for at in range(1, operations() + 1):
        for after in (False, True):
            check(Fault(at, after=after))


def test_io_error_at_every_operation_of_a_crawl_then_resume() -> None:
    for at in range(1, operations() + 1):
        check(Fault(at, (errno.ENOSPC, errno.EIO, errno.EROFS)[at % 3], persistent=at % 2 == 0))
