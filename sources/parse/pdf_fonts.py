"""Weight and name of the fonts of a page's text: pdfium is asked once for each font, not for each character."""

import ctypes
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from sources.parse.pdf_arrays import Records, plain
from sources.parse.pdf_fragment import MIXED

_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)
_Numbers = npt.NDArray[np.int32]
Font = tuple[bool, bytes]
"""Whether a font is bold, and its name."""


_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_WEIGHT = plain(pdfium.FPDFText_GetFontWeight, _INT, _POINTER, _INT)
_NAME = plain(pdfium.FPDFText_GetFontInfo, ctypes.c_ulong, _POINTER, _INT, _POINTER, ctypes.c_ulong, _POINTER)
_NAME_BUFFER = ctypes.create_string_buffer(256)
_NAME_AT = ctypes.addressof(_NAME_BUFFER)


def fonts_of(textpage: int, fonts: Records) -> list[Font]:
    """Return what is needed of each of the FONTs of the text page at an address."""
    addresses = fonts["address"].tolist()
    places = dict(zip(addresses, fonts["first"].tolist(), strict=True))
    known = {address: _font_at(textpage, index) for address, index in places.items()}
    return [known[address] for address in addresses]


def _font_at(textpage: int, index: int) -> Font:
    """Return the font of a character; its weight is 400 when regular and 700 when bold."""
    length = _NAME(textpage, index, _NAME_AT, len(_NAME_BUFFER), None)
    name = _NAME_BUFFER.value if 0 < length <= len(_NAME_BUFFER) else b""
    return _WEIGHT(textpage, index) >= 650 or _is_bold(name), name


def weights_and_names(fonts: Sequence[Font], begins: _Numbers, ends: _Numbers) -> tuple[list[bool], list[bytes]]:
    """Return whether each fragment is bold and the name of its font, from those of its first and last character.

    A fragment whose ends differ is bold when both are, and its font is `MIXED`.
    """
    shown = [fonts[number] for number in begins.tolist()]
    bold, names = [font[0] for font in shown], [font[1] for font in shown]
    for n in np.flatnonzero(begins != ends).tolist():
        is_bold, name = fonts[ends[n]]
        bold[n] = bold[n] and is_bold
        names[n] = name if name == names[n] else MIXED
    return bold, names


@lru_cache(maxsize=1024)
def _is_bold(name: bytes) -> bool:
    return _BOLD.search(name) is not None
