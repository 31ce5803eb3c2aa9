"""The pieces of HTML that the report is made of: tables, tiles, notes, sections; every value is escaped.

Not here: charts (`charts`), what is told (`page_sections`), and the page itself (`page`).
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, empty without rows; a column whose cells are all numbers stands to the right."""
    cells = [list(row) for row in rows]
    if not cells:
        return ""
    numeric = [all(_is_number(row[at]) for row in cells) for at in range(len(header))]
    lines = [_row("th", header, numeric), *(_row("td", row, numeric) for row in cells)]
    body = f"<thead>{lines[0]}</thead><tbody>{''.join(lines[1:])}</tbody>"
    return f'<div class="table" tabindex="0"><table>{body}</table></div>'


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or re.fullmatch(r"(\d[\d.,]*%?)?", str(value)) is not None


def _row(tag: str, values: Sequence[object], numeric: Sequence[bool]) -> str:
    marks = (' class="number"' if one else "" for one in numeric)
    told = "".join(f"<{tag}{mark}>{text(value)}</{tag}>" for value, mark in zip(values, marks, strict=True))
    return f"<tr>{told}</tr>"


def text(value: object) -> str:
    """Return a value as HTML text; numbers with separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return html.escape(str(value))


def tiles(facts: Mapping[str, object]) -> str:
    """Return the few figures that matter most."""
    items = "".join(f"<li><b>{text(value)}</b>{text(name)}</li>" for name, value in facts.items())
    return f'<ul class="tiles">{items}</ul>'


def folded(summary: str, body: str) -> str:
    """Return what is shown on a click, nothing when there is nothing."""
    return f"<details><summary>{text(summary)}</summary>{body}</details>" if body else ""


def note(words: str, *, warning: bool = False) -> str:
    """Return a paragraph."""
    return f'<p class="{"warning" if warning else "note"}">{text(words)}</p>'


def section(name: str, title: str, *parts: str) -> str:
    """Return a section, which says so when there is nothing to tell."""
    body = "".join(parts) or note("This run has nothing to tell here.")
    return f'<section id="{name}"><h2>{text(title)}</h2>{body}</section>'


def quoted(record: Mapping[str, Any]) -> str:
    """Return one dropped record: where it came from, why it went, and the beginning of its text."""
    detail = f" ({record['detail']})" if record["detail"] else ""
    head = f"{record['source']}: {record['key']}{detail}"
    return f"<p>{text(head)}</p><blockquote>{text(record['text'])}</blockquote>"
