"""Tables: which ones hold data, and those as Markdown pipe tables with every cell.

A dose table whose cells run together is worse than none. A table is data unless it is used for layout (nested
tables, headings inside, one column, or a role that says so); layout tables are read as blocks by the caller.
Spanned cells stand once, in their first place, and leave the rest of the span empty, so columns stay aligned.
Line breaks and paragraphs inside a cell become `<br>`. Not here: guessing headers that the page does not mark.
"""

import re

from lxml import etree

MAX_COLUMNS = 200
"""A grid that spans would make wider than this is written without its spans."""
_BREAKS = frozenset({
    "p", "div", "li", "br", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre",
    "section", "tr", "hr", "address", "article", "aside", "center", "details", "dir", "fieldset", "figcaption",
    "figure", "footer", "form", "header", "legend", "main", "menu", "nav", "summary",
})  # fmt: skip
_LAYOUT_INSIDE = ("table", "h1", "h2", "h3", "h4", "h5", "h6", "article", "section", "main", "form")
_LONG_CELL_CHARS = 1500
_FRAME_CHILDREN = frozenset({"tr", "thead", "tbody", "tfoot", "caption", "colgroup", "col"})
_SPACE = re.compile(r"[ \t\r\f\v\xa0\n]+")

Anchor = tuple[etree._Element, bool]


def is_data_table(table: etree._Element) -> bool:
    """Say whether `table` holds rows and columns of data, rather than the layout of a page."""
    if (table.get("role") or "").lower() in ("presentation", "none"):
        return False
    if table.find(".//table") is not None:
        return False
    rows = [(row, _cells(row)) for row in table.iter("tr")]
    if max((len(cells) for _, cells in rows), default=0) < 2 or _has_loose_content(table, rows):
        return False
    if next(table.iter("th", "caption", "thead"), None) is not None:
        return True
    if next((e for e in table.iter(*_LAYOUT_INSIDE) if e is not table), None) is not None:
        return False
    return all(_char_count(cell) < _LONG_CELL_CHARS for _, cells in rows for cell in cells)


def table_markdown(table: etree._Element) -> tuple[str, Anchor | None, int]:
    """Return a data table as Markdown, its first text node (None if it has none), and its characters in links."""
    anchors: list[Anchor] = []
    captions = [cell_text(caption, anchors) for caption in table.iter("caption")]
    grid = [row for row in _grid(table, anchors) if any(row)]
    if not grid:
        return "\n\n".join(c for c in captions if c), next(iter(anchors), None), 0
    width = max(len(row) for row in grid)
    keep = [c for c in range(width) if any(c < len(row) and row[c] for row in grid)]
    lines = ["| " + " | ".join(row[c] if c < len(row) else "" for c in keep) + " |" for row in grid]
    lines.insert(1, "|" + " --- |" * len(keep))
    link_chars = sum(len("".join(map(str, a.itertext())).strip()) for a in table.iter("a"))
    return "\n\n".join([*(c for c in captions if c), "\n".join(lines)]), next(iter(anchors), None), link_chars


def cell_text(cell: etree._Element, anchors: list[Anchor]) -> str:
    """Return the text of a cell on one line, blocks separated by `<br>`, pipes escaped; note its first text node."""
    if len(cell) == 0:
        text = _one_line(cell.text or "")
        if text:
            anchors.append((cell, False))
        return text.replace("|", "\\|")
    pieces: list[str] = []
    first: Anchor | None = None
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        if element.tag in _BREAKS and element is not cell:
            pieces.append("\n")
        is_tail = event == "end"
        if is_tail and element is cell:
            break
        text = element.tail if is_tail else element.text
        if text:
            if first is None and text.strip():
                first = (element, is_tail)
            pieces.append(text.replace("\n", " "))
    if first is None:
        return ""
    anchors.append(first)
    lines = map(_one_line, "".join(pieces).split("\n"))
    return " <br> ".join(line for line in lines if line).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split()) if text.isascii() else _SPACE.sub(" ", text).strip()


def _grid(table: etree._Element, anchors: list[Anchor]) -> list[list[str]]:
    """Return the rows of `table` as lists of cell texts, spans left empty after their first place.

    A span ends with the head, body or foot that it is in (HTML 4.9.12.1), and one of 0 rows goes on to there.
    """
    parts = _rows(table)
    rows = [_cells(row) for row in parts]
    texts = [[cell_text(cell, anchors) for cell in row] for row in rows]
    if not any(cell.get("colspan") or cell.get("rowspan") for row in rows for cell in row):
        return texts
    widest = max((len(line) for line in texts), default=0)
    below: dict[int, int] = {}
    grid = []
    for at, (row, cells) in enumerate(zip(rows, texts, strict=True)):
        line: list[str] = []
        if at and parts[at].getparent() is not parts[at - 1].getparent():
            below.clear()
        for cell, text in zip(row, cells, strict=True):
            _skip_spanned(line, below)
            for offset in range(_span(cell.get("colspan"), widest)):
                below[len(line)] = _height(cell.get("rowspan"), len(rows)) - 1
                line.append("" if offset else text)
        _skip_spanned(line, below)
        if len(line) > MAX_COLUMNS:
            return texts
        grid.append(line)
    return grid


def _skip_spanned(line: list[str], below: dict[int, int]) -> None:
    while below.get(len(line), 0) > 0:
        below[len(line)] -= 1
        line.append("")


def _height(value: str | None, limit: int) -> int:
    return limit if (value or "").strip() == "0" else _span(value, limit)


def _span(value: str | None, limit: int) -> int:
    text = (value or "").strip()
    return max(1, min(int(text), limit)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _rows(table: etree._Element) -> list[etree._Element]:
    """Return the rows, head first, foot last, whatever order the page has them in."""
    rows = list(table.iter("tr"))
    if table.find("thead") is None and table.find("tfoot") is None:
        return rows
    return sorted(rows, key=lambda row: {"thead": 0, "tfoot": 2}.get(_section(row), 1))


def _section(row: etree._Element) -> str:
    parent = row.getparent()
    return str(parent.tag) if parent is not None else ""


def _cells(row: etree._Element) -> list[etree._Element]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _char_count(element: etree._Element) -> int:
    return len(element.text or "") if len(element) == 0 else sum(map(len, element.itertext()))


def _has_loose_content(table: etree._Element, rows: list[tuple[etree._Element, list[etree._Element]]]) -> bool:
    """Say whether text or cells stand outside the rows (broken markup): as a grid the table would lose them."""
    if sum(1 for _ in table.iter("td", "th")) != sum(len(cells) for _, cells in rows):
        return True
    frames = [table, *(e for e in table if e.tag in ("thead", "tbody", "tfoot"))]
    if any(child.tag not in _FRAME_CHILDREN for frame in frames for child in frame):
        return True
    return any(_shows(e.text) or any(_shows(child.tail) for child in e) for e in (*frames, *(row for row, _ in rows)))


def _shows(text: str | None) -> bool:
    return text is not None and not text.isspace() and text != ""
