"""Rules of a page -> grids: the cells that ruled lines enclose, spans included, when they tile without doubt.

Rules that cross or touch belong together. Their places are the cuts of a grid, and neighbours without a rule between
them are one cell, as the reader sees it. A cell that is no rectangle shows that the lines are a drawing or a flow
chart, not a table: then there is no grid. Sides that no rule closes end where the rules across them end.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import product
from math import inf
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sources.parse.pdf_rules import Lines, Rules

TOUCH_POINTS = 4.0
SHORTEST_POINTS = 9.0
MAX_RULES = 1500
MIN_HELD = 4
"""Rules around fewer fragments than this are no table: it has two rows of two cells, or three lines beside a cell."""
MAX_COLUMNS, MAX_ROWS = 40, 250


Place = tuple[int, int]
_Rule = tuple[float, float, float]
"""At, low and high, as in Lines."""


class Cell(NamedTuple):
    """A cell: rows [top_row, end_row) and columns [left_column, end_column) of its grid, and its box in points."""

    top_row: int
    end_row: int
    left_column: int
    end_column: int
    x0: float
    y0: float
    x1: float
    y1: float


class Grid(NamedTuple):
    """The cells of a table from the top left, row by row, and the cuts between columns and, upwards, between rows."""

    cells: list[Cell]
    xs: list[float]
    ys: list[float]
    owners: list[list[int]]
    """Which of the cells holds each row and column."""

    @property
    def rows(self) -> int:
        """How many rows there are between the cuts."""
        return len(self.ys) - 1

    @property
    def columns(self) -> int:
        """How many columns there are between the cuts."""
        return len(self.xs) - 1

    def cell_at(self, x: float, y: float) -> int | None:
        """Return which cell holds a point; None outside of all."""
        xs, ys = self.xs, self.ys
        if not (xs[0] <= x < xs[-1] and ys[0] <= y < ys[-1]):
            return None
        return self.owners[len(ys) - 1 - bisect(ys, y)][bisect(xs, x) - 1]


def find_grids(rules: Rules, middles: Sequence[tuple[float, float]]) -> list[Grid]:
    """Return the grids of a page that have at least two columns and text; `middles` (x, y) are those of fragments."""
    if len(rules.across) + len(rules.down) > MAX_RULES:
        return []
    upright = _joined(rules.down)
    flat = _joined(rules.across) if upright else []
    if len(flat) < 2:
        return []
    at, low, high = np.array(upright).T
    place, left, right = np.array(flat).T[:, :, None]
    meets = (at >= left - TOUCH_POINTS) & (at <= right + TOUCH_POINTS)
    meets &= (place >= low - TOUCH_POINTS) & (place <= high + TOUCH_POINTS)
    grids = []
    for rows, columns in _touching(meets):
        if grid := _grid([flat[n] for n in rows], [upright[n] for n in columns], middles):
            grids.append(grid)
    return grids


def _touching(meets: npt.NDArray[np.bool_]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the rules (rows and columns of `meets`) that touch, through others or not; one alone makes no grid."""
    columns_of: list[list[int]] = [[] for _ in range(meets.shape[0])]
    rows_of: list[list[int]] = [[] for _ in range(meets.shape[1])]
    for row, column in np.argwhere(meets).tolist():
        columns_of[row].append(column)
        rows_of[column].append(row)
    seen: set[int] = set()
    for start, touched in enumerate(rows_of):
        if start in seen or len(touched) < 2:
            continue
        rows, columns, todo = set(), {start}, [start]
        while todo:
            for row in rows_of[todo.pop()]:
                if row not in rows:
                    rows.add(row)
                    todo += [column for column in columns_of[row] if column not in columns]
                    columns.update(columns_of[row])
        seen |= columns
        yield sorted(rows), sorted(columns)


def _joined(rules: Lines) -> list[_Rule]:
    """Return rules with the parts of one line put together, without short ones."""
    joined: list[_Rule] = []
    last_at, last_low, last_high = -inf, 0.0, 0.0
    for at, low, high in rules.tolist():
        if at - last_at < 1.5 and low <= last_high + TOUCH_POINTS and last_low - TOUCH_POINTS <= high:
            last_low = low if low < last_low else last_low
            last_high = high if high > last_high else last_high
        else:
            joined.append((last_at, last_low, last_high))
            last_at, last_low, last_high = at, low, high
    joined.append((last_at, last_low, last_high))
    return [rule for rule in joined if rule[2] - rule[1] > SHORTEST_POINTS]


def _grid(across: Sequence[_Rule], down: Sequence[_Rule], middles: Sequence[tuple[float, float]]) -> Grid | None:
    """Return the grid of rules that touch; None when they part no columns or text, or enclose what is no rectangle."""
    (places, lefts, rights), (ats, lows, highs) = zip(*across, strict=True), zip(*down, strict=True)
    xs = _cuts([*ats, min(lefts), max(rights)])
    ys = _cuts([*places, min(lows), max(highs)])[::-1]
    columns, rows = len(xs) - 1, len(ys) - 1
    if ys and ys[0] - ys[-1] < 2 * SHORTEST_POINTS:
        return None
    if not (2 <= columns <= MAX_COLUMNS and 1 <= rows <= MAX_ROWS):
        return None
    if len([x for x, y in middles if xs[0] <= x < xs[-1] and ys[-1] <= y < ys[0]]) < MIN_HELD:
        return None
    centres = (np.array(xs[1:]) + xs[:-1]) / 2, (np.array(ys[1:]) + ys[:-1]) / 2
    beside, above = _ruled(np.array(down), xs[1:-1], centres[1]), _ruled(np.array(across), ys[1:-1], centres[0])
    cells = []
    for members in _enclosed(beside.tolist(), above.tolist(), rows, columns):
        (top, bottom), (left, right) = ((min(places), max(places)) for places in zip(*members, strict=True))
        if len(members) != (bottom - top + 1) * (right - left + 1):
            return None
        cells.append(Cell(top, bottom + 1, left, right + 1, xs[left], ys[bottom + 1], xs[right + 1], ys[top]))
    cells.sort()
    owners = [[0] * columns for _ in range(rows)]
    for number, cell in enumerate(cells):
        for row in range(cell.top_row, cell.end_row):
            owners[row][cell.left_column : cell.end_column] = [number] * (cell.end_column - cell.left_column)
    return Grid(cells, xs, ys[::-1], owners)


def _enclosed(beside: list[list[bool]], above: list[list[bool]], rows: int, columns: int) -> list[list[Place]]:
    """Return the places (row, column) that no rule parts; `beside` and `above` say by cut where one runs."""
    found: list[list[Place]] = []
    seen: set[Place] = set()
    for start in product(range(rows), range(columns)):
        if start in seen:
            continue
        seen.add(start)
        members = [start]
        for i, j in members:
            open_sides = (
                (i, j + 1, j + 1 < columns and not beside[j][i]),
                (i, j - 1, j > 0 and not beside[j - 1][i]),
                (i + 1, j, i + 1 < rows and not above[i][j]),
                (i - 1, j, i > 0 and not above[i - 1][j]),
            )
            for row, column, is_open in open_sides:
                if is_open and (row, column) not in seen:
                    seen.add((row, column))
                    members.append((row, column))
        found.append(members)
    return found


def _cuts(places: Sequence[float]) -> list[float]:
    """Return places in ascending order, those nearer than two letters taken together."""
    cuts: list[float] = []
    for place in sorted(places):
        if not cuts or place - cuts[-1] > TOUCH_POINTS:
            cuts.append(place)
    return cuts


def _ruled(rules: Lines, cuts: Sequence[float], places: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Say which of `places` along each of the cuts of the grid one of `rules` passes."""
    near = np.abs(np.array(cuts)[:, None] - rules[:, 0]) <= TOUCH_POINTS
    passes = (rules[:, 1, None] - 1 <= places) & (rules[:, 2, None] + 1 >= places)
    return near @ passes
