"""Fragments in which characters are raised, lowered or small: written anew, so that exponents and marks are told apart.

Heights of boxes only show that something is uneven: boxes of symbol fonts are far taller than their characters. So the
pieces of such fragments are asked for font size and baseline, and the longest stretch of full size is the line.
What a raised or lowered piece becomes is decided in `pdf_text`.
"""

from collections.abc import Sequence

import numpy as np

from sources.parse.pdf_calls import feet_at, sizes_at
from sources.parse.pdf_fragment import Fragment
from sources.parse.pdf_pieces import Ints, Mask, Pieces
from sources.parse.pdf_text import Piece, join_pieces, settle


def rewrite_uneven(found: list[Fragment], text: str, page: int, pieces: Pieces, spaced: Mask, spans: Ints) -> None:
    """Write anew, in place, the uneven ones of `found`; `spans` holds the range of pieces [first, end) of each."""
    heads, spread = spans[:, 0], np.zeros(len(found))
    for values in (pieces.height, pieces.base):
        spread = np.maximum(spread, np.maximum.reduceat(values, heads) - np.minimum.reduceat(values, heads))
    for n in np.flatnonzero(spread > 0.1 * pieces.height[heads]).tolist():
        _rewrite(found[n], text, page, pieces, spaced, slice(*spans[n].tolist()))


def _rewrite(fragment: Fragment, text: str, page: int, pieces: Pieces, spaced: Mask, span: slice) -> None:
    """Give a fragment the text, place and size that its pieces make out."""
    first, end = pieces.start[span].tolist(), pieces.end[span].tolist()
    tall, base = pieces.height[span].tolist(), pieces.base[span].tolist()
    length = [e - s for s, e in zip(first, end, strict=True)]
    main = length.index(max(length))
    limit = 0.1 * tall[main]
    odd = [i for i in range(len(first)) if abs(tall[i] - tall[main]) + abs(base[i] - base[main]) > limit]
    asked = [main, *odd]
    at = [first[i] for i in asked]
    sizes = dict(zip(asked, sizes_at(page, at).tolist(), strict=True))
    feet = dict(zip(asked, feet_at(page, at).tolist(), strict=True))
    main = _line_piece(main, odd, length, sizes)
    size, foot = sizes[main], feet[main]
    whole = max(size, 0.1)
    ratio = {i: sizes[i] / whole for i in odd}
    rise = {i: (feet[i] - foot) / whole for i in odd}
    parts = [
        Piece(text[first[i] : end[i]], apart, ratio.get(i, 1.0), rise.get(i, 0.0))
        for i, apart in enumerate(spaced[span].tolist())
    ]
    even = [i for i in range(len(first)) if abs(rise.get(i, 0.0)) < 0.05]
    box = pieces.box[span]
    fragment.text = settle(join_pieces(parts))
    fragment.y0, fragment.y1 = float(box[even, 1].min()), float(box[even, 3].max())
    fragment.base, fragment.height, fragment.size = base[main], tall[main], size


def _line_piece(longest: int, odd: Sequence[int], length: Sequence[int], sizes: dict[int, float]) -> int:
    """Return the piece that stands for the line: of (nearly) full size, and with the most characters like it."""
    if not odd:
        return longest
    weight = {i: length[i] for i in odd} | {longest: sum(length) - sum(length[i] for i in odd)}
    tallest = max(sizes[i] for i in ([i for i in sizes if weight[i] > 1] or sizes))
    return max(weight, key=lambda i: (sizes[i] > 0.8 * tallest, weight[i], -i))
