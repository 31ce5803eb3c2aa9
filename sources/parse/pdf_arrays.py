"""Arrays that pdfium's answers are written into: characters, runs, fonts and paths of several pages, page by page.

They keep their place in memory as long as they are large enough, so that a page costs no new memory and one call for
each of its kinds of answers. What is in them is said at their types in `pdf_loops`.
"""

import ctypes
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from sources.parse.pdf_loops import FONT, LOOPS, PATH, RUN, SEGMENT, address_of

Records = npt.NDArray[np.void]
_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_COUNTS = (ctypes.c_int * 2)()
_COUNTS_AT = ctypes.addressof(_COUNTS)
_MATRIX = (ctypes.c_float * 6)()
_MATRIX_AT = ctypes.addressof(_MATRIX)
Line = tuple[float, float, float, float]
"""x0, y0, x1, y1."""


def plain(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a function of pdfium that takes addresses as integers: no objects are made for them."""
    return ctypes.PYFUNCTYPE(result, *arguments)(address_of(function))


class Rows:
    """An array that is filled from the front and grows."""

    def __init__(self, size: int, kind: Any, columns: int = 0) -> None:
        self._shape, self._kind, self.used = (columns,) if columns else (), kind, 0
        self._make(size)

    def _make(self, size: int) -> None:
        self.array = np.empty((size, *self._shape), self._kind)
        self._place, self._step = self.array.ctypes.data, self.array.strides[0]

    def room(self, count: int) -> int:
        """Return the address of the first unused row; `count` of them may be written."""
        if self.used + count > len(self.array):
            kept = self.array[: self.used]
            self._make(2 * self.used + count)
            self.array[: self.used] = kept
        return self._place + self.used * self._step

    def filled(self) -> npt.NDArray[Any]:
        """Return the rows in use; they hold until the next that is written."""
        return self.array[: self.used]


class Characters:
    """Characters of several text pages, a line feed behind each.

    box: loose box (left, top, right, bottom) in points, zero for white space. code: code point. run: number of the
    stretch that one text object draws (-1 or any other one for white space). runs: RUNs. fonts: FONTs.
    """

    def __init__(self, size: int) -> None:
        self.box, self.code, self.run = Rows(size, np.float32, 4), Rows(size, np.uint32), Rows(size, np.int32)
        self.runs, self.fonts = Rows(size // 4, RUN), Rows(size // 16, FONT)

    def clear(self) -> None:
        """Forget all pages."""
        for rows in (self.box, self.code, self.run, self.runs, self.fonts):
            rows.used = 0

    def read(self, textpage: int, count: int) -> None:
        """Put `count` characters of the text page at an address, and a line feed, behind those that are known."""
        of_all = self.box, self.code, self.run, self.runs, self.fonts
        known = self.runs.used, self.fonts.used
        runs = LOOPS.characters(textpage, count, *known, *[rows.room(count + 1) for rows in of_all], _COUNTS_AT)
        for rows in of_all[:3]:
            rows.used += count + 1
        self.runs.used += runs
        self.fonts.used += _COUNTS[0]


class Paths:
    """Paths of several pages, and the straight lines of those that are neither thin nor boxes nor curved."""

    def __init__(self, size: int) -> None:
        self.rows, self._walked, self._segments = Rows(size, PATH), Rows(size, np.int32), Rows(size, SEGMENT)
        self.clear()

    def clear(self) -> None:
        """Forget all pages."""
        self.rows.used = 0
        self.lines: list[tuple[int, Line]] = []

    def read(self, page: int, count: int, early: int, thin: float, most: int) -> tuple[int, bool]:
        """Read the paths among the first `count` objects of a page; return how many, and whether an image or a form
        is among the first `early` objects. Paths wider and taller than `thin` are walked up to `most` segments."""
        at = self.rows.room(count), self._walked.room(count)
        found = LOOPS.paths(page, count, early, thin, most, *at, _COUNTS_AT)
        pictures, walked = _COUNTS
        first = self.rows.used
        for number in self._walked.array[:walked].tolist():
            address, _, segments, _ = self.rows.array[first + number].item()
            if LOOPS.segments(address, segments, _MATRIX_AT, self._segments.room(segments)):
                read = self._segments.array[:segments]
                self.lines += [(first + number, line) for line in straight_lines(read, _MATRIX)]
        self.rows.used += found
        return found, pictures > 0


def straight_lines(segments: Records, matrix: Iterable[float]) -> list[Line]:
    """Return the lines (in points) of the SEGMENTs of a path; closed figures are closed."""
    a, b, c, d, e, f = matrix
    points = [(a * x + c * y + e, b * x + d * y + f) for x, y in segments["point"].tolist()]
    lines, first = [], 0
    for at, (kind, closes) in enumerate(zip(segments["kind"].tolist(), segments["closes"].tolist(), strict=True)):
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = at
        else:
            lines.append((*points[at - 1], *points[at]))
        if closes:
            lines.append((*points[at], *points[first]))
    return lines
