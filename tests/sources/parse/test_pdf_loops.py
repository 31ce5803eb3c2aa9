"""The compiled loops say what pdfium says one by one; laying pages out together changes none of them."""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from sources.parse import pdf_loops, pdf_page
from sources.parse.part import Part
from sources.parse.pdf import parse
from sources.parse.pdf_loops import Characters, address_of, read_objects, read_segments

PDFS = sorted((Path(__file__).resolve().parents[3] / "configs/demo/pdfs").glob("[!b]*.pdf"))


def _pages() -> Iterator[tuple[Any, Any]]:
    for path in PDFS:
        with pypdfium2.PdfDocument(path) as document:
            for page in document:
                yield page, page.get_textpage()


@pytest.mark.parametrize("runs_at_a_time", [pdf_loops.MOST_RUNS, 7])
def test_characters_are_those_that_pdfium_gives_one_by_one(
    runs_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_loops, "MOST_RUNS", runs_at_a_time)
    checked = 0
    for _, textpage in _pages():
        raw, count = textpage.raw, textpage.count_chars()
        characters = Characters(count + 5)
        runs = characters.read(address_of(raw), 5, count, 100)
        box, x, y, matrix = pdfium.FS_RECTF(), ctypes.c_double(), ctypes.c_double(), pdfium.FS_MATRIX()
        for index in range(count):
            at = index + 5
            assert pdfium.FPDFText_GetLooseCharBox(raw, index, box)
            assert characters.box[at].tolist() == [box.left, box.top, box.right, box.bottom]
            assert characters.code[at] == pdfium.FPDFText_GetUnicode(raw, index)
            if chr(characters.code[at]).isspace():
                continue
            run = runs[characters.run[at] - 100]
            assert pdfium.FPDFText_GetCharOrigin(raw, index, x, y)
            assert run["foot"] == y.value
            assert pdfium.FPDFText_GetMatrix(raw, index, matrix)
            assert run["matrix"].tolist() == [matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f]
            assert run["size"] == pdfium.FPDFText_GetFontSize(raw, index)
            checked += 1
    assert checked > 1000


def test_objects_are_those_that_pdfium_gives_one_by_one() -> None:
    kinds = set()
    for page, _ in _pages():
        count = pdfium.FPDFPage_CountObjects(page.raw)
        objects = read_objects(address_of(page.raw), count)
        edges = [ctypes.c_float() for _ in range(4)]
        for index in range(count):
            known = pdfium.FPDFPage_GetObject(page.raw, index)
            assert pdfium.FPDFPageObj_GetBounds(known, *edges)
            assert objects["address"][index] == address_of(known)
            assert objects["bounds"][index].tolist() == [edge.value for edge in edges]
            assert objects["kind"][index] == pdfium.FPDFPageObj_GetType(known)
        kinds |= set(objects["kind"].tolist())
    assert pdfium.FPDF_PAGEOBJ_TEXT in kinds


def test_segments_are_those_that_pdfium_gives_one_by_one() -> None:
    with pypdfium2.PdfDocument.new() as document:
        page = document.new_page(100, 100)
        path = pdfium.FPDFPageObj_CreateNewPath(10, 20)
        pdfium.FPDFPath_LineTo(path, 30, 20)
        pdfium.FPDFPath_BezierTo(path, 31, 21, 32, 22, 33, 23)
        pdfium.FPDFPath_Close(path)
        pdfium.FPDFPage_InsertObject(page.raw, path)
        segments = read_segments(address_of(path), pdfium.FPDFPath_CountSegments(path))
        move, line, curve = pdfium.FPDF_SEGMENT_MOVETO, pdfium.FPDF_SEGMENT_LINETO, pdfium.FPDF_SEGMENT_BEZIERTO
        assert segments["kind"].tolist() == [move, line, curve, curve, curve]
        assert segments["point"].tolist() == [[10, 20], [30, 20], [31, 21], [32, 22], [33, 23]]
        assert segments["closes"].tolist() == [0, 0, 0, 0, 1]


def test_room_grows_and_keeps_what_was_read() -> None:
    characters = Characters(4)
    characters.code[:] = np.arange(4)
    characters.reserve(1000, 3)
    assert characters.code[:3].tolist() == [0, 1, 2]
    assert len(characters.box) == len(characters.run) == 1000
    with pytest.raises(IndexError, match="1001 characters, room for 1000"):
        characters.read(0, 1001, 0, 0)


def test_pages_come_out_the_same_alone_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def texts() -> list[Any]:
        found = [list(parse(path.read_bytes(), path.name, {})) for path in PDFS]
        assert all(isinstance(part, Part) for parts in found for part in parts)
        return found

    together = texts()
    monkeypatch.setattr(pdf_page, "MOST_PAGES", 1)
    monkeypatch.setattr(pdf_page, "ROOM", 1)
    assert texts() == together
