"""Say in one pass over the bytes of a text where it may hold an identifier, and of which kinds.

Clean text must cost next to nothing, so no pattern looks at a line before this scan has seen something near: an `@`, a
run of nine digits that may be a number of some kind, the query of a URL, pairs of hexadecimal digits, or a cue word (in
any case of ASCII) with what must follow it: a digit, or what may begin a name. A first look passes over all bytes that
begin no cue word, by three of them at once, and are no digit or sign; it takes most of the time and has no branches.
Not here: the cue words (`privacy_cues`), the patterns, which decide (`privacy_kinds`, `privacy_names`).
"""

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.near_letters import Hashes
from pipelines.stages.privacy_cues import ENDS, FOLDED_BITS, Cues, Ints, Signs
from pipelines.stages.privacy_numbers import FAR_CHARS, NEAR_CHARS, Bytes, around, has_query, most_digits, numbers_in

AT, QUERY, HEX, LETTERED = 1, 4, 8, 16
TITLE, WEAK, LABEL = 32, 64, 128
NAME = TITLE | WEAK | LABEL
FIRST_CUE, FIRST_FREE_CUE = 1 << 22, 1 << 42
"""Bits of a place, beside `NUMBERS`; those from `FIRST_CUE` on are the caller's, and a digit must follow their words;
from `FIRST_FREE_CUE` on they count as they stand."""
_NEED_DIGIT = FIRST_FREE_CUE - FIRST_CUE
_ENDS, _ROW = np.uint32(ENDS), np.uint32(ENDS - 1)
_LETTER, _SIGN = 1, 2
_BYTES = np.array(
    [_LETTER if chr(b).isalpha() and b < 128 else _SIGN * (48 <= b <= 57 or b in b"@?:-") for b in range(256)], np.uint8
)
_BLOCK = 1 << 13
_MASK = (1 << FOLDED_BITS) - 1
_LINE_FEED = 10
"""At least eight of them are put behind the text, so that nothing needs to ask where it ends."""
_ONES = np.uint64(0x0101010101010101)


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
        return AT
    if byte == 63 and data[at + 1] > 32:
        begin, end = around(data, at, NEAR_CHARS[0], NEAR_CHARS[1])
        return QUERY if has_query(data, begin, end) else 0
    if (byte == 58 or byte == 45) and at >= 6 and data[at - 3] == byte and data[at - 6] == byte:
        return HEX
    return 0


@compiled
def _heard(data: Bytes, at: int, cues: Cues, row: np.int64) -> int:
    """Return the bits of a cue that ends before `at` which what follows it bears out."""
    left = int(cues.bits[row])
    if cues.sizes[row] > 0 and _is_letter(data[at]):
        return 0
    if left & (TITLE | WEAK) and not _may_begin_name(data, at):
        left &= ~(TITLE | WEAK)
    if left & LABEL and not _has_colon(data, at):
        left &= ~LABEL
    if left & _NEED_DIGIT and not _has_digit(data, at, 40):
        left &= ~_NEED_DIGIT
    for few in range(len(cues.least)):
        if left & cues.least[few, 0]:
            begin, end = around(data, at - 1, FAR_CHARS[0], FAR_CHARS[1])
            if most_digits(data, begin, end) < cues.least[few, 1]:
                left &= ~cues.least[few, 0]
    return left


@compiled
def _noted(found: Ints, count: int, place: int, bits: int) -> Ints:
    """Write a place behind `count` others, and return the array, which may have grown."""
    if count == len(found):
        grown = np.empty((2 * count, 4), np.int64)
        grown[:count] = found
        found = grown
    found[count, 2], found[count, 3] = place, bits
    return found


@compiled
def _first_look(
    data: Bytes, stretch: tuple[int, int], folded: Signs, begins: Signs, words: Ints, signs: Ints
) -> tuple[np.int64, np.int64]:
    """Write the bytes of a stretch that may begin a cue word, and the digits and signs; returns how many of each.

    Unsigned numbers are places as they stand: signed ones would be asked each time whether they count from the end.
    """
    one, two, three = np.uint64(1), np.uint64(2), np.uint64((1 << 3 * FOLDED_BITS) - 1)
    heard, seen = np.uint64(0), np.uint64(0)
    begin, end = stretch
    before = _BYTES[data[begin - 1]] if begin else np.uint8(0)
    index = np.uint64(folded[data[begin]]) << np.uint64(FOLDED_BITS) | np.uint64(folded[data[begin + 1]])
    for at in range(np.uint64(begin), np.uint64(end)):
        kind = _BYTES[data[at]]
        index = (index << np.uint64(FOLDED_BITS) | np.uint64(folded[data[at + two]])) & three
        words[heard] = signs[seen] = np.int64(at)
        heard += np.uint64(begins[index] & ~(kind & before)) & one
        seen += np.uint64(kind >> 1)
        before = kind
    return np.int64(heard), np.int64(seen)


@compiled
def _goes_on(data: Bytes, last: int, at: int, run: int) -> bool:
    """Say whether a run of digits goes on from `last` to `at`; a decimal (0.552) is no group of a number."""
    if at - last > 4:
        return False
    goes_on = True
    for byte in data[last + 1 : at]:
        goes_on = goes_on and (byte == 32 or _parts_number(byte)) and not (run == 1 and byte == 46)
    return goes_on


@compiled
def _hear(data: Bytes, begins: Ints, cues: Cues, found: Ints, count: int) -> tuple[Ints, int]:
    """Note every cue that begins at one of `begins`, at its last byte."""
    width = len(cues.steps) // len(cues.bits)
    steps, classes = cues.steps, cues.classes
    for at in begins:
        state = steps[classes[data[at]]]
        while state:
            if state & _ENDS:
                bits = _heard(data, at + 1, cues, np.int64(state & _ROW) // width)
                if bits:
                    found = _noted(found, count, at, bits)
                    count += 1
            at += 1
            state = steps[(state & _ROW) + classes[data[at]]]
    return found, count


@compiled
def _see(data: Bytes, signs: Ints, number: Ints, found: Ints, count: int) -> tuple[Ints, int]:
    """Note what digits and signs may be; `number`: place of the last digit, digits of its number, without a gap."""
    last, run, solid = number[0], number[1], number[2]
    for at in signs:
        byte, bits = data[at], 0
        if 48 <= byte <= 57:
            solid = solid + 1 if last == at - 1 else 1
            run = run + 1 if _goes_on(data, last, at, run) else 1
            last = at
            if run == 9:
                begin, end = around(data, at, NEAR_CHARS[0], NEAR_CHARS[1])
                bits = numbers_in(data, begin, end)
            if solid >= 7 and 65 <= data[at + 1] <= 90:
                found = _noted(found, count, at + 1, LETTERED)
                count += 1
        else:
            bits = _signs(data, at, byte)
        if bits:
            found = _noted(found, count, at, bits)
            count += 1
    number[0], number[1], number[2] = last, run, solid
    return found, count


@compiled
def _places(data: Bytes, size: int, cues: Cues) -> Ints:
    """Return (nothing, nothing, place, bits) where something was seen, in order of places, which may come again."""
    found, count, number = np.empty((8, 4), np.int64), 0, np.array([-9, 0, 0])
    words, signs = np.empty(_BLOCK + 1, np.int64), np.empty(_BLOCK + 1, np.int64)
    for begin in range(0, size, _BLOCK):
        end = min(begin + _BLOCK, size)
        heard, seen = _first_look(data, (begin, end), cues.folded, cues.begins, words, signs)
        found, count = _hear(data, words[:heard], cues, found, count)
        found, count = _see(data, signs[:seen], number, found, count)
    return _in_order(found[:count])


@compiled
def _in_order(found: Ints) -> Ints:
    """Sort places, which are in order but for those of one block."""
    for row in range(1, len(found)):
        place, bits, at = found[row, 2], found[row, 3], row
        while at and found[at - 1, 2] > place:
            found[at, 2], found[at, 3] = found[at - 1, 2], found[at - 1, 3]
            at -= 1
        found[at, 2], found[at, 3] = place, bits
    return found


@compiled
def scan(text: Bytes, cues: Cues) -> Ints:
    """Return (start and end of the line, place, bits) where something was seen, in code points, in order: (n, 4)."""
    size = len(text)
    data = np.full((size // 8 + 2) * 8, _LINE_FEED, np.uint8)
    data[:size] = text
    found, eights = _places(data, size, cues), data.view(np.uint64)
    count, start, end, at, chars, begin, stop = 0, 0, -1, 0, 0, 0, 0
    for row in range(len(found)):
        place, bits = int(found[row, 2]), found[row, 3]
        if place > end:
            start = end = place
            while start and data[start - 1] != _LINE_FEED:
                start -= 1
            while data[end] != _LINE_FEED:
                end += 1
            begin = chars + _chars(data, eights, at, start)
            at, chars, stop = start, begin, begin + _chars(data, eights, start, end)
        chars += _chars(data, eights, at, place + 1)
        at = place + 1
        if count and found[count - 1, 2] == chars - 1:
            found[count - 1, 3] |= bits
            continue
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = begin, stop, chars - 1, bits
        count += 1
    return found[:count]


@compiled
def _chars(data: Bytes, eights: Hashes, begin: int, end: int) -> int:
    """Return how many characters begin in a stretch of bytes, which `eights` holds eight by eight."""
    count, at = 0, begin
    while at < end:
        if at & 7 or at + 8 > end:
            count += data[at] & 0xC0 != 0x80
            at += 1
        else:
            inside = (eights[at >> 3] >> np.uint64(7)) & ~(eights[at >> 3] >> np.uint64(6)) & _ONES
            count -= np.int64((inside * _ONES) >> np.uint64(56))  # type: ignore[assignment]
            count, at = count + 8, at + 8
    return count
