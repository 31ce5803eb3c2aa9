"""PubMed citations, invented: every field of the DTD that is read, clinical signs, and files of many citations."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sources.archive import Item, Limits, open_items
from sources.archive_stream import Stream
from sources.catalog import parser_for
from sources.europe_pmc import split_articles
from sources.parse.language_codes import tag_of
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.pubmed import parse

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("pubmed_cases.json").read_text(encoding="utf-8"))
DOCTYPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January '
    '2025//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)


def citation(pmid: int = 91, article: str = "", after: str = "", data: str = "", title: str = "Zinc for fever.") -> str:
    journal = "<Journal><JournalIssue CitedMedium='Print'><PubDate><Year>2019</Year></PubDate></JournalIssue></Journal>"
    return (
        f"<PubmedArticle><MedlineCitation Status='MEDLINE'><PMID Version='1'>{pmid}</PMID><Article>{journal}"
        f"<ArticleTitle>{title}</ArticleTitle>{article}</Article>{after}</MedlineCitation>"
        f"<PubmedData><ArticleIdList><ArticleId IdType='pubmed'>{pmid}</ArticleId></ArticleIdList>{data}</PubmedData>"
        "</PubmedArticle>"
    )


def abstract(inner: str) -> str:
    return f"<Abstract>{inner}</Abstract>"


def read(xml: str, key: str = "f.xml!91") -> list[Part | Fault]:
    return list(parse(xml.encode(), key, {}))


def one(**fields: Any) -> Part:
    [part] = read(citation(**fields))
    assert isinstance(part, Part)
    return part


PLAIN = abstract("<AbstractText>Dose 5 mg.</AbstractText>")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_abstract_keeps_what_it_says(case: dict[str, Any]) -> None:
    part = one(article=abstract(case["abstract"]))
    assert part.text == "# Zinc for fever.\n\n" + "\n\n".join(case["text"])
    assert [section.path for section in part.sections] == case.get("sections", ["Abstract"])
    covered = "\n\n".join(part.text[section.start : section.end] for section in part.sections)
    assert covered == "\n\n".join(case["text"])


def test_a_whole_citation_gives_its_facts() -> None:
    xml = """<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="2">12345</PMID>
<DateRevised><Year>2021</Year><Month>03</Month><Day>09</Day></DateRevised>
<Article PubModel="Print-Electronic"><Journal><ISSN IssnType="Print">1111-2222</ISSN><JournalIssue CitedMedium="Print">
<Volume>7</Volume><Issue>2</Issue><PubDate><Year>2020</Year><Month>Jan</Month></PubDate></JournalIssue>
<Title>Journal of Invented Fevers</Title><ISOAbbreviation>J Inv Fev</ISOAbbreviation></Journal>
<ArticleTitle>Effect of 10<sup>3</sup> units in <i>P. exemplum</i> with CO<sub>2</sub>.</ArticleTitle>
<Pagination><MedlinePgn>11-9</MedlinePgn></Pagination><ELocationID EIdType="doi" ValidYN="N">10.9999/wrong</ELocationID>
<ELocationID EIdType="doi" ValidYN="Y">10.9999/jif.7</ELocationID>
<Abstract><AbstractText>Text.</AbstractText><CopyrightInformation>\N{COPYRIGHT SIGN} 2020 The Authors. Licensed under
CC BY 4.0, https://creativecommons.org/licenses/by/4.0/.</CopyrightInformation></Abstract>
<AuthorList><Author><LastName>Beispiel</LastName><ForeName>Ann B</ForeName><AffiliationInfo><Affiliation>a@example.org
</Affiliation></AffiliationInfo></Author><Author><CollectiveName>Fever Group</CollectiveName></Author></AuthorList>
<Language>ger</Language><DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>
<AccessionNumber>NCT09999999</AccessionNumber></AccessionNumberList></DataBank></DataBankList>
<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType>
<PublicationType UI="D016449">Randomized Controlled Trial</PublicationType></PublicationTypeList>
<VernacularTitle>Wirkung im Beispiel.</VernacularTitle>
<ArticleDate DateType="Electronic"><Year>2019</Year><Month>12</Month><Day>30</Day></ArticleDate></Article>
<MedlineJournalInfo><MedlineTA>J Inv Fev</MedlineTA><NlmUniqueID>999</NlmUniqueID><ISSNLinking>1111-2222</ISSNLinking>
</MedlineJournalInfo><ChemicalList><Chemical><RegistryNumber>0</RegistryNumber><NameOfSubstance UI="D1">Zinc
</NameOfSubstance></Chemical></ChemicalList><MeshHeadingList><MeshHeading><DescriptorName MajorTopicYN="N">Fever
</DescriptorName><QualifierName MajorTopicYN="Y">drug therapy</QualifierName></MeshHeading><MeshHeading>
<DescriptorName MajorTopicYN="N">Humans</DescriptorName></MeshHeading></MeshHeadingList>
<OtherID Source="NLM">PMC777 [Available on 01/01/21]</OtherID><KeywordList Owner="NOTNLM"><Keyword>T<sub>max</sub>
</Keyword><Keyword>zinc</Keyword></KeywordList><CoiStatement>None declared.</CoiStatement></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="pubmed">12345</ArticleId><ArticleId IdType="pmc">PMC777</ArticleId>
</ArticleIdList><ReferenceList><Reference><Citation>Other work. 2001;1:1. doi: 10.9999/old.</Citation><ArticleIdList>
<ArticleId IdType="doi">10.9999/old</ArticleId><ArticleId IdType="pubmed">11</ArticleId></ArticleIdList></Reference>
</ReferenceList></PubmedData></PubmedArticle>"""
    [part] = read(xml)
    assert isinstance(part, Part)
    assert part.title == "Effect of 10³ units in P. exemplum with CO₂."
    assert part.text == f"# {part.title}\n\n## Abstract\n\nText.\n\n## Conflict of interest\n\nNone declared."
    assert (part.kind, part.language, part.published, part.version) == ("abstract", "en", "2019-12-30", "2.2021-03-09")
    assert part.identifiers == {"pmid": "12345", "doi": "10.9999/jif.7", "pmcid": "PMC777"}
    assert part.url == "https://pubmed.ncbi.nlm.nih.gov/12345/"
    assert part.spdx == "CC-BY-4.0"
    assert "CC BY 4.0" in part.licence_text
    assert part.references == ["Other work. 2001;1:1. doi: 10.9999/old. pmid:11"]
    assert not part.retracted
    assert part.extra == {
        "publication_types": ["Journal Article", "Randomized Controlled Trial"],
        "mesh": ["Fever/*drug therapy", "Humans"],
        "chemicals": ["Zinc"],
        "keywords": ["Tmax", "zinc"],
        "languages": ["de"],
        "authors": ["Ann B Beispiel", "Fever Group"],
        "journal": "Journal of Invented Fevers",
        "journal_abbreviation": "J Inv Fev",
        "issn": "1111-2222",
        "nlm_id": "999",
        "volume": "7",
        "issue": "2",
        "pages": "11-9",
        "registrations": ["ClinicalTrials.gov: NCT09999999"],
        "status": "MEDLINE",
        "vernacular_title": "Wirkung im Beispiel.",
    }


def test_abstracts_in_other_languages_are_parts_of_their_own() -> None:
    other = (
        "<OtherAbstract Type='Publisher' Language='spa'><AbstractText Label='MÉTODOS'>Dosis 0,5 mg.</AbstractText>"
        "</OtherAbstract><OtherAbstract Type='plain-language-summary' Language='eng'><AbstractText>Simple words."
        "</AbstractText></OtherAbstract><OtherAbstract Type='Publisher' Language='fre'><AbstractText>Abstract "
        "available from the publisher.</AbstractText></OtherAbstract><OtherAbstract Type='Publisher' Language='por'>"
        "<AbstractText>Dose 1 g.</AbstractText><CopyrightInformation>CC0</CopyrightInformation></OtherAbstract>"
    )
    after = (
        "<CommentsCorrectionsList><CommentsCorrections RefType='RetractionIn'><RefSource>J. 2022. doi: 10.9999/n"
        f"</RefSource><PMID>77</PMID></CommentsCorrections></CommentsCorrectionsList>{other}"
    )
    article = f"{PLAIN}<Language>spa</Language><VernacularTitle>Cinc.</VernacularTitle>"
    main, spanish, portuguese = read(citation(article=article, after=after))
    assert isinstance(main, Part)
    assert main.text == "# Zinc for fever.\n\n## Abstract\n\nDose 5 mg.\n\n## Plain language summary\n\nSimple words."
    assert isinstance(spanish, Part)
    assert (spanish.name, spanish.language, spanish.title) == ("es", "es", "Cinc.")
    assert spanish.text == "# Cinc.\n\n## Abstract\n\n### MÉTODOS\n\nDosis 0,5 mg."
    assert isinstance(portuguese, Part)
    assert (portuguese.name, portuguese.language, portuguese.spdx) == ("pt", "pt", "CC0-1.0")
    for part in (spanish, portuguese):
        assert part.links[0] == ("translation_of", "f.xml!91")
        assert part.retracted
        assert part.identifiers["pmid"] == "91"


@pytest.mark.parametrize(
    ("kind", "relations", "retracted"),
    [
        ("RetractionIn", ["retracted_by"], True),
        ("RetractionOf", ["retracts"], False),
        ("RetractedandRepublishedIn", ["retracted_by", "republished_by"], True),
        ("RetractedandRepublishedFrom", ["republishes"], False),
        ("CorrectedandRepublishedFrom", ["corrects", "republishes"], False),
        ("ErratumIn", ["corrected_by"], False),
        ("ErratumFor", ["corrects"], False),
        ("ExpressionOfConcernIn", ["concern_by"], False),
        ("ExpressionOfConcernFor", ["concerns"], False),
        ("CommentOn", ["comments_on"], False),
        ("UpdateOf", ["updates"], False),
        ("AssociatedDataset", ["associated_dataset"], False),
    ],
)
def test_links_and_what_they_say_of_the_citation(kind: str, relations: list[str], retracted: bool) -> None:
    source = "<RefSource>Inv Fev. 2022;1:2. doi: 10.9999/x.</RefSource><PMID Version='1'>77</PMID>"
    listed = f"<CommentsCorrections RefType='{kind}'>{source}</CommentsCorrections>"
    after = f"<CommentsCorrectionsList>{listed}</CommentsCorrectionsList>"
    part = one(article=PLAIN, after=after)
    assert part.links == [(name, target) for name in relations for target in ("pmid:77", "10.9999/x")]
    assert part.retracted is retracted


@pytest.mark.parametrize(
    ("types", "title", "retracted"),
    [
        (["Journal Article"], "Zinc.", False),
        (["Journal Article", "Retracted Publication"], "Zinc.", True),
        (["Journal Article"], "RETRACTED: Zinc.", True),
        (["Retraction of Publication"], "Retracted: Zinc.", False),
        (["Retraction Notice"], "Retraction.", False),
        (["Published Erratum"], "Correction to: Zinc.", False),
    ],
)
def test_a_retraction_is_told_by_type_or_title_and_never_of_the_notice(
    types: list[str], title: str, retracted: bool
) -> None:
    listed = "".join(f"<PublicationType>{name}</PublicationType>" for name in types)
    part = one(article=f"{PLAIN}<PublicationTypeList>{listed}</PublicationTypeList>", title=title)
    assert part.retracted is retracted


def test_a_citation_without_abstract_is_left_out_but_a_notice_is_kept() -> None:
    [fault] = read(citation())
    assert isinstance(fault, Fault)
    assert fault.reason == "no_abstract"
    notice = "<CommentsCorrections RefType='RetractionOf'><RefSource>J</RefSource><PMID>5</PMID></CommentsCorrections>"
    part = one(after=notice, title="Retraction of: Zinc.")
    assert (part.text, part.links, part.retracted) == ("# Retraction of: Zinc.", [("retracts", "pmid:5")], False)
    [empty] = read(citation(article=abstract("<AbstractText/><CopyrightInformation>(c)</CopyrightInformation>")))
    assert isinstance(empty, Fault)
    [silent] = read(citation(article=abstract("<CopyrightInformation>(c) Nobody</CopyrightInformation>")))
    assert isinstance(silent, Fault)


def test_a_spanish_abstract_alone_is_one_part() -> None:
    other = "<OtherAbstract Type='Publisher' Language='spa'><AbstractText>Dosis.</AbstractText></OtherAbstract>"
    [part] = read(citation(after=other))
    assert isinstance(part, Part)
    assert (part.name, part.language) == ("es", "es")


@pytest.mark.parametrize(
    ("date", "published"),
    [
        ("<Year>2019</Year>", "2019"),
        ("<Year>2019</Year><Month>Nov</Month>", "2019-11"),
        ("<Year>2019</Year><Month>02</Month><Day>7</Day>", "2019-02-07"),
        ("<Year>2019</Year><Month>Feb</Month><Day>30</Day>", "2019-02"),
        ("<Year>2019</Year><Season>Spring</Season>", "2019"),
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998"),
        ("<MedlineDate>2000 Nov-Dec</MedlineDate>", "2000"),
        ("<MedlineDate>2000 May 5-11</MedlineDate>", "2000-05"),
        ("<MedlineDate>Winter 1987</MedlineDate>", "1987"),
        ("<MedlineDate>1978-1979</MedlineDate>", "1978"),
        ("<MedlineDate>undated</MedlineDate>", None),
    ],
)
def test_a_date_is_as_exact_as_is_sure(date: str, published: str | None) -> None:
    xml = citation(article=PLAIN).replace("<Year>2019</Year>", date)
    [part] = read(xml)
    assert isinstance(part, Part)
    assert part.published == published


def test_a_title_that_is_not_there_gives_way_to_the_vernacular_one() -> None:
    part = one(
        title="[Not Available].", article=f"{PLAIN}<Language>fre</Language><VernacularTitle>Fièvre.</VernacularTitle>"
    )
    assert part.title == "Fièvre."
    assert "vernacular_title" not in part.extra
    assert one(title="[Not Available].", article=PLAIN).title is None


def test_chapters_of_books() -> None:
    xml = """<PubmedBookArticle><BookDocument><PMID Version="1">300</PMID><ArticleIdList>
<ArticleId IdType="bookaccession">NBK999</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>Example Press</PublisherName></Publisher>
<BookTitle book="inv">Invented Reviews</BookTitle><PubDate><Year>1993</Year></PubDate><Isbn>123</Isbn></Book>
<ArticleTitle book="inv" part="zinc">Zinc Fever</ArticleTitle><Language>eng</Language>
<PublicationType>Review</PublicationType>
<Abstract><AbstractText Label="MANAGEMENT">Give &lt;5 mg.</AbstractText></Abstract>
<ContributionDate><Year>2004</Year><Month>08</Month><Day>19</Day></ContributionDate></BookDocument></PubmedBookArticle>"""
    [part] = read(xml)
    assert isinstance(part, Part)
    assert part.text == "# Zinc Fever\n\n## Abstract\n\n### MANAGEMENT\n\nGive <5 mg."
    assert part.identifiers == {"pmid": "300", "nbk": "NBK999", "isbn": "123"}
    assert part.published == "2004-08-19"
    assert part.extra["book_title"] == "Invented Reviews"


def test_deleted_citations_are_named() -> None:
    found = read("<DeleteCitation><PMID Version='1'>5</PMID><PMID>6</PMID></DeleteCitation>")
    assert [(fault.reason, fault.name) for fault in found if isinstance(fault, Fault)] == [
        ("deleted_citation", "5"),
        ("deleted_citation", "6"),
    ]


def test_many_citations_in_one_item_have_names_and_what_is_no_citation_is_told() -> None:
    xml = f"<PubmedArticleSet>{citation(1, PLAIN)}{citation(2, PLAIN)}</PubmedArticleSet>"
    assert [part.name for part in read(xml)] == ["1", "2"]
    with pytest.raises(Unreadable, match="not_pubmed"):
        read("<article><front/></article>")
    with pytest.raises(ValueError, match="no options"):
        list(parse(b"<PubmedArticle/>", "k", {"x": 1}))


def baseline(count: int, tail: str = "") -> Iterator[str]:
    yield DOCTYPE + "<PubmedArticleSet>\n"
    filler = "Patients with CD4 &lt;200 got 5 &#181;g. " * 20
    for number in range(1, count + 1):
        yield citation(number, abstract(f"<AbstractText>{filler}</AbstractText>"))
    yield tail + "</PubmedArticleSet>\n"


def test_a_baseline_file_is_cut_into_citations_keyed_by_pmid(tmp_path: Path) -> None:
    tail = "<DeleteCitation>\n<PMID Version='1'>8</PMID></DeleteCitation>"
    comments = citation(4, PLAIN, "<CommentsCorrections RefType='ErratumIn'><PMID>9</PMID></CommentsCorrections>")
    path = tmp_path / "pubmed25n0001.xml.gz"
    path.write_bytes(gzip.compress("".join(baseline(3, comments + tail)).encode()))
    items = [item for item in open_items(path, path.name, "auto", Limits()) if isinstance(item, Item)]
    assert [item.key.partition("!")[2] for item in items] == ["1", "2", "3", "4", "DeleteCitation"]
    parts = [found for item in items for found in parse(item.body, item.key, {})]
    assert [part.identifiers["pmid"] for part in parts if isinstance(part, Part)] == ["1", "2", "3", "4"]
    assert "CD4 <200 got 5 µg" in parts[0].text if isinstance(parts[0], Part) else False
    assert isinstance(parts[-1], Fault)


def test_old_files_and_a_cut_file() -> None:
    old = "<MedlineCitationSet><MedlineCitation><PMID>7</PMID><Article><ArticleTitle>T.</ArticleTitle>"
    old += f"{PLAIN}</Article></MedlineCitation></MedlineCitationSet>"
    limits = Limits()
    [item] = split_articles(Stream(io.BytesIO(old.encode()), limits), limits)
    assert isinstance(item, Item)
    assert item.key == "7"
    [part] = parse(item.body, "k", {})
    assert isinstance(part, Part)
    assert part.text == "# T.\n\n## Abstract\n\nDose 5 mg."
    data = "".join(baseline(3)).encode()[:-600]
    *whole, fault = split_articles(Stream(io.BytesIO(data), limits), limits)
    assert len(whole) == 2
    assert isinstance(fault, Fault)
    assert fault.reason == "truncated_archive"


def test_a_large_file_is_read_in_the_memory_of_one_citation() -> None:
    class Made(io.RawIOBase):
        """A file of 40 MB that is never in memory."""

        def __init__(self) -> None:
            self._pieces = (piece.encode() for piece in baseline(40_000))
            self._rest = b""

        def read(self, size: int = -1) -> bytes:
            self._rest = self._rest or next(self._pieces, b"")
            piece, self._rest = self._rest[:size], self._rest[size:]
            return piece

        def tell(self) -> int:
            return 1 << 40

    limits = Limits()
    stream = Stream(Made(), limits, packed=False)  # type: ignore[arg-type]
    tracemalloc.start()
    count = sum(isinstance(item, Item) for item in split_articles(stream, limits))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40_000
    assert stream.offset > 40_000_000
    assert peak_bytes < 8_000_000


def test_the_parser_is_found_by_the_first_bytes() -> None:
    assert parser_for(".xml", None, (DOCTYPE + "<PubmedArticle><MedlineCitation>").encode()) == "pubmed"
    assert parser_for(".xml", None, b"<article><front/>") == "jats"


@pytest.mark.parametrize(
    ("code", "tag"),
    [("eng", "en"), ("ger", "de"), ("DEU", "de"), ("und", None), ("mul", None), ("fil", "fil"), ("x1", None)],
)
def test_language_codes(code: str, tag: str | None) -> None:
    assert tag_of(code) == tag
