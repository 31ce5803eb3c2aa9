"""Whatever a page holds, a connector gives absolute links and faults, or refuses it with a reason, twice the same.

Pages of the fixture sites are damaged three ways: bytes changed, nodes of JSON replaced by others, noise put in front.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from fakes.web.sites import load, names
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.connectors.reasons import REASONS
from sources.connectors.table import start_links
from sources.parse.part import Fault, Unreadable
from sources.parse.reasons import REASONS as READING
from sources.web.link import FIELDS, Link

ENTRIES = {"bad_link", "missing_page"}
"""Reasons for one entry of a list, which is named; the others are about the page. `no_document` may be either."""
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["http://[", "//", "javascript:x", "\x00", "../..", "{0}", "https://other.example.org/a b"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


@dataclass(frozen=True)
class Visit:
    """A page of a fixture site with the options that it is read with."""

    connector: str
    key: str
    body: bytes
    options: dict[str, Any]

    def outcome(self, body: bytes) -> list[Link | Fault] | tuple[str, str]:
        """Return what the connector makes of `body` in the page's place."""
        try:
            return list(import_module(f"sources.connectors.{self.connector}").expand(body, self.key, self.options))
        except Unreadable as refusal:
            return refusal.reason, refusal.detail


def visits() -> Iterator[Visit]:
    """Yield every list page of every site, with the link that leads to it."""
    for name in names():
        site = load(name)
        links = {link.url: link for link in start_links(site.web)}
        for url in list(site.pages) * 2:  # links are found in the order of the walk
            if url not in links:
                continue
            link = links[url]
            told = {"url": url, "role": link.role, "step": link.step, "fields": link.fields}
            body, media_type = site.pages[url]
            options = {"connector": site.web.options, "link": told, "media_type": media_type}
            visit = Visit(site.web.connector, url, body, options)
            found = visit.outcome(body)
            assert isinstance(found, list)
            links |= {one.url: one for one in found if isinstance(one, Link) and one.role == "index"}
            yield visit


VISITS = list({(visit.connector, visit.key): visit for visit in visits()}.values())
JSON_VISITS = [visit for visit in VISITS if visit.body.lstrip()[:1] in (b"{", b"[")]


def assert_sound(visit: Visit, body: bytes) -> None:
    first, second = visit.outcome(body), visit.outcome(body)
    assert first == second
    if isinstance(first, tuple):
        assert first[0] in REASONS or first[0] in READING
        return
    for found in first:
        if isinstance(found, Fault):
            assert found.reason in REASONS
            assert found.reason == "no_document" or bool(found.name) is (found.reason in ENTRIES)
            continue
        parts = urlsplit(found.url)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert "@" not in parts.netloc
        assert found.url.isascii() or not parts.hostname.isascii()
        assert found.url != visit.key or found.role == "item"
        assert found.fields.keys() <= FIELDS
        assert all(isinstance(value, str) and value for value in found.fields.values())


def test_all_pages_of_all_sites_are_tried() -> None:
    assert len(VISITS) == sum(len(load(name).pages) for name in names())


@QUICK
@given(st.sampled_from(VISITS), st.data())
def test_changed_bytes(visit: Visit, data: st.DataObject) -> None:
    body = bytearray(visit.body)
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 40))
        body[at : at + length] = data.draw(st.binary(max_size=8) | st.sampled_from([b"<", b'"', b"&", b"]]>", b"</a>"]))
    assert_sound(visit, bytes(body))


@QUICK
@given(st.sampled_from(JSON_VISITS), VALUES, st.data())
def test_replaced_nodes(visit: Visit, value: Any, data: st.DataObject) -> None:
    tree = json.loads(visit.body)
    places = list(nodes(tree, ()))
    place = data.draw(st.sampled_from(places))
    holder = tree
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    assert_sound(visit, json.dumps(tree).encode())


@QUICK
@given(st.sampled_from(VISITS), VALUES.map(json.dumps).map(str.encode) | st.binary(max_size=60))
def test_noise(visit: Visit, noise: bytes) -> None:
    assert_sound(visit, noise)
    assert_sound(visit, noise + visit.body)


HREFS = st.sampled_from(
    [
        "a",
        "/b?x=1",
        "#c",
        "?page=2",
        "",
        " ",
        "//d.example.org",
        "mailto:e@f",
        "http://[",
        "https://u:p@h/",
        "./\n../g",
        "\\h",
    ]
)
TAGS = st.sampled_from(["a", "li", "base", "link", "meta", "div", "h3", "p", "svg", "template", "form", "table"])
HTML = st.recursive(
    st.text(alphabet="ab <>&\"'!-/", max_size=6),
    lambda inner: st.builds(
        lambda tag, href, classes, inside: f'<{tag} class="{classes}" href="{href}" content="{href}">{inside}</{tag}>',
        TAGS,
        HREFS,
        st.sampled_from(["", "next", "entry", "download entry", "topics"]),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=15,
)


@QUICK
@given(st.sampled_from([visit for visit in VISITS if visit.connector in ("html_index", "fhir_ig")]), HTML)
def test_pages_of_any_elements(visit: Visit, html: str) -> None:
    assert_sound(visit, html.encode())
    assert_sound(visit, f'<div id="results"><ul class="topics">{html}</ul></div>'.encode())


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: f"{visit.connector}-{visit.key[-20:]}")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 100,
        b"%PDF-1.7",
        b"<html><body>" + b"<div>" * 5000 + b"<a href=/x>x</a>",
        b"<a href=/x>" * 3000,
        b"[" * 200_000,
        b'{"a":' * 500,
        b"\x1f\x8b\x08\x00garbage",
        b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "' + b"&b;" * 1100 + b'">]><a>&c;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><urlset><url><loc>&b;</loc></url></urlset>',
        b"<urlset><url><loc>https://x.example.org/a",
    ],
    ids=range(11),
)
def test_hostile_shapes(visit: Visit, body: bytes) -> None:
    assert_sound(visit, body)


def nodes(tree: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every node below the root of a JSON value."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, inner in steps:
        yield (*place, step)
        yield from nodes(inner, (*place, step))
