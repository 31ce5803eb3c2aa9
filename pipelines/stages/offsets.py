"""Replacements in a text, and where offsets into the old text lie in the new one.

Whatever rewrites text hands in disjoint replacements in text order; from these follow both the new text and the
new place of every section, so the two can never disagree. Offsets are code points. Not here: which replacements
to make (`normalize`, `consolidate`).
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, NamedTuple


class Replacement(NamedTuple):
    """Put `text` in place of [start, end) of the old text."""

    start: int
    end: int
    text: str


def apply_replacements(text: str, replacements: Iterable[Replacement]) -> str:
    """Return `text` with disjoint replacements made; they must be in text order."""
    pieces: list[str] = []
    done = 0
    for start, end, new in replacements:
        pieces += (text[done:start], new)
        done = end
    pieces.append(text[done:])
    return "".join(pieces)


class OffsetMap:
    """Where old offsets lie after `replacements`: monotone; what was inside a replaced stretch stays inside it."""

    def __init__(self, replacements: Iterable[Replacement]) -> None:
        self._starts: list[int] = []
        self._spans: list[tuple[int, int, int]] = []  # old end, new start, new end
        shift = 0
        for start, end, new in replacements:
            self._starts.append(start)
            self._spans.append((end, start + shift, start + shift + len(new)))
            shift += len(new) - (end - start)

    def __call__(self, offset: int) -> int:
        """Return the new offset of the boundary that was at `offset`."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return offset
        old_end, new_start, new_end = self._spans[index]
        if offset >= old_end:
            return new_end + offset - old_end
        return min(new_start + offset - self._starts[index], new_end)


def remap_sections(sections: Iterable[dict[str, Any]], offsets: OffsetMap) -> list[dict[str, Any]]:
    """Return the sections (`path`, `start`, `end`) at their new offsets, in order."""
    return [{**s, "start": offsets(s["start"]), "end": offsets(s["end"])} for s in sections]
