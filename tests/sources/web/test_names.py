"""A page that several links lead to has one name, whichever link got there first, in this round and in the next."""

from pathlib import Path
from typing import Any

import pytest
from fakes.web.scripted import Answer, Scripted
from test_crawl import SITE, Crawled, listing, page, source

from pipelines.engine.storage import Storage, local_storage
from sources.archive import Item, Limits, open_items
from sources.crawled import crawled
from sources.extract import Extract
from sources.warc_fields import LINK, VERSION, named
from sources.web.crawl import SegmentLimits
from sources.web.exchange import Response
from sources.web.names import Name, names_of
from sources.web.store import read_segments, up_to

FILES = "https://files.example.net"
HOSTS = ["guide.example.org", "other.example.org", "files.example.net"]
LINKS = [f"{SITE}/short", "https://other.example.org/a", f"{FILES}/doc/1", f"{FILES}/doc/2"]
"""Three links that lead to one page, and one to another."""


def script(links: list[str], text: str = "1 mg") -> dict[str, Answer]:
    away = Answer(301, headers=(("Location", f"{FILES}/doc/1"),))
    return {
        f"{SITE}/list": listing(links),
        f"{SITE}/short": away,
        "https://other.example.org/a": away,
        "https://other.example.org/0": away,
        f"{FILES}/doc/1": page(text),
        f"{FILES}/doc/2": page("2 mg"),
    }


def crawl(storage: Storage, first: str, answers: dict[str, Answer], label: str = "", **how: Any) -> Crawled:
    """Crawl with the host `first` quick and the others slow, so that it gets first to what all lead to."""

    def paced(web: Scripted) -> Any:
        async def exchange(place: Any, sent: Any) -> Response:
            if place.host != first and place.path_query != "/list":
                await web._clock.sleep(50)
            return await web.exchange(place, sent)

        return exchange

    release = {"release": label} if label else {}
    config = source(web={"hosts": HOSTS, **how.pop("web", {})}, **release)
    return Crawled(storage, config, answers, exchange=paced, **how).run()


def read(storage: Storage, label: str = "") -> list[tuple[str, str, str, bytes]]:
    """Return (key, version, title in the listing, body) of every item as a run reads it, sorted."""
    root = Path(storage.disk.root)  # type: ignore[attr-defined]
    found = crawled(source(web={"hosts": HOSTS}, **({"release": label} if label else {})), root)
    assert found is not None
    items = []
    for file in found.files:
        for item in open_items(file.path, file.key, "warc", Limits()):
            assert isinstance(item, Item), item
            name = found.names.get(file.key, {}).get(item.key, Name(item.key, None))
            fields = named(item.fields, *name)
            items.append((name.key, fields.get(VERSION, ""), fields.get(f"{LINK}title", ""), item.body))
    keys = [(key, version) for key, version, *_ in items]
    assert len(set(keys)) == len(keys)
    return sorted(items)


def kept_under(storage: Storage) -> set[str]:
    return {
        one["stored"]["known_as"] for b in read_segments(storage, "guide") for one in b["settled"] if "stored" in one
    }


def test_the_name_is_the_same_whoever_came_first(tmp_path: Path) -> None:
    found, kept = [], []
    for first in HOSTS:
        storage = local_storage(tmp_path / first)
        assert crawl(storage, first, script(LINKS)).outcomes() == {"kept": 3, "dropped duplicate_url": 2}
        found.append(read(storage))
        kept.append(kept_under(storage))
    assert len({frozenset(one) for one in kept}) > 1, "the same link was first each time, so this proves nothing"
    assert found[0] == found[1] == found[2]
    assert [(key, title) for key, _, title, _ in found[0]] == [
        (f"{FILES}/doc/1", "Dose 2"),
        (f"{FILES}/doc/2", "Dose 3"),
    ]


@pytest.mark.parametrize("first", HOSTS)
def test_a_crawl_that_stopped_and_went_on_gives_the_same_names(tmp_path: Path, first: str) -> None:
    storage, limits = local_storage(tmp_path / "halting"), SegmentLimits(responses=1)
    crawl(storage, first, script(LINKS), web={"max_items": 1}, limits=limits)
    crawl(storage, "nobody", script(LINKS), limits=limits)
    calm = local_storage(tmp_path / "calm")
    crawl(calm, "nobody", script(LINKS))
    assert read(storage) == read(calm)


@pytest.mark.parametrize("text", ["1 mg", "3 mg"])
@pytest.mark.parametrize("second", HOSTS)
def test_a_later_round_keeps_the_name_and_adds_a_version_only_for_new_bytes(
    tmp_path: Path, second: str, text: str
) -> None:
    storage = local_storage(tmp_path)
    links = [f"{SITE}/short", "https://other.example.org/a"]
    crawl(storage, "guide.example.org", script(links))
    [(key, *_)] = read(storage)
    assert key == f"{SITE}/short"
    more = ["https://files.example.net/doc/1", "https://other.example.org/0", *links]
    crawl(storage, second, script(more, text), label="2")
    versions = [(key, version) for key, version, _, body in read(storage, "2") if b"2 mg" not in body]
    assert versions == ([(key, "")] if text == "1 mg" else [(key, ""), (key, "2")])


def test_a_store_that_does_not_say_where_second_links_led_keeps_its_names(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawl(storage, "other.example.org", script(LINKS))
    segments = up_to(read_segments(storage, "guide"), "")
    assert names_of(segments)
    for one in (one for body in segments for one in body["settled"]):
        one.pop("leads_to", None)
    assert names_of(segments) == {}


def test_the_documents_and_their_tasks_carry_the_name(tmp_path: Path) -> None:
    tasks = []
    for first in HOSTS:
        root = tmp_path / first
        storage = local_storage(root)
        crawl(storage, first, script(LINKS))
        config = source(web={"hosts": HOSTS})
        found = crawled(config, root)
        assert found is not None
        tasks.append(Extract(config, root, found.files, 1 << 20, found.names).tasks({})[0].params.get("names", {}))
    new = {new[0] for names in tasks for of in names.values() for new in of.values()}
    assert new == {f"{FILES}/doc/1"}
