"""Weight and name of the fonts of a page's characters: pdfium is asked once for each font, not for each character."""

import re
from collections.abc import Sequence
from functools import lru_cache

from sources.parse.pdf_calls import fonts_at, names_at
from sources.parse.pdf_fragment import MIXED

_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)


def weights_and_names(page: int, first: Sequence[int], last: Sequence[int]) -> tuple[list[bool], list[bytes]]:
    """Return whether each fragment is bold and the name of its font, from its first and last character.

    A fragment whose ends differ is bold when both are, and its font is `MIXED`.
    """
    one, other = fonts_at(page, first), fonts_at(page, last)
    places = dict(zip(one + other, [*first, *last], strict=True))
    asked = names_at(page, list(places.values()))
    known = {font: (weight >= 650 or _is_bold(name), name) for font, (weight, name) in zip(places, asked, strict=True)}
    begins, ends = [known[font] for font in one], [known[font] for font in other]
    bold = [a[0] and b[0] for a, b in zip(begins, ends, strict=True)]
    names = [a[1] if a[1] == b[1] else MIXED for a, b in zip(begins, ends, strict=True)]
    return bold, names


@lru_cache(maxsize=1024)
def _is_bold(name: bytes) -> bool:
    return _BOLD.search(name) is not None
