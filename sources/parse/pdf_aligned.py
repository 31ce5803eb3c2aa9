"""Rows of cells -> a table by columns of white space, when every cell lies in one column beyond doubt.

Columns are taken from the rows with the most cells: two whose cells stand under each other, or one and two shorter
rows that fit it. A cell that reaches over two columns is cut where a wide space lies between them; above the first full
row, or alone in its row, it is a head over them and stands in the first. Anything else in doubt means that there is no
table. Columns whose lines all run full are no table either, but prose set side by side.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from sources.parse.pdf_fragment import Gap
from sources.parse.pdf_tables import CellLine, Span, Table, wraps

Row = Sequence[CellLine]
Cells = dict[int, CellLine]
PROSE_SHARE, PROSE_CHARS = 0.8, 20
CLOSE_HEIGHTS = 0.75
"""Lines nearer than this are beside each other: a row's cells are centred against a label of several lines."""


class Aligned(NamedTuple):
    """A table; or, when the rows turn out to be columns of prose, the lines of each column."""

    table: Table
    prose: list[list[CellLine]]


def align(rows: Sequence[Row], gaps: Sequence[Sequence[Gap]]) -> Aligned | None:
    """Return what rows of cells, from the top, make out; `gaps` are the wide spaces within the cells of each row."""
    count = max(len(row) for row in rows)
    full = [row for row in rows if len(row) == count]
    if count < 2 or (len(full) < 2 and not (count > 2 and sum(len(row) > 1 for row in rows) > 2)):
        return None
    columns = [(min(row[n].x0 for row in full), max(row[n].x1 for row in full)) for n in range(count)]
    if any(left[1] >= right[0] for left, right in pairwise(sorted(columns))):
        return None
    placed: list[Cells] = []
    begun = False
    for row, its_gaps in zip(rows, gaps, strict=True):
        cells = _in_columns(row, columns, its_gaps, head=not begun)
        if cells is None:
            return None
        begun = begun or len(row) == count
        placed.append(cells)
    prose = [[cells[n] for cells in placed if n in cells] for n in range(count)]
    if all(_is_prose(lines, edges) for lines, edges in zip(prose, columns, strict=True)):
        return Aligned([], prose)
    return Aligned(_logical_rows(placed, _widened(columns, placed)), [])


def _widened(columns: Sequence[Span], placed: Sequence[Cells]) -> list[Span]:
    """Return the columns as wide as the cells of all rows that stay clear of the next column."""
    wide = list(columns)
    others = [[span for span in columns if span != own] for own in columns]
    for cells in placed:
        for n, cell in cells.items():
            x0, x1 = cell.x0, cell.x1
            if (x0 < wide[n][0] or x1 > wide[n][1]) and not any(x0 < right and x1 > left for left, right in others[n]):
                wide[n] = min(wide[n][0], x0), max(wide[n][1], x1)
    return wide


def _in_columns(row: Row, columns: Sequence[Span], gaps: Sequence[Gap], *, head: bool) -> Cells | None:
    """Return the cells of a row by column; None when one touches no column, or two or more, or two share one."""
    if len(row) == len(columns):
        return dict(enumerate(row))
    found: Cells = {}
    used: set[int] = set()
    for whole in row:
        for cell in _cut(whole, columns, gaps):
            touched = [n for n, (left, right) in enumerate(columns) if cell.x0 < right and cell.x1 > left]
            spans = len(touched) > 1 and not head and len(row) > 1
            if not touched or spans or used & set(touched):
                return None
            used.update(touched)
            found[min(touched)] = cell
    return found


def _cut(cell: CellLine, columns: Sequence[Span], gaps: Sequence[Gap]) -> list[CellLine]:
    """Cut a cell at each of its wide spaces that lies between two columns."""
    parts: list[CellLine] = []
    ordered = sorted(columns)
    for left, right, behind in sorted(gaps):
        between = any(one[1] <= right and left <= other[0] for one, other in pairwise(ordered))
        apart = any(left < other[0] <= right + 1 or left - 1 <= one[1] < right for one, other in pairwise(ordered))
        if between and apart and cell.x0 < left < right < cell.x1 and cell.text.endswith(behind) and behind:
            before = cell.text[: -len(behind)].rstrip()
            parts.append(cell._replace(text=before, x1=left))
            cell = cell._replace(text=behind, x0=right)
    return [part for part in (*parts, cell) if part.text]


def _is_prose(lines: Sequence[CellLine], edges: Span) -> bool:
    """Say whether nearly all lines of a column are long and go on from the one above, evenly spaced."""
    steps = [above.base - line.base for above, line in pairwise(lines)]
    if (
        len(steps) < 2
        or max(steps) > 1.4 * min(steps)
        or sum(len(line.text) for line in lines) < PROSE_CHARS * len(lines)
    ):
        return False
    return sum(wraps(above, line, edges) for above, line in pairwise(lines)) >= PROSE_SHARE * len(steps)


def _logical_rows(placed: Sequence[Cells], columns: Sequence[Span]) -> Table:
    """Return the rows of a table; a printed line that only goes on from the one above is part of its row."""
    table: Table = []
    last: Cells = {}
    full = [_is_full(n, placed, columns) for n in range(len(columns))]
    between = [_stands_beside(placed, number) for number in range(len(placed))]
    for number, cells in enumerate(placed):
        beside = between[number] or (number > 0 and between[number - 1])
        if table and (beside or _goes_on(cells, last, columns)):
            for n, cell in cells.items():
                anew = bool(table[-1][n]) and not beside and not full[n]
                table[-1][n].append("\n" * anew + cell.text)
            last = last | cells
        else:
            table.append([[cells[n].text] if n in cells else [] for n in range(len(columns))])
            last = cells
    return table


def _is_full(column: int, placed: Sequence[Cells], columns: Sequence[Span]) -> bool:
    """Say whether two lines of a column end near its edge, as running text does; the longest of a list stands alone."""
    edge = columns[column][1]
    return sum(column in cells and edge - cells[column].x1 < 2 * cells[column].height for cells in placed) > 1


def _goes_on(cells: Cells, last: Cells, columns: Sequence[Span]) -> bool:
    """Say whether each cell of a line, none of them the first, wraps from the cell right above it."""
    if 0 in cells or not all(n in last for n in cells):
        return False
    return all(
        wraps(last[n], cell, columns[n]) and 0 < last[n].base - cell.base <= 1.3 * cell.height
        for n, cell in cells.items()
    )


def _stands_beside(placed: Sequence[Cells], number: int) -> bool:
    """Say whether a line holds the other cells of a row, half-way between the two lines of its label."""
    if not 0 < number < len(placed) - 1:
        return False
    above, cells, below = placed[number - 1 : number + 2]
    if 0 in cells or not len(above) == len(below) == 1 or 0 not in above or 0 not in below:
        return False
    base = next(iter(cells.values())).base
    limit = CLOSE_HEIGHTS * above[0].height
    return above[0].base - base < limit and base - below[0].base < limit
