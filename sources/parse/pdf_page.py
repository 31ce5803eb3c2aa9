"""What pdfium says of a page, taken before the page is closed, and the pages of a file put one behind the other.

Everything that is asked of characters is asked in one go (`pdf_loops`), so that layout is worked out for many pages at
once: numpy takes as long for the words of one page as for those of ten.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from sources.parse.pdf_fonts import Font, fonts_of
from sources.parse.pdf_loops import Characters, Records, address_of, read_objects
from sources.parse.pdf_rules import Rules, find_rules
from sources.parse.pdf_text import clean_codes

MAX_OBJECTS = 20_000
"""A page with more objects than any table has is a map or a plot: its lines are no rules."""
MAX_LOOKED_AT = 200
MOST_PAGES, ROOM = 32, 1 << 18
"""Layout is worked out for so many pages at once, or for the first to fill half the room for characters."""
_PICTURES = {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM}
_HYPHEN, HYPHEN_MARK, LINE_FEED = 2, 0xFFFE, 10
Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Text:
    """The characters of several pages: code points, boxes as pdfium gives them, number of the run; sizes, heights of
    the baseline and fonts of runs; and where each page begins, with the end of the last."""

    codes: npt.NDArray[np.uint32]
    box: npt.NDArray[np.float32]
    run: npt.NDArray[np.int32]
    size: npt.NDArray[np.float64]
    foot: npt.NDArray[np.float64]
    fonts: list[Font]
    begins: Ints


class Page(NamedTuple):
    """What is shown of a page (left, bottom, right, top), its rules, and whether an image or a form is among its first
    objects."""

    bounds: tuple[float, float, float, float]
    rules: Rules
    pictured: bool


class Batch:
    """Pages that are read, until layout is worked out for all of them; it is used again after `clear`."""

    def __init__(self) -> None:
        self._characters = Characters(ROOM)
        self.clear()

    def clear(self) -> None:
        """Forget all pages."""
        self.pages: list[Page] = []
        self._begins = [0]
        self._runs: list[Records] = []
        self._fonts: list[Font] = []

    @property
    def full(self) -> bool:
        """Whether it is time to work on these pages."""
        return len(self.pages) >= MOST_PAGES or self._begins[-1] > ROOM // 2

    def add(self, page: Any, textpage: Any, bounds: tuple[float, float, float, float]) -> None:
        """Ask for everything that is needed of an open page; `page` and `textpage` are raw handles of pdfium."""
        address, first = address_of(textpage), self._begins[-1]
        end = first + max(0, pdfium.FPDFText_CountChars(textpage))
        self._characters.reserve(end + 1, first)
        runs = self._characters.read(address, first, end - first, len(self._fonts))
        self._characters.code[end] = LINE_FEED
        self._begins.append(end + 1)
        self._runs.append(runs)
        self._fonts += fonts_of(address, runs)
        count = max(0, pdfium.FPDFPage_CountObjects(page))
        objects = read_objects(address_of(page), count if count <= MAX_OBJECTS else MAX_LOOKED_AT)
        pictured = not _PICTURES.isdisjoint(objects["kind"][:MAX_LOOKED_AT].tolist())
        rules = find_rules(objects, bounds) if count <= MAX_OBJECTS else Rules([], [])
        self.pages.append(Page(bounds, rules, pictured))

    def text(self) -> Text:
        """Return the characters of the pages, a line feed behind each page; they hold until the batch is used again."""
        end, found = self._begins[-1], self._characters
        codes = found.code[:end]
        codes[codes == _HYPHEN] = HYPHEN_MARK
        runs = np.concatenate(self._runs)
        upright = runs["matrix"][:, 2:4].astype(np.float64)
        size = np.round(runs["size"] * np.sqrt((upright * upright).sum(axis=1)), 2)
        codes, begins = clean_codes(codes), np.array(self._begins)
        return Text(codes, found.box[:end], found.run[:end], size, runs["foot"], self._fonts, begins)
