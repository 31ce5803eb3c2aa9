"""Rules of a page -> grids: the cells that ruled lines enclose, spans included, when they tile without doubt.

Rules that cross or touch belong together. Their places are the cuts of a grid, and neighbours without a rule between
them are one cell, as the reader sees it. A cell that is no rectangle shows that the lines are a drawing or a flow
chart, not a table: then there is no grid. Sides that no rule closes end where the rules across them end.
"""

from bisect import bisect
from collections.abc import Sequence
from itertools import product
from math import inf
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sources.parse.pdf_rules import Lines, Rules

TOUCH_POINTS = 4.0
SHORTEST_POINTS = 9.0
MAX_RULES = 1500
MAX_COLUMNS, MAX_ROWS = 40, 250


Place = tuple[int, int]


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


def find_grids(rules: Rules) -> list[Grid]:
    """Return the grids of a page that have at least two columns."""
    if len(rules.across) < 2 or not len(rules.down) or len(rules.across) + len(rules.down) > MAX_RULES:
        return []
    upright = _joined(rules.down)
    flat = _joined(rules.across) if len(upright) else upright
    if len(flat) < 2:
        return []
    meets = (
        (upright[None, :, 0] >= flat[:, None, 1] - TOUCH_POINTS)
        & (upright[None, :, 0] <= flat[:, None, 2] + TOUCH_POINTS)
        & (flat[:, None, 0] >= upright[None, :, 1] - TOUCH_POINTS)
        & (flat[:, None, 0] <= upright[None, :, 2] + TOUCH_POINTS)
    )
    grids = []
    left = np.asarray(meets.sum(axis=0) > 1)
    while left.any():
        columns = np.arange(len(upright)) == np.argmax(left)
        rows = _any(meets[:, columns], 1)
        while (more := _any(meets[rows], 0)).sum() > columns.sum():
            columns, rows = more, _any(meets[:, more], 1)
        left = left & ~columns
        if grid := _grid(flat[rows], upright[columns]):
            grids.append(grid)
    return grids


def _any(meets: npt.NDArray[np.bool_], axis: int) -> npt.NDArray[np.bool_]:
    """Say in which rows (axis 1) or columns (axis 0) anything is true."""
    return np.asarray(meets.any(axis=axis))


def _joined(rules: Lines) -> Lines:
    """Return rules with the parts of one line put together, without short ones."""
    joined: list[tuple[float, float, float]] = []
    order = np.lexsort((rules[:, 1], np.round(rules[:, 0])))
    last_at, last_low, last_high = -inf, 0.0, 0.0
    for at, low, high in rules[order].tolist():
        if abs(last_at - at) < 1.5 and last_low - TOUCH_POINTS <= high and low <= last_high + TOUCH_POINTS:
            last_low, last_high = min(last_low, low), max(last_high, high)
        else:
            joined.append((last_at, last_low, last_high))
            last_at, last_low, last_high = at, low, high
    lines: Lines = np.array([*joined[1:], (last_at, last_low, last_high)])
    long: Lines = lines[lines[:, 2] - lines[:, 1] > SHORTEST_POINTS]
    return long


def _grid(across: Lines, down: Lines) -> Grid | None:
    """Return the grid of rules that touch, or None when they part no columns or enclose what is no rectangle."""
    xs = _cuts([*down[:, 0].tolist(), float(across[:, 1].min()), float(across[:, 2].max())])
    ys = _cuts([*across[:, 0].tolist(), float(down[:, 1].min()), float(down[:, 2].max())])[::-1]
    columns, rows = len(xs) - 1, len(ys) - 1
    if ys and ys[0] - ys[-1] < 2 * SHORTEST_POINTS:
        return None
    if not (2 <= columns <= MAX_COLUMNS and 1 <= rows <= MAX_ROWS):
        return None
    middles = (np.array(xs[1:]) + xs[:-1]) / 2, (np.array(ys[1:]) + ys[:-1]) / 2
    beside, above = _ruled(down, xs[1:-1], middles[1]), _ruled(across, ys[1:-1], middles[0])
    cells = []
    for members in _enclosed(beside.tolist(), above.tolist(), rows, columns):
        (top, bottom), (left, right) = ((min(places), max(places)) for places in zip(*members, strict=True))
        if len(members) != (bottom - top + 1) * (right - left + 1):
            return None
        cells.append(Cell(top, bottom + 1, left, right + 1, xs[left], ys[bottom + 1], xs[right + 1], ys[top]))
    cells.sort()
    owners = np.zeros((rows, columns), int)
    for number, cell in enumerate(cells):
        owners[cell.top_row : cell.end_row, cell.left_column : cell.end_column] = number
    return Grid(cells, xs, ys[::-1], owners.tolist())


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
