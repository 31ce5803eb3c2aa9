"""Weight and name of the fonts of a page's characters: pdfium is asked once for each font, not for each character."""

import ctypes
import re
from collections.abc import Sequence

import pypdfium2.raw as pdfium

from sources.parse.pdf_calls import fonts_at
from sources.parse.pdf_fragment import MIXED

_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)


def weights_and_names(page: int, first: Sequence[int], last: Sequence[int]) -> tuple[list[bool], list[bytes]]:
    """Return whether each fragment is bold and the name of its font, from its first and last character.

    A fragment whose ends differ is bold when both are, and its font is `MIXED`.
    """
    one, other = fonts_at(page, first), fonts_at(page, last)
    places = dict(zip(one + other, [*first, *last], strict=True))
    known = {font: _asked(page, at) for font, at in places.items()}
    begins, ends = [known[font] for font in one], [known[font] for font in other]
    bold = [a[0] and b[0] for a, b in zip(begins, ends, strict=True)]
    names = [a[1] if a[1] == b[1] else MIXED for a, b in zip(begins, ends, strict=True)]
    return bold, names


def _asked(page: int, at: int) -> tuple[bool, bytes]:
    """Return weight and name of the font of the character `at`."""
    name, flags = ctypes.create_string_buffer(256), ctypes.c_int()
    handle = ctypes.cast(page, pdfium.FPDF_TEXTPAGE)
    length = pdfium.FPDFText_GetFontInfo(handle, at, name, 256, flags)
    bold = bool(length and _BOLD.search(name.value)) or pdfium.FPDFText_GetFontWeight(handle, at) >= 650
    return bold, name.value if length else b""
