"""Limits of lists: more than any honest page holds is told and left, never read to the end or dropped in silence."""

import ast
import gzip
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fakes.web.sites import package

import sources.connectors
from sources.connectors import api_json, fhir_ig, html_index, sitemap
from sources.connectors.reasons import REASONS
from sources.parse.part import Fault, Unreadable
from sources.parse.reasons import REASONS as READING
from sources.web.link import Link

KEY = "https://site.example.org/list"


def told(options: dict[str, Any], step: str) -> dict[str, Any]:
    return {"connector": options, "link": {"url": KEY, "role": "index", "step": step, "fields": {}}}


def test_a_sitemap_longer_than_the_protocol_allows_is_told() -> None:
    entries = "".join(f"<url><loc>https://site.example.org/{n}</loc></url>" for n in range(sitemap.MAX_LINKS + 1))
    options = told({"sitemaps": [KEY]}, "sitemap:0")
    *links, last = sitemap.expand(f"<urlset>{entries}</urlset>".encode(), KEY, options)
    assert len(links) == sitemap.MAX_LINKS
    assert all(isinstance(one, Link) for one in links)
    assert isinstance(last, Fault)
    assert last.reason == "too_many_links"


def test_a_gzip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(80 << 20), 9, mtime=0)
    with pytest.raises(Unreadable) as refusal:
        list(sitemap.expand(bomb, KEY, told({"sitemaps": [KEY]}, "sitemap:0")))
    assert refusal.value.reason == "decompression_bomb"


@pytest.mark.parametrize("cut", [15, 30])
def test_a_gzip_file_cut_short_is_refused(cut: int) -> None:
    whole = gzip.compress(b"<urlset><url><loc>https://site.example.org/a</loc></url></urlset>", mtime=0)
    with pytest.raises(Unreadable) as refusal:
        list(sitemap.expand(whole[:cut], KEY, told({"sitemaps": [KEY]}, "sitemap:0")))
    assert refusal.value.reason == "structure_changed"


@pytest.mark.parametrize("step", ["list:0", "level0:0"])
def test_a_page_of_very_many_links_is_told(step: str) -> None:
    page = "".join(f"<li><a href='/{n}'>x</a></li>" for n in range(html_index.MAX_LINKS + 5))
    options = {"start": [KEY], "items": "li", "index": ["li a"]}
    found = list(html_index.expand(page.encode(), KEY, told(options, step)))
    assert sum(isinstance(one, Link) for one in found) == html_index.MAX_LINKS
    assert [one.reason for one in found if isinstance(one, Fault)] == ["too_many_links"]


def test_an_answer_of_very_many_items_is_told() -> None:
    body = json.dumps([f"/{n}" for n in range(api_json.MAX_LINKS + 1)]).encode()
    *links, last = api_json.expand(body, KEY, told({"start": [KEY], "items": "@", "url": "@"}, "list:0"))
    assert len(links) == api_json.MAX_LINKS
    assert isinstance(last, Fault)
    assert last.reason == "too_many_links"


def test_the_guide_of_a_package_is_found_among_its_other_members() -> None:
    guide = {
        "resourceType": "ImplementationGuide",
        "definition": {"resource": [{"reference": {"reference": "Measure/M1"}}]},
    }
    members = {f"package/ValueSet-{n}.json": b"{}" for n in range(50)}
    members |= {"package/other/ImplementationGuide-example.json": b"no JSON"}
    members |= {"package/ImplementationGuide-x.y.json": json.dumps(guide).encode()}
    found = list(fhir_ig.expand(package(members), KEY, told({"guide": KEY}, "package:0")))
    assert [one.url for one in found if isinstance(one, Link)] == ["https://site.example.org/Measure-M1.json"]


def test_a_package_that_is_a_bomb_is_refused() -> None:
    with pytest.raises(Unreadable) as refusal:
        list(fhir_ig.expand(package({"package/a.json": bytes(80 << 20)}), KEY, told({"guide": KEY}, "package:0")))
    assert refusal.value.reason in ("decompression_bomb", "structure_changed")


def test_every_reason_that_a_connector_gives_is_in_the_table_and_no_other() -> None:
    given = set()
    for path in Path(sources.connectors.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Fault", "Unreadable")
            ):
                reasons = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "reason")]
                given |= {reason.value for reason in reasons if isinstance(reason, ast.Constant)}
    assert given == set(REASONS)
    assert {reason for reason in REASONS if reason in READING} <= {"invalid_json", "decompression_bomb", "too_deep"}


def endless(connector: str, number: int) -> bytes:
    """Return page `number` of a list that always names another page."""
    record = (
        f"<record><header><identifier>oai:x:{number}</identifier></header><metadata><dc>"
        f"<identifier>https://site.example.org/d/{number}</identifier></dc></metadata></record>"
        f"<resumptionToken>{number}</resumptionToken>"
    )
    page = {"pageid": number, "ns": 0, "title": f"P{number}", "revisions": [{"revid": number + 1}]}
    hal = {"page": {"number": number, "totalPages": 10**6, "totalElements": 10**7}, "_embedded": {"objects": []}}
    return {
        "html_index": f"<li><a href='/d/{number}'>x</a></li><a class='next' href='?cursor={number}'>next</a>".encode(),
        "api_json": json.dumps({"items": [f"/d/{number}"], "next": f"/list?cursor={number}"}).encode(),
        "oai_pmh": f"<OAI-PMH><ListRecords>{record}</ListRecords></OAI-PMH>".encode(),
        "mediawiki": json.dumps({"continue": {"gapcontinue": str(number)}, "query": {"pages": [page]}}).encode(),
        "dspace7": json.dumps({"_embedded": {"searchResult": hal}}).encode(),
        "spl": json.dumps({"data": [], "metadata": {"current_page": number + 1, "total_pages": 10**6}}).encode(),
    }[connector]


@pytest.mark.parametrize(
    ("connector", "options", "step"),
    [
        ("html_index", {"start": [KEY], "items": "li", "next": "a.next"}, "list"),
        ("api_json", {"start": [KEY], "items": "items", "url": "@", "next": {"by": "url", "url": "next"}}, "list"),
        ("api_json", {"start": [KEY], "items": "items", "url": "@", "next": {"by": "page", "parameter": "p"}}, "list"),
        ("oai_pmh", {"endpoint": KEY}, "records"),
        ("mediawiki", {"api": KEY, "all_pages": True}, "pages"),
        ("dspace7", {"api": KEY}, "search"),
        ("spl", {}, "list"),
    ],
)
def test_a_list_that_never_ends_is_left_at_its_bound(connector: str, options: dict[str, Any], step: str) -> None:
    expand = import_module(f"sources.connectors.{connector}").expand
    link, visited = Link(url=f"{KEY}?a=1", role="index", step=f"{step}:0"), 0
    while True:
        told_link = {"url": link.url, "role": link.role, "step": link.step, "fields": link.fields}
        found = list(
            expand(endless(connector, visited), link.url, {"connector": {**options, "max_pages": 7}, "link": told_link})
        )
        visited += 1
        following = [one for one in found if isinstance(one, Link) and one.role == "index"]
        if not following:
            break
        assert len(following) == 1
        link = following[0]
    assert visited == 7
    assert [one.reason for one in found if isinstance(one, Fault)] == ["too_many_pages"]
