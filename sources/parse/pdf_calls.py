"""Single questions to pdfium, asked with plain numbers for pointers: paths and their segments, names of fonts.

ctypes turns each argument of a declared struct type into an object, which costs more than pdfium's work. Here the same
functions are declared over addresses. What is asked of all characters or objects of a page is in `pdf_loops`.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from sources.parse.pdf_loops import address_of, read_segments

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int


def _plain(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a function of pdfium that takes addresses as integers."""
    return ctypes.PYFUNCTYPE(result, *arguments)(address_of(function))


_WEIGHT = _plain(pdfium.FPDFText_GetFontWeight, _INT, _POINTER, _INT)
_NAME = _plain(pdfium.FPDFText_GetFontInfo, ctypes.c_ulong, _POINTER, _INT, _POINTER, ctypes.c_ulong, _POINTER)
_SEGMENTS = _plain(pdfium.FPDFPath_CountSegments, _INT, _POINTER)
_PLACE = _plain(pdfium.FPDFPageObj_GetMatrix, _INT, _POINTER, _POINTER)
_DRAW_MODE = _plain(pdfium.FPDFPath_GetDrawMode, _INT, _POINTER, _POINTER, _POINTER)


_STRAIGHT = frozenset({pdfium.FPDF_SEGMENT_MOVETO, pdfium.FPDF_SEGMENT_LINETO})
_NAME_BUFFER = ctypes.create_string_buffer(256)
_MODES = (ctypes.c_int * 2)()
_NAME_AT, _FILLED, _STROKED = ctypes.addressof(_NAME_BUFFER), ctypes.addressof(_MODES), ctypes.addressof(_MODES) + 4


def font_at(textpage: int, index: int) -> tuple[int, bytes]:
    """Return weight (400 is regular, 700 bold) and name of the font of a character."""
    length = _NAME(textpage, index, _NAME_AT, len(_NAME_BUFFER), None)
    return _WEIGHT(textpage, index), _NAME_BUFFER.value if 0 < length <= len(_NAME_BUFFER) else b""


def segments_of(path: int) -> int:
    """Return how many segments a path has."""
    return int(_SEGMENTS(path))


def straight_lines(path: int) -> list[tuple[float, float, float, float]]:
    """Return the lines (x0, y0, x1, y1 in points) of a path, none when it has a curve; closed figures are closed."""
    segments = read_segments(path, segments_of(path))
    kinds = segments["kind"].tolist()
    matrix = np.zeros(6, np.float32)
    if not _STRAIGHT.issuperset(kinds) or not _PLACE(path, matrix.ctypes.data):
        return []
    a, b, c, d, e, f = matrix.tolist()
    points = [(a * x + c * y + e, b * x + d * y + f) for x, y in segments["point"].tolist()]
    lines, first = [], 0
    for at, (kind, closes) in enumerate(zip(kinds, segments["closes"].tolist(), strict=True)):
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = at
        else:
            lines.append((*points[at - 1], *points[at]))
        if closes:
            lines.append((*points[at], *points[first]))
    return lines


def is_drawn(path: int) -> bool:
    """Say whether a path is filled or stroked, not only a clip."""
    return bool(_DRAW_MODE(path, _FILLED, _STROKED)) and any(_MODES)
