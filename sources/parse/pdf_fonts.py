"""Weight and name of the fonts of a page's text: pdfium is asked once for each font, not for each character."""

import re
from collections.abc import Sequence
from functools import lru_cache

from sources.parse.pdf_calls import font_at
from sources.parse.pdf_fragment import MIXED
from sources.parse.pdf_loops import Records

_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)
Font = tuple[bool, bytes]
"""Whether a font is bold, and its name."""


def fonts_of(textpage: int, runs: Records) -> list[Font]:
    """Return the font of each run of the text page at an address."""
    fonts = runs["font"].tolist()
    places = dict(zip(fonts, runs["first"].tolist(), strict=True))
    known = {}
    for font, index in places.items():
        weight, name = font_at(textpage, index)
        known[font] = weight >= 650 or _is_bold(name), name
    return [known[font] for font in fonts]


def weights_and_names(begins: Sequence[Font], ends: Sequence[Font]) -> tuple[list[bool], list[bytes]]:
    """Return whether each fragment is bold and the name of its font, from those of its first and last character.

    A fragment whose ends differ is bold when both are, and its font is `MIXED`.
    """
    bold = [a[0] and b[0] for a, b in zip(begins, ends, strict=True)]
    names = [a[1] if a[1] == b[1] else MIXED for a, b in zip(begins, ends, strict=True)]
    return bold, names


@lru_cache(maxsize=1024)
def _is_bold(name: bytes) -> bool:
    return _BOLD.search(name) is not None
