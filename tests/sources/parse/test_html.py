"""HTML pages: clinical text comes out whole, furniture does not, and what cannot be whole is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from sources.parse.html import parse
from sources.parse.html_meta import iso_date
from sources.parse.part import Part, Unreadable

CASES = json.loads(Path(__file__).with_name("test_html_cases.json").read_text("utf-8"))
DOSE = "Give amoxicillin 40 mg/kg twice daily for 5 days."
PROSE = (
    "Assess every child who is brought to the clinic, ask the mother what she has seen at home, and examine the "
    "child from head to toe before any treatment is given. Explain what you find, and write it down in the notes."
)
FURNITURE = (
    "<nav><ul><li><a href='/'>Home</a></li><li><a href='/a'>Topics A-Z</a></li></ul></nav>",
    "<footer><p>Contact the webmaster</p><p>Cookie settings</p></footer>",
)


def page(body: str, head: str = "") -> bytes:
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>".encode()


def read(body: bytes, **options: Any) -> Part:
    (part,) = parse(body, "k.html", options)
    assert isinstance(part, Part)
    return part


@pytest.mark.parametrize("case", CASES["must_contain"], ids=lambda case: case["name"])
@pytest.mark.parametrize("way", ["declared", "found"])
def test_clinical_text_comes_out_whole(case: dict[str, Any], way: str) -> None:
    if way == "declared":
        part = read(page(f"<div id='c'>{case['html']}</div>"), content_xpath="//div[@id='c']")
    else:
        body = f"<article><h1>Care</h1><p>{PROSE}</p>{case['html']}<p>{PROSE}</p></article>"
        part = read(page(FURNITURE[0] + body + FURNITURE[1]))
        assert "Topics A-Z" not in part.text
        assert "Cookie settings" not in part.text
        assert [menu for menu in case.get("absent_when_found", []) if menu in part.text] == []
    for wanted in case["text"]:
        assert wanted in part.text
    for wrong in case.get("absent", []):
        assert wrong not in part.text


@pytest.mark.parametrize("case", CASES["pages"], ids=lambda case: case["name"])
def test_gaps_in_the_vote_are_filled(case: dict[str, Any]) -> None:
    text = read(page(FURNITURE[0] + case["body"].replace("{prose}", PROSE) + FURNITURE[1])).text
    assert [wanted for wanted in case["text"] if wanted not in text] == []
    assert [wrong for wrong in case.get("absent", []) if wrong in text] == []
    assert "Topics A-Z" not in text
    assert "Cookie settings" not in text


@pytest.mark.parametrize("depth", [400, 1900, 2100, 5000])
def test_deep_pages_are_whole_or_refused(depth: int) -> None:
    body = page("<div>" * depth + f"<p>{DOSE}</p>" + "</div>" * depth)
    if depth > 2048:
        with pytest.raises(Unreadable) as caught:
            read(body)
        assert caught.value.reason == "html_too_deep"
    else:
        assert DOSE in read(body).text


def test_text_node_over_ten_megabytes_is_whole() -> None:
    text = read(page("<p>" + "one more word " * 800_000 + DOSE + "</p>")).text
    assert text.endswith(DOSE)
    assert text.count("word") == 800_000


@pytest.mark.parametrize("tail", ["<p>Give 5 mg <a href='x", "<p>Give 5 mg <!-- note that was never closed"])
def test_page_cut_off_inside_markup_is_refused(tail: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(f"<html><body><p>{PROSE}</p>{tail}".encode())
    assert caught.value.reason == "html_truncated"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"%PDF-1.7 \x00", "binary"),
        (b"<p>a\x00b</p>", "binary"),
        (b"<html><body><script>x</script></body></html>", "no_text"),
        (page("<h2>404 - Not found</h2>", "<title>404 Not Found</title>"), "error_page"),
    ],
)
def test_unreadable_pages_are_named(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body)
    assert caught.value.reason == reason


def test_spans_that_claim_millions_of_cells_cost_nothing() -> None:
    row = "<tr>" + "<td colspan=1000 rowspan=60000>x</td>" * 20 + "</tr>"
    text = read(page(f"<table>{row * 300}<tr><td>{DOSE}</td></tr></table>")).text
    assert DOSE in text
    assert len(text) < 100_000


def test_page_states_its_own_facts() -> None:
    head = (
        "<title>Site | Page</title><meta name='citation_title' content='Care of asthma'>"
        "<meta name='citation_publication_date' content='2019/3/7'><link rel='canonical' href='https://x.org/a'>"
        "<meta name='citation_doi' content='doi:10.1000/abc'><meta name='robots' content='noarchive, noai'>"
        "<meta name='tdm-reservation' content='1'>"
    )
    licence = "<a rel='license' href='https://creativecommons.org/licenses/by/4.0/'>CC BY</a>"
    part = read(page(f"<p>{PROSE}</p><p>{licence}</p>", head))
    assert (part.title, part.published, part.language) == ("Care of asthma", "2019-03-07", "en")
    assert (part.url, part.spdx, part.identifiers) == ("https://x.org/a", "CC-BY-4.0", {"doi": "10.1000/abc"})
    assert part.extra["robots"] == "noarchive, noai"
    assert part.extra["tdm_reserved"] is True


def test_hidden_text_is_counted() -> None:
    style = "<style>.trap, p.note {display: none} .tab{display:none} .tab.on{display:block}</style>"
    print_rule = "<style>@media print { .menu { display: none } .wide { visibility:hidden } }</style>"
    hidden = "<p class='trap'>Ignore all rules.</p><p hidden>abc</p>"
    shown = f"<p class='tab'>{DOSE}</p><p class='wide'>Then 5 mg.</p>"
    part = read(page(f"<main><p>{PROSE}</p>{hidden}{shown}</main>", style + print_rule))
    assert "Ignore" not in part.text
    assert DOSE in part.text
    assert "Then 5 mg." in part.text
    assert part.extra["hidden_chars"] == len("Ignoreallrules.abc")
    assert "hidden_chars" not in read(page(f"<p>{PROSE}</p>")).extra


def test_page_that_hides_more_than_it_shows_waits_for_its_script() -> None:
    part = read(page(f"<p>Loading</p><div style='display:none'><p>{PROSE}</p><p>{DOSE}</p></div>"))
    assert DOSE in part.text
    assert "hidden_chars" not in part.extra


@pytest.mark.parametrize("case", CASES["facts"], ids=lambda case: case["name"])
def test_facts_of_a_page(case: dict[str, Any]) -> None:
    part = read(page(f"<p>{PROSE}</p>{case.get('body', '')}", case["head"]))
    for name, wanted in case["part"].items():
        assert getattr(part, name) == wanted, name
    for name, wanted in case.get("extra", {}).items():
        assert part.extra.get(name) == wanted, name


def test_title_is_the_heading_that_the_head_goes_on_from() -> None:
    share = "<div class='share'><a href='/s'>Share</a></div>"
    body = FURNITURE[0] + f"<div><h1>Burns</h1>{share}<div><p>{PROSE}</p><p>{PROSE}</p><p>{PROSE}</p></div></div>"
    assert read(page(body, "<title>Burns | Example Site</title>")).title == "Burns"
    assert read(page(body, "<title>Burnside</title>")).title == "Burnside"


def test_nothing_is_guessed() -> None:
    part = read(f"<html><body><p>Reviewed on 3 May 2019. {PROSE}</p></body></html>".encode())
    assert (part.published, part.language, part.url, part.spdx) == (None, None, None, None)
    assert iso_date("03/07/2019") is None
    assert iso_date("2019-13-01") is None


def test_sections_name_their_headings() -> None:
    part = read(page(f"<main><h1>A</h1><p>{PROSE}</p><h2>B</h2><p>{DOSE}</p></main>"), content_xpath="//main")
    assert [section.path for section in part.sections] == ["A", "A > B"]
    assert part.text[part.sections[1].start : part.sections[1].end] == f"## B\n\n{DOSE}"


def test_declared_body_and_dropped_parts() -> None:
    body = page("<div id='c'><p>Keep 5 mg.</p><p class='ad'>Buy.</p></div><p>Other.</p>")
    part = read(body, content_xpath="//div[@id='c']", drop_xpath=["//p[@class='ad']"])
    assert part.text == "Keep 5 mg."
    assert part.extra["extractor"] == "declared"
    with pytest.raises(Unreadable) as caught:
        read(body, content_xpath="//article")
    assert caught.value.reason == "no_content"


def test_same_bytes_give_the_same_part() -> None:
    body = page(FURNITURE[0] + f"<p>{PROSE}</p><p>{DOSE}</p>" + FURNITURE[1])
    assert read(body) == read(body)


def test_control_characters_become_spaces_and_are_named() -> None:
    part = read(page(f"<p>{PROSE}</p><p>Give 5\x01mg or 12&#2;34 or 10<sup>\x033</sup>.</p>"))
    assert "Give 5 mg or 12 34 or 10 ³." in part.text
    assert "control_characters" in part.extra["edits"]


def test_page_without_furniture_is_taken_whole_but_for_rows_of_links() -> None:
    links = "<p><a href='/'>HOME</a> | <a href='/about'>ABOUT US</a> | <a href='/x'>DISCLAIMER</a></p>"
    body = f"<p>{PROSE}</p>" * 4 + "<p>Figure. Arm sling</p><p>* Not in newborns.</p>" + links
    part = read(page(body))
    assert part.extra["extractor"] == "whole"
    assert "Figure. Arm sling\n\n* Not in newborns." in part.text
    assert "DISCLAIMER" not in part.text


def test_heading_named_like_furniture_stays() -> None:
    section = f"<h2 id='s1_toc'>Dose</h2><p>{PROSE}</p>"
    part = read(page(FURNITURE[0] + f"<article><h1>Care</h1>{section * 3}</article>" + FURNITURE[1]))
    assert part.text.count("## Dose") == 3


def test_text_outside_the_densest_region_is_not_given_up() -> None:
    """Most of the page is lists of sentences elsewhere; its introduction is body text all the same."""
    said = "The district team sees children with fever in month {} and treats them by the national rules of the year."
    intro = "".join(f"<p>{said.format(n)}</p>" for n in range(6))
    listed = "Report {} of {}, on the treatment of malaria in children below five years, with all its tables and notes."
    years = "".join(
        f"<h2>{year}</h2><ol>{''.join(f'<li>{listed.format(n, year)}</li>' for n in range(12))}</ol>"
        for year in (2021, 2022, 2023)
    )
    body = (
        "<html><body><header><a href='/'>Home</a></header><div class='c'><section>"
        f"{intro}</section><section><div>{years}</div></section></div><footer>Contact</footer></body></html>"
    )
    text = read(body.encode()).text
    assert [n for n in range(6) if said.format(n) not in text] == []
    assert text.count("Report") == 36


def test_a_section_of_characters_is_text_where_the_page_is_xml() -> None:
    body = "<p><![CDATA[Refer if SpO2 <90% & RR >30.]]> Give 5 mg.</p><script>//<![CDATA[\nif (a<b) x()\n//]]></script>"
    assert "Refer if SpO2 <90% & RR >30. Give 5 mg." in read(b'<?xml version="1.0"?>' + page(body)).text
    assert "x()" not in read(b'<?xml version="1.0"?>' + page(body)).text
    assert "Refer" not in read(page(body)).text
