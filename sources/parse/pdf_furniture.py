"""Running headers, footers and page numbers: found because they repeat, removed only then.

A line goes when the same words (digits left out) stand at the same height on several pages, in the outer part of the
page and set off from the body; a bare number goes only when it counts up with the pages. Text set at another angle
goes when pages repeat it. Whatever appears once stays, so a body line cannot be lost by its place alone; the column
heads of a table that runs over pages stay because they touch the rows under them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from sources.parse.pdf_words import Fragment, PageText

MARGIN_SHARE = 0.14
"""Only this share of the page's height, at the top and at the bottom, is searched."""
PLACE_POINTS = 4.0
CLEARANCE = 0.55
"""Free space between a running line and the body, in line heights."""
_NUMBER = re.compile(r"\W*(\d{1,4}|[ivxlc]{1,7})\W*", re.IGNORECASE)
_PAGE_OF = re.compile(r"\W*page\W*\d+(\W*(of|/)\W*\d+)?\W*|\d+\s*(of|/)\s*\d+", re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_Key = tuple[str, int]
_Row = list[Fragment]


def remove_running_lines(pages: Sequence[PageText]) -> int:
    """Remove running lines from the pages' fragments, in place, and repeated turned text; return how many went."""
    candidates = [_candidates(page) for page in pages]
    seen: dict[_Key, set[int]] = defaultdict(set)
    for number, rows in enumerate(candidates):
        for row in rows:
            for key in _keys(row):
                seen[key].add(number)
    offsets = _numbering(candidates)
    enough = 2 if len(pages) <= 8 else 3
    removed = 0
    for number, (page, rows) in enumerate(zip(pages, candidates, strict=True)):
        running = [row for row in rows if any(len(seen[key]) >= enough for key in _keys(row))]
        running += [row for row in rows if _page_value(_text(row), number) in offsets]
        gone = {id(fragment) for row in running for fragment in row}
        page.fragments[:] = [f for f in page.fragments if id(f) not in gone]
        removed += len(gone)
    return removed + _remove_turned(pages)


def _candidates(page: PageText) -> list[_Row]:
    """Return the rows in the margins that stand clear of the body."""
    rows: list[_Row] = []
    for fragment in sorted(page.fragments, key=lambda f: (-f.base, f.x0)):
        if rows and rows[-1][0].base - fragment.base < 0.4 * fragment.height:
            rows[-1].append(fragment)
        else:
            rows.append([fragment])
    return [*_outer(page, rows, top=True), *_outer(page, rows[::-1], top=False)]


def _text(row: _Row) -> str:
    """Return the text of a row from the left."""
    return " ".join(f.text for f in sorted(row, key=lambda f: f.x0))


def _outer(page: PageText, rows: list[_Row], *, top: bool) -> list[_Row]:
    """Return the rows from the page's edge up to the last gap that is wide enough, at most four."""
    zone = [row for row in rows[:4] if _share(page, row[0], top=top) < MARGIN_SHARE]
    for depth in range(len(zone), 0, -1):
        if depth == len(rows):
            return zone
        upper, lower = (rows[depth - 1], rows[depth]) if top else (rows[depth], rows[depth - 1])
        gap = min(f.y0 for f in upper) - max(f.y1 for f in lower)
        if gap > CLEARANCE * rows[depth - 1][0].height:
            return zone[:depth]
    return []


def _share(page: PageText, fragment: Fragment, *, top: bool) -> float:
    """Return the distance of a fragment from the page's edge as a share of the page's height."""
    return 1 - fragment.base / page.height if top else fragment.base / page.height


def _keys(row: _Row) -> list[_Key]:
    """Return what identifies a running line: its letters and height on the page, in two overlapping grids."""
    text = " ".join(re.findall(r"[^\W\d_]+", _text(row).casefold()))
    if not text or len(text) > 160:
        return []
    place = row[0].base / PLACE_POINTS
    return [(text, int(place)), (text, -int(place + 0.5) - 1)]


def _page_value(text: str, page: int) -> int | None:
    """Return a page number less the page's index, or None when the text is no bare number or `Page 3 of 9`."""
    if match := _PAGE_OF.fullmatch(text.strip()):
        return int(re.search(r"\d+", match.group()).group()) - page  # type: ignore[union-attr]
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    word = match.group(1).lower()
    if word.isdigit():
        return int(word) - page
    values = [_ROMAN[c] for c in word]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)) - page


def _numbering(candidates: list[list[_Row]]) -> set[int]:
    """Return the offsets between printed page number and page index that hold on three pages (two in short files)."""
    counts: Counter[int] = Counter()
    for number, rows in enumerate(candidates):
        values = {_page_value(_text(row), number) for row in rows}
        counts.update(value for value in values if value is not None)
    enough = 2 if len(candidates) <= 4 else 3
    return {offset for offset, count in counts.items() if count >= enough}


def _remove_turned(pages: Sequence[PageText]) -> int:
    """Drop text at another angle that other pages repeat (stamps of a download, a publisher's side line)."""
    counts = Counter(re.sub(r"\d+", "#", page.turned) for page in pages if page.turned)
    repeated = [page for page in pages if counts[re.sub(r"\d+", "#", page.turned)] > 1]
    for page in repeated:
        page.turned = ""
    return len(repeated)
