"""Tables of JATS, XHTML and OASIS (CALS) ones, as Markdown pipe tables.

A Markdown table has one header row and no spans, so spans are written out: a cell that spans columns or rows is
repeated in each, because a dose that holds for two columns must stand in both; only a cell as wide as the table is
written once. The rows of a head are joined column by column with a colon ("Group A: n (%)"). Pipes in cells are
escaped, line breaks become blanks. Caption and footnotes are not here (`sources.parse.jats_float`).
"""

from lxml import etree

from sources.parse.jats_element import every, first, local, stray_texts
from sources.parse.jats_text import Block, flat, tidy
from sources.parse.jats_walk import Walk

MAX_SPAN = 200
"""Columns or rows one cell may span, and columns a table may have: a guard against absurd attributes."""

_Cell = tuple[str, int, int]
_GROUPS = frozenset({"thead", "tbody", "tfoot"})
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
    head: list[etree._Element] = []
    body: list[etree._Element] = []
    foot: list[etree._Element] = []
    others: list[Block] = []
    for child in group:
        name = local(child)
        if name in _GROUPS:
            rows = {"thead": head, "tfoot": foot}.get(name, body)
            rows += [row for row in child if local(row) in {"tr", "row"}]
        elif name in {"tr", "row"}:
            body.append(child)
        elif name not in _NOT_ROWS:
            others += walk.flow(child)
    columns = _named_columns(group)
    head_grid = _grid([_cells(walk, row, columns) for row in head], head=True)
    grid = _grid([_cells(walk, row, columns) for row in [*body, *foot]], head=False)
    table = _markdown(head_grid, grid)
    others += stray_texts(group)
    return [*others, table] if table else others


def _cells(walk: Walk, row: etree._Element, columns: dict[str, tuple[int, int]]) -> list[_Cell]:
    return [(_cell_text(walk, cell), _width(cell, columns), _height(cell)) for cell in row]


def _cell_text(walk: Walk, cell: etree._Element) -> str:
    if not len(cell):
        text = tidy(cell.text or "")
    else:
        text = " ".join(" ".join(block.split("\n")) for block in flat(walk.flow(cell)))
    return tidy(text).replace("|", "\\|")


def _number(value: str | None, default: int) -> int:
    """Return a span attribute as a number within reason."""
    if value is None:
        return default
    digits = value.strip()
    return min(int(digits[:6]), MAX_SPAN) if digits.isascii() and digits.isdigit() else default


def _named_columns(group: etree._Element) -> dict[str, tuple[int, int]]:
    """Return the first and last column (from 0) of the column and span names of a CALS table."""
    named: dict[str, tuple[int, int]] = {}
    for place, spec in enumerate(every(group, "colspec")):
        at = _number(spec.get("colnum"), place + 1) - 1
        named[spec.get("colname") or f"col{place + 1}"] = (at, at)
    for spec in every(group, "spanspec"):
        start, end = named.get(spec.get("namest") or ""), named.get(spec.get("nameend") or "")
        if start and end:
            named[spec.get("spanname") or ""] = (start[0], end[1])
    return named


def _width(cell: etree._Element, columns: dict[str, tuple[int, int]]) -> int:
    if not columns:
        return max(1, _number(cell.get("colspan"), 1))
    if (span := columns.get(cell.get("spanname") or "")) is not None:
        return span[1] - span[0] + 1
    start, end = columns.get(cell.get("namest") or ""), columns.get(cell.get("nameend") or "")
    if start and end:
        return max(1, end[1] - start[0] + 1)
    return max(1, _number(cell.get("colspan"), 1))


def _height(cell: etree._Element) -> int:
    if (more := cell.get("morerows")) is not None:
        return _number(more, 0) + 1
    rows = _number(cell.get("rowspan"), 1)
    return rows or MAX_SPAN  # rowspan="0" means: down to the end


def _grid(rows: list[list[_Cell]], *, head: bool) -> list[list[str]]:
    """Return the rows with every span written out; all rows end at the last row of the group."""
    out: list[list[str]] = []
    pending: dict[int, tuple[str, int]] = {}
    full_width = max((sum(width for _, width, _ in row) for row in rows), default=0)
    for row in rows:
        line: dict[int, str] = {}
        below: dict[int, tuple[str, int]] = {}
        for at, (text, left) in pending.items():
            line[at] = text
            if left > 1:
                below[at] = (text, left - 1)
        at = 0
        for text, width, height in row:
            while at in line:
                at += 1
            repeated = head or width < full_width
            for offset in range(width):
                line[at + offset] = text if repeated or not offset else ""
                if height > 1:
                    below[at + offset] = (line[at + offset], height - 1)
            at += width
        pending = below
        out.append([line.get(place, "") for place in range(max(line, default=-1) + 1)])
    return out


def _markdown(head: list[list[str]], body: list[list[str]]) -> str:
    """Return a pipe table; without a head the first row stands in its place, as Markdown must have one."""
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
