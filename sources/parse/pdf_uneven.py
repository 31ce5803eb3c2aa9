"""Fragments in which characters are raised, lowered or small: written anew, so that exponents and marks are told apart.

Heights of boxes only show that something is uneven: boxes of symbol fonts are far taller than their characters. So the
pieces of such fragments are asked for font size and baseline, and the longest stretch of full size is the line.
What a raised or lowered piece becomes is decided in `pdf_text`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sources.parse.pdf_fragment import Fragment
from sources.parse.pdf_page import Text
from sources.parse.pdf_pieces import Ints, Mask, Pieces
from sources.parse.pdf_text import Piece, join_pieces, settle


def rewrite_uneven(found: list[Fragment], text: Text, string: str, pieces: Pieces, spaced: Mask, spans: Ints) -> None:
    """Write anew, in place, the uneven ones of `found`; `spans` holds the range of pieces [first, end) of each."""
    heads = spans[:, 0]
    spread = [np.maximum.reduceat(v, heads) - np.minimum.reduceat(v, heads) for v in (pieces.height, pieces.base)]
    uneven = np.flatnonzero(np.maximum(*spread) > 0.1 * pieces.height[heads])
    if not len(uneven):
        return
    chosen = spans[uneven]
    lengths = chosen[:, 1] - chosen[:, 0]
    ends = np.cumsum(lengths)
    at = np.repeat(chosen[:, 0] - (ends - lengths), lengths) + np.arange(ends[-1])
    run = text.run[pieces.start[at]]
    words = [string[s:e] for s, e in zip(pieces.start[at].tolist(), pieces.end[at].tolist(), strict=True)]
    columns = [pieces.height[at], pieces.base[at], text.size[run], text.foot[run]]
    low, high = pieces.box[at, 1], pieces.box[at, 3]
    rows = list(map(_Part, words, spaced[at].tolist(), *(c.tolist() for c in (*columns, low, high))))
    for n, end, length in zip(uneven.tolist(), ends.tolist(), lengths.tolist(), strict=True):
        _rewrite(found[n], rows[end - length : end])


class _Part(NamedTuple):
    """A piece: text, whether a space stands before it, box height, baseline of the box, font size, origin, y range."""

    text: str
    spaced: bool
    tall: float
    base: float
    size: float
    foot: float
    low: float
    high: float


def _rewrite(fragment: Fragment, parts: Sequence[_Part]) -> None:
    """Give a fragment the text, place and size that its pieces make out."""
    longest = max(parts, key=lambda part: len(part.text))
    limit = 0.1 * longest.tall
    odd = [abs(p.tall - longest.tall) + abs(p.base - longest.base) > limit for p in parts]
    main = _line_piece(longest, [p for p, is_odd in zip(parts, odd, strict=True) if is_odd], parts)
    whole = max(main.size, 0.1)
    pieces, low, high = [], [], []
    for part, is_odd in zip(parts, odd, strict=True):
        rise = (part.foot - main.foot) / whole if is_odd else 0.0
        pieces.append(Piece(part.text, part.spaced, part.size / whole if is_odd else 1.0, rise))
        if abs(rise) < 0.05:
            low.append(part.low)
            high.append(part.high)
    fragment.text = settle(join_pieces(pieces))
    fragment.y0, fragment.y1 = min(low), max(high)
    fragment.base, fragment.height, fragment.size = main.base, main.tall, main.size


def _line_piece(longest: _Part, odd: Sequence[_Part], parts: Sequence[_Part]) -> _Part:
    """Return the piece that stands for the line: of (nearly) full size, and with the most characters like it."""
    if not odd:
        return longest
    like = sum(len(part.text) for part in parts) - sum(len(part.text) for part in odd)
    asked = [(longest, like), *((part, len(part.text)) for part in odd)]
    tallest = max([part.size for part, weight in asked if weight > 1] or [part.size for part, _ in asked])
    full = [(part.size > 0.8 * tallest, weight) for part, weight in asked]
    return asked[full.index(max(full))][0]
