"""Blocks of fragments -> lines: what stands on one baseline of a column, with the cells of table rows kept apart.

A row whose fragments lie far apart, beside another such row, is a row of a table and never merged into a paragraph.
Rows whose columns are beyond doubt (`pdf_aligned`) and ruled tables become one line that holds the whole table; the
cells of other rows are joined with ` | `, in reading order. A bullet or number before its text is a label, not a cell.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import inf
from operator import attrgetter

from sources.parse.pdf_aligned import align
from sources.parse.pdf_columns import Block
from sources.parse.pdf_fragment import MIXED, Fragment, Gap
from sources.parse.pdf_tables import CellLine, Table
from sources.parse.pdf_text import BULLETS, ITEM, RTL, compose_accents, expand_ligatures

_LABEL = re.compile(
    rf"[{re.escape(BULLETS)}o]|\(?(\d{{1,2}}|[a-zA-Z]|[ivx]{{1,4}})[.)]|\d{{1,2}}(\.\d{{1,2}}){{1,3}}\.?"
)
NO_EDITS: frozenset[str] = frozenset()
CELL_HEIGHTS = 1.0
_LEADERS = re.compile(r"(?:\s?[._\ufffd·…]){5,}")


@dataclass(slots=True)
class Line:
    """One printed line: its cells (one unless a table row), box, size, weight and the block it came from."""

    cells: list[str]
    x0: float
    x1: float
    y0: float
    y1: float
    base: float
    height: float
    size: float
    bold: bool
    face: bytes
    block: int
    text: str = ""
    """The line as it is written out."""
    spans: Sequence[tuple[float, float]] = ()
    """Left and right edge of each cell, when there are several."""
    gaps: Sequence[Gap] = ()
    """Wide spaces inside cells: left and right edge, and the text behind."""
    table: list[list[list[str]]] | None = None
    """Rows of cells of lines, when this stands for a whole table."""
    spaced: bool = False
    """Whether it ends in Hangul and the file has a space behind it."""
    item: bool = False
    row: bool = False
    edits: frozenset[str] = NO_EDITS


def block_lines(block: Block, number: int) -> list[Line]:
    """Return the lines of a block from the top; `number` tells blocks of a document apart."""
    rows = _rows(block.fragments)
    lines = [_single(row[0], number) if len(row) == 1 else _line(row, number) for row in rows]
    _mark_rows(lines, block.table)
    lines = _with_tables(lines)
    for line in lines:
        if line.table:
            continue
        line.text = line.cells[0] if len(line.cells) == 1 else (" | " if line.row else " ").join(line.cells)
        line.item = not line.row and ITEM.match(line.text) is not None
    return lines


def _with_tables(lines: list[Line]) -> list[Line]:
    """Put tables in place of the rows whose columns are beyond doubt."""
    if True not in [line.row for line in lines]:
        return lines
    found: list[Line] = []
    for is_row, members in groupby(lines, key=lambda line: line.row and not line.table):
        run = list(members)
        aligned = align([_cell_lines(line) for line in run], [line.gaps for line in run]) if is_row else None
        if aligned is None:
            found += run
        elif aligned.prose:
            found += _side_by_side(run, aligned.prose)
        else:
            found.append(table_line(run[0], run[-1], aligned.table))
    return found


def _cell_lines(line: Line) -> list[CellLine]:
    spans, base, height = line.spans or [(line.x0, line.x1)], line.base, line.height
    return [CellLine(text, x0, x1, base, height) for text, (x0, x1) in zip(line.cells, spans, strict=True)]


def _side_by_side(run: Sequence[Line], columns: Sequence[Sequence[CellLine]]) -> list[Line]:
    """Return the lines of columns of prose that a table's rows turned out to be, one column after the other."""
    first = run[0]
    return [
        replace(first, cells=[c.text], x0=c.x0, x1=c.x1, base=c.base, height=c.height, row=False, spans=())
        for column in columns
        for c in column
    ]


def table_line(first: Line, last: Line, table: Table) -> Line:
    """Return the line that stands for a table from `first` to `last`."""
    text = "\n".join("\n".join(cell) for row in table for cell in row)
    return replace(first, cells=[text], y0=last.y0, base=last.base, text=text, row=True, table=table)


def _mark_rows(lines: list[Line], table: bool) -> None:
    """Mark the rows of tables: all of a block that is one, else lines of several cells near another such line."""
    wide = [not line.table and (table or len(line.cells) > 1) for line in lines]
    if True not in wide:
        return
    rows = [w and (table or any(wide[max(0, i - 2) : i] + wide[i + 1 : i + 3])) for i, w in enumerate(wide)]
    for i, line in enumerate(lines):
        line.row = line.row or rows[i] or (any(rows[max(0, i - 2) : i]) and any(rows[i + 1 : i + 3]))
        if not line.row and i and lines[i - 1].row and not lines[i - 1].table:
            line.row = _goes_on_with_row(lines[: i + 1])


def _goes_on_with_row(lines: Sequence[Line]) -> bool:
    """Say whether the cells of the last of `lines` stand right under cells of the row that the lines end with.

    A line of one cell counts only when that is not under the first, where text after a table begins.
    """
    *above, line = lines
    row = next((other for other in reversed(above) if len(other.cells) > 1), None)
    if row is None or above[-1].base - line.base > 1.3 * line.height:
        return False
    lone = len(line.cells) < 2
    edges = [x0 for x0, _ in (row.spans[1:] if lone else row.spans)]
    own = [line.x0] if lone else [x0 for x0, _ in line.spans]
    return all(any(abs(x0 - edge) < 0.3 * line.height for edge in edges) for x0 in own)


def _rows(fragments: Sequence[Fragment]) -> list[list[Fragment]]:
    """Group the fragments of a block by baseline, from the top, each row in its writing direction."""
    rows: list[list[Fragment]] = []
    base, height = inf, 0.0
    for fragment in sorted(fragments, key=attrgetter("base"), reverse=True):
        tall = fragment.height
        if base - fragment.base < 0.4 * (tall if tall < height else height) and not fragment.table:
            rows[-1].append(fragment)
        else:
            rows.append([fragment])
            base, height = inf if fragment.table else fragment.base, tall
    for row in rows:
        if len(row) > 1:
            text = "".join([f.text for f in row])
            rtl = not text.isascii() and len(RTL.findall(text)) * 2 > len(text)
            row.sort(key=(lambda f: -f.x1) if rtl else attrgetter("x0"))
    return rows


def _single(fragment: Fragment, number: int) -> Line:
    """Return the line of a lone fragment."""
    if fragment.table:
        return _ruled(fragment, fragment.table, number)
    f = fragment
    plain, edits = _mended(_tidy(f.text))
    cells = [plain] if plain else []
    line = Line(cells, f.x0, f.x1, f.y0, f.y1, f.base, f.height, f.size, f.bold, f.face, number)
    line.edits, line.gaps, line.spaced = edits, f.gaps, f.spaced
    return line


def _ruled(f: Fragment, table: Table, number: int) -> Line:
    """Return the line that stands for a ruled table."""
    tidy = [[["\n" * text.startswith("\n") + _tidy(text) for text in cell] for cell in row] for row in table]
    plain = [[[_mended(text)[0] for text in cell] for cell in row] for row in tidy]
    line = Line([""], f.x0, f.x1, f.y0, f.y1, f.base, f.height, f.size, False, MIXED, number)
    found = table_line(line, line, plain)
    found.edits = frozenset().union(*(_mended(text)[1] for row in tidy for cell in row for text in cell))
    return found


def _mended(text: str) -> tuple[str, frozenset[str]]:
    """Return a text with its accents and ligatures as letters, and the names of the edits."""
    if text.isascii():
        return text, NO_EDITS
    composed = compose_accents(text)
    plain = expand_ligatures(composed)
    return plain, frozenset(["accents_composed"] * (composed != text) + ["ligatures_expanded"] * (plain != composed))


def _tidy(text: str) -> str:
    """Return a cell's text without space around it, leaders of dots cut to one sign."""
    text = text.strip()
    if "..." in text or ". ." in text or (not text.isascii() and ("…" in text or "·" in text or "\ufffd" in text)):
        text = _LEADERS.sub(" … ", text).strip()
    return text


def _line(row: list[Fragment], number: int) -> Line:
    """Return the line of a row: near fragments become one cell, a leading label joins the cell after it."""
    cells: list[str] = []
    spans: list[tuple[float, float]] = []
    last: Fragment | None = None
    for fragment in row:
        text = _tidy(fragment.text)
        gap = CELL_HEIGHTS + 1 if last is None else _gap(last, fragment)
        if cells and (gap <= CELL_HEIGHTS or (len(cells) == 1 and _LABEL.fullmatch(cells[0]))):
            apart = gap > 0.1 or (cells[-1][-1].isdigit() and text[:1].isalpha())
            cells[-1] += " " * apart + text
            spans[-1] = (min(spans[-1][0], fragment.x0), max(spans[-1][1], fragment.x1))
        elif text:
            cells.append(text)
            spans.append((fragment.x0, fragment.x1))
        last = fragment
    most = max(row, key=lambda f: len(f.text))
    edits = NO_EDITS
    for n, cell in enumerate(cells):
        if not cell.isascii():
            cells[n], made = _mended(cell)
            edits |= made
    return Line(
        cells=cells,
        x0=min([f.x0 for f in row]),
        x1=max([f.x1 for f in row]),
        y0=min([f.y0 for f in row]),
        y1=max([f.y1 for f in row]),
        base=most.base,
        height=most.height,
        size=most.size,
        bold=False not in [f.bold for f in row],
        face=most.face,
        block=number,
        spans=spans,
        gaps=[gap for f in row for gap in f.gaps],
        spaced=row[-1].spaced,
        edits=edits,
    )


def _gap(left: Fragment, right: Fragment) -> float:
    """Return the free space between two fragments of a row in line heights, whichever comes first."""
    return max(right.x0 - left.x1, left.x0 - right.x1) / max(left.height, right.height, 0.1)
