"""Ruled lines of a PDF page: the horizontal and vertical strokes, thin boxes and edges of boxes that can part cells.

pdfium gives a path's bounding box in one call, which settles a stroke or a thin box; only larger paths are walked
point by point, and those with curves (drawings, letters set as outlines) are left out. Nothing is looked for inside
form objects. A page with more paths than any table has is a map or a plot and gives no rules at all.
"""

import ctypes
import itertools
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from sources.parse.pdf_calls import is_drawn, object_bounds, page_paths, segments_of

MAX_PATHS = 3000
MAX_SEGMENTS = 400
BOX_SEGMENTS = (4, 5)
"""A path of so many segments is a box, closed or not."""
THIN_POINTS = 3.0
SHORTEST_POINTS = 6.0


class Rule(NamedTuple):
    """A line at `at` (y of a horizontal, x of a vertical one) from `low` to `high`, in points."""

    at: float
    low: float
    high: float


class Rules(NamedTuple):
    """The rules of a page, measured from the corner of what is shown."""

    across: list[Rule]
    down: list[Rule]


def find_rules(page: Any, bounds: tuple[float, float, float, float]) -> Rules:
    """Return the rules of a pypdfium2 page; `bounds` is what is shown (left, bottom, right, top)."""
    rules = Rules([], [])
    paths = page_paths(page.raw, MAX_PATHS)
    if len(paths) < 3:
        return rules
    x, y = bounds[:2]
    area = (bounds[2] - x) * (bounds[3] - y)
    for path, (left, bottom, right, top) in zip(paths, object_bounds(paths), strict=True):
        wide, tall = right - left, top - bottom
        if wide * tall > 0.8 * area:
            continue
        if tall <= THIN_POINTS and wide >= SHORTEST_POINTS:
            rules.across.append(Rule((top + bottom) / 2 - y, left - x, right - x))
        elif wide <= THIN_POINTS and tall >= SHORTEST_POINTS:
            rules.down.append(Rule((left + right) / 2 - x, bottom - y, top - y))
        elif tall > THIN_POINTS and wide > THIN_POINTS and is_drawn(path):
            if BOX_SEGMENTS[0] <= segments_of(path) <= BOX_SEGMENTS[1]:
                rules.across.extend(Rule(edge - y, left - x, right - x) for edge in (bottom, top))
                rules.down.extend(Rule(edge - x, bottom - y, top - y) for edge in (left, right))
            else:
                _add_edges(path, rules, (x, y))
    return rules


def _add_edges(path: int, rules: Rules, origin: tuple[float, float]) -> None:
    """Add the straight edges of a path that has no curves."""
    handle = ctypes.cast(path, pdfium.FPDF_PAGEOBJECT)
    count = pdfium.FPDFPath_CountSegments(handle)
    matrix = pdfium.FS_MATRIX()
    if not 2 <= count <= MAX_SEGMENTS or not pdfium.FPDFPageObj_GetMatrix(handle, matrix):
        return
    points = _corners(handle, count)
    x, y = origin
    placed = [
        (kind, matrix.a * u + matrix.c * v + matrix.e - x, matrix.b * u + matrix.d * v + matrix.f - y)
        for kind, u, v in points
    ]
    for (_, u0, v0), (kind, u1, v1) in itertools.pairwise(placed):
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            continue
        if abs(v0 - v1) < 1 and abs(u0 - u1) >= SHORTEST_POINTS:
            rules.across.append(Rule((v0 + v1) / 2, min(u0, u1), max(u0, u1)))
        elif abs(u0 - u1) < 1 and abs(v0 - v1) >= SHORTEST_POINTS:
            rules.down.append(Rule((u0 + u1) / 2, min(v0, v1), max(v0, v1)))


def _corners(handle: Any, count: int) -> list[tuple[int, float, float]]:
    """Return (kind, x, y) of the points of a path, each closed figure ending where it began; none if it has a curve."""
    points: list[tuple[int, float, float]] = []
    start = (0.0, 0.0)
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(handle, index)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind not in (pdfium.FPDF_SEGMENT_MOVETO, pdfium.FPDF_SEGMENT_LINETO):
            return []
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = (x.value, y.value)
        points.append((kind, x.value, y.value))
        if pdfium.FPDFPathSegment_GetClose(segment):
            points.append((pdfium.FPDF_SEGMENT_LINETO, *start))
    return points
