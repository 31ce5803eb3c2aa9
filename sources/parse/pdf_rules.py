"""Ruled lines of PDF pages: the horizontal and vertical strokes, thin boxes and edges of boxes that can part cells.

pdfium gives a path's bounding box in one call, which settles a stroke or a thin box; only larger paths are walked
point by point, and those with curves (drawings, letters set as outlines) are left out. Nothing is looked for inside
form objects. The paths of several pages are looked at together.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sources.parse.pdf_arrays import Paths

MAX_SEGMENTS = 400
THIN_POINTS = 3.0
SHORTEST_POINTS = 6.0
Lines = npt.NDArray[np.float64]
"""Rows of `at` (y of a horizontal, x of a vertical line), `low` and `high`, from where to where it runs, in points."""
_Ints = npt.NDArray[np.int64]
_Column = npt.NDArray[np.float64]
_Part = tuple[_Ints, _Column, _Column, _Column]
"""Numbers of paths, in order, and at, low and high of a line of each."""


class Rules(NamedTuple):
    """The rules of a page, measured from the corner of what is shown."""

    across: Lines
    down: Lines


NO_RULES = Rules(np.zeros((0, 3)), np.zeros((0, 3)))


def find_rules(paths: Paths, counts: Sequence[int], bounds: Sequence[tuple[float, float, float, float]]) -> list[Rules]:
    """Return the rules of each page, from how many `paths` it has and what it shows (left, bottom, right, top)."""
    if max(counts) < 3:
        return [NO_RULES] * len(counts)
    page = np.repeat(np.arange(len(counts)), counts)
    found, sheet = paths.rows.filled(), np.array(bounds)
    left, bottom, right, top = found["bounds"].astype(np.float64).T
    wide, tall = right - left, top - bottom
    most = 0.8 * ((sheet[:, 2] - sheet[:, 0]) * (sheet[:, 3] - sheet[:, 1]))
    part = (wide * tall <= most[page]) & (np.array(counts) >= 3)[page]
    flat = np.flatnonzero(part & (tall <= THIN_POINTS) & (wide >= SHORTEST_POINTS))
    steep = np.flatnonzero(part & (wide <= THIN_POINTS) & (tall >= SHORTEST_POINTS))
    across: list[_Part] = [(flat, (top + bottom)[flat] / 2, left[flat], right[flat])]
    down: list[_Part] = [(steep, (left + right)[steep] / 2, bottom[steep], top[steep])]
    large = part & (tall > THIN_POINTS) & (wide > THIN_POINTS) & (found["drawn"] > 0)
    boxes = np.flatnonzero(large & ((found["segments"] == 4) | (found["segments"] == 5)))  # closed or not
    across += [(boxes, edge[boxes], left[boxes], right[boxes]) for edge in (bottom, top)]
    down += [(boxes, edge[boxes], bottom[boxes], top[boxes]) for edge in (left, right)]
    if paths.lines:
        _add_edges(paths, part, across, down)
    x, y = sheet[:, 0], sheet[:, 1]
    return list(map(Rules, _by_page(across, page, (y, x, x)), _by_page(down, page, (x, y, y))))


def _add_edges(paths: Paths, part: npt.NDArray[np.bool_], across: list[_Part], down: list[_Part]) -> None:
    """Add the level and upright lines of the paths that were walked."""
    number = np.array([number for number, _ in paths.lines])
    u0, v0, u1, v1 = np.array([line for _, line in paths.lines]).T
    wide, tall = np.abs(u0 - u1), np.abs(v0 - v1)
    flat = np.flatnonzero(part[number] & (tall < 1) & (wide >= SHORTEST_POINTS))
    steep = np.flatnonzero(part[number] & (wide < 1) & (tall >= SHORTEST_POINTS))
    across.append((number[flat], ((v0 + v1) / 2)[flat], np.minimum(u0, u1)[flat], np.maximum(u0, u1)[flat]))
    down.append((number[steep], ((u0 + u1) / 2)[steep], np.minimum(v0, v1)[steep], np.maximum(v0, v1)[steep]))


def _by_page(parts: Sequence[_Part], page: _Ints, origin: tuple[_Column, _Column, _Column]) -> list[Lines]:
    """Return the lines of each page, measured from its `origin`; those in one place, to a point, as they run."""
    number, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    of_page = page[number]
    at, low, high = (column - corner[of_page] for column, corner in zip(columns, origin, strict=True))
    order = np.lexsort((number, low, np.round(at), of_page))
    lines = np.stack((at, low, high), axis=1).take(order, 0)
    ends = np.searchsorted(of_page[order], np.arange(len(origin[0]) + 1)).tolist()
    return [lines[first:end] for first, end in pairwise(ends)]
