"""The few forms of Markdown that cards use: tables and escaped cells.

A cell never breaks its table: bars are escaped and line ends become blanks. Not here: what is told.
"""

from collections.abc import Iterable, Iterator, Sequence


def cell(value: object) -> str:
    """Return a value as the content of a table's cell; integers get thousands separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split()).replace("|", "\\|")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table and a blank line, nothing when there is no row."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if lines:
        yield f"| {' | '.join(header)} |"
        yield "|" + "---|" * len(header)
        yield from lines
        yield ""


def share(part: float, whole: float) -> str:
    """Return a share in per cent with one decimal, a dash of nothing."""
    return f"{part / whole:.1%}" if whole else "-"
