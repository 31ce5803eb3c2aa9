"""The crawl of one source over a scripted web in virtual time: what is asked, stored, counted, and resumed."""

import asyncio
import gzip
import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Script, Scripted

from pipelines.engine.errors import CorruptionError
from pipelines.engine.storage import Storage, local_storage
from sources.archive import Item, Limits, open_items
from sources.catalog import SourceConfig
from sources.connectors.html_index import expand as expand_html
from sources.parse.part import Unreadable
from sources.web.crawl import SegmentLimits, SourceCrawl, World
from sources.web.exchange import Refused, Response
from sources.web.frontier import Frontier
from sources.web.pace import Pace
from sources.web.store import file_of, is_done, read_segments, up_to

SITE = "https://guide.example.org"
HTML = (("Content-Type", "text/html"),)


def page(text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(body=f"<html><body>{text}</body></html>".encode(), headers=(*HTML, *headers))


def listing(urls: list[str], more: str = "") -> Answer:
    links = "".join(f'<li><a class="doc" href="{url}">Dose {i}</a></li>' for i, url in enumerate(urls))
    return page(f"<ul>{links}</ul>" + (f'<a rel="next" href="{more}">next</a>' if more else ""))


def source(**changes: Any) -> SourceConfig:
    web: dict[str, Any] = {
        "connector": "html_index",
        "options": {"start": [f"{SITE}/list"], "items": "li", "fields": {"title": "a"}, "next": "a[rel=next]"},
        "hosts": ["guide.example.org"],
        **changes.pop("web", {}),
    }
    return SourceConfig.model_validate({"name": "guide", "kind": "guideline", "web": web, **changes})


async def expand(target: str, body: bytes, key: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Expand in this task: the sandbox is a process, which virtual time knows nothing of."""
    assert target == "sources.connectors.html_index:expand"
    found = []
    try:
        for one in expand_html(body, key, options):
            found.append({"type": type(one).__name__, **{name: getattr(one, name) for name in one.__slots__}})
    except Unreadable as error:
        found.append({"type": "Unreadable", "reason": error.reason, "detail": error.detail})
    return found


class Crawled:
    """One crawl of a store: the frontier, and the requests that were made."""

    def __init__(self, storage: Storage, config: SourceConfig, script: Script, **how: Any) -> None:
        self.clock = FakeClock()
        self.clock.advance(how.get("later_s", 0))
        self.web = Scripted(self.clock, script, takes_s=how.get("takes_s", 0.1))
        exchange = how.get("exchange", lambda web: web.exchange)(self.web)
        world = World(exchange, self.clock, expand)
        pace = Pace(self.clock, config.web.delay_s if config.web else 0)
        limits = how.get("limits", SegmentLimits())
        self.crawl = SourceCrawl(config, storage, "medmix-test", world, pace, limits)
        self.frontier: Frontier = self.crawl.frontier

    def run(self) -> "Crawled":
        asyncio.run(self.crawl.run())
        return self

    @property
    def pages(self) -> list[str]:
        """What was asked for, policy files aside."""
        return [url for url in self.web.urls() if not url.endswith(("/robots.txt", "/tdmrep.json", "/ai.txt"))]

    def outcomes(self) -> Counter[str]:
        return Counter(
            f"{e.outcome.result} {e.outcome.reason}".strip() if e.outcome else "pending" for e in self.frontier.entries
        )


def items(storage: Storage, label: str = "") -> dict[str, Item]:
    """Return what the reader finds in the WARC files that the sealed lists name."""
    found: dict[str, Item] = {}
    for body in up_to(read_segments(storage, "guide"), label):
        ref = file_of(body)
        path = Path(storage.disk.root) / ref.path  # type: ignore[attr-defined]
        for item in open_items(path, "f", "warc", Limits()):
            assert isinstance(item, Item), item
            assert (item.key, item.fields.get("version")) not in found
            found[item.key, item.fields.get("version")] = item  # type: ignore[index]
    return found


SMALL: dict[str, Answer] = {
    f"{SITE}/list": listing([f"/doc/{n}" for n in range(5)], "/list?page=2"),
    f"{SITE}/list?page=2": listing([f"/doc/{n}" for n in range(4, 9)]),
    **{f"{SITE}/doc/{n}": page(f"<p>Give {n} mg.</p>", ("ETag", f'"{n}"')) for n in range(9)},
}


def test_a_site_is_listed_fetched_and_read_back(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), SMALL).run()
    assert crawled.outcomes() == {"kept": 11}
    assert sorted(crawled.pages) == sorted(SMALL)
    found = items(storage)
    assert [key for key, _ in found] == [f"{SITE}/doc/{n}" for n in range(9)]
    assert found[f"{SITE}/doc/3", None].fields["link-title"] == "Dose 3"
    assert is_done(read_segments(storage, "guide"), "")


def test_pace_and_one_request_at_a_time_hold_with_policy_files_included(tmp_path: Path) -> None:
    crawled = Crawled(local_storage(tmp_path), source(web={"delay_s": 7}), SMALL, takes_s=2).run()
    times = [at for at, _, _ in crawled.web.log]
    assert all(later - earlier >= 9 for earlier, later in pairwise(times))
    assert max(crawled.web.most_in_flight.values()) == 1


def test_1000_linked_pages_half_off_list_ask_no_other_host(tmp_path: Path) -> None:
    lookalikes = [
        "https://guide.example.org.evil.test/", "https://guide-example.org/", "https://example.org/",
        "https://xguide.example.org/", "https://guide.example.org@evil.test/", "https://guide.example.com/",
        "//evil.test/", "https://evil.test/?u=https://guide.example.org/", "https://guide.example.org:8443/",
        "http://guide.example.org/", "https://gu\u0456de.example.org/", "https://guide.example.org%2eevil.test/",
        "https://GUIDE.example.org.evil.test/", "ftp://guide.example.org/", "https://evil.test\\@guide.example.org/",
    ]  # fmt: skip
    bad = [f"{lookalikes[n % len(lookalikes)]}{n}" for n in range(500)]
    good = [f"/doc/{n}" for n in range(500)]
    urls = [url for pair in zip(good, bad, strict=True) for url in pair]
    pages = {f"{SITE}/doc/{n}": page(f"{n}") for n in range(480)}
    away = {f"{SITE}/doc/{n}": Answer(302, headers=(("Location", bad[n]),)) for n in range(480, 500)}
    script = {f"{SITE}/list": listing(urls), **pages, **away}
    crawled = Crawled(local_storage(tmp_path), source(), script).run()
    assert {host for _, host, _ in crawled.web.log} == {"guide.example.org"}
    assert {url.partition("://")[0] for url in crawled.web.urls()} == {"https"}
    outcomes = crawled.outcomes()
    assert outcomes["kept"] == 481
    assert outcomes["dropped off_list"] > 300
    assert sum(outcomes.values()) == len(crawled.frontier.entries)


def test_robots_and_missing_pages_are_counted_with_their_reason(tmp_path: Path) -> None:
    script = {
        f"{SITE}/robots.txt": Answer(body=b"User-agent: *\nDisallow: /doc/1\nCrawl-delay: 20\n"),
        f"{SITE}/list": listing(["/doc/0", "/doc/1", "/gone", "/broken", "/loop", "/old", "/doc/0#part", "/hidden"]),
        f"{SITE}/doc/0": page("0"),
        f"{SITE}/broken": Answer(refused="too_large"),
        f"{SITE}/loop": Answer(301, headers=(("Location", "/loop"),)),
        f"{SITE}/old": Answer(301, headers=(("Location", "/doc/0"),)),
        f"{SITE}/hidden": page("x", ("X-Robots-Tag", "noindex")),
    }
    crawled = Crawled(local_storage(tmp_path), source(), script).run()
    assert f"{SITE}/doc/1" not in crawled.pages
    assert crawled.outcomes() == {
        "kept": 2,
        "dropped robots_disallowed": 1,
        "dropped http_404": 1,
        "dropped duplicate_url": 1,
        "dropped noindex": 1,
        "quarantined too_large": 1,
        "quarantined too_many_redirects": 1,
    }
    times = [at for at, _, _ in crawled.web.log][2:]
    assert all(later - earlier >= 20 for earlier, later in pairwise(times))
    assert list(items(local_storage(tmp_path))) == [(f"{SITE}/doc/0", None)]


@pytest.mark.parametrize("after", range(1, 14))
def test_a_crawl_that_dies_at_any_request_goes_on_without_asking_twice(tmp_path: Path, after: int) -> None:
    class Death(BaseException):
        pass

    def dying(web: Scripted) -> Callable[..., Any]:
        async def exchange(url: Any, headers: Any = None) -> Response | Refused:
            if len(web.log) >= after:
                raise Death
            return await web.exchange(url, headers)

        return exchange

    storage, limits = local_storage(tmp_path), SegmentLimits(responses=4)
    first = Crawled(storage, source(), SMALL, exchange=dying, limits=limits)
    with pytest.raises(Death):
        first.run()
    stored = {
        one["stored"]["url"] for body in read_segments(storage, "guide") for one in body["settled"] if "stored" in one
    }
    second = Crawled(storage, source(), SMALL, limits=limits).run()
    assert not stored & set(second.pages)
    sealed_robots = any(body["policies"] for body in read_segments(storage, "guide")[: after // 4])
    asked_robots = sum(url.endswith("robots.txt") for url in first.web.urls() + second.web.urls())
    assert asked_robots == 1 if sealed_robots else asked_robots <= 2
    assert sorted(items(storage)) == [(f"{SITE}/doc/{n}", None) for n in range(9)]
    third = Crawled(storage, source(), SMALL).run()
    assert third.web.log == []
    assert third.outcomes() == second.outcomes()


def test_a_stop_by_hand_keeps_what_is_whole(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), SMALL)

    async def stopped() -> None:
        task = asyncio.create_task(crawled.crawl.run())
        while len(crawled.pages) < 6:
            await crawled.clock.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(stopped())
    asked = set(crawled.pages[:-1])
    rest = Crawled(storage, source(), SMALL).run()
    assert not asked & set(rest.pages)
    assert len(items(storage)) == 9


def test_a_limit_of_items_is_kept_and_can_be_raised_later(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(web={"max_items": 3}), SMALL).run()
    assert len(items(storage)) == 3
    assert f"{SITE}/list?page=2" not in crawled.pages
    assert Crawled(storage, source(web={"max_items": 2}), SMALL).run().web.log == []
    more = Crawled(storage, source(), SMALL).run()
    assert len(items(storage)) == 9
    assert not set(crawled.pages) & set(more.pages)


def test_a_later_round_asks_on_condition_and_keeps_what_changed(tmp_path: Path) -> None:
    def script(url: str, headers: Any) -> Answer:
        changed = {f"{SITE}/doc/2": page("<p>Give 20 mg.</p>", ("ETag", '"new"')), f"{SITE}/doc/5": Answer(404)}
        answer = changed.get(url) or SMALL.get(url, Answer(404))
        etag = dict(answer.headers).get("ETag")
        return Answer(304, headers=(("ETag", etag),)) if etag and headers.get("If-None-Match") == etag else answer

    storage = local_storage(tmp_path)
    Crawled(storage, source(release="one"), SMALL).run()
    second = Crawled(storage, source(release="two"), script, later_s=90_000).run()
    assert second.outcomes() == {"kept": 10, "dropped http_404": 1}
    first_round, both = items(storage, "one"), items(storage, "two")
    assert len(first_round) == 9
    assert sorted(set(both) - set(first_round)) == [(f"{SITE}/doc/2", "two")]
    assert both[f"{SITE}/doc/2", "two"].body != both[f"{SITE}/doc/2", None].body
    third = Crawled(storage, source(release="three"), script, later_s=180_000).run()
    assert items(storage, "three") == both
    assert third.outcomes() == second.outcomes()


def test_a_page_without_etag_that_did_not_change_is_not_kept_twice(tmp_path: Path) -> None:
    script = {f"{SITE}/list": listing(["/doc/a"]), f"{SITE}/doc/a": page("5 mg")}
    storage = local_storage(tmp_path)
    Crawled(storage, source(release="one"), script).run()
    Crawled(storage, source(release="two"), script, later_s=90_000).run()
    assert list(items(storage, "two")) == [(f"{SITE}/doc/a", None)]


def test_busy_servers_are_asked_again_after_their_rest_and_then_left(tmp_path: Path) -> None:
    answers = {f"{SITE}/list": [Answer(503, headers=(("Retry-After", "120"),)), SMALL[f"{SITE}/list?page=2"]]}

    def script(url: str, headers: Any) -> Answer:
        if url in answers:
            return answers[url].pop(0)
        return SMALL.get(url, Answer(404)) if "/doc/8" not in url else Answer(429, headers=(("Retry-After", "7200"),))

    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), script).run()
    listed = [at for at, _, url in crawled.web.log if url == f"{SITE}/list"]
    assert listed[1] - listed[0] >= 120
    assert crawled.outcomes()["quarantined http_429"] == 1


def test_leftovers_of_a_kill_are_swept_and_a_lost_list_is_refused(tmp_path: Path) -> None:
    storage, limits = local_storage(tmp_path), SegmentLimits(responses=4)
    Crawled(storage, source(web={"max_items": 4}), SMALL, limits=limits).run()
    for left in ("warc/.stage-1", "warc/guide-000009-00.warc.gz", "segments/.stage-2"):
        (tmp_path / "guide" / left).write_bytes(b"half")
    assert len(items(storage)) == 4
    Crawled(storage, source(), SMALL, limits=limits).run()
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert len([name for name in files if name.endswith(".json")]) == len([n for n in files if n.endswith(".gz")])
    assert not [name for name in files if ".stage-" in name]
    assert len(items(storage)) == 9
    (tmp_path / "guide" / "segments" / "000001.json").unlink()
    with pytest.raises(CorruptionError, match=r"000001\.json: missing"):
        Crawled(storage, source(), SMALL)


def test_what_failed_in_passing_is_tried_again_by_the_next_fetch_and_nothing_else(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    broken = {
        f"{SITE}/doc/1": Answer(503),
        f"{SITE}/list?page=2": Answer(refused="reset"),
        f"{SITE}/doc/2": Answer(404),
    }
    first = Crawled(storage, source(), {**SMALL, **broken}).run()
    assert first.outcomes() == {"kept": 4, "quarantined http_503": 1, "quarantined reset": 1, "dropped http_404": 1}
    second = Crawled(storage, source(), SMALL).run()
    assert second.pages == [f"{SITE}/list?page=2", f"{SITE}/doc/1", *(f"{SITE}/doc/{n}" for n in range(5, 9))]
    assert second.outcomes() == {"kept": 10, "dropped http_404": 1}
    third = Crawled(storage, source(), SMALL).run()
    assert third.web.log == []
    assert third.outcomes() == second.outcomes()
    assert len(items(storage)) == 8


def test_a_host_whose_robots_cannot_be_had_is_left_for_a_later_run(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), {**SMALL, f"{SITE}/robots.txt": Answer(503)}).run()
    assert crawled.pages == []
    assert {host: why.reason for host, why in crawled.crawl.left.items()} == {"guide.example.org": "robots_unavailable"}
    assert not is_done(read_segments(storage, "guide"), "")
    assert len(items(storage)) == 0
    Crawled(storage, source(), SMALL, later_s=90_000).run()
    assert len(items(storage)) == 9


def test_a_listing_that_changed_its_structure_is_told_with_what_was_expected(tmp_path: Path) -> None:
    crawled = Crawled(local_storage(tmp_path), source(), {f"{SITE}/list": page("<p>We moved.</p>")}).run()
    [entry] = crawled.frontier.entries
    assert entry.outcome is not None
    assert (entry.outcome.result, entry.outcome.reason) == ("quarantined", "structure_changed")
    assert "expected" in entry.outcome.detail


def test_reservations_travel_with_the_page(tmp_path: Path) -> None:
    script = {**SMALL, f"{SITE}/doc/1": page("1 mg", ("TDM-Reservation", "1"))}
    storage = local_storage(tmp_path)
    Crawled(storage, source(), script).run()
    found = items(storage)
    assert found[f"{SITE}/doc/1", None].fields["tdm-reserved"] == "yes"
    assert "tdm-reservation" in found[f"{SITE}/doc/1", None].fields["reservation"].lower()
    assert found[f"{SITE}/doc/2", None].fields["tdm-reserved"] == "no"


def test_many_hosts_go_on_at_once_and_die_at_random_without_loss(tmp_path: Path) -> None:
    hosts = [f"h{n}.example.org" for n in range(12)]
    urls = [f"https://{host}/{n}" for n in range(8) for host in hosts]
    script = {f"{SITE}/list": listing(urls), **{url: page(url) for url in urls}}
    config = source(web={"hosts": ["*.example.org"], "delay_s": 5})
    for seed in range(3):
        storage, draw = local_storage(tmp_path / str(seed)), random.Random(seed)
        asked: Counter[str] = Counter()
        while not is_done(read_segments(storage, "guide"), ""):
            stored = {
                one["stored"]["url"]
                for body in read_segments(storage, "guide")
                for one in body["settled"]
                if "stored" in one
            }
            crawled = Crawled(storage, config, script, limits=SegmentLimits(responses=draw.randrange(1, 20)))
            limit = draw.randrange(5, 120)

            async def until(crawled: Crawled = crawled, limit: int = limit) -> None:
                task = asyncio.create_task(crawled.crawl.run())
                while not task.done() and len(crawled.web.log) < limit:
                    await crawled.clock.sleep(0.7)
                crawled.crawl._segment.append = None  # type: ignore[method-assign, assignment]
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

            asyncio.run(until())
            assert not stored & set(crawled.pages), f"seed {seed}"
            assert max(crawled.web.most_in_flight.values(), default=0) <= 1
            asked.update(crawled.pages)
        assert sorted(key for key, _ in items(storage)) == sorted(urls), f"seed {seed}"


def test_segments_are_valid_gzip_members_and_closed_by_number_size_and_time(tmp_path: Path) -> None:
    for number, limits in enumerate(
        [SegmentLimits(responses=3), SegmentLimits(size_bytes=2000), SegmentLimits(seconds=20)]
    ):
        storage = local_storage(tmp_path / str(number))
        Crawled(storage, source(), SMALL, limits=limits).run()
        segments = read_segments(storage, "guide")
        assert len(segments) >= 3, limits
        for body in segments:
            assert gzip.decompress(bytes(storage.read(file_of(body)))).startswith(b"WARC/1.1\r\nWARC-Type: warcinfo")


def test_what_a_redirect_led_to_is_not_asked_for_again_after_a_stop(tmp_path: Path) -> None:
    script = {
        f"{SITE}/list": listing(["/short/1", "/doc/1", "/doc/2"]),
        f"{SITE}/short/1": Answer(301, headers=(("Location", "/doc/1"),)),
        f"{SITE}/doc/1": page("1 mg"),
        f"{SITE}/doc/2": page("2 mg"),
    }
    storage, limits = local_storage(tmp_path), SegmentLimits(responses=1)
    Crawled(storage, source(web={"max_items": 1}), script, limits=limits).run()
    rest = Crawled(storage, source(), script, limits=limits).run()
    assert rest.pages == [f"{SITE}/doc/2"]
    assert rest.outcomes() == {"kept": 3, "dropped duplicate_url": 1}
    assert [key for key, _ in items(storage)] == [f"{SITE}/short/1", f"{SITE}/doc/2"]
    assert next(iter(items(storage).values())).url == f"{SITE}/doc/1"


def test_a_stop_while_a_listing_is_read_loses_that_segment_and_nothing_else(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), SMALL)

    async def endless(*_: Any) -> list[dict[str, Any]]:
        await asyncio.sleep(3600)
        return []

    object.__setattr__(crawled.crawl._world, "expand", endless)

    async def stopped() -> None:
        task = asyncio.create_task(crawled.crawl.run())
        while not crawled.pages:
            await crawled.clock.sleep(1)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(stopped())
    assert read_segments(storage, "guide") == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    Crawled(storage, source(), SMALL).run()
    assert len(items(storage)) == 9


def test_links_that_differ_in_a_secret_alone_are_one_document_and_no_secret_is_kept(tmp_path: Path) -> None:
    secret = "sk-abcdefghij0123456789"
    urls = [f"/doc/1?access_token={secret}", "/doc/1?access_token=other-0123456789abcdef", "/doc/1"]
    script = {f"{SITE}/list": listing(urls), f"{SITE}{urls[0]}": page("1 mg")}
    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), script).run()
    assert crawled.pages == [f"{SITE}/list", f"{SITE}{urls[0]}"]
    [(key, _)] = items(storage)
    assert key == f"{SITE}/doc/1"
    [body] = read_segments(storage, "guide")
    written = gzip.decompress(bytes(storage.read(file_of(body))))
    assert secret.encode() not in written.replace(f'href="{urls[0]}"'.encode(), b"")


def test_a_page_that_may_not_be_kept_leaves_no_text(tmp_path: Path) -> None:
    script = {f"{SITE}/list": listing(["/doc/1"]), f"{SITE}/doc/1": page("Unique words.", ("X-Robots-Tag", "noindex"))}
    storage = local_storage(tmp_path)
    Crawled(storage, source(), script).run()
    [body] = read_segments(storage, "guide")
    assert b"Unique words." not in gzip.decompress(bytes(storage.read(file_of(body))))
    assert items(storage) == {}


def test_a_hostile_listing_cannot_stop_the_crawl_with_what_cannot_be_written(tmp_path: Path) -> None:
    half = "\ud800"

    async def hostile(*_: Any) -> list[dict[str, Any]]:
        good = {"type": "Link", "role": "item", "step": "", "url": f"{SITE}/doc/1", "fields": {"title": f"a{half}"}}
        return [
            good,
            {**good, "url": f"{SITE}/{half}"},
            {**good, "url": "x" * 100_000, "fields": {"title": "t" * 1_000_000}},
            {"type": "Fault", "reason": f"odd{half}", "detail": half, "name": f"n{half}"},
        ]

    storage = local_storage(tmp_path)
    crawled = Crawled(storage, source(), SMALL)
    object.__setattr__(crawled.crawl._world, "expand", hostile)
    crawled.run()
    assert crawled.outcomes() == {"kept": 2, "dropped bad_url": 2, "quarantined unreadable": 1}
    assert [key for key, _ in items(storage)] == [f"{SITE}/doc/1"]


def test_bytes_that_two_hosts_lead_to_at_once_are_kept_once(tmp_path: Path) -> None:
    script = {
        f"{SITE}/list": listing(["/short", "https://files.example.net/doc/1"]),
        f"{SITE}/short": Answer(301, headers=(("Location", "https://files.example.net/doc/1"),)),
        "https://files.example.net/doc/1": page("1 mg"),
    }
    hosts = {"hosts": ["guide.example.org", "files.example.net"]}
    crawled = Crawled(local_storage(tmp_path), source(web=hosts), script).run()
    assert crawled.outcomes() == {"kept": 2, "dropped duplicate_url": 1}
