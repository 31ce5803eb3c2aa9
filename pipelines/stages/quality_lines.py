"""Statistics of lines and paragraphs in compiled code: bullets, dots, ends of sentences, repetition.

A line ends at a line feed, a paragraph at an empty line; blank lines do not count. The rules are those of Gopher
(Rae et al. 2021) and FineWeb (Penedo et al. 2024). Part of `quality_scan`, which says how they are tested.
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
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


@compiled
def ratio(part: float, whole: float) -> float:
    """Return `part / whole`, and 0 for nothing of nothing."""
    return part / whole if whole else 0.0


@compiled
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


@compiled
def _visible(data: Bytes, table: Table, forward: bool) -> tuple[int, int]:
    """Return the first or last visible code point of a line and where it starts; code point 0 for a blank line."""
    at = 0 if forward else len(data)
    while at < len(data) if forward else at > 0:
        if not forward:
            at -= 1
            while data[at] & 0xC0 == 0x80:
                at -= 1
        code, size = decode(data, at)
        if code >= len(table) or not table[code] & SPACE:
            return code, at
        at += size if forward else 0
    return 0, 0


@compiled
def _trails(data: Bytes, last: int, at: int) -> bool:
    """Say whether a line whose last visible character is `last`, at byte `at`, ends in an ellipsis."""
    return last == 0x2026 or (last == 46 and at >= 2 and data[at - 1] == 46 and data[at - 2] == 46)


@compiled
def _bullet(code: int) -> bool:
    """Say whether `code` is one of - * • ‣ ◦ ● ▪."""
    return code in (0x2D, 0x2A, 0x2022, 0x2023, 0x25E6, 0x25CF, 0x25AA)


@compiled
def _hashed(data: Bytes) -> np.uint64:
    value = FNV_START
    for byte in data:
        value = (value ^ np.uint64(byte)) * FNV_PRIME
    return value


@compiled
def _shares(items: int, hashes: Hashes, lengths: Lengths, chars: int) -> tuple[float, float]:
    """Return the share of repeated items, and of characters in them."""
    count, repeated = duplicates(hashes[:items], lengths[:items])
    return ratio(count, items), ratio(repeated, chars)


@compiled
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
        line = data[start:end]
        first = _visible(line, table, True)[0]
        if first:
            last, at = _visible(line, table, False)
            hashes[lines], lengths[lines] = _hashed(line), characters(line)
            out[0] += _bullet(first)
            out[1] += _trails(line, last, at)
            out[2] += last < len(table) and table[last] & TERMINAL != 0
            out[3] += lengths[lines] <= SHORT_LINE_CHARS
            lines += 1
        start = end + 1
    for place in range(4):
        out[place] = ratio(out[place], lines)
    out[4], out[5] = _shares(lines, hashes, lengths, chars)
    paragraphs = _paragraphs(data, hashes, lengths)
    out[6], out[7] = _shares(paragraphs, hashes, lengths, chars)
    return lines


@compiled
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


@compiled
def characters(data: Bytes) -> int:
    """Return the number of code points."""
    count = 0
    for byte in data:
        count += byte & 0xC0 != 0x80
    return count
