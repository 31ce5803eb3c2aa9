"""Pieces of a PDF page -> fragments: stretches of one line, with their box, font size, weight and text.

What is a stretch is decided in `pdf_joints`; here each gets its string, and the characters in it that are raised or
lowered theirs. Reading order is not decided here, and no character is judged: that is `pdf_columns` and `pdf_text`.
"""

import ctypes
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from sources.parse.pdf_joints import Stretches, find_stretches, median, true_heights
from sources.parse.pdf_pieces import (
    SCRIPT,
    SPACE,
    Pieces,
    find_boxes,
    find_codes,
    find_fonts,
    find_pieces,
    find_turned,
    find_words,
    shift,
    turn_upright,
)
from sources.parse.pdf_text import SCRIPTABLE, Piece, clean_codes, decode, join_pieces, settle

MIXED = b""
"""Name of the font of a fragment that has several."""
_BOLD = re.compile(rb"bold|black|heavy|demi|[-.]B$", re.IGNORECASE)
_CLASSES = np.zeros(65536, np.uint8)
_CLASSES[[9, 10, 11, 12, 13, 32, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]] = SPACE
_CLASSES[SCRIPTABLE] |= SCRIPT
_CLEAN = clean_codes(np.arange(65536, dtype=np.uint32))


@dataclass(slots=True)
class Fragment:
    """A stretch of a line: text, box in points (y grows upwards), baseline, box height, size, weight and font name."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    height: float
    size: float
    bold: bool
    face: bytes


@dataclass(slots=True)
class PageText:
    """What a page holds: its fragments in the file's own order, text set at another angle, and page size in points."""

    fragments: list[Fragment]
    turned: str
    width: float
    height: float


def read_page(textpage: Any, bounds: tuple[float, float, float, float]) -> PageText:
    """Return the fragments of a pypdfium2 text page; empty when it has no characters.

    `bounds` is what of the page is shown (left, bottom, right, top); what lies wholly outside it is left out.
    """
    left, bottom, right, top = bounds
    width, height = right - left, top - bottom
    raw, page = textpage.raw, ctypes.cast(textpage.raw, ctypes.c_void_p).value or 0
    codes = np.empty(textpage.count_chars(), np.uint32)
    find_codes(page, _CLEAN, codes)
    starts, ends = find_words(codes, _CLASSES)
    if not len(starts):
        return PageText([], "", width, height)
    box = find_boxes(page, codes, _CLASSES, starts, ends)
    shift(box, left, bottom)
    turned, quarter = find_turned(box, starts, ends)
    if quarter:
        box, turned = turn_upright(box, quarter), np.zeros_like(turned)
        width, height = height, width
    text = decode(codes)
    aside = ""
    if turned.any():
        aside = settle(
            " ".join([text[s:e] for s, e in zip(starts[turned].tolist(), ends[turned].tolist(), strict=True)])
        )
        starts, ends = starts[~turned], ends[~turned]
    if not len(starts):
        return PageText([], aside, width, height)
    pieces = find_pieces(page, box, starts, ends)
    if not quarter:
        true_heights(pieces, 1.2 * median(pieces.height), bottom)
    stretches = find_stretches(pieces, codes)
    found = _fragments(text, stretches, _fonts(raw, page, stretches))
    shown = [f for f in found if f.x1 > 0 and f.x0 < width and f.y1 > 0 and f.y0 < height]
    return PageText(shown, aside, width, height)


def _fonts(raw: Any, page: int, stretches: Stretches) -> list[tuple[bool, bytes]]:
    """Return whether each stretch is bold, and the name of its font: that of its first piece.

    It is not bold and has no name when its last piece has another font.
    """
    pieces, head, last = stretches.pieces, stretches.head, stretches.stop - 1
    starts, ends, alone = pieces.start[head].tolist(), pieces.end[last] - 1, (head == last).tolist()
    known: dict[int, tuple[bool, bytes]] = {}
    fonts = []
    for n, (one, other) in enumerate(zip(pieces.font[head].tolist(), find_fonts(page, ends).tolist(), strict=True)):
        if one not in known:
            known[one] = _font(raw, starts[n])
        if one == other or alone[n]:
            fonts.append(known[one])
            continue
        if other not in known:
            known[other] = _font(raw, int(ends[n]))
        fonts.append(_common(known[one], known[other]))
    return fonts


def _common(one: tuple[bool, bytes], other: tuple[bool, bytes]) -> tuple[bool, bytes]:
    """Return what two fonts share."""
    return one[0] and other[0], one[1] if one[1] == other[1] else MIXED


def _font(raw: Any, index: int) -> tuple[bool, bytes]:
    """Return whether the font of a character is bold, and its name."""
    name, flags = ctypes.create_string_buffer(256), ctypes.c_int()
    length = pdfium.FPDFText_GetFontInfo(raw, index, name, 256, flags)
    bold = bool(length and _BOLD.search(name.value)) or pdfium.FPDFText_GetFontWeight(raw, index) >= 650
    return bold, name.value if length else b""


def _fragments(text: str, stretches: Stretches, fonts: list[tuple[bool, bytes]]) -> list[Fragment]:
    """Return each stretch with its text, size and weight."""
    pieces, head = stretches.pieces, stretches.head
    spans = zip(head.tolist(), stretches.stop.tolist(), strict=True)
    firsts, lasts = pieces.start[head].tolist(), pieces.end[stretches.stop - 1].tolist()
    bases, heights, sizes = pieces.base[head].tolist(), pieces.height[head].tolist(), pieces.size[head].tolist()
    boxes, plain = stretches.box.tolist(), stretches.plain.tolist()
    uneven, found = stretches.uneven.tolist(), []
    for n, (first, stop) in enumerate(spans):
        bold, face = fonts[n]
        if uneven[n]:
            found.append(_uneven_fragment(slice(first, stop), pieces, text, bold, face))
            continue
        line = settle(text[firsts[n] : lasts[n]] if plain[n] else _joined(pieces, text, slice(first, stop)))
        x0, y0, x1, y1 = boxes[n]
        found.append(Fragment(line, x0, y0, x1, y1, bases[n], heights[n], sizes[n], bold, face))
    return found


def _joined(pieces: Pieces, text: str, span: slice) -> str:
    """Return the text of pieces that do not follow each other in the page's text."""
    spaced = pieces.spaced[span].tolist()
    return "".join([" " * s + word for s, word in zip(spaced, _words(pieces, text, span), strict=True)])


def _words(pieces: Pieces, text: str, span: slice) -> list[str]:
    """Return the strings of pieces."""
    return [text[s:e] for s, e in zip(pieces.start[span].tolist(), pieces.end[span].tolist(), strict=True)]


def _uneven_fragment(span: slice, pieces: Pieces, text: str, bold: bool, face: bytes) -> Fragment:
    """Return a fragment in which pieces are raised, lowered or small.

    Boxes of symbol fonts are far taller than their characters, so such pieces are asked for their size.
    """
    tall, base, sizes, feet = (
        values[span].tolist() for values in (pieces.height, pieces.base, pieces.size, pieces.foot)
    )
    words, spaced = _words(pieces, text, span), pieces.spaced[span].tolist()
    length = [len(word) for word in words]
    main = length.index(max(length))
    limit = 0.1 * tall[main]
    uneven = [i for i, t in enumerate(tall) if abs(t - tall[main]) + abs(base[i] - base[main]) > limit]
    if uneven:
        weight = {i: length[i] for i in uneven}
        weight[main] = sum(length) - sum(weight.values())
        words_long = [i for i in weight if weight[i] > 1]
        tallest = max(sizes[i] for i in words_long or weight)
        main = max(weight, key=lambda i: (sizes[i] > 0.8 * tallest, weight[i], -i))
    unit = max(sizes[main], 0.1)
    ratio, rise = [1.0] * len(words), [0.0] * len(words)
    for i in uneven:
        ratio[i], rise[i] = sizes[i] / unit, (feet[i] - feet[main]) / unit
    line = join_pieces(map(Piece, words, spaced, ratio, rise))
    box = pieces.box[span].tolist()
    even = [sides for sides, r in zip(box, rise, strict=True) if abs(r) < 0.05]
    x0, y0 = min(sides[0] for sides in box), min(sides[1] for sides in even)
    x1, y1 = max(sides[2] for sides in box), max(sides[3] for sides in even)
    return Fragment(settle(line), x0, y0, x1, y1, base[main], tall[main], sizes[main], bold, face)
