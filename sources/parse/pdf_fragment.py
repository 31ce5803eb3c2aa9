"""What a page of a PDF is made of between reading and ordering: fragments of lines, with where and how they are set."""

from dataclasses import dataclass

MIXED = b""
"""Name of the font of a fragment that has several."""


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


@dataclass(slots=True)
class PageText:
    """What a page holds: its fragments in the file's own order, text set at another angle, and page size in points."""

    fragments: list[Fragment]
    turned: str
    width: float
    height: float
