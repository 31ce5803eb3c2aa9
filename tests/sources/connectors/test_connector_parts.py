"""Addresses, selectors, patterns, facts and steps: the parts that all connectors share, on cases in JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, document_fromstring

from sources.connectors.address import absolute, query_of, with_query
from sources.connectors.facts import facts
from sources.connectors.follow import onward, step_of
from sources.connectors.pattern import _checked, reachable, wanted
from sources.connectors.selector import first_text, select
from sources.parse.part import Fault, Unreadable
from sources.web.link import Link

PARTS = Path(__file__).parent / "parts"
BASE = "https://site.example.org/dir/page?x=1"


def cases(name: str) -> Any:
    return json.loads((PARTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("href", "expected"), cases("address"))
def test_address(href: str, expected: str | None) -> None:
    assert absolute(href, BASE) == (expected or None)


def test_an_address_of_any_length_is_no_address() -> None:
    assert absolute("/" + "a" * 7_000, BASE)
    assert absolute("/" + "a" * 9_000, BASE) is None


@given(st.text(max_size=40) | st.text(alphabet="htps:/\\@.[]?#%&=a1 \t\né", max_size=30), st.text(max_size=20))
def test_an_address_is_absolute_plain_and_stays_itself(href: str, base: str) -> None:
    for found in (absolute(href, BASE), absolute(href, base)):
        if found is not None:
            assert found.startswith(("http://", "https://"))
            assert absolute(found, "https://unrelated.example.net/") == found


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), max_size=4))
def test_query_parameters_come_back(values: dict[str, str]) -> None:
    url = with_query("https://site.example.org/a?kept=1", values)
    assert query_of(url) == {"kept": "1", **values}
    assert with_query(url, values) == url


def test_the_rest_of_a_query_stays_as_it_is_written() -> None:
    url = "https://site.example.org/a?doc;x&page=1&f=a%2Cb+c&page=7"
    assert with_query(url, {"page": "2", "n": "a b"}) == "https://site.example.org/a?doc;x&page=2&f=a%2Cb+c&n=a%20b"


@pytest.mark.parametrize(("selector", "ids"), cases("css")["cases"])
def test_css(selector: str, ids: str) -> None:
    page = document_fromstring(cases("css")["page"])
    assert " ".join(node.get("id") or "" for node in select(page, selector) if isinstance(node, HtmlElement)) == ids


@pytest.mark.parametrize("selector", cases("css")["refused"])
def test_css_that_is_not_read_is_refused(selector: str) -> None:
    with pytest.raises(ValueError, match="CSS"):
        select(document_fromstring(cases("css")["page"]), selector)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("a::attr(href)", "/f.pdf"),
        ("ul li + li::attr(id)", "i2"),
        ("./body/div/p[2]/text()", "2"),
        ("//a[@id='l2']/@href", "/g.html#pdf"),
        ("xpath:count(//li)", "3.0"),
        ("xpath:string(//h2)", "T"),
        ("(//li)[last()]", "3"),
        ("//p[re:test(@id, '^p[34]$')]", "3"),
        ("css:h2", "T"),
        ("h3", ""),
    ],
)
def test_first_text(selector: str, expected: str) -> None:
    assert first_text(document_fromstring(cases("css")["page"]), selector) == expected


def test_text_is_without_code_and_comments() -> None:
    page = document_fromstring("<h1>Give<!-- never --> 5 mg<script>track()</script> twice<style>h1{}</style></h1>")
    assert first_text(page, "h1") == "Give 5 mg twice"


def test_a_selector_that_cannot_be_evaluated_is_a_change_and_no_crash() -> None:
    with pytest.raises(Unreadable, match="unknown-function"):
        select(document_fromstring("<p>x</p>"), "//p[unknown-function(.)]")


@pytest.mark.parametrize(("pattern", "text", "expected"), cases("pattern"))
def test_pattern(pattern: str, text: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match=r"pattern|regular"):
            _checked(pattern)
        return
    assert wanted(text, (pattern,), ()) is expected
    assert not wanted(text, (pattern,), (pattern,))


def test_folders_that_no_pattern_reaches_are_not_opened() -> None:
    assert reachable("input/", ("input/pages/*.md",))
    assert reachable("input/pages/deep/", ("input/pages/*.md",))
    assert not reachable("vendor/", ("input/pages/*.md",))
    assert reachable("vendor/", ("input/pages/*.md", "re:dose"))


@pytest.mark.parametrize(("said", "kept"), cases("facts"))
def test_facts(said: dict[str, str], kept: dict[str, str]) -> None:
    assert facts(said) == kept


@given(st.dictionaries(st.sampled_from(["published", "language", "doi", "isbn", "title", "rights"]), st.text()))
def test_facts_of_facts_are_the_same(said: dict[str, str]) -> None:
    assert facts(facts(said)) == facts(said)


def test_the_next_page_counts_and_ends() -> None:
    told = {"link": {"url": "https://a/1", "step": "list/a:b:4", "fields": {"rights": "x"}}}
    assert step_of(told) == ("list/a:b", 4)
    assert list(onward("https://a/2", "https://a/1", told, 9)) == [
        Link(url="https://a/2", role="index", step="list/a:b:5", fields={"rights": "x"})
    ]
    for url, key, reason in (("https://a/1", "https://a/x", "next_repeats"), ("https://a/9", "https://a/1", "")):
        found = list(onward(url, key, told, 9 if reason else 5))
        assert isinstance(found[0], Fault)
        assert found[0].reason == (reason or "too_many_pages")
    assert list(onward(None, "https://a/1", told, 9)) == []


@pytest.mark.parametrize("step", ["", "list", "list:", "list:x", "list:-1", "list:99999999999", ":"])
def test_a_step_of_any_make_is_read(step: str) -> None:
    assert step_of({"link": {"step": step}})[1] == 0
