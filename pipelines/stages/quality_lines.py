"""Statistics of lines and paragraphs in compiled code: bullets, dots, ends of sentences, repetition.

A line ends at a line feed, a paragraph at an empty line; blank lines do not count. The rules are those of Gopher
(Rae et al. 2021) and FineWeb (Penedo et al. 2024). Part of `quality_scan`, which says how they are tested.
"""

import numba
import numpy as np
import numpy.typing as npt

from pipelines.stages.quality_chars import SPACE, TERMINAL
from pipelines.stages.quality_repeats import Hashes, Lengths, duplicates
from pipelines.stages.quality_tokens import FNV_PRIME, FNV_START, Bytes, Table, decode

LINE_STATISTICS = (
    "bullet_line_fraction",
    "ellipsis_line_fraction",
    "terminal_line_fraction",
    "short_line_fraction",
    "dup_line_fraction",
    "dup_line_char_fraction",
    "dup_para_fraction",
    "dup_para_char_fraction",
)
SHORT_LINE_CHARS = 30

Floats = npt.NDArray[np.float64]

_jit = numba.njit(cache=True, nogil=True)


@_jit
def ratio(part: float, whole: float) -> float:
    """Return `part / whole`, and 0 for nothing of nothing."""
    return part / whole if whole else 0.0


@_jit
def ellipses(data: Bytes) -> int:
    """Return the number of "..." (not overlapping) and "…"."""
    count, dots = 0, 0
    for at in range(len(data)):
        dots = dots + 1 if data[at] == 46 else 0
        if dots == 3:
            count, dots = count + 1, 0
        elif data[at] == 0xA6 and at >= 2 and data[at - 1] == 0x80 and data[at - 2] == 0xE2:
            count += 1
    return count


@_jit
def _line(data: Bytes, table: Table) -> tuple[int, int, int, bool]:
    """Return characters, first and last visible code point (0: a blank line), and whether it trails off in "..."."""
    at, chars, first, last, dots, spaced = 0, 0, 0, 0, 0, False
    while at < len(data):
        code, size = decode(data, at)
        at += size
        chars += 1
        if code < len(table) and table[code] & SPACE:
            spaced = True
            continue
        dots = 0 if code != 46 else 1 if spaced else dots + 1
        first, last, spaced = first if first else code, code, False
    return chars, first, last, dots >= 3 or last == 0x2026


@_jit
def _bullet(code: int) -> bool:
    """Say whether `code` is one of - * • ‣ ◦ ● ▪."""
    return code in (0x2D, 0x2A, 0x2022, 0x2023, 0x25E6, 0x25CF, 0x25AA)


@_jit
def _hashed(data: Bytes) -> np.uint64:
    value = FNV_START
    for byte in data:
        value = (value ^ np.uint64(byte)) * FNV_PRIME
    return value


@_jit
def _shares(items: int, hashes: Hashes, lengths: Lengths, chars: int) -> tuple[float, float]:
    """Return the share of repeated items, and of characters in them."""
    count, repeated = duplicates(hashes[:items], lengths[:items])
    return ratio(count, items), ratio(repeated, chars)


@_jit
def line_stats(data: Bytes, table: Table, chars: int, out: Floats) -> int:
    """Write `LINE_STATISTICS` into `out` and return the number of lines that are not blank."""
    newlines = 0
    for byte in data:
        newlines += byte == 10
    hashes, lengths = np.empty(newlines + 1, dtype=np.uint64), np.empty(newlines + 1, dtype=np.int64)
    lines, start, out[:4] = 0, 0, 0.0
    for end in range(len(data) + 1):
        if end < len(data) and data[end] != 10:
            continue
        length, first, last, trails = _line(data[start:end], table)
        if first:
            hashes[lines], lengths[lines] = _hashed(data[start:end]), length
            lines += 1
            out[0] += _bullet(first)
            out[1] += trails
            out[2] += last < len(table) and table[last] & TERMINAL != 0
            out[3] += length <= SHORT_LINE_CHARS
        start = end + 1
    for place in range(4):
        out[place] = ratio(out[place], lines)
    out[4], out[5] = _shares(lines, hashes, lengths, chars)
    paragraphs = _paragraphs(data, hashes, lengths)
    out[6], out[7] = _shares(paragraphs, hashes, lengths, chars)
    return lines


@_jit
def _paragraphs(data: Bytes, hashes: Hashes, lengths: Lengths) -> int:
    """Fill hash and characters of each stretch between empty lines and return how many there are."""
    count, start = 0, 0
    while start < len(data):
        end = start
        while end < len(data) and not (data[end] == 10 and (end + 1 == len(data) or data[end + 1] == 10)):
            end += 1
        if end > start:
            hashes[count], lengths[count] = _hashed(data[start:end]), characters(data[start:end])
            count += 1
        start = end
        while start < len(data) and data[start] == 10:
            start += 1
    return count


@_jit
def characters(data: Bytes) -> int:
    """Return the number of code points."""
    count = 0
    for byte in data:
        count += byte & 0xC0 != 0x80
    return count
