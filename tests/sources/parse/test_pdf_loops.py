"""The compiled loops say what pdfium says one by one; laying pages out together changes none of them."""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from sources.parse import pdf_page
from sources.parse.part import Part
from sources.parse.pdf import parse
from sources.parse.pdf_arrays import Characters, Paths, Rows
from sources.parse.pdf_loops import address_of

PDFS = sorted((Path(__file__).resolve().parents[3] / "configs/demo/pdfs").glob("[!b]*.pdf"))


def _pages() -> Iterator[tuple[Any, Any]]:
    for path in PDFS:
        with pypdfium2.PdfDocument(path) as document:
            for page in document:
                yield page, page.get_textpage()


def test_characters_are_those_that_pdfium_gives_one_by_one() -> None:
    characters, checked = Characters(16), 0
    box, x, y, matrix = pdfium.FS_RECTF(), ctypes.c_double(), ctypes.c_double(), pdfium.FS_MATRIX()
    for _, textpage in _pages():
        raw, count, first = textpage.raw, textpage.count_chars(), characters.code.used
        characters.read(address_of(raw), count)
        for index in range(count):
            at = first + index
            assert characters.code.array[at] == pdfium.FPDFText_GetUnicode(raw, index)
            if chr(characters.code.array[at]).isspace():
                assert not characters.box.array[at].any()
                continue
            assert pdfium.FPDFText_GetLooseCharBox(raw, index, box)
            assert characters.box.array[at].tolist() == [box.left, box.top, box.right, box.bottom]
            run = characters.runs.filled()[characters.run.array[at]]
            assert pdfium.FPDFText_GetCharOrigin(raw, index, x, y)
            assert run["foot"] == y.value
            assert pdfium.FPDFText_GetMatrix(raw, index, matrix)
            assert run["matrix"].tolist() == [matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f]
            assert run["size"] == pdfium.FPDFText_GetFontSize(raw, index)
            font = characters.fonts.filled()[run["font"]]
            shown = pdfium.FPDFText_GetTextObject(raw, index)
            assert font["address"] == address_of(pdfium.FPDFTextObj_GetFont(shown))
            assert font["first"] <= index
            checked += 1
        assert characters.code.array[first + count] == 10
    assert checked > 1000


def _path(page: Any, *steps: tuple[float, ...], drawn: bool = True) -> Any:
    """Put a path on a page, by lines (two numbers a step) and curves (six), and close it."""
    path = pdfium.FPDFPageObj_CreateNewPath(*steps[0])
    for step in steps[1:]:
        (pdfium.FPDFPath_LineTo if len(step) == 2 else pdfium.FPDFPath_BezierTo)(path, *step)
    pdfium.FPDFPath_Close(path)
    pdfium.FPDFPath_SetDrawMode(path, pdfium.FPDF_FILLMODE_NONE, drawn)
    pdfium.FPDFPage_InsertObject(page.raw, path)
    return path


def test_paths_are_those_that_pdfium_gives_and_only_large_straight_ones_are_walked() -> None:
    with pypdfium2.PdfDocument.new() as document:
        page = document.new_page(100, 100)
        drawn = [
            _path(page, (10, 20), (30, 20), (30, 60)),
            _path(page, (10, 20), (30, 20), (31, 21, 32, 42, 33, 23)),
            _path(page, (10, 20), (30, 20), (30, 21)),
            _path(page, (50, 20), (70, 20), (70, 60), drawn=False),
            _path(page, (10, 10), (20, 10), (20, 20), (10, 20)),
        ]
        paths = Paths(1)
        for known in (0, len(drawn)):
            assert paths.read(address_of(page.raw), len(drawn), 200, 3.0, 400) == (len(drawn), False)
            found = paths.rows.filled()[known:]
            assert found["address"].tolist() == [address_of(path) for path in drawn]
            assert found["drawn"].tolist() == [1, 1, 1, 0, 1]
            edges = [ctypes.c_float() for _ in range(4)]
            for row, path in zip(found, drawn, strict=True):
                assert pdfium.FPDFPageObj_GetBounds(path, *edges)
                assert row["bounds"].tolist() == [edge.value for edge in edges]
                assert row["segments"] == pdfium.FPDFPath_CountSegments(path)
        assert paths.lines == [
            (number, line)
            for number in (0, len(drawn))
            for line in ((10, 20, 30, 20), (30, 20, 30, 60), (30, 60, 10, 20))
        ]
        assert paths.read(address_of(page.raw), len(drawn), 200, 3.0, 2)[0] == len(drawn)
        assert len(paths.lines) == 6


def test_pictures_are_noticed_among_the_first_objects_only() -> None:
    with pypdfium2.PdfDocument.new() as document:
        page = document.new_page(100, 100)
        _path(page, (10, 20), (30, 20))
        pdfium.FPDFPage_InsertObject(page.raw, pdfium.FPDFPageObj_NewImageObj(document.raw))
        paths = Paths(4)
        assert paths.read(address_of(page.raw), 2, 2, 3.0, 400) == (1, True)
        assert paths.read(address_of(page.raw), 2, 1, 3.0, 400) == (1, False)


def test_room_grows_and_keeps_what_was_read() -> None:
    rows = Rows(4, np.uint32)
    rows.array[:] = range(4)
    rows.used = 3
    assert rows.room(1) == rows.array.ctypes.data + 12
    assert rows.room(1000) == rows.array.ctypes.data + 12
    assert rows.filled().tolist() == [0, 1, 2]
    assert len(rows.array) >= 1003


def test_pages_come_out_the_same_alone_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def texts() -> list[Any]:
        found = [list(parse(path.read_bytes(), path.name, {})) for path in PDFS]
        assert all(isinstance(part, Part) for parts in found for part in parts)
        return found

    together = texts()
    monkeypatch.setattr(pdf_page, "MOST_PAGES", 1)
    monkeypatch.setattr(pdf_page, "ROOM", 1)
    assert texts() == together
