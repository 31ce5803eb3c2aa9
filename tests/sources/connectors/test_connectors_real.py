"""Real saved pages: their links are read without a crash, and lists on them are found by selectors."""

import os
from pathlib import Path
from typing import Any

import pytest

from sources.connectors import fhir_ig, html_index
from sources.connectors.address import absolute
from sources.connectors.answer import html_of
from sources.web.link import Link

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
PAGES = DATA / "guidelines_html"
GUIDE = "https://smart.example.org/hiv/"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not PAGES.is_dir(), reason="MEDMIX_DATA is not set or has no guidelines_html"),
]


def told(options: dict[str, Any], step: str) -> dict[str, Any]:
    return {"connector": options, "link": {"url": GUIDE, "role": "index", "step": step, "fields": {}}}


def test_every_link_of_every_saved_page_is_read() -> None:
    read = 0
    for path in sorted(PAGES.glob("*/*.html")):
        page = html_of(path.read_bytes(), "https://site.example.org/a/b.html", {})
        for href in page.tree.xpath("//a/@href"):
            url = page.address(href)
            assert (url is None) is href.startswith(("mailto:", "javascript:")) or not href, href
            assert url is None or absolute(url, "https://unrelated.example.net/") == url
            read += 1
    assert read > 4_000


def test_the_menu_of_a_guide_names_its_pages() -> None:
    options = {"start": [GUIDE], "items": "ul.dropdown-menu a", "fields": {"title": "xpath:string(.)"}}
    body = (PAGES / "who_smart_ig" / "hiv_index.html").read_bytes()
    found = list(html_index.expand(body, f"{GUIDE}index.html", told(options, "list:0")))
    pages = {one.url.removeprefix(GUIDE): one.fields["title"] for one in found if isinstance(one, Link)}
    assert pages["decision-logic.html"] == "Decision-support Logic"
    assert len(pages) >= 20
    assert "index.html" not in pages, "a page does not list itself"


@pytest.mark.parametrize("name", ["hiv_index", "dak-tb_index", "dak-immz_index", "dak-ccc_index"])
def test_the_prose_of_a_guide_is_found_by_its_menu(name: str) -> None:
    body = (PAGES / "who_smart_ig" / f"{name}.html").read_bytes()
    options = told({"guide": GUIDE, "read": "artifacts"}, "artifacts:0")
    found = list(fhir_ig.expand(body, f"{GUIDE}artifacts.html", options))
    pages = {one.url.removeprefix(GUIDE): one.fields.get("title") for one in found if isinstance(one, Link)}
    assert len(pages) == len(found)
    assert pages["decision-logic.html"] == "Decision-support Logic"
    assert pages["index.html"] == "Summary"
    assert not pages.keys() & {"toc.html", "artifacts.html", "license.html", "history.html", "qa.html"}
