"""What pdfium says of a page, taken before the page is closed, and the pages of a file put one behind the other.

Everything that is asked of characters is asked in one go (`pdf_loops`), so that layout is worked out for many pages at
once: numpy takes as long for the words of one page as for those of ten.
"""

import ctypes
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from sources.parse.pdf_arrays import Characters, Paths, plain
from sources.parse.pdf_fonts import Font, fonts_of
from sources.parse.pdf_rules import MAX_SEGMENTS, THIN_POINTS, Rules, find_rules
from sources.parse.pdf_text import clean_codes

MAX_OBJECTS = 20_000
"""A page with more objects than any table has is a map or a plot: its lines are no rules."""
MAX_LOOKED_AT = 200
MOST_PAGES, ROOM = 32, 1 << 18
"""Layout is worked out for so many pages at once, or for the first to fill half the room for characters."""
_HYPHEN, HYPHEN_MARK = 2, 0xFFFE
Ints = npt.NDArray[np.int64]
Bounds = tuple[float, float, float, float]
_COUNT_CHARACTERS = plain(pdfium.FPDFText_CountChars, ctypes.c_int, ctypes.c_void_p)
_COUNT_OBJECTS = plain(pdfium.FPDFPage_CountObjects, ctypes.c_int, ctypes.c_void_p)


@dataclass(slots=True)
class Text:
    """The characters of several pages: code points, boxes as pdfium gives them, number of the run; sizes, heights of
    the baseline and numbers of the font of runs; fonts; and where each page begins, with the end of the last."""

    codes: npt.NDArray[np.uint32]
    box: npt.NDArray[np.float32]
    run: npt.NDArray[np.int32]
    size: npt.NDArray[np.float64]
    foot: npt.NDArray[np.float64]
    font: npt.NDArray[np.int32]
    fonts: list[Font]
    begins: Ints


class Page(NamedTuple):
    """What is shown of a page (left, bottom, right, top), how many paths it has, and whether an image or a form is
    among its first objects."""

    bounds: Bounds
    paths: int
    pictured: bool


class Batch:
    """Pages that are read, until layout is worked out for all of them; it is used again after `clear`."""

    def __init__(self) -> None:
        self._characters, self._paths = Characters(ROOM), Paths(MAX_OBJECTS)
        self.clear()

    def clear(self) -> None:
        """Forget all pages."""
        self._characters.clear()
        self._paths.clear()
        self.pages: list[Page] = []
        self._begins = [0]
        self._fonts: list[Font] = []

    @property
    def full(self) -> bool:
        """Whether it is time to work on these pages."""
        return len(self.pages) >= MOST_PAGES or self._begins[-1] > ROOM // 2

    def add(self, page: int, textpage: int, bounds: Bounds) -> None:
        """Ask for everything that is needed of an open page; `page` and `textpage` are addresses."""
        found, known = self._characters, len(self._fonts)
        found.read(textpage, max(0, _COUNT_CHARACTERS(textpage)))
        self._begins.append(found.code.used)
        self._fonts += fonts_of(textpage, found.fonts.filled()[known:])
        count = max(0, _COUNT_OBJECTS(page))
        few = count <= MAX_OBJECTS
        limits = MAX_LOOKED_AT, THIN_POINTS, MAX_SEGMENTS if few else -1
        paths, pictured = self._paths.read(page, count if few else MAX_LOOKED_AT, *limits)
        if not few:
            self._paths.rows.used -= paths
        self.pages.append(Page(bounds, paths if few else 0, pictured))

    def rules(self) -> list[Rules]:
        """Return the rules of each page."""
        return find_rules(self._paths, [page.paths for page in self.pages], [page.bounds for page in self.pages])

    def text(self) -> Text:
        """Return the characters of the pages, a line feed behind each page; they hold until the batch is used again."""
        found = self._characters
        codes, runs = found.code.filled(), found.runs.filled()
        codes[codes == _HYPHEN] = HYPHEN_MARK
        upright = runs["matrix"][:, 2:4].astype(np.float64)
        size = np.round(runs["size"] * np.sqrt((upright * upright).sum(axis=1)), 2)
        codes, begins = clean_codes(codes), np.array(self._begins)
        box, run = found.box.filled(), found.run.filled()
        return Text(codes, box, run, size, runs["foot"], runs["font"], self._fonts, begins)
