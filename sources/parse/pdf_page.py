"""What pdfium says of a page, taken before the page is closed, and the pages of a file put one behind the other.

Everything that is asked of characters is asked in one go (`pdf_loops`), so that layout is worked out for many pages at
once: numpy takes as long for the words of one page as for those of ten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from sources.parse.pdf_calls import address_of
from sources.parse.pdf_fonts import Font, fonts_of
from sources.parse.pdf_loops import Records, read_characters, read_objects
from sources.parse.pdf_rules import Rules, find_rules
from sources.parse.pdf_text import clean_codes

MAX_OBJECTS = 20_000
"""A page with more objects than any table has is a map or a plot: its lines are no rules."""
MAX_LOOKED_AT = 200
_PICTURES = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
_HYPHEN, HYPHEN_MARK, LINE_FEED = 2, 0xFFFE, 10
Ints = npt.NDArray[np.int64]


class Page(NamedTuple):
    """A page that is read: characters (see `pdf_loops`; one more than there are), runs, fonts of runs, what is shown
    of it (left, bottom, right, top), its rules, and whether an image or a form is among its first objects."""

    characters: Records
    runs: Records
    fonts: list[Font]
    bounds: tuple[float, float, float, float]
    rules: Rules
    pictured: bool


@dataclass(slots=True)
class Text:
    """The characters of several pages: code points, boxes and heights of origins as pdfium gives them, number of the
    run; sizes and fonts of runs; and where each page begins, with the end of the last."""

    codes: npt.NDArray[np.uint32]
    box: npt.NDArray[np.float32]
    foot: npt.NDArray[np.float64]
    run: npt.NDArray[np.int64]
    size: npt.NDArray[np.float64]
    fonts: list[Font]
    begins: Ints


def read_page(page: Any, textpage: Any, bounds: tuple[float, float, float, float]) -> Page:
    """Ask for everything that is needed of an open page; `page` and `textpage` are raw handles of pdfium."""
    address = address_of(textpage)
    characters, runs = read_characters(address, max(0, pdfium.FPDFText_CountChars(textpage)))
    count = pdfium.FPDFPage_CountObjects(page)
    objects = read_objects(address_of(page), count if 0 < count <= MAX_OBJECTS else min(max(0, count), MAX_LOOKED_AT))
    pictured = bool(np.isin(objects["kind"][:MAX_LOOKED_AT], _PICTURES).any())
    rules = find_rules(objects, bounds) if 0 < count <= MAX_OBJECTS else Rules([], [])
    return Page(characters, runs, fonts_of(address, runs), bounds, rules, pictured)


def joined(pages: Sequence[Page]) -> Text:
    """Return the characters of pages, one page behind the other, a line feed behind each."""
    characters = np.concatenate([page.characters for page in pages])
    runs = np.concatenate([page.runs for page in pages])
    lengths = np.array([len(page.characters) for page in pages])
    begins = np.concatenate(([0], np.cumsum(lengths)))
    codes = np.ascontiguousarray(characters["code"])
    codes[codes == _HYPHEN] = HYPHEN_MARK
    codes[begins[1:] - 1] = LINE_FEED
    codes = clean_codes(codes)
    before = np.concatenate(([0], np.cumsum([len(page.runs) for page in pages])[:-1]))
    upright = runs["matrix"][:, 2:4].astype(np.float64)
    return Text(
        codes=codes,
        box=np.ascontiguousarray(characters["box"]),
        foot=np.ascontiguousarray(characters["foot"]),
        run=characters["run"] + np.repeat(before, lengths),
        size=np.round(runs["size"] * np.sqrt((upright * upright).sum(axis=1)), 2),
        fonts=[font for page in pages for font in page.fonts],
        begins=begins,
    )
