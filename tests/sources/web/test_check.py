"""A check of the catalogue tells each kind of rot apart, on a scripted web in virtual time."""

import asyncio
import re
from collections.abc import Mapping
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest
from fakes.web.clock import FakeClock
from fakes.web.scripted import Answer, Scripted

from pipelines.engine.errors import InputError
from sources.catalog import SourceConfig
from sources.parse.part import Unreadable
from sources.web import check as check_module
from sources.web.check import ROT, VERDICTS, Report, check_sources, check_with_web
from sources.web.check_signs import is_challenge, is_elsewhere, licence_marker
from sources.web.crawl import Expand, World

SITE = "https://guide.example.org"
LIST, MORE, DOSE, TERMS = f"{SITE}/list", f"{SITE}/list?page=2", f"{SITE}/dose", f"{SITE}/terms"
CHALLENGE = "<p>Just a moment...</p><script src='/cdn-cgi/challenge-platform/x.js'></script>"


def page(text: str, *headers: tuple[str, str], status: int = 200) -> Answer:
    body = f"<html><head><title>Guide</title></head><body>{text}</body></html>".encode()
    return Answer(status, body, (("Content-Type", "text/html; charset=utf-8"), *headers))


def moved(to: str) -> Answer:
    return Answer(301, b"", (("Location", to),))


GOOD: Mapping[str, Answer] = {
    LIST: page(f'<ul><li><a href="{DOSE}">Doses</a></li></ul><a rel="next" href="{MORE}">next</a>'),
    MORE: page(f'<ul><li><a href="{SITE}/other">Other doses</a></li></ul>'),
    DOSE: page("<main><h1>Doses</h1><p>Give 5 mg of the medicine by mouth, twice a day for a week.</p></main>"),
    TERMS: page('<p>Under <a href="https://creativecommons.org/licenses/by/4.0/">this licence</a>.</p>'),
    f"{SITE}/robots.txt": Answer(200, b"User-agent: *\nAllow: /\n"),
}
CANARY = {"url": DOSE, "strings": ["5 mg of the medicine by mouth"]}


def source(name: str = "guide", canary: dict[str, Any] | None = CANARY, **changes: Any) -> SourceConfig:
    options = {"start": [LIST], "items": "li a", "next": "a[rel=next]"}
    about = {"publisher": "P", "region": "world", "audience": "mixed", "setting": "mixed", "languages": ["en"]}
    told = {
        "web": {"connector": "html_index", "options": options, "hosts": ["guide.example.org"]},
        "rights": {"spdx": "CC-BY-4.0", "evidence": TERMS},
        "about": {**about, **({"canary": canary} if canary else {})},
        **changes,
    }
    return SourceConfig.model_validate({"name": name, "kind": "guideline", **told})


async def run(target: str, body: bytes, key: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Run in this task: the sandbox is a process, which virtual time knows nothing of."""
    module, _, function = target.partition(":")
    found: list[dict[str, Any]] = []
    try:
        for one in getattr(import_module(module), function)(body, key, options):
            names = getattr(one, "__slots__", None) or vars(one)
            found.append({"type": type(one).__name__, **{name: getattr(one, name) for name in names}})
    except Unreadable as error:
        found.append({"type": "Unreadable", "reason": error.reason, "detail": error.detail})
    return found


def check(script: Mapping[str, Answer], *configs: SourceConfig) -> tuple[list[Report], Scripted]:
    clock = FakeClock()
    web = Scripted(clock, script)
    world = World(web.exchange, clock, run)
    return asyncio.run(check_sources(list(configs or (source(),)), "medmix-test", world)), web


CASES: list[tuple[str, str, dict[str, Answer], str]] = [
    ("as described", "ok", {}, "the canary is as it was"),
    ("list gone", "moved", {LIST: Answer(404)}, "http_404"),
    ("canary gone", "moved", {DOSE: Answer(410)}, "http_410"),
    ("list leads to another host", "moved", {LIST: moved("https://elsewhere.example.net/")}, "off_list"),
    ("canary leads home", "moved", {DOSE: moved(f"{SITE}/home"), f"{SITE}/home": page("<p>Home.</p>")}, "leads to"),
    ("terms gone", "moved", {TERMS: Answer(404)}, TERMS),
    ("list forbidden", "blocked", {LIST: Answer(403)}, "http_403"),
    ("too many requests", "blocked", {DOSE: Answer(429, b"", (("Retry-After", "9"),))}, "http_429"),
    ("robots", "blocked", {f"{SITE}/robots.txt": Answer(200, b"User-agent: *\nDisallow: /list\n")}, "robots"),
    ("unreachable", "blocked", {LIST: Answer(refused="connect_failed")}, "connect_failed"),
    ("challenge for the canary", "blocked", {DOSE: page(CHALLENGE)}, "to be human"),
    ("challenge for the list", "blocked", {LIST: page(CHALLENGE)}, "to be human"),
    ("challenge for the terms", "blocked", {TERMS: page(CHALLENGE)}, TERMS),
    ("list built anew", "structure_changed", {LIST: page("<table><tr><td>Doses</td></tr></table>")}, "structure"),
    ("second page built anew", "structure_changed", {MORE: page("<table></table>")}, MORE),
    ("canary rewritten", "structure_changed", {DOSE: page("<main><p>All is well here.</p></main>")}, "5 mg of the"),
    ("canary empty", "structure_changed", {DOSE: page("")}, "no text"),
    ("terms rewritten", "rights_changed", {TERMS: page("<p>All rights reserved.</p>")}, "CC-BY-4.0"),
    ("other version", "rights_changed", {TERMS: page("<p>CC BY 3.0</p>")}, "CC-BY-4.0"),
    ("mining reserved", "rights_changed", {DOSE: Answer(200, GOOD[DOSE].body, (*GOOD[DOSE].headers,
        ("tdm-reservation", "1")))}, "mining is reserved"),
]  # fmt: skip


@pytest.mark.parametrize(("verdict", "changes", "seen"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_kind_of_rot_is_told_apart(verdict: str, changes: dict[str, Answer], seen: str) -> None:
    [report], _ = check({**GOOD, **changes})
    assert report.verdict == verdict, report
    assert seen in report.seen


def test_every_verdict_is_tested() -> None:
    assert {case[1] for case in CASES} | {"never_verified"} == set(VERDICTS)
    assert set(VERDICTS) - {"never_verified", "ok"} == ROT


def test_without_a_canary_nothing_is_verified() -> None:
    [report], _ = check(GOOD, source(canary=None))
    assert (report.verdict, report.seen) == (
        "never_verified",
        "2 documents on 2 pages of the list; no canary to compare",
    )


def test_rot_shows_without_a_canary_too() -> None:
    [report], _ = check({**GOOD, LIST: Answer(404)}, source(canary=None))
    assert report.verdict == "moved"


def test_a_source_without_web_is_never_verified() -> None:
    [report], web = check(GOOD, source(web=None, path="."))
    assert report.verdict == "never_verified"
    assert not web.log


def test_a_source_that_is_rendered_is_not_judged_by_its_bare_pages() -> None:
    web = source().web
    assert web is not None
    [report], asked = check(GOOD, source(web={**web.model_dump(), "render": True}))
    assert report.verdict == "never_verified"
    assert "browser" in report.seen
    assert not asked.log


def test_the_worst_is_the_verdict_and_the_rest_is_told() -> None:
    [report], _ = check({**GOOD, TERMS: page("<p>All rights reserved.</p>"), DOSE: Answer(404)})
    assert report.verdict == "moved"
    assert "http_404" in report.seen
    assert "no longer says CC-BY-4.0" in report.seen


def test_unknown_rights_have_no_page_to_compare() -> None:
    [report], web = check({**GOOD, TERMS: Answer(404)}, source(rights={}))
    assert report.verdict == "ok"
    assert TERMS not in web.urls()


def test_a_reservation_that_is_declared_is_no_change() -> None:
    reserved = Answer(200, GOOD[DOSE].body, (*GOOD[DOSE].headers, ("tdm-reservation", "1")))
    rights = {"spdx": "CC-BY-4.0", "evidence": TERMS, "tdm_reserved": True}
    [report], _ = check({**GOOD, DOSE: reserved}, source(rights=rights))
    assert report.verdict == "ok"


def test_terms_on_another_host_are_looked_at_and_nothing_else_there() -> None:
    terms = "https://terms.example.net/licence"
    config = source(rights={"spdx": "CC-BY-4.0", "evidence": terms})
    [report], web = check({**GOOD, terms: GOOD[TERMS]}, config)
    assert report.verdict == "ok"
    policy_files = ("/robots.txt", "/.well-known/tdmrep.json", "/ai.txt")
    asked = [url for url in web.urls() if "terms.example.net" in url and not url.endswith(policy_files)]
    assert asked == [terms]


def test_a_handful_of_requests_each_once_and_paced() -> None:
    [_], web = check(GOOD)
    assert len(web.urls()) == len(set(web.urls())) == 7
    starts = [moment for moment, _, _ in web.log]
    assert all(later - earlier >= 5 for earlier, later in pairwise(starts))


def test_sources_of_one_host_wait_for_each_other() -> None:
    reports, web = check(GOOD, source("one"), source("two"))
    assert [(report.source, report.verdict) for report in reports] == [("one", "ok"), ("two", "ok")]
    assert web.most_in_flight["guide.example.org"] == 1


def test_pages_are_read_in_the_sandbox_and_asked_for_under_the_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    agents: list[str] = []

    def world(agent: str, expand: Expand) -> World:
        agents.append(agent)
        clock = FakeClock()
        return World(Scripted(clock, GOOD).exchange, clock, expand)

    monkeypatch.setattr(check_module, "open_world", world)
    [report] = check_with_web([source()], "https://example.org/crawl")
    assert report.verdict == "ok", report
    assert re.fullmatch(r"medmix/\S+ \(\+https://example\.org/crawl\)", agents[0])


def without_names(agent: str, expand: Expand) -> World:
    clock = FakeClock()
    return World(Scripted(clock, lambda *_: Answer(refused="dns_failed")).exchange, clock, expand)


def elsewhere(name: str) -> SourceConfig:
    url = f"https://{name}.example.org/a"
    web = {"connector": "urls", "hosts": [f"{name}.example.org"], "options": {"urls": [url]}}
    return source(name, None, web=web, rights={})


def test_a_machine_without_a_network_is_no_rot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "open_world", without_names)
    with pytest.raises(InputError, match="none of 3 hosts could be looked up"):
        check_with_web([elsewhere(name) for name in "abc"], "https://example.org/crawl")


def test_one_site_whose_name_is_gone_is_rot_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "open_world", without_names)
    [report] = check_with_web([elsewhere("a")], "https://example.org/crawl")
    assert report == Report("a", "blocked", "https://a.example.org/a: robots_unreachable (dns_failed)")


@pytest.mark.parametrize(
    ("spdx", "page"),
    [
        ("CC-BY-NC-SA-3.0-IGO", 'href="https://creativecommons.org/licenses/by-nc-sa/3.0/igo/"'),
        ("CC-BY-NC-SA-3.0-IGO", "Some rights reserved: CC BY-NC-SA 3.0 IGO"),
        ("CC-BY-NC-SA-3.0-IGO", "Attribution-NonCommercial-ShareAlike 3.0 IGO licence"),
        ("CC-BY-SA-3.0", "http://creativecommons.org/licenses/by-sa/3.0/"),
        ("CC0-1.0", "dedicated to the public under CC0"),
        ("LicenseRef-Open-Government-US", "is in the Public Domain and may be copied"),
        ("CC-BY-4.0 OR CC0-1.0", "https://creativecommons.org/licenses/by/4.0/legalcode"),
    ],
)
def test_a_licence_is_known_by_address_and_by_name(spdx: str, page: str) -> None:
    marker = licence_marker(spdx)
    assert marker
    assert marker.search(page)


@pytest.mark.parametrize(
    ("spdx", "page"),
    [
        ("CC-BY-NC-SA-3.0-IGO", "https://creativecommons.org/licenses/by-nc-sa/3.0/"),
        ("CC-BY-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
        ("CC-BY-4.0", "CC BY-NC-ND 4.0"),
        ("CC-BY-SA-3.0", "CC BY-SA 4.0"),
        ("LicenseRef-Open-Government-US", "All rights reserved."),
    ],
)
def test_another_licence_is_not_taken_for_it(spdx: str, page: str) -> None:
    marker = licence_marker(spdx)
    assert marker
    assert not marker.search(page)


def test_there_is_no_marker_for_what_is_unknown() -> None:
    assert licence_marker("LicenseRef-unknown") is None


def test_a_long_page_that_loads_a_captcha_is_no_challenge() -> None:
    assert is_challenge(CHALLENGE.encode())
    assert not is_challenge(f"<script src='recaptcha.js'></script><p>{'Give 5 mg. ' * 300}</p>".encode())


@pytest.mark.parametrize(
    ("asked", "answered", "elsewhere"),
    [
        ("http://a.org/x/", "https://www.a.org/x", False),
        ("https://a.org/x", "https://a.org/", True),
        ("https://a.org/x?page=1", "https://a.org/x", True),
        ("https://a.org/x", "https://b.org/x", True),
    ],
)
def test_a_place_is_the_same_whatever_its_scheme(asked: str, answered: str, elsewhere: bool) -> None:
    assert is_elsewhere(asked, answered) is elsewhere
