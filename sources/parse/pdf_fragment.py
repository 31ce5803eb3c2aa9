"""What a page of a PDF is made of between reading and ordering: fragments of lines, with where and how they are set."""

from dataclasses import dataclass

from sources.parse.pdf_rules import NO_RULES, Rules

MIXED = b""
"""Name of the font of a fragment that has several."""
Gap = tuple[float, float, str]
"""A space wider than those between words: left and right edge in points, and the fragment's text behind it."""


@dataclass(slots=True)
class Fragment:
    """A stretch of a line: text, box in points (y grows upwards), baseline, box height, size, weight and font name."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    height: float
    size: float
    bold: bool
    face: bytes
    table: list[list[list[str]]] | None = None
    """Rows of cells of lines, when this stands for a ruled table."""
    gaps: tuple[Gap, ...] = ()
    spaced: bool = False
    """Whether it ends in Hangul and the file has a space behind it."""


@dataclass(slots=True)
class PageText:
    """What a page holds: its fragments in the file's own order, text set at another angle, size in points, rules."""

    fragments: list[Fragment]
    turned: str
    width: float
    height: float
    rules: Rules = NO_RULES
    pictured: bool = False
    """Whether it has hardly any text but a picture, as scanned pages do."""
