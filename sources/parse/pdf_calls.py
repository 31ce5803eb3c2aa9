"""pdfium's character functions, called for many characters at once with plain numbers for pointers.

ctypes turns each argument of a declared struct type into an object, which costs more than pdfium's work. Here the same
functions are declared over addresses, so that one call takes 0.3 microseconds instead of 0.6, and their answers land
in numpy arrays made here: each is as long as the list of indices, and lives until the calls are done. Indices must
be those of characters of the text page; pdfium answers false for others, which leaves zeros.
"""

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from itertools import compress, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

MAX_LOOKED_AT = 200
_POINTER, _INT = ctypes.c_void_p, ctypes.c_int


def _plain(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a function of pdfium that takes addresses as integers."""
    address = ctypes.cast(function, _POINTER).value
    return ctypes.PYFUNCTYPE(result, *arguments)(address or 0)


_BOX = _plain(pdfium.FPDFText_GetLooseCharBox, _INT, _POINTER, _INT, _POINTER)
_CODE = _plain(pdfium.FPDFText_GetUnicode, ctypes.c_uint, _POINTER, _INT)
_MATRIX = _plain(pdfium.FPDFText_GetMatrix, _INT, _POINTER, _INT, _POINTER)
_ORIGIN = _plain(pdfium.FPDFText_GetCharOrigin, _INT, _POINTER, _INT, _POINTER, _POINTER)
_SIZE = _plain(pdfium.FPDFText_GetFontSize, ctypes.c_double, _POINTER, _INT)
_OBJECT = _plain(pdfium.FPDFText_GetTextObject, _POINTER, _POINTER, _INT)
_WEIGHT = _plain(pdfium.FPDFText_GetFontWeight, _INT, _POINTER, _INT)
_NAME = _plain(pdfium.FPDFText_GetFontInfo, ctypes.c_ulong, _POINTER, _INT, _POINTER, ctypes.c_ulong, _POINTER)
_PAGE_OBJECT = _plain(pdfium.FPDFPage_GetObject, _POINTER, _POINTER, _INT)
_TYPE = _plain(pdfium.FPDFPageObj_GetType, _INT, _POINTER)
_BOUNDS = _plain(pdfium.FPDFPageObj_GetBounds, _INT, _POINTER, _POINTER, _POINTER, _POINTER, _POINTER)
_SEGMENTS = _plain(pdfium.FPDFPath_CountSegments, _INT, _POINTER)
_SEGMENT = _plain(pdfium.FPDFPath_GetPathSegment, _POINTER, _POINTER, _INT)
_KIND = _plain(pdfium.FPDFPathSegment_GetType, _INT, _POINTER)
_CLOSES = _plain(pdfium.FPDFPathSegment_GetClose, _INT, _POINTER)
_POINT = _plain(pdfium.FPDFPathSegment_GetPoint, _INT, _POINTER, _POINTER, _POINTER)
_PLACE = _plain(pdfium.FPDFPageObj_GetMatrix, _INT, _POINTER, _POINTER)
_DRAW_MODE = _plain(pdfium.FPDFPath_GetDrawMode, _INT, _POINTER, _POINTER, _POINTER)
_FONT = _plain(pdfium.FPDFTextObj_GetFont, _POINTER, _POINTER)


def address_of(handle: Any) -> int:
    """Return the address behind a handle of pypdfium2 (`textpage.raw`)."""
    return ctypes.cast(handle, _POINTER).value or 0


def codes_at(page: int, count: int) -> npt.NDArray[np.uint32]:
    """Return the UTF-16 unit of each of the first `count` characters."""
    return np.fromiter(map(_CODE, repeat(page), range(count)), np.uint32, count)


def boxes_at(page: int, at: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the loose boxes (font ascent to descent; left, top, right, bottom) of the characters `at`, in points."""
    found = np.zeros((len(at), 4), np.float32)
    start = found.ctypes.data
    deque(map(_BOX, repeat(page), at, range(start, start + found.nbytes, 16)), maxlen=0)
    return found


def sizes_at(page: int, at: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return the font sizes of the characters `at` in points, as the text matrix scales them, to two decimals."""
    matrix = np.zeros((len(at), 6), np.float32)
    start = matrix.ctypes.data
    deque(map(_MATRIX, repeat(page), at, range(start, start + matrix.nbytes, 24)), maxlen=0)
    size = np.fromiter(map(_SIZE, repeat(page), at), np.float64, len(at))
    upright = matrix[:, 2:4].astype(np.float64)
    scaled: npt.NDArray[np.float64] = np.round(size * np.sqrt((upright * upright).sum(axis=1)), 2)
    return scaled


def feet_at(page: int, at: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return the heights of the origins (on the baseline) of the characters `at`, in points."""
    found = np.zeros((len(at), 2), np.float64)
    start = found.ctypes.data
    places = range(start, start + found.nbytes, 16), range(start + 8, start + 8 + found.nbytes, 16)
    deque(map(_ORIGIN, repeat(page), at, *places), maxlen=0)
    return found[:, 1]


def fonts_at(page: int, at: Sequence[int]) -> list[int | None]:
    """Return what tells the fonts of the characters `at` apart, as long as the page is open."""
    objects = list(map(_OBJECT, repeat(page), at))
    fonts = {known: known and _FONT(known) for known in set(objects)}
    return [fonts[known] for known in objects]


def names_at(page: int, at: Sequence[int]) -> list[tuple[int, bytes]]:
    """Return weight (400 is regular, 700 bold) and name of the font of each of the characters `at`."""
    name = ctypes.create_string_buffer(256)
    found = []
    for index in at:
        length = _NAME(page, index, ctypes.addressof(name), len(name), None)
        found.append((_WEIGHT(page, index), name.value if 0 < length <= len(name) else b""))
    return found


def page_paths(page: Any, most: int) -> list[int]:
    """Return the addresses of the path objects of a page; none when there are more than `most` objects of any kind."""
    count = pdfium.FPDFPage_CountObjects(page)
    if not 0 < count <= most:
        return []
    found = list(map(_PAGE_OBJECT, repeat(address_of(page)), range(count)))
    kinds = map(pdfium.FPDF_PAGEOBJ_PATH.__eq__, map(_TYPE, found))
    return [known for known in compress(found, kinds) if known]


def object_bounds(objects: Sequence[int]) -> list[list[float]]:
    """Return left, bottom, right and top of page objects, in points."""
    found = np.zeros((len(objects), 4), np.float32)
    start = found.ctypes.data
    places = (range(start + at, start + at + found.nbytes, 16) for at in (0, 4, 8, 12))
    deque(map(_BOUNDS, objects, *places), maxlen=0)
    listed: list[list[float]] = found.astype(np.float64).tolist()
    return listed


def segments_of(path: int) -> int:
    """Return how many segments a path has."""
    return int(_SEGMENTS(path))


def straight_lines(path: int) -> list[tuple[float, float, float, float]]:
    """Return the lines (x0, y0, x1, y1 in points) of a path, none when it has a curve; closed figures are closed."""
    segments = list(map(_SEGMENT, repeat(path), range(segments_of(path))))
    kinds = list(map(_KIND, segments))
    matrix = np.zeros(6, np.float32)
    if not set(kinds) <= {pdfium.FPDF_SEGMENT_MOVETO, pdfium.FPDF_SEGMENT_LINETO} or not _PLACE(
        path, matrix.ctypes.data
    ):
        return []
    found = np.zeros((len(segments), 2), np.float32)
    start = found.ctypes.data
    places = range(start, start + found.nbytes, 8), range(start + 4, start + 4 + found.nbytes, 8)
    deque(map(_POINT, segments, *places), maxlen=0)
    a, b, c, d, e, f = matrix.tolist()
    points = [(a * x + c * y + e, b * x + d * y + f) for x, y in found.tolist()]
    lines, first = [], 0
    for at, (kind, closes) in enumerate(zip(kinds, map(_CLOSES, segments), strict=True)):
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = at
        else:
            lines.append((*points[at - 1], *points[at]))
        if closes:
            lines.append((*points[at], *points[first]))
    return lines


def is_drawn(path: int) -> bool:
    """Say whether a path is filled or stroked, not only a clip."""
    modes = (ctypes.c_int * 2)()
    at = ctypes.addressof(modes)
    return bool(_DRAW_MODE(path, at, at + 4)) and any(modes)


def has_image(page: Any) -> bool:
    """Say whether a page has an image or a form, which may hold one, among its first objects."""
    count = min(pdfium.FPDFPage_CountObjects(page), MAX_LOOKED_AT)
    kinds = {_TYPE(_PAGE_OBJECT(address_of(page), index)) for index in range(count)}
    return bool(kinds & {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM})
