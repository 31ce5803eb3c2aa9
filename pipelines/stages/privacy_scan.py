"""Say in one pass over the bytes of a text where it may hold an identifier, and of which kinds.

Clean text must cost next to nothing, so no pattern looks at a line before this scan has seen something near: an `@`, a
run of nine digits, the query of a URL, pairs of hexadecimal digits, or a cue word (all at once: Aho and Corasick,
"Efficient string matching", 1975, as a table over bytes, in any case of ASCII) with what must follow it: a digit, or
what may begin a name. Not here: the patterns, which decide (`privacy_kinds`, `privacy_names`).
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled

AT, DIGITS, QUERY, HEX, LETTERED = 1, 2, 4, 8, 16
TITLE, WEAK, LABEL = 32, 64, 128
NAME = TITLE | WEAK | LABEL
FIRST_CUE, FIRST_FREE_CUE = 1 << 8, 1 << 36
"""Bits of a place; those from `FIRST_CUE` on are the caller's, and a digit must follow their words; from
`FIRST_FREE_CUE` on they count as they stand."""
_NEED_DIGIT = FIRST_FREE_CUE - FIRST_CUE
ENDS = 1 << 31
STEM = "*"
"""At the end of a cue word that may be the beginning of a longer one."""

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class Cues(NamedTuple):
    """The table of all cue words: next state by state and class of byte, class by byte; by state bits and bytes.

    The table is flat and its states are where their rows begin; one that ends a word has `ENDS` set.
    """

    steps: npt.NDArray[np.uint32]
    classes: npt.NDArray[np.uint32]
    bits: Ints
    sizes: Ints


def build_cues(words: Mapping[str, int]) -> Cues:
    """Return the table for cue words and their bits; the size of a stem is negative."""
    folded: dict[bytes, tuple[int, int]] = {}
    for word, bit in words.items():
        key = word.removesuffix(STEM).lower().encode()
        sign = -1 if word.endswith(STEM) or key[-1] >= 128 else 1
        known, size = folded.get(key, (0, len(key)))
        folded[key] = (known | bit, min(size, sign * len(key)))
    letters = sorted({byte for key in folded for byte in key})
    classes = np.zeros(256, np.uint32)
    for number, byte in enumerate(letters, 1):
        classes[byte] = number
        classes[ord(chr(byte).upper()) if byte < 128 else byte] = number
    trie: list[dict[int, int]] = [{}]
    ends = [(0, 0)]
    for key, end in folded.items():
        state = 0
        for byte in key:
            state = trie[state].setdefault(int(classes[byte]), len(trie))
            if state == len(trie):
                trie.append({})
                ends.append((0, 0))
        ends[state] = end
    steps = _with_failures(trie, ends, len(letters) + 1)
    bits = np.array([end[0] for end in ends], np.int64)
    sizes = np.array([end[1] for end in ends], np.int64)
    rows = np.arange(len(trie), dtype=np.uint32) * steps.shape[1] | np.where(bits != 0, np.uint32(ENDS), np.uint32(0))
    return Cues(rows[steps].ravel().astype(np.uint32), classes, bits, sizes)


def _with_failures(trie: list[dict[int, int]], ends: list[tuple[int, int]], classes: int) -> npt.NDArray[np.uint16]:
    """Return the complete table of `trie`, and give each state in `ends` also what ends there within a longer word."""
    steps = np.zeros((len(trie), classes), np.uint16)
    fails = [0] * len(trie)
    waiting = deque([0])
    while waiting:
        state = waiting.popleft()
        if state:
            steps[state] = steps[fails[state]]
            (bits, size), (more, shorter) = ends[state], ends[fails[state]]
            ends[state] = (bits | more, size or shorter)
        for symbol, child in trie[state].items():
            fails[child] = int(steps[fails[state], symbol]) if state else 0
            steps[state, symbol] = child
            waiting.append(child)
    return steps


@compiled
def _is_letter(byte: int) -> bool:
    return 97 <= byte <= 122 or 65 <= byte <= 90


@compiled
def _may_begin_name(data: Bytes, at: int) -> bool:
    """Say whether a capital or a letter outside ASCII follows signs, or a particle of up to three small letters."""
    small = 0
    for ahead in range(at, min(at + 9, len(data))):
        byte = data[ahead]
        if 65 <= byte <= 90 or (byte >= 0xC3 and byte != 0xE2):
            return True
        if byte == 10 or (small and byte != 32 and byte != 39 and byte != 45 and not 97 <= byte <= 122):
            return False
        small += 97 <= byte <= 122
        if small > 3:
            return False
    return False


@compiled
def _has_colon(data: Bytes, at: int) -> bool:
    """Say whether a sign of a field (: = | or one outside ASCII) follows, after a bracket at most."""
    reach = 24 if at + 1 < len(data) and (data[at] == 40 or data[at + 1] == 40) else 5
    for ahead in range(at, min(at + reach, len(data))):
        byte = data[ahead]
        if byte == 58 or byte == 61 or byte == 124 or byte == 0xEF:
            return True
        if byte == 10 or (reach == 5 and _is_letter(byte)):
            return False
    return False


@compiled
def _has_digit(data: Bytes, at: int, reach: int) -> bool:
    for ahead in range(at, min(at + reach, len(data))):
        byte = data[ahead]
        if (
            48 <= byte <= 57 or byte == 64 or byte == 0xD9 or byte == 0xDB or byte == 0xE0
        ):  # also digits of other scripts
            return True
        if byte == 10:
            return False
    return False


@compiled
def _parts_number(byte: int) -> bool:
    """Say whether a byte may stand between the digits of a number: ( ) + - . and no-break spaces and hyphens."""
    return (
        byte == 40 or byte == 41 or byte == 43 or byte == 45 or byte == 46
        or byte == 0xC2 or byte == 0xA0 or byte == 0xE2 or byte == 0x80 or byte == 0x91 or byte == 0xAF
    )  # fmt: skip


@compiled
def _signs(data: Bytes, at: int, byte: int) -> int:
    """Return the bits of a sign: @, the ? of a query, the third : or - between pairs of signs."""
    if byte == 64:
        return 1
    if byte == 63 and at + 1 < len(data) and data[at + 1] > 32:
        return 4
    if (byte == 58 or byte == 45) and at >= 6 and data[at - 3] == byte and data[at - 6] == byte:
        return 8
    return 0


@compiled
def _heard(data: Bytes, at: int, bits: int, size: int) -> int:
    """Return the bits of a cue that ends before `at` which what stands around it bears out."""
    before = at - abs(size) - 1
    if before >= 0 and _is_letter(data[before]) and _is_letter(data[before + 1]):
        return 0
    if size > 0 and at < len(data) and _is_letter(data[at]):
        return 0
    left = bits
    if bits & 96 and not _may_begin_name(data, at):
        left &= ~96
    if bits & 128 and not _has_colon(data, at):
        left &= ~128
    if bits & _NEED_DIGIT and not _has_digit(data, at, 40):
        left &= ~_NEED_DIGIT
    return left


@compiled
def scan(  # noqa: C901
    data: Bytes, steps: npt.NDArray[np.uint32], classes: npt.NDArray[np.uint32], bits_of: Ints, sizes: Ints
) -> Ints:
    """Return (start and end of the line, place, bits) where something was seen, in bytes, in order: shape (n, 4)."""
    found = np.empty((8, 4), np.int64)
    count, line, lines, run, gap, solid = 0, 0, 0, 0, 0, 0
    width = len(steps) // len(bits_of)
    state = np.uint32(0)
    for at in range(len(data)):
        byte = data[at]
        bits = 0
        state = steps[(state & np.uint32(0x7FFFFFFF)) + classes[byte]]
        if state & np.uint32(0x80000000):
            row = np.int64(state & np.uint32(0x7FFFFFFF)) // width
            bits = _heard(data, at + 1, bits_of[row], sizes[row])
        if byte >= 97 and byte < 128:  # small letters are most of a text
            run = solid = 0
        elif byte >= 48 and byte <= 57:
            run, solid, gap = run + 1, solid + 1, 0
            if run == 9:
                bits |= 2
        elif byte == 10:
            for seen in range(lines, count):
                found[seen, 1] = at
            line, lines, state, run, solid = at + 1, count, np.uint32(0), 0, 0
        else:
            if solid >= 7 and byte >= 65 and byte <= 90:
                bits |= 16
            if run == 1 and byte == 46:  # a decimal (0.552), not a group of a number
                run = 0
            solid = 0
            gap += 1
            if gap > 3 or (byte != 32 and not _parts_number(byte)):
                run = 0
            if byte > 32 and byte <= 64:
                bits |= _signs(data, at, byte)
        if bits:
            if count == len(found):
                grown = np.empty((2 * count, 4), np.int64)
                grown[:count] = found
                found = grown
            found[count, 0], found[count, 2], found[count, 3] = line, at, bits
            count += 1
    for seen in range(lines, count):
        found[seen, 1] = len(data)
    return found[:count]
