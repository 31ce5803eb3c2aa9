"""The demo sample is what its README and `expected.json` say: complete, small, planted as told, reproducible."""

import gzip
import importlib.util
import io
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from warcio.archiveiterator import ArchiveIterator

DEMO = Path(__file__).parent.parent / "configs/demo"
EXPECTED: list[dict[str, str]] = json.loads((DEMO / "expected.json").read_text(encoding="utf-8"))
OUTCOMES = {"kept", "duplicate", "superseded", "retracted", "removal_requested", "quarantined", "reference_only"}


def _outcomes(outcome: str) -> set[str]:
    return {row["path_or_key"] for row in EXPECTED if row["outcome"] == outcome}


def _text(name: str) -> str:
    return (DEMO / name).read_text(encoding="utf-8")


def _lines(name: str) -> list[Any]:
    rows, at = [], 0
    for line in (DEMO / name).read_bytes().splitlines(keepends=True):
        if f"{name}#B{at}" not in _outcomes("quarantined"):
            rows.append(json.loads(line))
        at += len(line)
    return rows


def test_every_file_of_a_source_is_expected_and_every_expectation_has_a_file() -> None:
    not_sources = {"urls.tsv", "held-out.json"}
    files = {
        f"{folder}/{path.name}"
        for folder in ("guidelines", "articles", "pdfs", "mcq", "differentials", "general")
        for path in (DEMO / folder).iterdir()
        if path.name not in not_sources
    }
    assert files == {re.split("[!#]", row["path_or_key"])[0] for row in EXPECTED}


def test_each_key_is_named_once_with_a_known_outcome() -> None:
    assert max(Counter(row["path_or_key"] for row in EXPECTED).values()) == 1
    assert {row["outcome"] for row in EXPECTED} == OUTCOMES


def test_the_sample_is_small_and_has_some_forty_documents() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 600_000
    assert len(_outcomes("kept")) >= 40


def test_duplicates_are_duplicates() -> None:
    copy, original = (DEMO / "guidelines" / n for n in ("zz-copy-of-severe-malaria.html", "severe-malaria.html"))
    assert copy.read_bytes() == original.read_bytes()
    bodies = [
        etree.tostring(etree.parse(str(DEMO / "articles" / name)).find("body"))
        for name in ("02-arm-band-mothers.xml", "09-copy-of-arm-band.xml")
    ]
    assert bodies[0] == bodies[1]


def test_a_superseded_page_was_fetched_before_another_from_the_same_address() -> None:
    rows = [line.split("\t") for line in _text("guidelines/urls.tsv").splitlines()[1:]]
    fetched = {f"guidelines/{file}": (url, day) for file, url, day in rows}
    for name in _outcomes("superseded"):
        url, day = fetched[name]
        assert [other for other, later in fetched.values() if other == url and later > day]
        assert _text(name) not in {_text(key) for key in fetched if key != name and "broken" not in key}


@pytest.mark.parametrize("path", sorted((DEMO / "articles").glob("*.xml")), ids=lambda p: p.stem)
def test_articles_are_well_formed_unless_told_to_be_cut(path: Path) -> None:
    if f"articles/{path.name}" in _outcomes("quarantined"):
        with pytest.raises(etree.XMLSyntaxError):
            etree.parse(str(path))
        return
    article = etree.parse(str(path)).getroot()
    assert article.find("front/article-meta/permissions/license") is not None
    assert len(article.findall("back/ref-list/ref")) == 3
    retracted = article.get("article-type") == "retracted-article"
    assert retracted == (f"articles/{path.name}" in _outcomes("retracted"))


def test_the_archives_hold_the_expected_members_and_no_clock() -> None:
    raw = (DEMO / "articles/bulk.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        members = tar.getmembers()
    assert {f"articles/bulk.tar.gz!{m.name}" for m in members} <= _outcomes("kept")
    assert {m.mtime for m in members} == {0}
    for name in ("articles/bulk.tar.gz", "articles/europepmc.xml.gz", "guidelines/pages.warc.gz"):
        assert (DEMO / name).read_bytes()[4:8] == b"\0\0\0\0"
    many = etree.fromstring(gzip.decompress((DEMO / "articles/europepmc.xml.gz").read_bytes()))
    assert (many.tag, len(many)) == ("articles", 2)


def test_the_web_archive_holds_two_pages_of_fixed_date() -> None:
    with (DEMO / "guidelines/pages.warc.gz").open("rb") as stream:
        records = [
            (r.rec_type, r.rec_headers.get_header("WARC-Date"), r.content_stream().read())
            for r in ArchiveIterator(stream)
        ]
    assert [(kind, date) for kind, date, _ in records] == [
        ("response", "2026-03-10T08:00:00Z"),
        ("response", "2026-03-11T08:00:00Z"),
    ]
    assert all(b"<h1>" in body for _, _, body in records)


def test_the_page_that_asks_for_deletion_says_so_to_machines_and_people() -> None:
    page = _text("guidelines/self-harm-support.html")
    assert '<meta name="robots" content="noai, noindex">' in page
    assert "Removal requested" in page


@pytest.mark.parametrize(
    ("name", "needle"),
    [
        ("guidelines/advanced-hiv.html", "CD4 count &lt;200 cells/µL"),
        ("guidelines/childhood-pneumonia.html", "SpO<sub>2</sub> &lt;90%"),
        ("guidelines/severe-malaria.html", "100 × 10<sup>3</sup> per µL"),
        ("guidelines/newborn-care.html", "5 µg or 10 µg"),
        ("guidelines/snakebite.html", "<td>0.5 mL</td><td>0.5 mg</td>"),
        ("guidelines/cholera.html", "≥2 seconds"),
        ("guidelines/severe-malaria.html", "<p>o Record the time"),
        ("guidelines/severe-malaria.html", "<p>or quinine"),
        ("pdf_text/sepsis-handbook.txt", "100 × 10^3 per µL"),
    ],
)
def test_strings_that_the_lineage_lost_are_planted(name: str, needle: str) -> None:
    assert needle in _text(name)


def test_questions_have_five_options_one_answer_and_both_splits() -> None:
    rows = _lines("mcq/questions.jsonl")
    assert len(rows) == 15
    assert all(list(row["options"]) == list("ABCDE") and row["answer"] in row["options"] for row in rows)
    assert Counter(row["split"] for row in rows) == {"train": 10, "test": 5}
    held_out = json.loads(_text("mcq/held-out.json"))
    assert {f"mcq/questions.jsonl#{name}" for name in held_out} == _outcomes("reference_only")
    raw = (DEMO / "mcq/questions.jsonl").read_bytes()
    tests = [line for line in raw.splitlines() if b'"split": "test"' in line]
    assert {f"B{raw.index(line)}" for line in tests} == set(held_out)


def test_general_rows_have_text_and_url_and_the_bad_files_are_bad() -> None:
    assert all(row["text"] and row["url"] for row in _lines("general/rows.jsonl"))
    assert (DEMO / "general/empty.txt").read_bytes() == b""
    with pytest.raises(UnicodeDecodeError):
        _text("general/invalid-utf8.txt")
    assert b"\0" in (DEMO / "guidelines/broken.html").read_bytes()


def test_the_url_table_names_every_page_once() -> None:
    header, *rows = [line.split("\t") for line in _text("guidelines/urls.tsv").splitlines()]
    assert header == ["file", "url", "retrieved"]
    assert sorted(row[0] for row in rows) == sorted(path.name for path in (DEMO / "guidelines").glob("*.html"))
    assert all(row[1].startswith("https://") and re.fullmatch(r"2026-\d\d-\d\d", row[2]) for row in rows)


def test_the_pdfs_are_set_again_to_the_same_bytes() -> None:
    spec = importlib.util.spec_from_file_location("make_pdfs", DEMO / "make_pdfs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for source in sorted((DEMO / "pdf_text").glob("*.txt")):
        text = source.read_text(encoding="utf-8")
        title = re.search(r"^# (.*)$", text, re.MULTILINE)
        assert title is not None
        body = module.write_pdf(module.set_text(text), title.group(1))
        assert body == (DEMO / "pdfs" / f"{source.stem}.pdf").read_bytes()
