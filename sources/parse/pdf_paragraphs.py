"""Lines of a document -> Markdown: paragraphs, headings, list items and table rows, with the place of each section.

Lines run on into one paragraph while size, leading and indent stay and the line before is full; a paragraph may run
on over a column or page when its last line is full and ends no sentence. A line that is larger than the body, or
bold and alone, is a heading: `## `, and one mark more for each larger heading that it stands under.
Not here: which lines there are (`pdf_lines`, `pdf_furniture`) and in which order (`pdf_columns`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sources.parse.part import Section
from sources.parse.pdf_headings import (
    CAPTION,
    NOTE_MARK,
    Body,
    Edges,
    Unit,
    ends_sentence,
    is_note,
    is_prose,
    kind_after,
    kind_of,
)
from sources.parse.pdf_join import HANGUL, ends_within_words, join_lines, vocabulary
from sources.parse.pdf_lines import Line
from sources.parse.pdf_tables import markdown_table

MAX_LEVEL = 6
MAX_NOTES = 12


@dataclass(slots=True)
class Written:
    """The text of a document, its sections, its headings as (size, text), and the names of the edits made."""

    text: str
    sections: list[Section]
    headings: list[tuple[float, str]]
    edits: set[str]


def write(lines: Sequence[Line]) -> Written:
    """Return the text of `lines`, which are in reading order."""
    body = _body_font(lines)
    edges = _edges(lines)
    known = vocabulary([line.text for line in lines])
    broken = any(line.spaced for line in lines) and ends_within_words([(line.text, line.spaced) for line in lines])
    units: list[Unit] = []
    current: Unit | None = None
    for line in lines:
        if line.table:
            current = Unit("table", markdown_table(line.table, known), line, line, line.x0)
            units.append(current)
            continue
        stands_off = _stands_off(current.last if current else None, line, edges)
        kind = kind_of(line, body, stands_off)
        found = None
        if current and kind != "row" and kind != "item":
            if not stands_off and current.kind != "text":
                kind = kind_after(current, line, kind, edges[line.block])
            found = _continued(units, current, line, kind, edges, stands_off)
        if found:
            _extend(found, line, known, broken and _goes_on_in_word(found, line, edges))
        else:
            found = Unit(kind, line.text, line, line, line.x0, note=is_note(line, body))
            units.append(found)
        current = found
    units = _demoted(units, 1.3 * body[0], edges, known)
    return _assemble(units, set().union(*{line.edits for line in lines}))


def _continued(
    units: Sequence[Unit], current: Unit, line: Line, kind: str, edges: Edges, stands_off: bool
) -> Unit | None:
    """Return the unit that a line continues: on a new column or page also the text before the last footnotes."""
    if current.note and current.last.block != line.block:
        before = next((unit for unit in units[: -MAX_NOTES - 1 : -1] if not unit.note), None)
        if before and before.kind == "text" and _runs_on(before, line, kind, edges, stands_off):
            return before
    return current if _runs_on(current, line, kind, edges, stands_off) else None


def _extend(unit: Unit, line: Line, known: frozenset[str], in_word: bool) -> None:
    """Put a line behind a unit, in place."""
    joined = (unit.text + line.text, "") if in_word else join_lines(unit.text, line.text, known)
    unit.text, edit = joined
    unit.left = line.x0 if unit.lines == 1 or line.block != unit.last.block else unit.left
    unit.last, unit.lines = line, unit.lines + 1
    if edit:
        unit.edits.add(edit)


def _goes_on_in_word(unit: Unit, line: Line, edges: Edges) -> bool:
    """Say whether a full line in Hangul ends within a word that `line` goes on with."""
    last = unit.last
    full = edges[last.block][1] - last.x1 < 1.5 * last.height
    return full and not last.spaced and bool(HANGUL.match(line.text) and HANGUL.match(unit.text[-1:]))


def _demoted(units: Sequence[Unit], title_size: float, edges: Edges, known: frozenset[str]) -> list[Unit]:
    """Return the units with prose that is set large or bold as text, not as headings; what runs on from it joins it."""
    kept: list[Unit] = []
    demoted = False
    for unit, following in zip(units, [*units[1:], None], strict=False):
        before = kept[-1] if kept else None
        stands_off = demoted and _stands_off(before.last if before else None, unit.first, edges)
        if before and demoted and unit.kind == "text" and _runs_on(before, unit.first, "text", edges, stands_off):
            before.text, edit = join_lines(before.text, unit.text, known)
            before.last, before.lines = unit.last, before.lines + unit.lines
            before.edits |= unit.edits | ({edit} - {""})
            continue
        demoted = unit.kind == "heading" and (is_prose(unit, before, title_size) or _is_cut(unit, following))
        if demoted:
            unit.kind = "text"
        kept.append(unit)
    return kept


def _body_font(lines: Sequence[Line]) -> Body:
    """Return size (to half a point) and name of the font of most characters."""
    sizes: Counter[tuple[float, bytes]] = Counter()
    for line in lines:
        sizes[line.size, line.face] += len(line.text)
    fonts: Counter[tuple[float, bytes]] = Counter()
    for (size, face), count in sizes.items():
        fonts[round(size * 2) / 2, face] += count
    return fonts.most_common(1)[0][0] if fonts else (0.0, b"")


def _edges(lines: Sequence[Line]) -> Edges:
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


def _stands_off(last: Line | None, line: Line, edges: Edges) -> bool:
    """Say whether a line begins its block or has more than the usual space above it."""
    return last is None or last.block != line.block or last.base - line.base > 1.2 * edges[line.block][2]


def _is_cut(unit: Unit, following: Unit | None) -> bool:
    """Say whether a heading is the first line of the text under it, which goes on in the middle of a sentence."""
    if following is None or following.kind != "text" or following.first.block != unit.last.block:
        return False
    return following.text[0].islower() and abs(unit.first.size - following.first.size) <= 0.05 * unit.first.size


def _runs_on(unit: Unit, line: Line, kind: str, edges: Edges, stands_off: bool) -> bool:
    """Say whether a line continues the unit before it."""
    last = unit.last
    if unit.kind in ("row", "table") or abs(line.size - last.size) > 0.05 * last.size:
        return False
    if (stands_off and CAPTION.match(line.text)) or (unit.note and NOTE_MARK.match(line.text)):
        return False
    if (kind == "heading") != (unit.kind == "heading") or (kind == "heading" and line.bold != last.bold):
        return False
    left, right, leading = edges[line.block]
    step = last.base - line.base
    if kind == "heading":
        beside = line.block == last.block or (line.face == last.face and abs(line.x0 - last.x0) < 0.5 * line.height)
        return beside and 0 < step <= 1.6 * line.height and (line.text.isupper() or not unit.text.isupper())
    if last.block != line.block:
        return kind == "text" and _runs_over(unit, line, edges)
    free = right - last.x1
    if last.bold and unit.first.bold and not line.bold and free > 0.15 * (right - left):
        return line.text[:1].islower()
    if not 0 < step <= 1.35 * max(leading, 0.8 * line.height):
        return False
    if unit.kind == "item":
        return line.x0 > unit.first.x0 + 0.3 * line.height or not ends_sentence(unit.text)
    if unit.lines > 1:
        anew = line.x0 - unit.left > 0.6 * line.height and last.x0 - unit.left < 0.3 * line.height
    else:
        anew = line.x0 - unit.first.x0 > 0.6 * line.height
    anew = anew or (free > 0.2 * (right - left) and line.x0 <= left + 4 * line.height)
    return not (anew and ends_sentence(unit.text))


def _runs_over(unit: Unit, line: Line, edges: Edges) -> bool:
    """Say whether a paragraph goes on at the top of the next column or page."""
    left, right, _ = edges[unit.last.block]
    full = right - unit.last.x1 < 0.15 * (right - left) or unit.text[-1:] in "-\u2010\u00ad"
    starts = line.text[:1]
    return (
        full and not ends_sentence(unit.text) and (starts.islower() or starts.isdigit() or unit.text[-1:] not in ".!?:")
    )


def _assemble(units: Sequence[Unit], edits: set[str]) -> Written:
    """Write units one after the other: rows and items line by line, everything else with a blank line between.

    `edits` are those of lines; what was done to join them is added.
    """
    parts: list[str] = []
    length = 0
    stack: list[tuple[float, str]] = []
    opened: list[tuple[str, int]] = []
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
