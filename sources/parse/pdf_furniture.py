"""Running headers, footers and page numbers: found because they repeat, removed only then.

A line goes when the same words and numbers (one may count the pages) stand at the same height on several pages, in
the outer part of the page and set off from the body, and say no dose, threshold or age; a bare number goes only when
it counts up with the pages. Text set at another angle goes when pages repeat it. Whatever appears once stays, so a body
line cannot be lost by its place alone; the heads of a table that runs over pages stay as they touch the rows below.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf
from operator import attrgetter
from typing import NamedTuple

from sources.parse.pdf_fragment import Fragment, PageText

MARGIN_SHARE = 0.14
"""Only this share of the page's height, at the top and at the bottom, is searched."""
ROWS = 4
"""At most this many rows at the top, and as many at the bottom, can be running lines."""
PLACE_POINTS = 4.0
CLEARANCE = 0.55
"""Free space between a running line and the body, in line heights."""
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d{1,9}")
_NUMBER = re.compile(r"\W*(\d{1,4}|[ivxlc]{1,7})\W*", re.IGNORECASE)
_PAGE_OF = re.compile(r"\W*page\W*\d+(\W*(of|/)\W*\d+)?\W*|\d+\s*(of|/)\s*\d+", re.IGNORECASE)
_DOSE = re.compile(
    r"\d\s?(?:[kmnµμ]?g|mcg|[mµμd]?[lL]|IU|U|units?|%|[mµμn]?mol|mEq|mmHg|°\s?C|tablets?|drops?|times|hourly|years?|"
    r"months?|weeks?|days?|hours?)(?![^\W\d_])|[<>≤≥]\s?\d",
    re.IGNORECASE,
)
"""A number with what it counts: such a line says something, however often pages repeat it."""
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
MAX_NUMBER_LETTERS = 7
"""No page number has more letters: `xxxviii`, `page of`."""
_Key = tuple[tuple[str | int, ...], int]
_Row = list[Fragment]
_Side = list[tuple[_Row, float]]


class _Mark(NamedTuple):
    """What a row could be known by: its text, the letters in it, and its number less the page's index."""

    text: str
    letters: str
    value: int | None


def remove_running_lines(pages: Sequence[PageText]) -> int:
    """Remove running lines from the pages' fragments, in place, and repeated turned text; return how many went."""
    sides = [_sides(page) for page in pages]
    marks = [[[_mark(row, number) for row, _ in side] for side in rows] for number, rows in enumerate(sides)]
    offsets = _numbering(marks)
    enough = 2 if len(pages) <= 8 else 3
    running = _repeated(sides, marks, enough)
    removed = 0
    for page, rows, of_page in zip(pages, sides, marks, strict=True):
        gone: set[int] = set()
        for side, of_side in zip(rows, of_page, strict=True):
            goes = [mark.value in offsets or id(row) in running for (row, _), mark in zip(side, of_side, strict=True)]
            gone |= {id(fragment) for row in _clear(side, goes) for fragment in row}
        if gone:
            page.fragments[:] = [f for f in page.fragments if id(f) not in gone]
        removed += len(gone)
    return removed + _remove_turned(pages)


def _mark(row: _Row, page: int) -> _Mark:
    text = row[0].text if len(row) == 1 else " ".join(f.text for f in sorted(row, key=attrgetter("x0")))
    folded = text.casefold()
    letters = " ".join(_LETTERS.findall(folded)) if len(folded) <= 160 else ""
    return _Mark(folded, letters, _page_value(text, page) if len(letters) <= MAX_NUMBER_LETTERS else None)


def _repeated(sides: Sequence[Sequence[_Side]], marks: Sequence[Sequence[Sequence[_Mark]]], enough: int) -> set[int]:
    """Return the rows (by id) that share a key on `enough` pages; only rows with the same letters can."""
    pages = Counter(letters for of_page in marks for letters in {mark.letters for side in of_page for mark in side})
    seen: Counter[_Key] = Counter()
    keyed: list[tuple[_Row, list[_Key]]] = []
    for number, (rows, of_page) in enumerate(zip(sides, marks, strict=True)):
        of_rows = [
            pair for side, of_side in zip(rows, of_page, strict=True) for pair in zip(side, of_side, strict=True)
        ]
        here = [
            (row, _keys(mark, row[0].base, number))
            for (row, _), mark in of_rows
            if mark.letters and pages[mark.letters] >= enough and not _DOSE.search(mark.text)
        ]
        seen.update({key for _, keys in here for key in keys})
        keyed += here
    return {id(row) for row, keys in keyed if any(seen[key] >= enough for key in keys)}


def _clear(side: _Side, running: list[bool]) -> list[_Row]:
    """Return the running rows from the page's edge inwards, as far as free space follows the last one."""
    depth = running.index(False) if False in running else len(running)
    while depth and side[depth - 1][1] <= CLEARANCE * side[depth - 1][0][0].height:
        depth -= 1
    return [row for row, _ in side[:depth]]


def _sides(page: PageText) -> list[_Side]:
    """Return the outer rows of a page, each with the free space behind it: top, bottom, and numbers beside the text."""
    ordered = sorted(page.fragments, key=attrgetter("base"))
    top, bottom = _first_rows(reversed(ordered)), _first_rows(ordered)
    return [_outer(page, top, top=True), _outer(page, bottom, top=False), *([(row, inf)] for row in _beside(page))]


def _first_rows(ordered: Iterable[Fragment]) -> list[_Row]:
    """Return the first five rows of fragments that are ordered by height, from the top or from the bottom."""
    rows: list[_Row] = []
    for fragment in ordered:
        if rows and abs(rows[-1][0].base - fragment.base) < 0.4 * fragment.height:
            rows[-1].append(fragment)
        elif len(rows) == ROWS + 1:
            break
        else:
            rows.append([fragment])
    for row in rows:
        if len(row) > 1:
            row.sort(key=lambda f: (-f.base, f.x0))
    return rows


def _outer(page: PageText, rows: list[_Row], *, top: bool) -> _Side:
    """Return up to four rows of the margin, from the page's edge, with the free space between each and the next."""
    zone = [row for row in rows[:ROWS] if _share(page, row[0], top=top) < MARGIN_SHARE]
    gaps = []
    for row, following in zip(zone, rows[1:], strict=False):
        upper, lower = (row, following) if top else (following, row)
        gaps.append(min([f.y0 for f in upper]) - max([f.y1 for f in lower]))
    return list(zip(zone, [*gaps, inf], strict=False))


def _beside(page: PageText) -> list[_Row]:
    """Return the bare numbers that stand left or right of everything else on the page."""
    numbers = [f for f in page.fragments if len(f.text) < 6 and _NUMBER.fullmatch(f.text.strip())]
    if not numbers or len(numbers) == len(page.fragments):
        return []
    bare = {id(f) for f in numbers}
    others = [f for f in page.fragments if id(f) not in bare]
    left, right = min([f.x0 for f in others]), max([f.x1 for f in others])
    return [[f] for f in numbers if f.x1 < left or f.x0 > right]


def _share(page: PageText, fragment: Fragment, *, top: bool) -> float:
    """Return the distance of a fragment from the page's edge as a share of the page's height."""
    return 1 - fragment.base / page.height if top else fragment.base / page.height


def _keys(mark: _Mark, base: float, page: int) -> list[_Key]:
    """Return what identifies a running line: letters, numbers (of which one may count the pages) and height.

    Heights are rounded in two overlapping grids; numbers are sorted, as left and right pages mirror each other.
    """
    letters, numbers = mark.letters, sorted(map(int, _DIGITS.findall(mark.text)))
    folded: list[tuple[str | int, ...]] = [(letters, *numbers)]
    for i, value in enumerate(numbers[:6]):
        folded.append((f"{letters} page {value - page}", *numbers[:i], *numbers[i + 1 :]))
    place = base / PLACE_POINTS
    return [(form, grid) for form in folded for grid in (int(place), -int(place + 0.5) - 1)]


def _page_value(text: str, page: int) -> int | None:
    """Return a page number less the page's index, or None when the text is no bare number or `Page 3 of 9`."""
    text = text.strip()
    if match := _PAGE_OF.fullmatch(text):
        return int(re.search(r"\d+", match.group()).group()) - page  # type: ignore[union-attr]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    word = match.group(1).lower()
    if word.isdigit():
        return int(word) - page
    values = [_ROMAN[c] for c in word]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)) - page


def _numbering(marks: Sequence[Sequence[Sequence[_Mark]]]) -> set[int]:
    """Return the offsets between printed page number and page index that hold on three pages (two in short files)."""
    counts: Counter[int] = Counter()
    for of_page in marks:
        values = {row.value for side in of_page for row in side}
        counts.update(value for value in values if value is not None)
    enough = 2 if len(marks) <= 4 else 3
    return {offset for offset, count in counts.items() if count >= enough}


def _remove_turned(pages: Sequence[PageText]) -> int:
    """Drop text at another angle that other pages repeat (stamps of a download, a publisher's side line)."""
    counts = Counter(re.sub(r"\d+", "#", page.turned) for page in pages if page.turned)
    repeated = [page for page in pages if counts[re.sub(r"\d+", "#", page.turned)] > 1]
    for page in repeated:
        page.turned = ""
    return len(repeated)
