"""Reading order of a page: fragments -> blocks, each a column or a full-width stretch, in the order a reader takes.

A gutter is a vertical strip that few fragments cross and that has lines of prose on both sides. What crosses it
(titles, tables, figures' captions) cuts the page into bands; within a band the left side is read before the right,
each side being looked at again for a further gutter (three columns). Table rows that reach over the gutter without
crossing it are found by their many short cells and read row by row. A variant of the recursive XY-cut (Nagy and
Seth 1984) that cuts at gutters first. Not here: figures, tags of tagged PDF, and columns inside a table's cells.
"""

from bisect import bisect_right
from itertools import pairwise
from math import inf
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sources.parse.pdf_fragment import Fragment
from sources.parse.pdf_text import RTL

MIN_PROSE_EMS = 8.0
MIN_LINES = 4
MAX_DEPTH = 3
TABLE = 2
MAX_CROSSING = 6.0
"""A gutter may be crossed by this many times the lines of its weaker side (a page that is mostly one table)."""
_Boxes = npt.NDArray[np.float64]
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


class Block(NamedTuple):
    """Fragments that are read together, line by line, and whether all of them belong to one table."""

    fragments: list[Fragment]
    table: bool


def reading_order(fragments: list[Fragment]) -> list[Block]:
    """Return the blocks of a page in reading order; every fragment is in exactly one of them."""
    if not fragments:
        return []
    if not _may_have_columns(fragments):
        return [Block(fragments, False)]
    rtl = sum([RTL.search(f.text, 0, 12) is not None for f in fragments if not f.text.isascii()]) * 2 > len(fragments)
    boxes = np.array([(f.x0, f.x1, f.base, f.height) for f in fragments])
    blocks = _split(boxes, np.argsort(-boxes[:, 2], kind="stable"), rtl, 0)
    return [Block([fragments[i] for i in part], table) for part, table in blocks]


def _may_have_columns(fragments: list[Fragment]) -> bool:
    """Say whether enough long lines begin far behind the first: what every gutter asks for, at a tenth of its cost."""
    heights = sorted([f.height for f in fragments])
    least = MIN_PROSE_EMS * (heights[len(heights) // 2] + heights[(len(heights) - 1) // 2]) / 2.4
    left = [f.x0 for f in fragments if f.x1 - f.x0 >= least]
    if len(left) < 2 * MIN_LINES:
        return False
    limit = min(left) + least
    return sum([x > limit for x in left]) >= MIN_LINES


def _split(boxes: _Boxes, members: _Ints, rtl: bool, depth: int) -> list[tuple[list[int], bool]]:
    """Return (members, is a table) of each block of a region, cutting it at its best gutter as long as there is one.

    `members` are those of the region, from the top.
    """
    region = boxes.take(members, 0) if depth < MAX_DEPTH and len(members) >= 2 * MIN_LINES else None
    side = None if region is None else _best_sides(region)
    if region is None or side is None:
        return [(members.tolist(), False)]
    side[_table_rows(region, side)] = TABLE
    blocks: list[tuple[list[int], bool]] = []
    kinds = np.abs(side)
    cuts = [0, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1).tolist(), len(kinds)]
    for first, end in pairwise(cuts):
        part, kind = members[first:end], int(kinds[first])
        if kind == TABLE:
            blocks.append((part.tolist(), True))
            continue
        if kind == 0:
            blocks += _split(boxes, part, rtl, depth + 1)
            continue
        for which in (1, -1) if rtl else (-1, 1):
            chosen = part[side[first:end] == which]
            if len(chosen):
                blocks += _split(boxes, chosen, rtl, depth + 1)
    return blocks


def _best_sides(boxes: _Boxes) -> _Ints | None:
    """Return the side of each fragment (see `_sides`) by the gutter with the most prose on its weaker side, or None.

    Candidates are the left edges that several long lines share, up to the last long line that ends before them.
    """
    left, right, _, tall = boxes.T
    em = quantile(tall, 0.5) / 1.2
    width = right - left
    long = width >= MIN_PROSE_EMS * em
    if np.count_nonzero(long) < 2 * MIN_LINES:
        return None
    edges = _shared_edges(np.sort(left[long]).tolist(), em)
    ends = np.sort(right[long]).tolist() if edges else []
    most, best = 0.0, None
    for edge in edges:
        before = bisect_right(ends, edge - 0.3 * em)
        if before < MIN_LINES:
            continue
        side = _sides(boxes, (max(ends[before - 1], edge - 3 * em) + edge) / 2)
        weight = _prose_beside(width, tall, side, em, most)
        if weight > most:
            most, best = weight, side
    return best


def _shared_edges(ordered: list[float], em: float) -> list[float]:
    """Return the left edges, of an ordered list, that four lines share to within half an em, save the first."""
    found: list[float] = []
    start, last = 0, ordered[0]
    for i, edge in enumerate([*ordered, inf]):
        if edge - last > 0.5 * em:
            if i - start >= MIN_LINES:
                found.append(ordered[start])
            start = i
        last = edge
    return [edge for edge in found if edge > ordered[0] + MIN_PROSE_EMS * em]


def quantile(values: npt.NDArray[np.float64], share: float) -> float:
    """Return the value that `share` of the values do not exceed, interpolated (numpy's own takes 20 times as long)."""
    ordered: list[float] = np.sort(values).tolist()
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _prose_beside(width: _Floats, tall: _Floats, side: _Ints, em: float, least: float) -> float:
    """Return the ink of the weaker side of a gutter when both hold running text, not cells of a table; else 0.

    It is also 0 when there is not more of it than `least`.
    """
    left, right = side == -1, side == 1
    weaker = min(float(tall[left].sum()), float(tall[right].sum()))
    if weaker <= least or float(tall[side == 0].sum()) > MAX_CROSSING * weaker:
        return 0.0
    return weaker if _is_prose(width[left], em) and _is_prose(width[right], em) else 0.0


def _is_prose(width: _Floats, em: float) -> bool:
    """Say whether a run of lines, from the top, is long throughout (a short one between two is a paragraph's end)."""
    if len(width) < MIN_LINES:
        return False
    long = width >= max(0.7 * quantile(width, 0.95), MIN_PROSE_EMS * em)
    return any(run.count(1) >= MIN_LINES for run in long.tobytes().split(b"\0\0"))


def _sides(boxes: _Boxes, middle: float) -> _Ints:
    """Return -1 (left of the gutter), 1 (right) or 0 (crosses it by more than an overhanging letter) a fragment."""
    left, right, _, tall = boxes.T
    slack = 0.6 * tall
    crosses = (left < middle - slack) & (right > middle + slack)
    return np.where(crosses, 0, np.where((left + right) / 2 < middle, -1, 1))


def _table_rows(boxes: _Boxes, side: _Ints) -> list[int]:
    """Return the fragments of tables that run over the gutter: stretches of rows without a line as wide as its column.

    A stretch needs two rows with cells on both sides; it is cut to its first and last such row. The short last line of
    a paragraph is no cell: a wide line stands right above it.
    """
    width = boxes[:, 1] - boxes[:, 0]
    limit = np.zeros(3)
    for which in (-1, 1):
        limit[which] = 0.7 * quantile(width[side == which], 0.9)
    prose = ((side != 0) & (width >= limit[side])).tolist()
    lines, sides = boxes.tolist(), side.tolist()
    found: list[int] = []
    stretch: list[list[int]] = []
    above: list[int] = []
    for row in [*_rows(lines), []]:
        for i in row:
            prose[i] = prose[i] or True in [prose[j] and _ends_paragraph(lines[j], lines[i]) for j in above]
        above = row
        if row and True not in [prose[i] for i in row]:
            stretch.append(row)
            continue
        if len(stretch) > 1:
            both = [n for n, members in enumerate(stretch) if len({sides[i] for i in members}) > 1]
            if len(both) >= 2:
                found += [i for members in stretch[both[0] : both[-1] + 1] for i in members]
        stretch = []
    return found


def _ends_paragraph(above: list[float], line: list[float]) -> bool:
    """Say whether `line` is set right below `above`, at the same left edge."""
    return abs(above[0] - line[0]) < 0.5 * line[3] and above[2] - line[2] < 1.6 * line[3]


def _rows(boxes: list[list[float]]) -> list[list[int]]:
    """Group fragments, which come from the top, by baseline."""
    rows: list[list[int]] = []
    first = inf
    for i, (_, _, base, tall) in enumerate(boxes):
        if first - base < 0.4 * tall:
            rows[-1].append(i)
        else:
            rows.append([i])
            first = base
    return rows
