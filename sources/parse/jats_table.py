"""Tables of JATS, XHTML and OASIS (CALS) ones, as Markdown pipe tables.

A Markdown table has one header row and no spans, so spans are written out: a cell that spans columns or rows is
repeated in each, because a dose that holds for two columns must stand in both; only a cell as wide as the table is
written once. Where a cell claims more columns than there are, only those in which a cell begins are written. The rows
of a head are joined column by column with a colon ("Group A: n (%)"). Pipes in cells are escaped, line breaks become
blanks. Caption and footnotes are not here (`sources.parse.jats_float`).
"""

import re

from lxml import etree

from sources.parse.cals_columns import MAX_SPAN, Columns, attributes, height, named_columns, number, place, plain_spans
from sources.parse.jats_element import children_of, every, first, local, stray_texts
from sources.parse.jats_text import Block, flat, tidy
from sources.parse.jats_walk import Walk

_Cell = tuple[str, int | None, int, int]
"""Text, column it starts in (from 0; None: the next free one), width in columns, height in rows."""
_ALONE = (None, 1, 1)
_NOT_ROWS = frozenset({"col", "colgroup", "colspec", "spanspec"})


def table_blocks(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a `table` as Markdown blocks: what stands in it beside rows (a caption, a title), then the grid."""
    groups = every(element, "tgroup") or [element]
    out: list[Block] = []
    if groups[0] is not element:
        out += walk.flow(element, frozenset({"tgroup"}))
    for group in groups:
        out += _one_grid(walk, group)
    return out


def _one_grid(walk: Walk, group: etree._Element) -> list[Block]:
    rows: dict[str, list[list[list[_Cell]]]] = {"thead": [], "tbody": [], "tfoot": []}
    others: list[Block] = []
    loose: list[list[_Cell]] = []
    columns = named_columns(group)
    for child in children_of(group):
        name = local(child)
        if name in rows:
            parts = children_of(child)  # kept, so that lxml wraps each of them once only
            own = named_columns(parts) or columns
            rows[name].append([line for row in parts if local(row) in {"tr", "row"} for line in _lines(walk, row, own)])
        elif name in {"tr", "row"}:
            if not rows["tbody"] or rows["tbody"][-1] is not loose:
                rows["tbody"].append(loose := [])
            loose += _lines(walk, child, columns)
        elif name not in _NOT_ROWS:
            others += walk.flow(child)
    body = [*rows["tbody"], *rows["tfoot"]]
    full_width = max(max(map(_full_width, body), default=0), max((end + 1 for _, end in columns.values()), default=0))
    begun = {column for first, last in columns.values() for column in range(first, last + 1)}
    head = [line for part in rows["thead"] for line in _grid(part, MAX_SPAN + 1, begun)]
    lines = [line for part in body for line in _grid(part, full_width, begun)]
    if max((cell[2] for part in (*rows["thead"], *body) for row in part for cell in row), default=0) > len(begun):
        head, lines = _only(begun, head), _only(begun, lines)
    table = pipe_table(head, lines)
    others += stray_texts(group)
    return [*others, table] if table else others


def _lines(walk: Walk, row: etree._Element, columns: Columns) -> list[list[_Cell]]:
    """Return the rows of the grid that a row makes: several where a table stands among its cells (CALS `entrytbl`).

    The rows of that table are rows of the grid, in the columns that it goes over; the cells beside it span them.
    """
    if local(row) == "tr" or first(row, "entrytbl") is None:
        return [_cells(walk, row, columns)]
    tables = {cell: _table_lines(walk, cell) for cell in every(row, "entrytbl")}
    lines: list[list[_Cell]] = [[] for _ in range(max(1, *map(len, tables.values()), 0))]
    at = 0
    for cell in row:
        own = attributes(cell)
        start, width = place(own, columns)
        at = at if start is None else start
        if cell in tables:
            width = max(width, number(own.get("cols"), 1))
            for line, inner in zip(lines, tables[cell], strict=False):
                line += [(text, at + column, wide, high) for text, column, wide, high in inner]
        else:
            lines[0].append((_cell_text(walk, cell), at, width, height(own) + len(lines) - 1))
        at += width
    return lines


def _table_lines(walk: Walk, table: etree._Element) -> list[list[tuple[str, int, int, int]]]:
    """Return the rows of an `entrytbl`, head first, each cell with the column (from 0) it starts in."""
    columns = named_columns(table)
    out: list[list[tuple[str, int, int, int]]] = []
    for row in (row for part in table for row in part if local(row) == "row"):
        at, line = 0, []
        for text, start, width, rows_high in _cells(walk, row, columns):
            at = at if start is None else start
            line.append((text, at, width, rows_high))
            at += width
        out.append(line)
    return out


def _cells(walk: Walk, row: etree._Element, columns: Columns) -> list[_Cell]:
    cells = children_of(row)
    if not columns:
        return [(_cell_text(walk, cell), *plain_spans(tuple(cell.items()))) for cell in cells]
    return [(_cell_text(walk, cell), *place(own := attributes(cell), columns), height(own)) for cell in cells]


def _cell_text(walk: Walk, cell: etree._Element) -> str:
    text = " ".join(map(_one_line, flat(walk.flow(cell)))) if len(cell) else cell.text
    return "" if not text or text.isspace() else tidy(text).replace("|", "\\|")


def _one_line(block: str) -> str:
    """Return a block on one line; a table within a cell as `1, 2; 3, 4`."""
    if not block.startswith("| ") or "\n| ---" not in block:
        return block.replace("\n", " ")
    head, _, *rows = block[2:-2].split(" |\n| ")
    texts = (re.split(r"(?<!\\) \| ", f" {row}") for row in (head, *rows))
    return "; ".join(", ".join(filter(None, map(str.strip, cells))) for cells in texts).replace("\\|", "|")


def _full_width(rows: list[list[_Cell]]) -> int:
    return max((sum(width for _, _, width, _ in row) for row in rows), default=0)


def _only(columns: set[int], lines: list[list[str]]) -> list[list[str]]:
    """Return lines without the columns in which no cell begins: those only repeat the column before."""
    kept = sorted(columns)
    return [[line[at] for at in kept if at < len(line)] for line in lines]


def _grid(rows: list[list[_Cell]], full_width: int, begun: set[int]) -> list[list[str]]:
    """Return the rows with every span written out, but for cells of `full_width`; spans end with the rows.

    The columns in which a cell begins are added to `begun`.
    """
    out: list[list[str]] = []
    pending: dict[int, tuple[str, int]] = {}
    for row in rows:
        if not pending and {cell[1:] for cell in row} <= {_ALONE}:
            out.append([cell[0] for cell in row])
            begun.update(range(len(row)))
            continue
        line = {at: text for at, (text, _) in pending.items()}
        below = {at: (text, left - 1) for at, (text, left) in pending.items() if left > 1}
        at = 0
        for text, start, width, rows_high in row:
            at = at if start is None else start
            while at in line:
                at += 1
            begun.add(at)
            for offset in range(width):
                if offset and at + offset in line:
                    continue  # taken by another cell, whose text must stay
                line[at + offset] = text if width < full_width or not offset else ""
                if rows_high > 1:
                    below[at + offset] = (line[at + offset], rows_high - 1)
            at += width
        pending = below
        out.append([line.get(column, "") for column in range(max(line, default=-1) + 1)])
    return out


def pipe_table(head: list[list[str]], body: list[list[str]]) -> str:
    """Return rows of escaped cells as a pipe table; without a head the first row stands in its place."""
    body = [row for row in body if any(row)]
    columns = max((len(row) for row in [*head, *body]), default=0)
    if not any(any(row) for row in [*head, *body]):
        return ""
    if any(any(row) for row in head):
        padded = [row + [""] * (columns - len(row)) for row in head]
        title = [_stacked([row[at] for row in padded]) for at in range(columns)]
    else:
        title, body = body[0], body[1:]
    lines = [title, ["---"] * columns, *body]
    return "\n".join("| " + " | ".join(row + [""] * (columns - len(row))) + " |" for row in lines)


def _stacked(texts: list[str]) -> str:
    """Return the header texts of one column, top to bottom, each once."""
    distinct: list[str] = []
    for text in texts:
        if text and text not in distinct:
            distinct.append(text)
    return (
        ": ".join(text.rstrip(":") for text in distinct[:-1])
        + (": " if len(distinct) > 1 else "")
        + "".join(distinct[-1:])
    )


def array_blocks(walk: Walk, element: etree._Element) -> list[Block]:
    """Return an `array`: a table without a frame, rows directly inside."""
    label = walk.line(first(element, "label"))
    rest: list[Block] = [label] if label else []
    return [*rest, *_one_grid(walk, element)] if first(element, "tbody") is not None else walk.flow(element)
