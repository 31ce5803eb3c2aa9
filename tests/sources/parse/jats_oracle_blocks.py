"""Tables, list items, formulae, headings and abstracts of a JATS article, read by a walk of the tests' own.

Each is reduced to runs of letters and digits (`run_of`), so that marks and spaces around them do not matter, and laid
beside what stands in the Markdown: cells by row and column with spans written out, items and headings in order.
"""

import re
from collections.abc import Iterator

from jats_oracle import BRANCHES, SEAM, pieces, run_of
from jats_reference_walk import MATH, name
from lxml import etree

Grid = list[list[str]]
PLACES = ("front", "front-stub", "body", "floats-group", "floats-wrap", "back")
"""Parts of an article in the order of its text."""
ABSTRACTS = ("abstract", "trans-abstract")
PIECEWISE = {"list", "def-list", "math", "tex-math", "disp-formula"}
"""What a text may write with marks of its own; what holds it is compared piece by piece."""
SPAN_LIMIT = 200


def inside(node: etree._Element, names: set[str]) -> bool:
    return any(name(around) in names for around in node.iterancestors())


def shown_run(node: etree._Element) -> str:
    """Return the letters and digits of an element as shown; in pieces (SEAM) where it holds formulae or lists."""
    texts = [text for text, _ in pieces(node)]
    if any(name(below) in PIECEWISE for below in node.iter()):
        return SEAM + SEAM.join(filter(None, map(run_of, texts)))
    return run_of("".join(texts).replace(SEAM, ""))


def own(article: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield elements of one article's text in its order, not of its sub-articles, works cited, unread branches."""
    for place in PLACES:
        for part in article:
            if name(part) == place:
                for node in part.iter(*(f"{{*}}{wanted}" for wanted in names)):
                    in_text = not place.startswith("front") or name(node) in ABSTRACTS or inside(node, set(ABSTRACTS))
                    if in_text and not inside(node, {"ref-list"}) and not _in_unread_branch(node, part):
                        yield node


def _in_unread_branch(node: etree._Element, top: etree._Element) -> bool:
    while node is not top:
        parent = node.getparent()
        assert parent is not None
        if name(parent) == "alternatives":
            full = [child for child in parent if "".join(child.itertext()).strip()]
            named = [child for wanted in BRANCHES for child in full if name(child) == wanted]
            if node is not next(iter(named or full), None):
                return True
        node = parent
    return False


def _number(text: str | None, default: int) -> int:
    return min(int(text), SPAN_LIMIT) if text and text.strip().isdigit() else default


def _columns(group: etree._Element) -> dict[str, tuple[int, int]]:
    """Return first and last column of each name of a CALS group."""
    named: dict[str, tuple[int, int]] = {}
    last = -1
    for spec in group.iterchildren("{*}colspec"):
        last = int(spec.get("colnum", last + 2)) - 1
        named[spec.get("colname", "")] = (last, last)
    for spec in group.iterchildren("{*}spanspec"):
        named[spec.get("spanname", "")] = (named[spec.get("namest", "")][0], named[spec.get("nameend", "")][1])
    return named


def grid_of(rows: list[etree._Element], columns: dict[str, tuple[int, int]]) -> list[dict[int, tuple[str, int, bool]]]:
    """Return for each row {column: (text, width, is the first column of its cell)}, spans written out."""
    out: list[dict[int, tuple[str, int, bool]]] = [{} for _ in rows]
    for at, row in enumerate(rows):
        column = 0
        for cell in row:
            start, end = cell.get("namest"), cell.get("nameend")
            named = columns.get(cell.get("spanname") or cell.get("colname") or start or "")
            column = named[0] if named else column
            while column in out[at]:
                column += 1
            width = _number(cell.get("colspan"), 1)
            if start and end and start in columns and end in columns:
                width = columns[end][1] - columns[start][0] + 1
            elif cell.get("spanname") and named:
                width = named[1] - named[0] + 1
            height = _number(cell.get("morerows"), 0) + 1 if cell.get("morerows") else _number(cell.get("rowspan"), 1)
            for line in range(at, min(len(rows), at + (height or SPAN_LIMIT))):
                for offset in range(max(width, 1)):
                    out[line].setdefault(column + offset, (shown_run(cell), max(width, 1), offset == 0))
            column += max(width, 1)
    return out


def tables(article: etree._Element) -> Iterator[tuple[Grid, Grid]]:
    """Yield (head, body) of each table with rows in document order; a cell as wide as the table counts once."""
    for table in own(article, "table", "array"):
        if inside(table, {"td", "th", "entry", "entrytbl"}):
            continue
        groups = list(table.iterchildren("{*}tgroup")) or [table]
        for group in groups:
            columns = _columns(group)
            head = [row for part in group.iterchildren("{*}thead") for row in part if name(row) in {"tr", "row"}]
            parts = [*group.iterchildren("{*}tbody"), *group.iterchildren("{*}tfoot")]
            body = [row for row in group if name(row) in {"tr", "row"}]
            body += [row for part in parts for row in part if name(row) in {"tr", "row"}]
            top, below = grid_of(head, columns), grid_of(body, columns)
            width = max((max(row, default=-1) + 1 for row in [*top, *below]), default=0)
            if any(text for row in [*top, *below] for text, _, _ in row.values()):
                kept = _kept([*top, *below], columns, width)
                lines = _plain(below, kept, width, once=True)
                yield _plain(top, kept, width, once=False), [row for row in lines if any(row)]


def _kept(rows: list[dict[int, tuple[str, int, bool]]], columns: dict[str, tuple[int, int]], width: int) -> list[int]:
    """Return the columns that are written: where a cell claims more than there are, those in which any begins."""
    cells = [(at, *cell) for row in rows for at, cell in row.items()]
    begun = {at for at, _, _, first in cells if first} | {n for a, b in columns.values() for n in range(a, b + 1)}
    return sorted(begun) if max(spanned for _, _, spanned, _ in cells) > len(begun) else list(range(width))


def _plain(rows: list[dict[int, tuple[str, int, bool]]], kept: list[int], width: int, *, once: bool) -> Grid:
    empty = ("", 1, True)
    return [
        ["" if once and spanned >= width and not first else text for text, spanned, first in cells]
        for cells in ([row.get(at, empty) for at in kept] for row in rows)
    ]


def written_tables(text: str) -> Iterator[tuple[list[str], Grid]]:
    """Yield the head and the rows of each pipe table of a text, each cell a run of letters and digits."""
    for block in re.split(r"\n\n+", text):
        lines = [line.lstrip("> ") for line in block.strip().split("\n")]
        for at, line in enumerate(lines):
            if re.fullmatch(r"\|( --- \|)+", line.strip()) and at:
                rows = [[run_of(cell) for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]] for row in lines]
                yield rows[at - 1], rows[at + 1 :]


def same(wanted: str, written: str) -> bool:
    """Say whether a cell is written as wanted; pieces apart by SEAM must follow each other, marks may stand between."""
    at = 0
    for piece in wanted.split(SEAM):
        at = written.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return SEAM in wanted or wanted == written


def items(article: etree._Element) -> Iterator[list[str]]:
    """Yield for each list item and definition without another list inside it the pieces of text it must show."""
    for node in own(article, "list-item", "def-item"):
        nested = {"list", "def-list", "table", "disp-formula", "fig", "table-wrap", "boxed-text", "fn"}
        if not any(name(below) in nested for below in node.iterdescendants()):
            runs = [shown_run(part) for part in node.iter("{*}p", "{*}term", "{*}title")]
            yield [piece for run in runs for piece in run.split(SEAM) if piece]


def formulae(article: etree._Element) -> Iterator[etree._Element]:
    """Yield what holds a printed formula: MathML or TeX with letters or digits, each once."""
    for node in own(article, "math", "tex-math"):
        if shown_run(node) and not inside(node, {"math"}):
            yield node


def tokens(formula: etree._Element) -> list[str]:
    """Return the runs that a formula must show: the tokens of MathML, the letters and digits of TeX."""
    if name(formula) == "tex-math":
        return shown_run(formula).split(SEAM)
    leaves = [leaf for leaf in formula.iter() if leaf.tag.startswith(MATH) and not len(leaf)]
    hidden = {"mphantom", "annotation", "annotation-xml"}
    shown = [leaf for leaf in leaves if name(leaf) not in hidden and not inside(leaf, hidden)]
    return [run for leaf in shown if (run := run_of(leaf.text or ""))]


NO_SECTIONS = {"boxed-text", "list", "def-list", "table-wrap", "fig", "disp-quote", "td", "th", "statement", "fn"}


def headings(article: etree._Element) -> list[tuple[int, str]]:
    """Return (level from 1, run of label and title) of the sections of the body that have a title, in order."""
    found: list[tuple[int, str]] = []
    for body in article.iterchildren("{*}body"):
        for section in body.iter("{*}sec"):
            around = [up for up in section.iterancestors("{*}sec") if _headed(up)]
            if _headed(section) and not inside(section, NO_SECTIONS):
                found.append((len(around) + 1, _heading(section)))
    return found


def _heading(section: etree._Element) -> str:
    parts = [*section.iterchildren("{*}label"), *section.iterchildren("{*}title")]
    return "".join(shown_run(part).replace(SEAM, "") for part in parts)


def _headed(section: etree._Element) -> bool:
    return bool(_heading(section))


def written_headings(text: str) -> list[tuple[int, str]]:
    """Return (level from 1, run) of the headings of a Markdown text; the title is level 0."""
    lines = re.findall(r"^(#{1,6}) (.+)$", text, re.M)
    return [(len(marks) - 1, run_of(title)) for marks, title in lines]


def abstract_paragraphs(article: etree._Element, least: int = 80) -> list[str]:
    """Return the runs of the paragraphs of all abstracts that are long enough to be told apart."""
    runs = [shown_run(p) for node in own(article, *ABSTRACTS) for p in node.iter("{*}p")]
    return [run for run in runs if len(run) >= least]


def language(article: etree._Element) -> str:
    """Return the primary language of an article or of what it stands in, in lower case."""
    chain = [article, *article.iterancestors()]
    said = (node.get("{http://www.w3.org/XML/1998/namespace}lang", "").strip() for node in chain)
    return next((value for value in said if value), "").replace("_", "-").split("-")[0].lower()
