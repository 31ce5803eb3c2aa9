"""Extraction of the publication formats end to end: packages with pictures, sets of citations, studies by the line."""

import gzip
import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.pmc import Article, jats
from ruamel.yaml import YAML
from test_extract import Extracted, ran, stage

from pipelines.stages.version_keys import version_order
from pipelines.stages.versions import VersionKeys, VersionsConfig
from sources.catalog import SourceConfig
from sources.document import to_table
from sources.parse.jats import parse as parse_jats
from sources.parse.part import Part

CONFIGS = Path(__file__).parents[2] / "configs" / "sources"


def extracted(name: str, folder: Path, out: Path) -> Extracted:
    """Run the source file `name` of the project over a folder."""
    tree = YAML(typ="safe").load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    declared = SourceConfig.model_validate({**tree, "path": str(folder)}).model_dump(exclude={"name", "kind", "path"})
    return ran(stage(folder, kind=tree["kind"], **declared), out)


def member(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_a_package_gives_its_chapters_and_passes_over_its_pictures(folder: Path, tmp_path: Path) -> None:
    chapter = "<book-part-wrapper><book-part id='c'><body><p>Give &lt;5 mg.</p></body></book-part></book-part-wrapper>"
    contents = "<book-part-wrapper content-type='toc'><book-part><body><toc/></body></book-part></book-part-wrapper>"
    with tarfile.open(folder / "inv_NBK9.tar.gz", "w:gz") as archive:
        member(archive, "inv_NBK9/c.nxml", chapter.encode())
        member(archive, "inv_NBK9/TOC.nxml", contents.encode())
        member(archive, "inv_NBK9/f1.jpg", b"\xff\xd8\xff")
        member(archive, "inv_NBK9/license.txt", b"CC BY")
    with tarfile.open(folder / "only.tar.gz", "w:gz") as archive:
        member(archive, "only/f1.jpg", b"\xff\xd8\xff")
    found = extracted("bookshelf", folder, tmp_path / "out")
    assert {key: (d.text, d.kind) for key, d in found.documents.items()} == {
        "inv_NBK9.tar.gz!inv_NBK9/c.nxml": ("Give <5 mg.", "reference")
    }
    assert found.reasons() == {
        "inv_NBK9.tar.gz!inv_NBK9/TOC.nxml": "table_of_contents",
        "only.tar.gz": "no_record",
    }
    total = found.manifest.ledger.total()
    assert (total.records_in, total.records_kept, total.dropped.total(), total.quarantined.total()) == (3, 1, 1, 1)


def test_citations_are_documents_and_deleted_ones_are_accounted_for(folder: Path, tmp_path: Path) -> None:
    text = "<Abstract><AbstractText Label='AIM'>CD4 &lt;200.</AbstractText></Abstract>"
    foreign = "<OtherAbstract Type='Publisher' Language='spa'><AbstractText>Dosis.</AbstractText></OtherAbstract>"
    records = "".join(
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{pmid}</PMID><Article><ArticleTitle>T{pmid}.</ArticleTitle>"
        f"{inner}</Article>{after}</MedlineCitation></PubmedArticle>"
        for pmid, inner, after in ((1, text, foreign), (2, "", ""), (3, text, ""))
    )
    broken = "<PubmedArticle><MedlineCitation><PMID>4</PMID><b></MedlineCitation></PubmedArticle>"
    deleted = "<DeleteCitation><PMID Version='1'>9</PMID></DeleteCitation>"
    xml = f"<?xml version='1.0'?><PubmedArticleSet>{records}{broken}{deleted}</PubmedArticleSet>"
    (folder / "pubmed25n0001.xml.gz").write_bytes(gzip.compress(xml.encode()))
    found = extracted("pubmed", folder, tmp_path / "out")
    file = "pubmed25n0001.xml.gz"
    assert {key: (d.language, d.kind) for key, d in found.documents.items()} == {
        f"{file}!1": ("en", "abstract"),
        f"{file}!1#es": ("es", "abstract"),
        f"{file}!3": ("en", "abstract"),
    }
    assert found.documents[f"{file}!1#es"].links == [{"relation": "translation_of", "target": f"{file}!1"}]
    assert found.documents[f"{file}!1"].url == "https://pubmed.ncbi.nlm.nih.gov/1/"
    assert found.documents[f"{file}!1"].rights.spdx == "LicenseRef-unknown"
    assert found.reasons() == {
        f"{file}!2": "no_abstract",
        f"{file}!4": "malformed_xml",
        f"{file}!DeleteCitation#9": "deleted_citation",
    }
    total = found.manifest.ledger.total()
    assert (total.records_in, total.records_kept, total.dropped.total(), total.quarantined.total()) == (6, 3, 2, 1)


def test_the_series_that_the_source_file_tells_joins_updates_to_the_baseline(folder: Path, tmp_path: Path) -> None:
    told = re.search(r"series: (\[.*\])", (CONFIGS / "pubmed.yaml").read_text(encoding="utf-8"))
    assert told
    keys = VersionKeys(VersionsConfig(series=tuple(YAML(typ="safe").load(told[1]))))
    for place, day in (("baseline/pubmed25n0900", "01"), ("updatefiles/pubmed25n1300", "02")):
        path = folder / f"{place}.xml.gz"
        path.parent.mkdir()
        revised = f"<DateRevised><Year>2025</Year><Month>03</Month><Day>{day}</Day></DateRevised>"
        record = (
            f"<PubmedArticle><MedlineCitation><PMID>1</PMID>{revised}<Article><Abstract><AbstractText>"
            f"Dose of day {day}.</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
        )
        path.write_bytes(gzip.compress(f"<PubmedArticleSet>{record}</PubmedArticleSet>".encode()))
    found = extracted("pubmed", folder, tmp_path / "out").documents
    assert len(found) == 2
    documents = to_table(replace(document, source="pubmed") for document in found.values())
    rows = keys.apply(documents).table.to_pylist()
    assert len({row["identifier"] for row in rows}) == 1
    assert rows[0]["identifier"]
    orders = {row["key"]: version_order(row["version"]) for row in rows}
    assert orders["baseline/pubmed25n0900.xml.gz!1"] < orders["updatefiles/pubmed25n1300.xml.gz!1"]


def test_studies_by_the_line_have_keys_that_no_cut_changes(folder: Path, tmp_path: Path) -> None:
    lines = [
        json.dumps({"protocolSection": {"identificationModule": {"nctId": f"NCT{n}", "briefTitle": "T \\>= 5"}}})
        for n in range(3)
    ]
    (folder / "s.jsonl").write_text("\n".join(lines) + "\n")
    found = extracted("clinical-trials", folder, tmp_path / "out")
    starts = [sum(len(line) + 1 for line in lines[:n]) for n in range(3)]
    assert list(found.documents) == [f"s.jsonl#B{start}" for start in starts]
    first = found.documents["s.jsonl#B0"]
    assert first.identifiers == {"nct": "NCT0", "native_key": "s.jsonl#NCT0"}
    assert first.title == "T >= 5"
    assert first.edits[0]["names"] == ["unescape_markdown"]
    assert first.rights.attribution == "ClinicalTrials.gov"


@pytest.mark.parametrize(
    ("marked", "relation"),
    [("is-preprint-of", "preprint_of"), ("preprint-of", "preprint_of"), ("preprint", "has_preprint")],
)
def test_a_preprint_and_its_article_name_each_other(marked: str, relation: str) -> None:
    link = f'<related-article related-article-type="{marked}" xlink:href="https://doi.org/10.5555/other.1"/>'
    (part,) = parse_jats(jats(7, Article(links=link)), "preprint.xml", {})
    assert isinstance(part, Part)
    assert part.links == [(relation, "10.5555/other.1")]
