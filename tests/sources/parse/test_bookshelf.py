"""Books in BITS and the older NLM DTDs, invented: packages of LitArch, whole books, parts in parts, licences."""

from typing import Any

import pytest

from sources.catalog import parser_for
from sources.parse.bookshelf import parse
from sources.parse.part import Fault, Part, Unreadable

LICENCE = (
    "<permissions><copyright-statement>© 2024 Example Institute</copyright-statement><license><license-p>Distributed "
    "under the terms of the Creative Commons Attribution 4.0 International License (CC BY 4.0).</license-p></license>"
    "</permissions>"
)
RESERVED = "<permissions><copyright-statement>© 2024 Someone. All rights reserved.</copyright-statement></permissions>"
BOOK_META = f"""<book-meta><book-id book-id-type="pmcid">invfever</book-id>
<book-id book-id-type="doi">10.9999/book</book-id>
<book-title-group><book-title>Manual of <italic>Invented</italic> Fevers</book-title><subtitle>Third edition</subtitle>
</book-title-group><contrib-group><contrib contrib-type="author"><name><surname>Beispiel</surname><given-names>Ann
</given-names></name></contrib><contrib contrib-type="editor"><name><surname>Muster</surname></name></contrib>
</contrib-group><pub-date date-type="pub"><month>09</month><year>2020</year></pub-date><isbn>978-0-0000-0000-2</isbn>
<publisher><publisher-name>Example Press</publisher-name></publisher><edition>3</edition>{LICENCE}
<abstract><title>Summary</title><p>Of the whole book.</p></abstract></book-meta>"""


def chapter(body: str, kind: str = "chapter", ident: str = "c1", meta: str = "", back: str = "") -> str:
    return (
        f'<book-part id="{ident}" book-part-type="{kind}"><book-part-meta><title-group><label>1</label>'
        f"<title>Zinc fever</title></title-group>{meta}</book-part-meta><body>{body}</body>{back}</book-part>"
    )


def wrapper(part: str, meta: str = BOOK_META, attributes: str = "") -> str:
    return (
        '<?xml version="1.0"?><!DOCTYPE book-part-wrapper PUBLIC "-//NLM//DTD BITS Book Interchange DTD v2.0 20151225'
        f'//EN" "BITS-book2.dtd"><book-part-wrapper xml:lang="en" {attributes}>'
        f"<collection-meta><title-group><title>Invented Series</title></title-group></collection-meta>{meta}{part}"
        "</book-part-wrapper>"
    )


def read(xml: str, key: str = "inv_NBK999.tar.gz!inv_NBK999/c1.nxml", **options: Any) -> list[Part | Fault]:
    return list(parse(xml.encode(), key, options))


def one(xml: str, **options: Any) -> Part:
    [part] = read(xml, **options)
    assert isinstance(part, Part)
    return part


def parts(xml: str) -> list[Part]:
    return [part for part in read(xml) if isinstance(part, Part)]


def test_a_chapter_of_a_package() -> None:
    meta = (
        '<book-part-id book-part-id-type="pmcid">zinc</book-part-id><book-part-id book-part-id-type="pmid">77'
        '</book-part-id><pub-history><date date-type="created"><year>2019</year></date><date date-type="revised">'
        "<day>7</day><month>8</month><year>2023</year></date></pub-history><kwd-group><kwd>zinc</kwd></kwd-group>"
        "<abstract><p>Short: &lt;5 kg.</p></abstract>"
    )
    body = (
        "<sec><title>Dosing</title><p>Give 0.5 mg/kg<xref ref-type='bibr' rid='r1'>1</xref> "
        "<index-term><term>zinc</term></index-term>if SpO<sub>2</sub> &gt;90% (10<sup>3</sup>).</p>"
        "<list list-type='order'><list-item><p>First</p></list-item><list-item><p>Then</p></list-item></list>"
        "<boxed-text><caption><title>Box 1</title></caption><p>Stop if &lt;2.</p></boxed-text>"
        "<table-wrap><label>Table 1</label><caption><p>Doses</p></caption><table><thead><tr><th>Age</th><th>Dose</th>"
        "</tr></thead><tbody><tr><td>&lt;1 y</td><td>2.5 mL</td></tr></tbody></table></table-wrap></sec>"
    )
    back = (
        "<back><ref-list><title>References</title><ref id='r1'><mixed-citation>A. Zinc. 2001.</mixed-citation></ref>"
        "</ref-list><ack><p>Thanks.</p></ack></back>"
    )
    part = one(wrapper(chapter(body, meta=meta, back=back)))
    assert part.text == (
        "# 1 Zinc fever\n\n## Abstract\n\nShort: <5 kg.\n\n## Dosing\n\nGive 0.5 mg/kg [1] if SpO₂ >90% (10³).\n\n"
        "1. First\n2. Then\n\nBox 1\n\nStop if <2.\n\nTable 1. Doses\n\n| Age | Dose |\n| --- | --- |\n"
        "| <1 y | 2.5 mL |\n\n## Acknowledgements\n\nThanks."
    )
    assert (part.name, part.title, part.kind, part.language) == ("", "Zinc fever", None, "en")
    assert (part.published, part.version) == ("2019", "2023-08-07")
    assert part.identifiers == {"pmid": "77"}
    assert part.url == "https://www.ncbi.nlm.nih.gov/books/n/invfever/zinc/"
    assert part.spdx == "CC-BY-4.0"
    assert "CC BY 4.0" in part.licence_text
    assert part.references == ["A. Zinc. 2001."]
    assert part.extra == {
        "authors": ["Ann Beispiel"],
        "editors": ["Muster"],
        "keywords": ["zinc"],
        "part_type": "chapter",
        "label": "1",
        "book_title": "Manual of Invented Fevers: Third edition",
        "book": "invfever",
        "book_nbk": "NBK999",
        "edition": "3",
        "publisher": "Example Press",
        "series": ["Invented Series"],
    }


def test_the_contents_file_of_a_package_has_the_summary_once() -> None:
    toc = "<toc><toc-div><toc-entry><title>Zinc fever</title></toc-entry></toc-div></toc>"
    part = one(wrapper(f"<book-part book-part-type='toc'><body><p>About.</p>{toc}</body></book-part>"))
    assert part.text == "# Manual of Invented Fevers: Third edition\n\n## Summary\n\nOf the whole book.\n\nAbout."
    assert part.identifiers == {"doi": "10.9999/book", "isbn": "9780000000002", "nbk": "NBK999"}
    assert part.url == "https://www.ncbi.nlm.nih.gov/books/NBK999/"
    assert part.published == "2020-09"
    assert "Of the whole book" not in one(wrapper(chapter("<p>Text.</p>"))).text
    bare = BOOK_META.partition("<abstract>")[0] + "</book-meta>"
    [fault] = read(wrapper(f"<book-part book-part-type='toc'><body>{toc}</body></book-part>", bare))
    assert isinstance(fault, Fault)
    assert fault.reason == "table_of_contents"


def test_a_whole_book_gives_its_chapters_and_what_is_left() -> None:
    xml = f"""<book xml:lang="en">{BOOK_META}<front-matter><dedication><named-book-part-body><p>To all.</p>
</named-book-part-body></dedication><preface id="pre"><named-book-part-body><p>Why.</p></named-book-part-body></preface>
<ack><p>Thanks.</p></ack><toc><title>Contents</title></toc><front-matter-part book-part-type="toc">
<named-book-part-body><p>1 Zinc</p></named-book-part-body></front-matter-part></front-matter>
<book-body><book-part id="p1" book-part-type="part"><book-part-meta><title-group><title>Part A</title></title-group>
</book-part-meta><body>{chapter("<p>One.</p>")}{chapter("<p>Two.</p>")}</body></book-part>
<book-part id="p2" book-part-type="part"><book-part-meta><title-group><title>Part B</title></title-group>
</book-part-meta><body><p>Intro of B.</p>{chapter("<p>Three.</p>", ident="c3")}</body></book-part></book-body>
<book-back><book-app-group><book-app id="a1"><book-part-meta><title-group><title>Doses</title></title-group>
</book-part-meta><body><p>5 mg</p></body></book-app></book-app-group><glossary><title>Terms</title><def-list><def-item>
<term>Zn</term><def><p>zinc</p></def></def-item></def-list></glossary><ref-list><ref id="b1"><mixed-citation>Book ref.
</mixed-citation></ref></ref-list><index><title>Index</title></index></book-back></book>"""
    own, *rest = parts(xml)
    assert own.text == (
        "# Manual of Invented Fevers: Third edition\n\n## Summary\n\nOf the whole book.\n\n## Acknowledgements\n\n"
        "Thanks.\n\n## Terms\n\n- Zn: zinc"
    )
    assert own.references == ["Book ref."]
    assert [(part.name, part.text.partition("\n\n")[2]) for part in rest] == [
        ("part-1", "To all."), ("pre", "Why."), ("c1", "One."), ("c1-5", "Two."), ("p2", "Intro of B."),
        ("c3", "Three."), ("a1", "5 mg"),
    ]  # fmt: skip
    assert [part.title for part in rest[:2]] == ["Dedication", "Preface"]
    assert [part.extra.get("within") for part in rest] == [None, None, ["Part A"], ["Part A"], None, ["Part B"], None]
    assert all(part.links == [("part_of", "inv_NBK999.tar.gz!inv_NBK999/c1.nxml")] for part in rest)
    assert all("isbn" not in part.identifiers and "doi" not in part.identifiers for part in rest)
    assert all("Index" not in part.text and "Contents" not in part.text for part in (own, *rest))


def test_parts_within_a_chapter_are_its_sections() -> None:
    inner = (
        "<book-part book-part-type='section'><book-part-meta><title-group><title>Dosing</title></title-group>"
        "</book-part-meta><body><sec><title>Children</title><p>5 mg</p></sec></body>"
        "<back><ref-list><ref id='x'><mixed-citation>Inner."
        "</mixed-citation></ref></ref-list><ack><title>Thanks</title><p>To you.</p></ack></back></book-part>"
    )
    part = one(wrapper(chapter(f"<p>Start.</p>{inner}<p>End.</p>")))
    assert part.text == (
        "# 1 Zinc fever\n\nStart.\n\n## Dosing\n\n### Children\n\n5 mg\n\n**Thanks**\n\nTo you.\n\nEnd."
    )
    assert [section.path for section in part.sections] == ["Body", "Dosing", "Dosing > Children", "Dosing", "Body"]
    assert part.references == ["Inner."]


def test_older_books_of_nlm() -> None:
    xml = """<book><book-meta><book-id>b</book-id><book-title>Old Fevers</book-title><pub-date><year>1999
</year></pub-date></book-meta><body><book-part book-part-type="chapter" id="ch1">
<book-part-meta><title-group><title>One
</title></title-group></book-part-meta><body><p>Dose 3 g.</p></body></book-part></body></book>"""
    part = one(xml)
    assert (part.text, part.published, part.extra["book_title"]) == ("# One\n\nDose 3 g.", "1999", "Old Fevers")


@pytest.mark.parametrize(
    ("own", "book", "spdx"),
    [
        ("", LICENCE, "CC-BY-4.0"),
        (LICENCE, RESERVED, "CC-BY-4.0"),
        (RESERVED, LICENCE, None),
        ("<permissions><copyright-statement>© 2024 Author</copyright-statement></permissions>", LICENCE, "CC-BY-4.0"),
        ("<permissions><copyright-statement>© 2024 Author</copyright-statement></permissions>", "", None),
        ("", "", None),
        ("<permissions><license><license-p>Ask us.</license-p></license></permissions>", LICENCE, None),
    ],
)
def test_the_nearest_licence_counts_and_is_never_wrongly_open(own: str, book: str, spdx: str | None) -> None:
    meta = BOOK_META.replace(LICENCE, book)
    part = one(wrapper(chapter("<p>Text.</p>", meta=own), meta))
    assert part.spdx == spdx
    assert bool(part.licence_text) == bool(own or book)


def test_citations_are_numbered_within_the_chapter() -> None:
    body = "<p>Known<xref ref-type='bibr' rid='b'>9</xref>.</p>"
    refs = "<ref id='a'><mixed-citation>A.</mixed-citation></ref><ref id='b'><mixed-citation>B.</mixed-citation></ref>"
    xml = wrapper(chapter(body, back=f"<back><ref-list>{refs}</ref-list></back>"))
    assert one(xml, citations="numbered").text.endswith("Known [2].")
    assert one(xml, citations="strip").text.endswith("Known.")
    with pytest.raises(ValueError, match="citations"):
        read(xml, style="x")


def test_a_retracted_chapter_and_a_part_alone() -> None:
    xml = chapter("<p>Text.</p>").replace("Zinc fever", "RETRACTED: Zinc fever")
    part = one(xml)
    assert part.retracted
    assert part.extra["book_nbk"] == "NBK999"
    assert part.url is None


def test_what_has_no_text_is_told() -> None:
    [fault] = read(wrapper(chapter("")))
    assert isinstance(fault, Fault)
    assert fault.reason == "no_text"
    found = read(f"<book>{BOOK_META}<book-body>{chapter('')}{chapter('<p>x</p>', ident='c2')}</book-body></book>")
    assert [type(item).__name__ for item in found] == ["Part", "Fault", "Part"]
    with pytest.raises(Unreadable, match="not_book"):
        read("<article><body><p>x</p></body></article>")


def test_books_in_the_answer_of_a_harvest() -> None:
    record = chapter("<p>Text.</p>", ident="")
    inner = wrapper(record).partition(">")[2].partition(">")[2]
    xml = f"<OAI-PMH><record><metadata>{inner}</metadata></record></OAI-PMH>"
    assert one(xml).text == "# 1 Zinc fever\n\nText."


def test_other_books_are_left_to_others() -> None:
    assert parser_for(".xml", None, b'<book xmlns="http://docbook.org/ns/docbook"><title>') == "xml"
    assert parser_for(".xml", None, b"<book><book-meta><book-id>") == "bookshelf"


@pytest.mark.parametrize("root", ["<book ", "<book-part-wrapper ", "<book-part>"])
def test_the_parser_is_found_by_the_first_bytes(root: str) -> None:
    head = f'<!DOCTYPE book PUBLIC "-//NLM//DTD BITS Book Interchange DTD v2.0 20151225//EN" "x">{root}'
    assert parser_for(".xml", None, head.encode()) == "bookshelf"
