"""Ruled lines of a PDF page: the horizontal and vertical strokes, thin boxes and edges of boxes that can part cells.

pdfium gives a path's bounding box in one call, which settles a stroke or a thin box; only larger paths are walked
point by point, and those with curves (drawings, letters set as outlines) are left out. Nothing is looked for inside
form objects.
"""

from typing import NamedTuple

import numpy as np
import pypdfium2.raw as pdfium

from sources.parse.pdf_calls import is_drawn, segments_of, straight_lines
from sources.parse.pdf_loops import Records

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


def find_rules(objects: Records, bounds: tuple[float, float, float, float]) -> Rules:
    """Return the rules among the objects of an open page; `bounds` is what is shown (left, bottom, right, top)."""
    rules = Rules([], [])
    paths = objects[objects["kind"] == pdfium.FPDF_PAGEOBJ_PATH]
    if len(paths) < 3:
        return rules
    x, y = bounds[:2]
    area = (bounds[2] - x) * (bounds[3] - y)
    boxes = paths["bounds"].astype(np.float64).tolist()
    for path, (left, bottom, right, top) in zip(paths["address"].tolist(), boxes, strict=True):
        wide, tall = right - left, top - bottom
        if wide * tall > 0.8 * area:
            continue
        if tall <= THIN_POINTS and wide >= SHORTEST_POINTS:
            rules.across.append(Rule((top + bottom) / 2 - y, left - x, right - x))
        elif wide <= THIN_POINTS and tall >= SHORTEST_POINTS:
            rules.down.append(Rule((left + right) / 2 - x, bottom - y, top - y))
        elif tall > THIN_POINTS and wide > THIN_POINTS and is_drawn(path):
            segments = segments_of(path)
            if segments in BOX_SEGMENTS:
                rules.across.extend(Rule(edge - y, left - x, right - x) for edge in (bottom, top))
                rules.down.extend(Rule(edge - x, bottom - y, top - y) for edge in (left, right))
            elif segments <= MAX_SEGMENTS:
                _add_edges(path, rules, (x, y))
    return rules


def _add_edges(path: int, rules: Rules, origin: tuple[float, float]) -> None:
    """Add the upright and level lines of a path that has no curves."""
    x, y = origin
    for u0, v0, u1, v1 in straight_lines(path):
        if abs(v0 - v1) < 1 and abs(u0 - u1) >= SHORTEST_POINTS:
            rules.across.append(Rule((v0 + v1) / 2 - y, min(u0, u1) - x, max(u0, u1) - x))
        elif abs(u0 - u1) < 1 and abs(v0 - v1) >= SHORTEST_POINTS:
            rules.down.append(Rule((u0 + u1) / 2 - x, min(v0, v1) - y, max(v0, v1) - y))
