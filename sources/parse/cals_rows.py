"""Rows of a CALS table rewritten so that a reader who only counts cells puts each one in its column.

HTML tables know no column names, so before a CALS table is renamed to HTML (`xml_tags`) each column that a row
leaves out gets an empty cell, and so does each further column of a wide cell: its text stays in the first, as in
tables of web pages. Rows spanned end with their part of the table. Not here: names of columns (`cals_columns`).
"""

from lxml import etree

from sources.parse.cals_columns import Columns, attributes, height, named_columns, place


def write_out_columns(group: etree._Element) -> None:
    """Give the rows of a CALS group empty cells where a cell is left out or is as wide as several columns."""
    columns = named_columns(group)
    if not columns:
        return
    for section in group:
        if isinstance(section.tag, str) and section.tag.lower() in ("thead", "tbody", "tfoot"):
            own = named_columns(section) or columns
            rows = [row for row in section if isinstance(row.tag, str) and row.tag.lower() in ("row", "tr")]
            covered: dict[int, int] = {}
            for rows_left, row in zip(range(len(rows), 0, -1), rows, strict=True):
                _write_out_row(row, own, covered, rows_left)


def _write_out_row(row: etree._Element, columns: Columns, covered: dict[int, int], rows_left: int) -> None:
    """Place the cells of one row; `covered` counts for each column the rows that a cell above still goes over."""
    taken = {at for at, left in covered.items() if left}
    placed: dict[int, etree._Element] = {}
    at = 0
    for cell in [cell for cell in row if isinstance(cell.tag, str)]:
        own = attributes(cell)
        start, width = place(own, columns)
        rows_high = min(height(own), rows_left)
        at = at if start is None else start
        while at in placed or at in taken:
            at += 1
        for column in range(at, at + width):
            if column not in placed and column not in taken:
                placed[column] = etree.Element("entry") if column > at else cell
                covered[column] = rows_high
                _set_height(placed[column], rows_high)
        at += width
    for column in range(max(placed, default=0)):
        if column not in placed and column not in taken:
            placed[column] = etree.Element("entry")
    row[:] = [placed[column] for column in sorted(placed)]
    for column in covered:
        covered[column] = max(0, covered[column] - 1)


def _set_height(cell: etree._Element, rows_high: int) -> None:
    cell.attrib.clear()
    cell.set("rowspan", str(rows_high))
