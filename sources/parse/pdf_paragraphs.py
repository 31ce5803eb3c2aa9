"""Lines of a document -> Markdown: paragraphs, headings, list items and table rows, with the place of each section.

Lines run on into one paragraph while size, leading and indent stay and the line before is full; a paragraph may run
on over a column or page when its last line is full and ends no sentence. A line that is larger than the body, or
bold and alone, is a heading: `## `, and one mark more for each larger heading that it stands under.
Not here: which lines there are (`pdf_lines`, `pdf_furniture`) and in which order (`pdf_columns`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sources.parse.part import Section
from sources.parse.pdf_fragment import MIXED
from sources.parse.pdf_lines import Line
from sources.parse.pdf_tables import markdown_table
from sources.parse.pdf_text import BULLETS, HANGUL, ends_within_words, join_lines, vocabulary

HEADING_RATIO = 1.12
MAX_LEVEL = 6
MAX_HEADING_CHARS, MAX_TITLE_CHARS = 200, 320
_ENDS = re.compile(r"[.!?:;。؟][\"'”’)\]⁰-⁹¹²³]*$")
_ITEM_BULLETS = frozenset(BULLETS) - frozenset("►▶➢➤■")
_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2}){1,3}\.?\s+[A-Z][^.;:,]{3,80}[^.;:,\s]")
_THREE_LETTERS = re.compile(r"[^\W\d_](?:.*?[^\W\d_]){2}")
_CAPTION = re.compile(r"(?:Table|Figure|Fig\.|Box|Tableau|Tabla|Tabela)\s*\w{1,4}\b", re.IGNORECASE)


_Edges = dict[int, tuple[float, float, float]]
"""Left edge, right edge and usual leading of each block."""


@dataclass(slots=True)
class Written:
    """The text of a document, its sections, its headings as (size, text), and the names of the edits made."""

    text: str
    sections: list[Section]
    headings: list[tuple[float, str]]
    edits: set[str]


@dataclass(slots=True)
class _Unit:
    """Lines that are written as one paragraph, heading, item or row."""

    kind: str
    text: str
    first: Line
    last: Line
    left: float = 0.0
    lines: int = 1
    edits: set[str] = field(default_factory=set)


def write(lines: Sequence[Line]) -> Written:
    """Return the text of `lines`, which are in reading order."""
    body = _body_font(lines)
    edges = _edges(lines)
    known = vocabulary(line.text for line in lines)
    broken = ends_within_words([(line.text, line.spaced) for line in lines])
    units: list[_Unit] = []
    for line in lines:
        if line.table:
            units.append(_Unit("table", markdown_table(line.table, known), line, line, line.x0))
            continue
        stands_off = _stands_off(units[-1].last if units else None, line, edges)
        kind = _kind(line, body, stands_off)
        if kind in ("heading", "text") and not stands_off:
            kind = _kind_after(units[-1], line, kind, edges[line.block])
        if units and _runs_on(units[-1], line, kind, edges):
            unit = units[-1]
            within = broken and _goes_on_in_word(unit, line, edges)
            joined = (unit.text + line.text, "") if within else join_lines(unit.text, line.text, known)
            unit.text, edit = joined
            unit.left = line.x0 if unit.lines == 1 or line.block != unit.last.block else unit.left
            unit.last, unit.lines = line, unit.lines + 1
            if edit:
                unit.edits.add(edit)
        else:
            units.append(_Unit(kind, line.text, line, line, line.x0))
    units = _demoted(units, 1.3 * body[0], edges, known)
    return _assemble(units, any(line.edited for line in lines))


def _goes_on_in_word(unit: _Unit, line: Line, edges: _Edges) -> bool:
    """Say whether a full line in Hangul ends within a word that `line` goes on with."""
    last = unit.last
    full = edges[last.block][1] - last.x1 < 1.5 * last.height
    return full and not last.spaced and bool(HANGUL.match(line.text) and HANGUL.match(unit.text[-1:]))


def _demoted(units: Sequence[_Unit], title_size: float, edges: _Edges, known: frozenset[str]) -> list[_Unit]:
    """Return the units with prose that is set large or bold as text, not as headings; what runs on from it joins it."""
    kept: list[_Unit] = []
    demoted = False
    for unit in units:
        before = kept[-1] if kept else None
        if before and demoted and unit.kind == "text" and _runs_on(before, unit.first, "text", edges):
            before.text, edit = join_lines(before.text, unit.text, known)
            before.last, before.lines = unit.last, before.lines + unit.lines
            before.edits |= unit.edits | ({edit} - {""})
            continue
        demoted = unit.kind == "heading" and _is_prose(unit, before, title_size)
        if demoted:
            unit.kind = "text"
        kept.append(unit)
    return kept


def _is_prose(unit: _Unit, before: _Unit | None, title_size: float) -> bool:
    """Say whether a heading is too long, ends as sentences do, or goes on with the sentence before it."""
    text = unit.text
    limit = MAX_TITLE_CHARS if unit.first.size >= title_size else MAX_HEADING_CHARS
    if len(text) > limit or (len(text) > 60 and text.endswith((".", ",", ";"))):
        return True
    return text[0].islower() and before is not None and before.kind != "heading" and not _ends(before.text)


def _ends(text: str) -> bool:
    """Say whether a text ends with the end of a sentence."""
    return _ENDS.search(text[-12:]) is not None


def _body_font(lines: Sequence[Line]) -> tuple[float, bytes]:
    """Return size (to half a point) and name of the font of most characters."""
    sizes: Counter[tuple[float, bytes]] = Counter()
    for line in lines:
        sizes[line.size, line.face] += len(line.text)
    fonts: Counter[tuple[float, bytes]] = Counter()
    for (size, face), count in sizes.items():
        fonts[round(size * 2) / 2, face] += count
    return fonts.most_common(1)[0][0] if fonts else (0.0, b"")


def _edges(lines: Sequence[Line]) -> _Edges:
    """Return (left, right, leading) of each block: the edges of its text lines and the usual distance of baselines."""
    blocks: dict[int, list[Line]] = {}
    for line in lines:
        blocks.setdefault(line.block, []).append(line)
    edges = {}
    for number, members in blocks.items():
        text = [line for line in members if not line.row] or members
        steps = [a.base - b.base for a, b in pairwise(text) if 0 < a.base - b.base < 2.2 * a.height]
        leading = sorted(steps)[len(steps) // 2] if steps else 1.2 * text[0].height
        edges[number] = (min(line.x0 for line in text), max(line.x1 for line in text), leading)
    return edges


def _stands_off(last: Line | None, line: Line, edges: _Edges) -> bool:
    """Say whether a line begins its block or has more than the usual space above it."""
    return last is None or last.block != line.block or last.base - line.base > 1.2 * edges[line.block][2]


def _kind(line: Line, body: tuple[float, bytes], stands_off: bool) -> str:
    """Return row, item, heading or text for a line by itself."""
    if line.row:
        return "row"
    marked = line.bold or line.size >= HEADING_RATIO * body[0] or (stands_off and len(line.text) <= 90)
    bullet = line.item and line.text[0] in _ITEM_BULLETS
    if marked and not bullet and len(line.cells) == 1 and _is_heading(line, body, stands_off):
        return "heading"
    return "item" if line.item else "text"


def _kind_after(unit: _Unit, line: Line, kind: str, edges: tuple[float, float, float]) -> str:
    """Return the kind of a line right below `unit`: set like the full last line of an item or heading, it goes on."""
    last = unit.last
    if (line.size, line.bold, line.face) != (last.size, last.bold, last.face):
        return kind
    if unit.kind == "item":
        return "text"
    return "heading" if unit.kind == "heading" and edges[1] - last.x1 < 0.15 * (edges[1] - edges[0]) else kind


def _is_heading(line: Line, body: tuple[float, bytes], stands_off: bool) -> bool:
    """Say whether a line is larger than the body, bold and no sentence, or set off and numbered or in its own font."""
    text, (size, face) = line.text, body
    if len(text) > MAX_HEADING_CHARS or _CAPTION.match(text) or not _THREE_LETTERS.search(text):
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


def _runs_on(unit: _Unit, line: Line, kind: str, edges: _Edges) -> bool:
    """Say whether a line continues the unit before it."""
    last = unit.last
    if unit.kind in ("row", "table") or kind in ("row", "item") or abs(line.size - last.size) > 0.05 * last.size:
        return False
    if _CAPTION.match(line.text) and _stands_off(last, line, edges):
        return False
    if (kind == "heading") != (unit.kind == "heading") or (kind == "heading" and line.bold != last.bold):
        return False
    left, right, leading = edges[line.block]
    if last.block != line.block:
        return kind == "text" and _runs_over(unit, line, edges)
    if last.bold and unit.first.bold and not line.bold and right - last.x1 > 0.15 * (right - left):
        return line.text[:1].islower()
    step = last.base - line.base
    if kind == "heading":
        return 0 < step <= 1.6 * line.height
    if not 0 < step <= 1.35 * max(leading, 0.8 * line.height):
        return False
    if unit.kind == "item":
        return line.x0 > unit.first.x0 + 0.3 * line.height or not _ends(unit.text)
    indented = (
        unit.lines > 1 and line.x0 - unit.left > 0.6 * line.height and unit.last.x0 - unit.left < 0.3 * line.height
    )
    first_of_two = unit.lines == 1 and line.x0 - unit.first.x0 > 0.6 * line.height and _ends(unit.text)
    short = right - last.x1 > 0.2 * (right - left) and _ends(unit.text) and line.x0 <= left + 4 * line.height
    return not (indented and _ends(unit.text)) and not first_of_two and not short


def _runs_over(unit: _Unit, line: Line, edges: _Edges) -> bool:
    """Say whether a paragraph goes on at the top of the next column or page."""
    left, right, _ = edges[unit.last.block]
    full = right - unit.last.x1 < 0.15 * (right - left) or unit.text[-1:] in "-\u2010\u00ad"
    starts = line.text[:1]
    return full and not _ends(unit.text) and (starts.islower() or starts.isdigit() or unit.text[-1:] not in ".!?:")


def _assemble(units: Sequence[_Unit], ligatures: bool) -> Written:
    """Write units one after the other: rows and items line by line, everything else with a blank line between."""
    parts: list[str] = []
    length = 0
    stack: list[tuple[float, str]] = []
    opened: list[tuple[str, int]] = []
    edits = {"ligatures_expanded"} if ligatures else set()
    for before, unit in zip([None, *units], units, strict=False):
        tight = before is not None and before.kind == unit.kind and unit.kind in ("row", "item")
        glue = "" if before is None else "\n" if tight else "\n\n"
        mark = ""
        if unit.kind == "heading":
            while stack and stack[-1][0] <= unit.first.size * 1.02:
                stack.pop()
            stack.append((unit.first.size, unit.text))
            opened.append((" > ".join(text for _, text in stack), length + len(glue)))
            mark = "#" * min(1 + len(stack), MAX_LEVEL) + " "
        parts.append(glue + mark + unit.text)
        length += len(parts[-1])
        edits |= unit.edits
    ends = [start for _, start in opened[1:]] + [length] * bool(opened)
    sections = [Section(path, start, end) for (path, start), end in zip(opened, ends, strict=True)]
    headings = [(unit.first.size, unit.text) for unit in units if unit.kind == "heading"]
    return Written("".join(parts), sections, headings, edits)
