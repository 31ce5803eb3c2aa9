"""What a line of a PDF is by itself and beside the one before it: heading, item of a list, row, note or text.

A line that is larger than the body, or bold and alone, or numbered or in a font of its own and set off, is a heading
until the whole of it turns out to be prose: too long, a sentence, or the second half of one. Not here: its level.
"""

import re
from dataclasses import dataclass, field

from sources.parse.pdf_fragment import MIXED
from sources.parse.pdf_lines import Line
from sources.parse.pdf_text import BULLETS

_ENDS, _CLOSERS = frozenset(".!?:;。؟"), "\"'”’)]¹²³⁰\u2071\u2072\u2073⁴⁵⁶⁷⁸⁹"
_ITEM_BULLETS = frozenset(BULLETS) - frozenset("►▶➢➤■")
_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2}){1,3}\.?\s+[A-Z][^.;:,]{3,80}[^.;:,\s]")
_THREE_LETTERS = re.compile(r"[^\W\d_](?:.*?[^\W\d_]){2}")
CAPTION = re.compile(r"(?:Table|Figure|Fig\.|Box|Tableau|Tabla|Tabela)\s*\w{1,4}\b", re.IGNORECASE)
MAX_HEADING_CHARS, MAX_TITLE_CHARS = 200, 320
HEADING_RATIO = 1.12
NOTE_RATIO = 0.93
NOTE_MARK = re.compile(r"[⁰¹²³⁴-⁹ᵃ-ᶻ*†‡§¶]")
_NOTE = re.compile(rf"{NOTE_MARK.pattern}|\d{{1,2}}\s")

Body = tuple[float, bytes]
"""Size and name of the font that most of the text is in."""
Edges = dict[int, tuple[float, float, float]]
"""Left edge, right edge and usual leading of each block."""


@dataclass(slots=True)
class Unit:
    """Lines that are written as one paragraph, heading, item or row."""

    kind: str
    text: str
    first: Line
    last: Line
    left: float = 0.0
    lines: int = 1
    note: bool = False
    """Whether it is a footnote, so that the text before it may go on behind it."""
    edits: set[str] = field(default_factory=set)


def kind_of(line: Line, body: Body, stands_off: bool) -> str:
    """Return row, item, heading or text for a line by itself."""
    if line.row:
        return "row"
    marked = line.bold or line.size >= HEADING_RATIO * body[0] or (stands_off and len(line.text) <= 90)
    bullet = line.item and line.text[0] in _ITEM_BULLETS
    if marked and not bullet and len(line.cells) == 1 and _is_heading(line, body, stands_off):
        return "heading"
    return "item" if line.item else "text"


def kind_after(unit: Unit, line: Line, kind: str, edges: tuple[float, float, float]) -> str:
    """Return the kind of a line right below `unit`: set like the full last line of an item or heading, it goes on."""
    last = unit.last
    if (line.size, line.bold, line.face) != (last.size, last.bold, last.face):
        return kind
    if unit.kind == "item":
        return "text"
    return "heading" if unit.kind == "heading" and edges[1] - last.x1 < 0.15 * (edges[1] - edges[0]) else kind


def _is_heading(line: Line, body: Body, stands_off: bool) -> bool:
    """Say whether a line is larger than the body, bold and no sentence, or set off and numbered or in its own font."""
    text, (size, face) = line.text, body
    if len(text) > MAX_HEADING_CHARS or CAPTION.match(text) or not _THREE_LETTERS.search(text):
        return False
    if line.size >= HEADING_RATIO * size:
        return True
    if line.size < 0.95 * size or text.endswith((".", ",", ";", ":")):
        return False
    if line.bold:
        return True
    titled = text[0].isupper() or (text[0].isdigit() and not line.item)
    return (
        stands_off
        and len(text) <= 90
        and (bool(_NUMBERED.fullmatch(text)) or (line.face not in (face, MIXED) and titled))
    )


def is_prose(unit: Unit, before: Unit | None, title_size: float) -> bool:
    """Say whether a heading is too long, ends as sentences do, or goes on with the sentence before it."""
    text = unit.text
    limit = MAX_TITLE_CHARS if unit.first.size >= title_size else MAX_HEADING_CHARS
    if len(text) > limit or (len(text) > 60 and text.endswith((".", ",", ";"))):
        return True
    return text[0].islower() and before is not None and before.kind != "heading" and not ends_sentence(before.text)


def ends_sentence(text: str) -> bool:
    """Say whether a text ends with the end of a sentence."""
    return text[-12:].rstrip(_CLOSERS)[-1:] in _ENDS


def is_note(line: Line, body: Body) -> bool:
    """Say whether a line is smaller than the body and begins with the mark of a footnote."""
    return line.size < NOTE_RATIO * body[0] and _NOTE.match(line.text) is not None
