"""Read the rows of CSV and TSV items.

RFC 4180 is followed strictly, because a reader that guesses at quotes shifts cells between columns: a row with the
wrong number of cells or broken quotes is a fault. A quote that is never closed would swallow the rest of the file;
reading takes up again at the line after it.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from sources.parse.part import Fault, Unreadable
from sources.parse.record_fields import Row

_MAX_CELL_CHARACTERS = 512 << 20
_MAX_OPEN_QUOTES = 20

csv.field_size_limit(_MAX_CELL_CHARACTERS)


def csv_rows(body: bytes, options: dict[str, Any]) -> Iterator[Row | Fault]:
    """Yield the rows of a CSV item, named by number from 1 (the header is not counted).

    Options: `delimiter`, `quote` (empty for none), `encoding`, `headers` (false for none), `columns` (names in order,
    for a file without headers). Raises Unreadable: `invalid_encoding`, `bad_header`, `duplicate_column`.
    """
    try:
        text = body.decode(options.get("encoding", "utf-8-sig"), "surrogateescape")
    except UnicodeDecodeError as error:
        raise Unreadable("invalid_encoding", f"at byte {error.start}") from error
    lines = io.StringIO(text, newline="").readlines()
    rows = _cells(lines, options["delimiter"], options.get("quote", '"'))
    columns: list[str] = list(options.get("columns", ()))
    if not columns and options.get("headers", True):
        columns = _header(next(rows, []))
    for number, cells in enumerate(rows, 1):
        if isinstance(cells, str):
            yield Fault(reason="ragged_row", detail=cells, name=str(number))
            continue
        columns = columns or [str(index) for index in range(len(cells))]
        yield _row(cells, columns, str(number))


def _header(cells: list[str] | str) -> list[str]:
    if isinstance(cells, str):
        raise Unreadable("bad_header", cells)
    if twice := {name for name in cells if cells.count(name) > 1}:
        raise Unreadable("duplicate_column", f"{len(twice)} names occur twice")
    return cells


def _row(cells: list[str], columns: list[str], name: str) -> Row | Fault:
    if len(cells) != len(columns):
        return Fault(reason="ragged_row", detail=f"{len(cells)} cells, {len(columns)} columns", name=name)
    try:
        "".join(cells).encode()
    except UnicodeEncodeError as error:
        byte = ord(error.object[error.start]) - 0xDC00
        return Fault(reason="invalid_encoding", detail=f"byte {byte:#04x} is not in the encoding", name=name)
    return Row(dict(zip(columns, cells, strict=True)), name)


def _cells(lines: list[str], delimiter: str, quote: str) -> Iterator[list[str] | str]:
    """Yield the cells of each row, or what is wrong with it. Blank lines are no rows."""
    start, open_quotes = 0, 0
    while start < len(lines):
        rest = iter(lines[start:])
        reader = (
            csv.reader(rest, delimiter=delimiter, quotechar=quote, strict=True)
            if quote
            else csv.reader(rest, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
        )
        begin = start
        while True:
            line = begin + reader.line_num
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield f"{error} (line {line + 1})"
                if begin + reader.line_num >= len(lines) and "end of data" in str(error):
                    open_quotes += 1
                    start = line + 1
                    break
                continue
            if cells is None:
                return
            if cells:
                yield cells
        if open_quotes > _MAX_OPEN_QUOTES:
            yield f"more than {_MAX_OPEN_QUOTES} quotes are never closed; lines from {start + 1} on are given up"
            return
