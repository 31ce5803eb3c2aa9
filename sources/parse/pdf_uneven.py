"""Fragments in which characters are raised, lowered or small: written anew, so that exponents and marks are told apart.

Heights of boxes only show that something is uneven: boxes of symbol fonts are far taller than their characters. So the
pieces of such fragments are asked for font size and baseline, and the longest stretch of full size is the line.
What a raised or lowered piece becomes is decided in `pdf_text`. All fragments are worked out at once; arrays over
their pieces lie one fragment behind the other, and `first` is where each begins.
"""

import numpy as np

from sources.parse.pdf_fragment import Fragment
from sources.parse.pdf_page import Text
from sources.parse.pdf_pieces import Floats, Ints, Mask, Pieces, piece_texts, spread
from sources.parse.pdf_text import Piece, join_pieces, settle


def rewrite_uneven(found: list[Fragment], text: Text, string: str, pieces: Pieces, spaced: Mask, spans: Ints) -> None:
    """Write anew, in place, the uneven ones of `found`; `spans` holds the range of pieces [first, end) of each."""
    heads = spans[:, 0]
    apart = [np.maximum.reduceat(v, heads) - np.minimum.reduceat(v, heads) for v in (pieces.height, pieces.base)]
    uneven = np.flatnonzero(np.maximum(*apart) > 0.1 * pieces.height[heads])
    if not len(uneven):
        return
    starts, ends = spans[uneven].T
    at, first = spread(starts, ends), np.cumsum(ends - starts) - (ends - starts)
    chars, tall, base = (pieces.end - pieces.start)[at], pieces.height[at], pieces.base[at]
    run = text.run[pieces.start[at]]
    size, foot = text.size[run], text.foot[run]
    longest = _first_greatest(chars, first)
    most = longest[_owner(first, len(at))]
    odd = np.abs(tall - tall[most]) + np.abs(base - base[most]) > 0.1 * tall[most]
    main = _line_pieces(chars, size, odd, longest, first)
    line = main[_owner(first, len(at))]
    whole = np.maximum(size[line], 0.1)
    ratio, rise = np.where(odd, size / whole, 1.0), np.where(odd, (foot - foot[line]) / whole, 0.0)
    level = np.abs(rise) < 0.05
    low = np.minimum.reduceat(np.where(level, pieces.box[1, at], np.inf), first)
    high = np.maximum.reduceat(np.where(level, pieces.box[3, at], -np.inf), first)
    new = odd.copy()
    new[1:] |= odd[:-1]
    new[first] = True
    cuts = np.flatnonzero(new)
    texts = piece_texts(string, text.codes, (pieces.start[at], pieces.end[at]), spaced[at], cuts)
    parts = list(map(Piece, texts, *(column[cuts].tolist() for column in (spaced[at], ratio, rise))))
    places = [*np.searchsorted(cuts, first).tolist(), len(cuts)]
    columns = (column.tolist() for column in (uneven, low, high, base[main], tall[main], size[main]))
    for k, (n, y0, y1, line_base, height, line_size) in enumerate(zip(*columns, strict=True)):
        fragment = found[n]
        fragment.text = settle(join_pieces(parts[places[k] : places[k + 1]]))
        fragment.y0, fragment.y1 = y0, y1
        fragment.base, fragment.height, fragment.size = line_base, height, line_size


def _owner(first: Ints, count: int) -> Ints:
    """Return the number of the fragment that each of `count` pieces is in."""
    return np.repeat(np.arange(len(first)), np.diff(first, append=count))


def _first_greatest(values: Ints | Floats, first: Ints) -> Ints:
    """Return where in each fragment the greatest value stands, the first of them."""
    top = np.flatnonzero(values == np.maximum.reduceat(values, first)[_owner(first, len(values))])
    return top[np.searchsorted(top, first)]


def _line_pieces(chars: Ints, size: Floats, odd: Mask, longest: Ints, first: Ints) -> Ints:
    """Return the piece that stands for each line: of (nearly) full size, and with the most characters like it.

    That is the longest one, with all that are like it, or one of the odd ones; the longest in case of doubt.
    """
    asked = odd.copy()
    asked[longest] = True
    weight = chars.copy()
    weight[longest] = np.add.reduceat(np.where(odd, 0, chars), first)
    heavy = np.maximum.reduceat(np.where(asked & (weight > 1), size, -np.inf), first)
    any_size = np.maximum.reduceat(np.where(asked, size, -np.inf), first)
    tallest = np.where(heavy > -np.inf, heavy, any_size)
    full = size > 0.8 * tallest[_owner(first, len(size))]
    rank = 2 * weight + full * (2 << 32)
    rank[longest] += 1
    return _first_greatest(np.where(asked, rank, -1), first)
