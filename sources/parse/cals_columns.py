"""Which column a cell of a CALS table starts in, and over how many it goes, by the names of its columns.

A row of a CALS table (OASIS exchange model, TM 9901) may leave cells out: the next one then says by `colname`,
`namest` and `nameend`, or `spanname` where it stands, and a dose read without them lands in the wrong column. Names
of elements and attributes are read in any case and namespace, for JATS and other XML alike. Not here: rows, and what
a span looks like in the text.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from lxml import etree

from sources.parse.jats_element import local

MAX_SPAN = 200
"""Columns or rows one cell may span, and columns a table may have: a guard against absurd attributes."""

Columns = dict[str, tuple[int, int]]
"""First and last column (from 0) by the name of a column or span."""


def named_columns(specs: Iterable[etree._Element]) -> Columns:
    """Return the columns named by the `colspec` and `spanspec` elements among `specs`."""
    named: Columns = {}
    spans: list[dict[str, str]] = []
    at = -1
    for spec in specs:
        kind = local(spec).lower() if isinstance(spec.tag, str) else ""
        own = attributes(spec) if kind in {"colspec", "spanspec"} else {}
        if kind == "colspec":
            at = max(1, number(own.get("colnum"), at + 2)) - 1
            named[own.get("colname") or f"col{at + 1}"] = (at, at)
        elif kind == "spanspec":
            spans.append(own)
    for own in spans:
        span = _between(own, named)
        if span is not None and own.get("spanname"):
            named[own["spanname"]] = span
    return named


def place(own: dict[str, str], columns: Columns) -> tuple[int | None, int]:
    """Return the column a cell of these attributes starts in (from 0; None: the next free one) and its width."""
    if not columns:
        return None, max(1, number(own.get("colspan"), 1))
    span = columns.get(own.get("spanname", "")) or _between(own, columns)
    if span is None:
        span = columns.get(own.get("colname", "")) or columns.get(own.get("namest", ""))
        return (span[0] if span else None), max(1, number(own.get("colspan"), 1))
    return span[0], span[1] - span[0] + 1


def height(own: dict[str, str]) -> int:
    """Return the number of rows a cell goes over: CALS `morerows` or HTML `rowspan`, whose 0 means all the rest."""
    if "morerows" in own:
        return number(own["morerows"], 0) + 1
    return number(own.get("rowspan"), 1) or MAX_SPAN


@lru_cache(maxsize=256)
def plain_spans(items: tuple[tuple[str | bytes, str | bytes], ...]) -> tuple[int | None, int, int]:
    """Return column, width and height of a cell by its attributes where no columns have names; most are alike."""
    own = _lowered(items)
    return (*place(own, {}), height(own))


def attributes(element: etree._Element) -> dict[str, str]:
    """Return the attributes of an element by their names in lower case."""
    return _lowered(element.items())


def _lowered(items: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    return {name.lower(): value for name, value in cast("Iterable[tuple[str, str]]", items)}


@lru_cache(maxsize=1024)
def number(value: str | None, default: int) -> int:
    """Return a span attribute as a number within reason."""
    if not value:
        return default
    digits = value.strip()
    return min(int(digits[:6]), MAX_SPAN) if digits.isascii() and digits.isdigit() else default


def _between(own: dict[str, str], columns: Columns) -> tuple[int, int] | None:
    start, end = columns.get(own.get("namest", "")), columns.get(own.get("nameend", ""))
    return (start[0], end[1]) if start and end and start[0] <= end[1] else None
