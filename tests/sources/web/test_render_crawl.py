"""The crawl of a source whose pages are rendered: what is asked for, what is stored, and what is read from it."""

import asyncio
import gzip
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fakes.web.browser import SiteBrowser, install
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted
from warcio.archiveiterator import ArchiveIterator

from pipelines.engine.errors import ConfigError
from pipelines.engine.storage import Storage, local_storage
from sources.archive import Item, Limits, open_items
from sources.catalog import SourceConfig
from sources.connectors.html_index import expand as expand_html
from sources.web.check import check_sources
from sources.web.crawl import SegmentLimits, SourceCrawl, World
from sources.web.frontier import Frontier
from sources.web.pace import Pace
from sources.web.store import file_of, read_segments

SITE, CDN = "https://guide.example.org", "https://cdn.example.net"
POLICY = ("/robots.txt", "/tdmrep.json", "/ai.txt")


@pytest.fixture(autouse=True)
def playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def html(text: str, *headers: tuple[str, str]) -> Answer:
    body = f"<html><body><div id=app></div>{text}</body></html>".encode()
    return Answer(body=body, headers=(("Content-Type", "text/html; charset=iso-8859-1"), *headers))


def data(text: str, kind: str = "application/json", *headers: tuple[str, str]) -> Answer:
    return Answer(body=text.encode(), headers=(("Content-Type", kind), *headers))


def row(number: int) -> str:
    return f'<li><a href="/doc/{number}">Dose {number}</a></li>'


SCRIPT = f"{CDN}/app.js"
WEB: dict[str, Answer] = {
    f"{SITE}/list": html(""),
    f"{SITE}/api/list": data("<ul>" + "".join(map(row, range(4))) + "</ul>"),
    SCRIPT: data("/* run */", "text/javascript"),
    f"{SITE}/old": Answer(302, headers=(("Location", "/api/moved"),)),
    f"{SITE}/api/moved": data("[moved]"),
    **{f"{SITE}/doc/{n}": html("") for n in range(3)},
    **{f"{SITE}/api/{n}": data(f"<p>Give {n} µg.</p>") for n in range(3)},
    f"{SITE}/doc/3": Answer(body=b"%PDF-1.7", headers=(("Content-Type", "application/pdf"),)),
}
WANTED = {
    f"{SITE}/list": [SCRIPT, f"{SITE}/api/list"],
    f"{SITE}/doc/0": [SCRIPT, f"{SITE}/api/0", "https://tracker.example.com/t.js", f"{SITE}/closed/x"],
    f"{SITE}/doc/1": [SCRIPT, f"{SITE}/api/1", f"{SITE}/old", "https://127.0.0.1/admin", f"{SITE}/gone.json"],
    f"{SITE}/doc/2": [f"{SITE}/api/2", f"{SITE}/gone.json"],
}


def source(**changes: Any) -> SourceConfig:
    web = {
        "connector": "html_index",
        "options": {"start": [f"{SITE}/list"], "items": "li", "fields": {"title": "a"}},
        "hosts": ["guide.example.org", "cdn.example.net"],
        "render": True,
    }
    return SourceConfig.model_validate({"name": "guide", "kind": "guideline", "web": web, **changes})


async def expand(target: str, body: bytes, key: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    assert options["media_type"] == "text/html; charset=utf-8"
    return [
        {"type": type(one).__name__, **{name: getattr(one, name) for name in one.__slots__}}
        for one in expand_html(body, key, options)
    ]


def crawl(
    storage: Storage, script: Any, browser: SiteBrowser, *, later_s: float = 0, **config: Any
) -> tuple[Frontier, Scripted]:
    clock = FakeClock()
    clock.advance(later_s)
    web = Scripted(clock, script, takes_s=0.2)
    world = World(web.exchange, clock, expand, browser.open)
    one = SourceCrawl(source(**config), storage, "medmix-test", world, Pace(clock, 5), SegmentLimits())
    asyncio.run(one.run())
    return one.frontier, web


def outcomes(frontier: Frontier) -> list[str]:
    return [f"{e.outcome.result} {e.outcome.reason}".strip() for e in frontier.entries if e.outcome]


def warcs(storage: Storage) -> list[Path]:
    return [Path(storage.disk.root) / file_of(body).path for body in read_segments(storage, "guide")]  # type: ignore[attr-defined]


def items(storage: Storage) -> dict[str, Item]:
    found = [item for path in warcs(storage) for item in open_items(path, "f", "warc", Limits())]
    return {item.key: item for item in found if isinstance(item, Item)}


def test_what_the_browser_shows_is_read_and_what_it_asked_for_obeys_all_rules(tmp_path: Path) -> None:
    storage, browser = local_storage(tmp_path), SiteBrowser(WANTED)
    robots = {f"{SITE}/robots.txt": Answer(body=b"User-agent: *\nDisallow: /closed\n")}
    frontier, web = crawl(storage, {**WEB, **robots}, browser)
    assert outcomes(frontier) == ["kept"] * 5
    found = items(storage)
    assert list(found) == [f"{SITE}/doc/{n}" for n in range(4)]
    assert "<p>Give 0 µg.</p></body>" in found[f"{SITE}/doc/0"].body.decode()
    assert "<p>Give 1 µg.</p>[moved]</body>" in found[f"{SITE}/doc/1"].body.decode()
    assert found[f"{SITE}/doc/1"].media_type == "text/html; charset=utf-8"
    assert found[f"{SITE}/doc/1"].fields["rendered"] == "yes"
    assert found[f"{SITE}/doc/1"].fields["link-title"] == "Dose 1"
    assert (found[f"{SITE}/doc/3"].body, "rendered" in found[f"{SITE}/doc/3"].fields) == (b"%PDF-1.7", False)
    asked = [url for url in web.urls() if not url.endswith(POLICY)]
    assert sorted(asked) == sorted([*WEB, f"{SITE}/gone.json"]), "each address once, nothing off the list or closed"
    assert (browser.started, browser.stopped, len(browser.shown)) == (1, 1, 4)


def test_pace_and_one_request_a_host_hold_for_what_pages_ask_for(tmp_path: Path) -> None:
    _, web = crawl(local_storage(tmp_path), WEB, SiteBrowser(WANTED))
    for name in ("guide.example.org", "cdn.example.net"):
        times = [at for at, host, _ in web.log if host == name]
        assert all(later - earlier >= 5.2 for earlier, later in pairwise(times))
    assert max(web.most_in_flight.values()) == 1


def test_raw_page_and_parts_are_kept_as_passing_before_the_rendered_one(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    crawl(storage, WEB, SiteBrowser(WANTED))
    [path] = warcs(storage)
    with path.open("rb") as file:
        records = [(r.rec_type, r.rec_headers.get_header("WARC-Target-URI")) for r in ArchiveIterator(file)]
    kept = [record for record in records if record[0] in ("response", "resource")]
    at = kept.index(("resource", f"{SITE}/doc/1"))
    parts = [f"{SITE}/doc/1", f"{SITE}/api/1", f"{SITE}/old", f"{SITE}/api/moved", f"{SITE}/gone.json"]
    assert kept[at - 5 : at] == [("response", url) for url in parts]
    told = gzip.decompress(path.read_bytes())
    assert told.count(b"medmix-rendered: yes") == 4
    assert told.count(b"medmix-role: passing") == len([url for kind, url in kept if kind == "response"]) - 1 - len(
        [url for kind, url in kept if url.endswith(POLICY)]
    )


def test_a_finished_round_starts_no_browser_and_a_later_one_keeps_what_changed(tmp_path: Path) -> None:
    storage, again = local_storage(tmp_path), SiteBrowser(WANTED)
    crawl(storage, WEB, SiteBrowser(WANTED))
    _, web = crawl(storage, WEB, again)
    assert (again.started, web.log) == (0, [])
    changed = {**WEB, f"{SITE}/api/2": data("<p>Give 20 µg.</p>")}
    frontier, _ = crawl(storage, changed, again, later_s=90_000, release="two")
    assert outcomes(frontier) == ["kept"] * 5
    fresh = [item for item in open_items(warcs(storage)[-1], "f", "warc", Limits()) if isinstance(item, Item)]
    assert [(item.key, item.fields["version"]) for item in fresh] == [(f"{SITE}/doc/2", "two")]
    assert "20 µg" in fresh[0].body.decode()


def test_a_page_that_cannot_be_rendered_fails_and_is_tried_again_by_the_next_fetch(tmp_path: Path) -> None:
    storage = local_storage(tmp_path)
    frontier, _ = crawl(storage, WEB, SiteBrowser(WANTED, crashing=(f"{SITE}/doc/1",)))
    assert outcomes(frontier).count("quarantined render_failed") == 1
    assert f"{SITE}/doc/1" not in items(storage)
    frontier, web = crawl(storage, WEB, SiteBrowser(WANTED))
    assert outcomes(frontier) == ["kept"] * 5
    assert len(items(storage)) == 4
    assert f"{SITE}/doc/0" not in web.urls()


def test_a_browser_that_dies_takes_one_page_with_it_and_is_started_again(tmp_path: Path) -> None:
    storage, browser = local_storage(tmp_path), SiteBrowser(WANTED, deadly=(f"{SITE}/doc/1",))
    frontier, _ = crawl(storage, WEB, browser)
    assert outcomes(frontier) == ["kept", "kept", "quarantined render_failed", "kept", "kept"]
    assert (browser.started, browser.stopped) == (2, 2)


@pytest.mark.parametrize(
    ("script", "reserved"),
    [
        ({f"{SITE}/api/1": data("<p>x</p>", "application/json", ("TDM-Reservation", "1"))}, "yes"),
        ({f"{SITE}/api/1": data('<meta name="tdm-reservation" content="1">')}, "yes"),
        ({f"{SITE}/doc/1": html("", ("TDM-Reservation", "1"))}, "yes"),
        ({SCRIPT: data("//", "text/javascript", ("TDM-Reservation", "1"))}, "no"),
        ({}, "no"),
    ],
)
def test_what_the_data_of_a_page_reserve_the_page_reserves(
    tmp_path: Path, script: dict[str, Answer], reserved: str
) -> None:
    storage = local_storage(tmp_path)
    shown = SiteBrowser({**WANTED, f"{SITE}/doc/1": [SCRIPT, f"{SITE}/api/1"]})
    raw = {f"{SITE}/doc/1": Answer(body=b"<html><head></body>", headers=(("Content-Type", "text/html"),))}
    crawl(storage, {**WEB, **raw, **script}, shown)
    assert items(storage)[f"{SITE}/doc/1"].fields["tdm-reserved"] == reserved


@pytest.mark.parametrize(
    ("script", "is_shown"),
    [
        ({f"{SITE}/doc/1": html("", ("X-Robots-Tag", "noindex"))}, False),
        ({f"{SITE}/api/1": data("<p>Unique words.</p>"), f"{SITE}/doc/1": Answer(
            body=b"<html></body>", headers=(("Content-Type", "text/html"),)),
          f"{SITE}/old": data('<meta name="robots" content="noindex">')}, True),
    ],
)  # fmt: skip
def test_a_page_that_may_not_be_kept_leaves_no_text_rendered_or_raw(
    tmp_path: Path, script: dict[str, Answer], is_shown: bool
) -> None:
    storage = local_storage(tmp_path)
    browser = SiteBrowser({**WANTED, f"{SITE}/doc/1": [f"{SITE}/old", f"{SITE}/api/1"]})
    frontier, _ = crawl(storage, {**WEB, **script}, browser)
    assert outcomes(frontier).count("dropped noindex") == 1
    assert (f"{SITE}/doc/1" in browser.shown) == is_shown
    assert f"{SITE}/doc/1" not in items(storage)
    assert b"Unique words." not in gzip.decompress(warcs(storage)[0].read_bytes())


@pytest.mark.parametrize("after", [3, 6, 9, 12, 14, 17])
def test_a_crawl_that_dies_while_a_page_is_rendered_goes_on(tmp_path: Path, after: int) -> None:
    class Death(BaseException):
        pass

    left = after

    def script(url: str, headers: Any) -> Answer:
        nonlocal left
        left -= 1
        if left == 0:
            raise Death
        return WEB.get(url, Answer(404))

    storage = local_storage(tmp_path)
    with pytest.raises(BaseException) as died:  # noqa: PT011
        crawl(storage, script, SiteBrowser(WANTED))
    assert isinstance(died.value, Death)
    crawl(storage, WEB, SiteBrowser(WANTED))
    assert {key: "µg" in item.body.decode("utf-8") for key, item in items(storage).items()} == {
        f"{SITE}/doc/{n}": n < 3 for n in range(4)
    }


def test_without_a_browser_nothing_is_asked(tmp_path: Path) -> None:
    clock = FakeClock()
    web = Scripted(clock, WEB)
    with pytest.raises(ConfigError, match=r"guide: web\.render"):
        SourceCrawl(
            source(),
            local_storage(tmp_path),
            "medmix-test",
            World(web.exchange, clock, expand),
            Pace(clock, 5),
            SegmentLimits(),
        )
    assert web.log == []


def test_a_check_judges_rendered_pages_when_there_is_a_browser() -> None:
    clock = FakeClock()
    web = Scripted(clock, WEB)
    world = World(web.exchange, clock, expand, SiteBrowser(WANTED).open)
    [report] = asyncio.run(check_sources([source()], "medmix-test", world))
    assert (report.verdict, report.seen) == (
        "never_verified",
        "4 documents on 1 pages of the list; no canary to compare",
    )
