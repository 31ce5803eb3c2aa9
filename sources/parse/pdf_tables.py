"""Fragments -> tables: rows of cells, each a list of printed lines, by ruled grids or by columns of white space.

A wrong column is a clinical error, so a table is only made when every fragment lies in one cell: otherwise the text
stays as it is, in reading order. Rows without a rule between them are parted where two cells begin anew at one height
although there was room on the line above. A cell that spans others stands once, in its first place, and leaves the
rest empty, as in tables of web pages.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from sources.parse.pdf_fragment import Fragment
from sources.parse.pdf_grid import Cell, Grid
from sources.parse.pdf_join import join_lines
from sources.parse.pdf_text import ITEM, RTL

Table = list[list[list[str]]]
"""Rows of cells of lines; a line feed before a line says that it begins anew."""
MAX_CELL_CHARS = 1500
MIN_ENCLOSED_LINES = 3
"""A single row is a table when a cell has so many lines: they must not be read across its neighbours."""
PROSE_SPACES = 3
"""A cell with more spaces a line than this holds sentences."""
SLACK_POINTS = 3.0
_VALUE = re.compile(r"[<>≤≥=~±+−-]?\s?[$€£]?\d[\d.,:/]*\s?(?:%|[^\W\d_]{1,5})?[*†‡§]?|[-–—]|n/?a", re.IGNORECASE)
"""A number, with sign and unit or without; or what stands where there is none."""
_LEADERS, _LEADER_SIGNS = re.compile(r"\s*(?:[._…·]\s?){2,}$"), frozenset("._…·")


class CellLine(NamedTuple):
    """One printed line of a cell: text, left and right edge, baseline, height."""

    text: str
    x0: float
    x1: float
    base: float
    height: float


Span = tuple[float, float]


def take_ruled(fragments: Sequence[Fragment], grid: Grid) -> tuple[Table, list[Fragment]] | None:
    """Return the table of a grid and the fragments it holds, or None when the text does not fit its cells."""
    held: list[list[Fragment]] = [[] for _ in grid.cells]
    taken: list[Fragment] = []
    for fragment in fragments:
        at = grid.cell_at((fragment.x0 + fragment.x1) / 2, (fragment.y0 + fragment.y1) / 2)
        if at is None:
            continue
        if not _fits(fragment, grid.cells[at]):
            return None
        held[at].append(fragment)
        taken.append(fragment)
    lines = [_cell_lines(members) if members else [] for members in held]
    if any(sum(len(line.text) for line in cell) > MAX_CELL_CHARS for cell in lines):
        return None
    table = _placed(grid, lines)
    if sum(bool(RTL.search(fragment.text)) for fragment in taken) * 2 > len(taken):
        table = [row[::-1] for row in table]
    filled = sum(sum(map(bool, row)) > 1 for row in table)
    enclosed = filled == 1 and any(len(cell) >= MIN_ENCLOSED_LINES for cell in lines)
    return (table, taken) if filled > 1 or enclosed else None


def _fits(fragment: Fragment, cell: Cell) -> bool:
    """Say whether a fragment lies within a cell, apart from what a letter may hang over."""
    slack = SLACK_POINTS + 0.2 * fragment.height
    return fragment.x0 >= cell.x0 - slack and fragment.x1 <= cell.x1 + slack


def _cell_lines(fragments: Sequence[Fragment]) -> list[CellLine]:
    """Return the lines of a cell from the top."""
    rows: list[list[Fragment]] = []
    for fragment in sorted(fragments, key=lambda f: (-f.base, f.x0)):
        if rows and rows[-1][0].base - fragment.base < 0.4 * min(fragment.height, rows[-1][0].height):
            rows[-1].append(fragment)
        else:
            rows.append([fragment])
    return [_joined(row) for row in rows]


def _joined(row: list[Fragment]) -> CellLine:
    most = row[0]
    text, x0, x1 = most.text.strip(), most.x0, most.x1
    if len(row) > 1:
        rtl = RTL.search("".join([f.text for f in row])) is not None
        text = " ".join([f.text.strip() for f in sorted(row, key=attrgetter("x0"), reverse=rtl)])
        most = max(row, key=lambda f: len(f.text))
        x0, x1 = min([f.x0 for f in row]), max([f.x1 for f in row])
    if text[-1:] in _LEADER_SIGNS and (match := _LEADERS.search(text)):
        x1 = x0 + (x1 - x0) * match.start() / len(text)
    return CellLine(text, x0, x1, most.base, most.height)


def _placed(grid: Grid, lines: Sequence[list[CellLine]]) -> Table:
    """Return the rows of a grid, those without rules parted, without rows and columns that are empty."""
    rows: list[list[list[CellLine]]] = [[[] for _ in range(grid.columns)] for _ in range(grid.rows)]
    edges: list[list[Span]] = [[(0.0, 0.0)] * grid.columns for _ in range(grid.rows)]
    for cell, content in zip(grid.cells, lines, strict=True):
        if content:
            rows[cell.top_row][cell.left_column] = content
            edges[cell.top_row][cell.left_column] = _room(cell, content)
    table: Table = []
    for of_row, its_edges in zip(rows, edges, strict=True):
        table += part_rows(of_row, its_edges)
    table = [cells for cells in table if any(cells)]
    kept = [n for n in range(grid.columns) if any(cells[n] for cells in table)]
    return [[cells[n] for n in kept] for cells in table]


def _room(cell: Cell, lines: Sequence[CellLine]) -> Span:
    """Return the edges between which text is set in a cell: as far from both sides, or, for prose, its longest line."""
    margin = max(0.0, min((min(line.x0 - cell.x0, cell.x1 - line.x1) for line in lines), default=0.0))
    left, right = cell.x0 + margin, cell.x1 - margin
    sentences = sum(line.text.count(" ") for line in lines) > PROSE_SPACES * len(lines)
    if len(lines) > 2 and sentences and not any(line.text[:1].isdigit() for line in lines):
        left, right = max(left, min(line.x0 for line in lines)), min(right, max(line.x1 for line in lines))
    return left, right


def part_rows(cells: Sequence[list[CellLine]], edges: Sequence[Span]) -> Table:
    """Part the lines of one ruled row where rows begin: two cells begin anew there, and none goes on from above.

    Elsewhere a line that begins anew within its cell is marked by a line feed before it. `edges` are those of columns.
    """
    lines = [line for cell in cells for line in cell]
    if not lines:
        return []
    slack = 0.4 * min(line.height for line in lines)
    begins = [_begins(cell, edge) for cell, edge in zip(cells, edges, strict=True)]
    cuts: list[float] = []
    for base in sorted({base for listed in begins for base in listed}, reverse=True):
        anew = [any(abs(other - base) < slack for other in listed) for listed in begins]
        on = [_goes_on(cell, base, slack) and not starts for cell, starts in zip(cells, anew, strict=True)]
        if sum(anew) > 1 and not any(on) and not (cuts and cuts[-1] - base < slack):
            cuts.append(base)
    rows: Table = [[[] for _ in cells] for _ in range(len(cuts) + 1)]
    for column, cell in enumerate(cells):
        for line in cell:
            held = rows[sum(line.base <= cut + slack for cut in cuts)][column]
            held.append("\n" * (bool(held) and line.base in begins[column]) + line.text)
    return rows


def _goes_on(lines: Sequence[CellLine], base: float, slack: float) -> bool:
    """Say whether at `base` a cell has a line that follows one of several words: a single word may be a row's label."""
    return any(abs(line.base - base) < slack and " " in above.text for above, line in pairwise(lines))


def _begins(lines: Sequence[CellLine], edges: Span) -> list[float]:
    """Return the baselines at which a cell's text starts anew although its first word had room on the line above."""
    return [line.base for above, line in pairwise(lines) if not wraps(above, line, edges)]


def wraps(above: CellLine, line: CellLine, edges: Span) -> bool:
    """Say whether `line` may only be there because its first word did not fit behind `above`, within `edges`.

    Two whole values, one below the other, are never one value.
    """
    if _VALUE.fullmatch(above.text) and _VALUE.fullmatch(line.text):
        return False
    word = line.text.split(" ", 1)[0]
    room = (line.x1 - line.x0) * len(word) / max(1, len(line.text)) + 0.8 * line.height
    return above.x0 - room < edges[0] if RTL.search(line.text) else above.x1 + room > edges[1]


def markdown_table(table: Table, known: frozenset[str]) -> str:
    """Return a table as Markdown, its first row as head; lines of a cell are joined as those of a paragraph are."""
    rows = ["| " + " | ".join(_cell_text(cell, known) for cell in row) + " |" for row in table]
    rows.insert(1, "|" + " --- |" * len(table[0]))
    return "\n".join(rows)


def _cell_text(lines: Sequence[str], known: frozenset[str]) -> str:
    """Return a cell on one line: items, and lines marked by a line feed, begin after `<br>`; pipes are escaped."""
    text = ""
    for line in lines:
        if not text:
            text = line
        elif line[0] == "\n" or ITEM.match(line):
            text += "<br>" + line.lstrip("\n")
        else:
            text, _ = join_lines(text, line, known)
    return text.replace("|", "\\|").replace("\n", " ")
