"""The PDF parser on publishers' files: recall and order against the JATS of the same article; refusals."""

import os
import random
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from lxml import etree

from sources.parse.part import Part, Unreadable
from sources.parse.pdf import parse

pytestmark = pytest.mark.real
DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
PAIRS = sorted((DATA / "guidelines_pdf/paired_articles").glob("*.pdf"))
FILES = sorted((DATA / "guidelines_pdf").glob("*.pdf"))
if not PAIRS:
    pytest.skip("MEDMIX_DATA is unset or has no guidelines_pdf/paired_articles", allow_module_level=True)

BLOCKS = {"p", "title", "label", "list-item", "sec", "disp-formula", "td", "th", "tr", "caption", "fn"}


def _words(text: Any) -> Any:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())


def _walk(element: Any) -> Any:
    if not isinstance(element.tag, str):
        return element.tail or ""
    inner = (element.text or "") + "".join(_walk(child) for child in element)
    space = "\n" if etree.QName(element).localname in BLOCKS else ""
    return space + inner + space + (element.tail or "")


def _paragraphs(pdf: Any) -> Any:
    parser = etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False)
    body = etree.parse(str(pdf.with_suffix(".xml")), parser).find(".//body")
    floats = {"table-wrap", "fig", "boxed-text"}
    for p in body.iter("p"):
        if not any(etree.QName(a).localname in floats for a in p.iterancestors()):
            yield _words(_walk(p))


def _grams(words: Any) -> Any:
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def _alone(pdf: Any) -> Any:
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def _ours(pdf: Any) -> Any:
    (part,) = parse(pdf.read_bytes(), pdf.name, {})
    assert isinstance(part, Part)
    return part.text


@pytest.mark.parametrize("pdf", PAIRS, ids=lambda p: p.stem)
def test_the_order_of_body_text_is_better_than_that_of_pdfium_with_its_hyphens_mended(pdf: Any) -> None:
    gold = [gram for words in _paragraphs(pdf) for gram in sorted(_grams(words))]
    ours = _grams(_words(_ours(pdf)))
    mended = _grams(_words(_alone(pdf).replace("\ufffe\r\n", "").replace("\ufffe", "")))
    plain = _grams(_words(_alone(pdf)))
    share = [sum(gram in found for gram in gold) / len(gold) for found in (ours, mended, plain)]
    assert share[0] > 0.96
    assert share[0] > share[2]
    assert share[0] >= share[1]


@pytest.mark.parametrize("pdf", PAIRS, ids=lambda p: p.stem)
def test_no_word_of_the_article_that_pdfium_finds_is_lost(pdf: Any) -> None:
    gold = Counter(word for words in _paragraphs(pdf) for word in words)
    ours, alone = (Counter(_words(text)) for text in (_ours(pdf), _alone(pdf).replace("\ufffe", "")))
    found = [sum(min(n, words[word]) for word, n in gold.items()) for words in (ours, alone)]
    assert found[0] >= found[1]


def test_no_korean_word_is_broken_at_a_line_end() -> None:
    text = _ours(DATA / "guidelines_pdf/korean_covid_brief_4pages.pdf")
    for word in ("코로나바이러스감염증-19", "확진자는", "질병으로", "금융감독당국"):
        assert word in text, word
    assert "2일발행처" not in text


def test_persian_is_in_logical_order_and_its_table_begins_at_the_right() -> None:
    text = _ours(DATA / "guidelines_pdf/persian_rtl_page.pdf")
    assert "شماره استاندارد ملی | 20300" in text
    assert "| تاريخ پذيرش | 1403/10/04 |" in text


@pytest.mark.parametrize("pdf", FILES, ids=lambda p: p.stem)
def test_every_sound_file_is_read_whole_apart_from_its_running_lines(pdf: Any) -> None:
    if pdf.stem == "scanned_no_text_layer":
        with pytest.raises(Unreadable) as caught:
            _ours(pdf)
        assert caught.value.reason == "no_text_layer"
        return
    text = _ours(pdf)
    before, after = (
        sum(map(len, re.findall(r"[^\W\d_]{4,}", unicodedata.normalize("NFKC", t)))) for t in (_alone(pdf), text)
    )
    assert after > 0.86 * before
    assert "\0" not in text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("encrypted_unsupported", "encrypted"),
        ("garbage_chars", "garbled_text"),
        ("malformed_932", "no_text_layer"),
        ("password", "encrypted"),
    ],
)
def test_bad_files_are_refused_by_name(name: Any, reason: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        list(parse((DATA / "bad_inputs/pdf" / f"{name}.pdf").read_bytes(), name, {}))
    assert caught.value.reason == reason


def test_an_encrypted_file_that_allows_copying_is_read_on_request() -> None:
    body = (DATA / "bad_inputs/pdf/encrypted_unsupported.pdf").read_bytes()
    (part,) = parse(body, "key", {"read_encrypted": True})
    assert isinstance(part, Part)
    assert part.extra["pages"] == 5
    assert len(part.text) > 10_000


@pytest.mark.nightly
@pytest.mark.parametrize("pdf", PAIRS, ids=lambda p: p.stem)
def test_damaged_files_are_read_or_refused_and_raise_nothing_else(pdf: Path) -> None:
    draw = random.Random(pdf.stem)
    for flips in (1, 5, 50, 500) * 5:
        body = bytearray(pdf.read_bytes())
        for _ in range(flips):
            body[draw.randrange(len(body))] = draw.randrange(256)
        try:
            (part,) = parse(bytes(body), pdf.name, {})
        except Unreadable:
            continue
        assert isinstance(part, Part)
        part.text.encode()
        assert all(0 <= section.start <= section.end <= len(part.text) for section in part.sections)
