"""Wikitext keeps words and numbers and loses furniture; every envelope gives its pages, redirects are accounted for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.parse.mediawiki import parse
from sources.parse.part import Fault, Part, Unreadable

CASES = json.loads(Path(__file__).with_name("mediawiki_cases.json").read_text("utf-8"))


def read(body: bytes | str, **options: Any) -> list[Part | Fault]:
    return list(parse(body.encode() if isinstance(body, str) else body, "Some_page.wiki", options))


def one(body: str, **options: Any) -> Part:
    (part,) = read(body, **options)
    assert isinstance(part, Part)
    return part


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_wikitext(case: list[str]) -> None:
    assert one(case[1]).text == case[2]


def test_what_is_set_apart() -> None:
    part = one("Text<ref>{{cite book|title=A}} Doe 2010</ref>[[Category:Malaria|x]]{{Reflist}}{{odd|5}}{{odd|6}}")
    assert part.title == "Some page"
    assert part.references == ["Doe 2010"]
    assert part.extra == {"categories": ["Malaria"], "templates_left_out": 2, "templates_unknown": {"odd": 2}}


def test_a_citation_is_named_by_its_fields() -> None:
    part = one(
        "5 mg<ref>{{Cite journal|last=Doe|title=On ''iron''|journal=J Ex|date=2010|pages=1–2|doi=10.5555/1}}</ref>"
    )
    assert (part.text, part.references) == ("5 mg", ["Doe. On iron. J Ex. 2010. 10.5555/1"])


def test_sections() -> None:
    part = one("Lead\n== A ==\na\n=== B ===\nb\n== C ==\nc")
    assert [section.path for section in part.sections] == ["A", "A > B", "C"]


def test_a_redirect_and_an_empty_page_are_faults() -> None:
    reasons = [found.reason for text in ("#REDIRECT [[Malaria]]", "{{Reflist}}", "#redirect: [[x]]")
               for found in read(text) if isinstance(found, Fault)]  # fmt: skip
    assert reasons == ["redirect", "no_text", "redirect"]


DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="fr">
<siteinfo><base>https://wiki.example.org/wiki/Main_Page</base></siteinfo>
<page><title>Fer (médicament)</title><ns>0</ns><id>7</id>
<revision><id>2</id><timestamp>2024-05-06T07:08:09Z</timestamp><text>Donner 5&amp;nbsp;mg.</text></revision>
<revision><id>1</id><timestamp>2020-05-06T07:08:09Z</timestamp><text>old</text></revision></page>
<page><title>Old</title><ns>0</ns><id>8</id><redirect title="Fer"/>
<revision><id>3</id><text>#REDIRECT</text></revision></page>
<page><title>Talk:Fer</title><ns>1</ns><id>9</id>
<revision><id>4</id><text>talk 5 mg</text></revision></page></mediawiki>"""


def test_a_dump_gives_its_pages_with_their_newest_revision() -> None:
    page, redirect, talk = read(DUMP)
    assert isinstance(page, Part)
    assert (page.title, page.text, page.name, page.version) == ("Fer (médicament)", "Donner 5 mg.", "7", "2")
    assert (page.language, page.published) == ("fr", "2024-05-06")
    assert page.url == "https://wiki.example.org/wiki/Fer_(m%C3%A9dicament)"
    assert page.identifiers == {"mediawiki": "wiki.example.org/7"}
    assert [(f.reason, f.name) for f in (redirect, talk) if isinstance(f, Fault)] == [
        ("redirect", "8"),
        ("other_namespace", "9"),
    ]
    assert isinstance(read(DUMP, namespaces=[0, 1])[2], Part)


REVISION = {"revid": 5, "timestamp": "2023-01-02T00:00:00Z"}
PAGE = {"pageid": 7, "ns": 0, "title": "Iron", "pagelanguage": "en", "fullurl": "https://wiki.example.org/wiki/Iron"}


@pytest.mark.parametrize(
    "answer",
    [
        {"query": {"pages": {"7": {**PAGE, "revisions": [{**REVISION, "*": "Give 5 mg."}]}}}},
        {"query": {"pages": [{**PAGE, "revisions": [{**REVISION, "slots": {"main": {"content": "Give 5 mg."}}}]}]}},
        {"query": {"pages": {"7": {**PAGE, "revisions": [{**REVISION, "slots": {"main": {"*": "Give 5 mg."}}}]}}}},
    ],
    ids=["version 1", "version 2", "slots"],
)
def test_answers_of_a_query(answer: dict[str, Any]) -> None:
    part = one(json.dumps(answer))
    assert (part.title, part.text, part.version, part.published) == ("Iron", "Give 5 mg.", "5", "2023-01-02")
    assert (part.url, part.language) == (PAGE["fullurl"], "en")


def test_an_answer_with_several_pages_names_them_and_leaves_missing_ones() -> None:
    pages = [{**PAGE, "revisions": [{"*": "a"}]}, {**PAGE, "pageid": 8, "revisions": [{"*": "b"}]}, {"missing": True}]
    assert [found.name for found in read(json.dumps({"query": {"pages": pages}}))] == ["7", "8"]


def test_text_that_the_wiki_rendered_keeps_numbers_and_loses_furniture() -> None:
    html = (
        '<div class="mw-parser-output"><p>Give 10<sup>3</sup> IU<sup class="reference">[1]</sup> daily.</p>'
        '<div class="mw-heading"><h2>Dose</h2><span class="mw-editsection">[edit]</span></div>'
        "<table><tr><th>Age</th><th>mg</th></tr><tr><td>1</td><td>5</td></tr></table>"
        '<div class="navbox">menu</div>'
        '<ol class="references"><li><span class="reference-text">Doe</span></li></ol></div>'
    )
    for text in ({"*": html}, html):
        part = one(json.dumps({"parse": {"title": "Iron", "pageid": 7, "revid": 5, "text": text}}))
        assert part.text == "Give 10³ IU daily.\n\n## Dose\n\n| Age | mg |\n| --- | --- |\n| 1 | 5 |"
        assert (part.version, part.references) == ("5", ["Doe"])


def test_a_rendered_page_without_envelope() -> None:
    page = (
        '<!DOCTYPE html><html><head><title>Iron - Wiki</title></head><body><div id="mw-navigation">menu</div>'
        '<div class="mw-content-ltr mw-parser-output"><p>Give 5 mg.</p>'
        '<table class="navbox"><tr><td>x</td></tr></table>'
        "</div><div>footer</div></body></html>"
    )
    assert one(page).text == "Give 5 mg."
    assert one("<div><h2>Dose</h2><p>Give 5&#160;mg = 1 tablet.</p></div>").text == "## Dose\n\nGive 5 mg = 1 tablet."
    assert one("<div>\n'''Give''' 5 mg.\n</div><p>or 6</p>").text == "Give 5 mg.\n\nor 6"


def test_wikitext_of_a_parsed_page() -> None:
    answer = {"parse": {"title": "Iron", "pageid": 7, "wikitext": {"*": "'''5 mg'''"}, "text": {"*": "<p>x</p>"}}}
    assert one(json.dumps(answer)).text == "5 mg"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"query": {"pages": {}}}', "no_record"),
        (b'{"error": {"code": "x"}}', "no_record"),
        (b"{broken", "invalid_json"),
        (b"<mediawiki/>", "no_record"),
        (b"<mediawiki><page>", "truncated"),
    ],
)
def test_what_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body)
    assert caught.value.reason == reason


PIECES = [
    *(
        "{{",
        "}}",
        "[[",
        "]]",
        "{|",
        "|}",
        "||",
        "!!",
        "''",
        "'''",
        "<ref>",
        "</ref>",
        "<nowiki>",
        "<!--",
        "==",
        "|",
        "=",
    ),
    *("File:", "{{convert|", "<sub>", "</table>", "<div>", "\n|-\n", "\n| ", "\n* ", "\n# ", "\n; ", " : ", "\n"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.integers(10, 99).map(lambda n: f" {n} mg "), min_size=1, max_size=25))
def test_broken_markup_is_read_or_refused(pieces: list[str]) -> None:
    for found in read("x" + "".join(pieces)):
        assert isinstance(found, Part) or found.reason in ("no_text", "redirect", "html_truncated", "html_too_deep")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(100, 999), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_numbers_in_lists_tables_boxes_and_templates_are_kept(numbers: list[int], random: Any) -> None:
    shapes = ["{} mg", "* item {}\n** sub", "{{{{convert|{}|mg|g}}}}", "{{{{unknown|{}}}}}", "[[a|{} mL]]",
              "{{|\n! A !! B\n|-\n| {} || x\n|}}", "{{{{Infobox x|dose={}|a=b}}}}", "== Dose {} ==", "; {} : b",
              "''{}'' cells", "<div>\n{}\n</div>", "[[File:a.jpg|thumb|after {} days]]"]  # fmt: skip
    text = "\n\n".join(random.choice(shapes).format(number) for number in numbers)
    assert sorted(re.findall(r"\d{3}", one(text).text)) == sorted(map(str, numbers))
