"""Scanned pages read by tesseract: figures come through, doubts are refused, what is missing is told."""

import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from test_pdf import make_pdf

from pipelines.engine.errors import ConfigError
from sources.catalog import SourceConfig
from sources.item_options import for_source
from sources.parse.part import Part, Unreadable
from sources.parse.pdf import parse
from sources.parse.pdf_ocr import MIN_CONFIDENCE, data_folder

LINES = [
    "Care of children with severe malaria",
    "Give artesunate 2.4 mg/kg at 0, 12 and 24 hours; children under 20 kg need 3 mg/kg.",
    "Do not give quinine by rapid injection. Check glucose below 2.2 mmol/l.",
    "Transfuse when haemoglobin is under 4 g/dl, or under 6 g/dl with signs of shock.",
    "Weigh the child every day, and write the dose of 10.5 ml into the chart.",
]


def _missing() -> str:
    try:
        data_folder(["eng"])
    except ValueError as error:
        return str(error)
    return ""


needs_tesseract = pytest.mark.skipif(bool(_missing()), reason=_missing() or "tesseract is here")


def scan(pages: list[Any], dpi: int = 200) -> bytes:
    """Return a PDF whose pages are pictures of those that `make_pdf` makes."""
    typed, pictures = pypdfium2.PdfDocument(make_pdf(pages)), pypdfium2.PdfDocument.new()
    for page in typed:
        width, height = page.get_size()
        image = pypdfium2.PdfImage.new(pictures)
        image.set_bitmap(page.render(scale=dpi / 72))
        image.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
        sheet = pictures.new_page(width, height)
        sheet.insert_obj(image)
        sheet.gen_content()
    out = io.BytesIO()
    pictures.save(out)
    return out.getvalue()


def typed(lines: list[str], size: int = 11) -> list[Any]:
    return [(50, 780 - 24 * row, size, line) for row, line in enumerate(lines)]


@needs_tesseract
def test_every_word_and_figure_of_a_clean_scan_is_read() -> None:
    (part,) = parse(scan([typed(LINES)]), "key", {"ocr": ["eng"]})
    assert isinstance(part, Part)
    assert part.text.split() == " ".join(LINES).split()
    said = part.extra["ocr"]
    assert (said["pages"], said["languages"], part.extra["scanned_pages"]) == (1, ["eng"], 1)
    assert said["confidence"] >= MIN_CONFIDENCE
    assert "ocr" in part.extra["edits"]


@needs_tesseract
def test_typed_pages_beside_scans_are_not_read_anew() -> None:
    both = pypdfium2.PdfDocument(make_pdf([typed(["The first page has 5 mg of text of its own, as typed."])]))
    both.import_pages(pypdfium2.PdfDocument(scan([typed(LINES)])))
    out = io.BytesIO()
    both.save(out)
    (part,) = parse(out.getvalue(), "key", {"ocr": ["eng"]})
    assert isinstance(part, Part)
    assert part.text.startswith("The first page has 5 mg")
    assert "artesunate 2.4 mg/kg" in part.text
    assert part.extra["ocr"]["pages"] == 1


@needs_tesseract
def test_the_same_scan_gives_the_same_text_whatever_was_read_before() -> None:
    body = scan([typed(LINES)])
    first = list(parse(body, "a", {"ocr": ["eng"]}))
    list(parse(scan([typed(["Another page altogether, about zinc 20 mg"])]), "b", {"ocr": ["eng"]}))
    assert list(parse(body, "c", {"ocr": ["eng"]})) == first


@needs_tesseract
def test_a_scan_that_is_hard_to_read_is_refused_and_an_empty_one_has_no_text() -> None:
    blurred = scan([typed(LINES, size=5)], dpi=62)
    with pytest.raises(Unreadable) as caught:
        list(parse(blurred, "key", {"ocr": ["eng"]}))
    assert caught.value.reason in {"ocr_unsure", "no_text_layer"}
    with pytest.raises(Unreadable, match="no_text_layer"):
        list(parse(make_pdf([[("image",)]]), "key", {"ocr": ["eng"]}))


def test_without_the_option_a_scan_is_refused() -> None:
    with pytest.raises(Unreadable, match="no_text_layer"):
        list(parse(scan([typed(LINES)]), "key", {}))


def source(languages: list[str]) -> SourceConfig:
    return SourceConfig(name="scans", kind="guideline", path=".", parser="pdf", options={"ocr": languages})


def test_a_language_without_data_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("tesserocr", reason="the extra `ocr` is not installed")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(ConfigError, match=r"source scans: options\.ocr: no data for xyz in .*tesseract-ocr-xyz"):
        for_source(source(["xyz"]), tmp_path)


@needs_tesseract
def test_the_models_take_part_in_the_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = for_source(source(["eng"]), tmp_path)[1]
    body = (data_folder(["eng"]) / "eng.traineddata").read_bytes()
    (tmp_path / "eng.traineddata").write_bytes(body + b"\0")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    after = for_source(source(["eng"]), tmp_path)[1]
    assert before["ocr"]["tesseract"] == after["ocr"]["tesseract"]
    assert before["ocr"]["eng"] != after["ocr"]["eng"]
