"""Tell where words begin in UTF-8 bytes, in compiled code: what spaCy's blank tokenizer splits, as datatrove counts.

White space parts a text; from each part signs are cut off at both ends, one by one, and so are a unit after a digit
(10mg) and the 's; what is left is parted by `quality_inside`. A full stop stays with a single letter (e.g., q.i.d.,
vitamin A.). A letter of a script without spaces is a word of its own (spaCy leaves whole sentences in one piece). Not
here: spaCy's contractions and abbreviations (don't, Dr.), other languages' rules, the words (`quality_tokens`).
"""

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import CAPITAL, CLOSES, DIGIT, LETTER, MARK, MONEY, OPENS, SMALL, SPACE, SPLIT, WORD
from pipelines.stages.quality_inside import before, dots, inside_begins, is_digit, is_letter
from pipelines.stages.quality_tokens import Begins, Bytes, Table, decode

UNIT_BYTES = 6
UNITS = (
    "km", "km²", "km³", "m", "m²", "m³", "dm", "dm²", "dm³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "ha", "µm", "nm",
    "yd", "in", "ft", "kg", "g", "mg", "µg", "t", "lb", "oz", "m/s", "km/h", "kmh", "mph", "hPa", "Pa", "mbar", "mb",
    "MB", "kb", "KB", "gb", "GB", "tb", "TB", "T", "G", "M", "K", "%", "км", "м", "см", "мм", "кг", "г", "мг",
)  # fmt: skip
"""What is cut off behind a digit, at most `UNIT_BYTES` long."""
_UNITS = np.array(sorted(int.from_bytes(unit.encode(), "big") for unit in UNITS), dtype=np.int64)


@compiled
def token_begins(data: Bytes, table: Table) -> Begins:
    """Return for each byte of `data` whether a token begins there; all tokens end at the next one or at white space."""
    begins = np.zeros(len(data), dtype=np.bool_)
    at = 0
    while at < len(data):
        bits, size = _class(data, table, at)
        begins[at] = not bits & SPACE
        if bits & (SPACE | SPLIT):
            at += size
            while bits & SPLIT and at < len(data) and _class(data, table, at)[0] & MARK:
                at += _class(data, table, at)[1]
            continue
        start, signs, digits = at, False, False
        while at < len(data):
            if is_letter(data[at]):
                at += 1
                continue
            bits, size = _class(data, table, at)
            if bits & (SPACE | SPLIT):
                break
            signs |= not bits & WORD
            digits |= bits & DIGIT != 0
            at += size
        if signs or digits:
            _cut(data, table, begins, start, at)
    return begins


@compiled
def _class(data: Bytes, table: Table, at: int) -> tuple[int, int]:
    """Return the class bits and the size of the character at `at`."""
    code, size = decode(data, at)
    return (int(table[code]) if code < len(table) else 0), size


@compiled
def _cut(data: Bytes, table: Table, begins: Begins, start: int, end: int) -> None:
    """Mark where tokens begin between two places, where white space stands on both sides."""
    start = _cut_beginning(data, table, begins, start, end)
    part, begins = data[start:end], begins[start:end]
    end, size = end - start, 1
    while end and size:
        size = _closing_bytes(part, table, end)
        end -= size
        if size:
            begins[end] = True
    inside_begins(part, table, begins, end)


@compiled
def _cut_beginning(data: Bytes, table: Table, begins: Begins, start: int, end: int) -> int:
    """Cut off signs at the beginning and return where what is left begins."""
    while start < end:
        begins[start] = True
        bits, size = _class(data, table, start)
        if data[start] == 46:
            size = dots(data, start, end)
            if size == 1:
                break
        elif data[start] == 43:  # +
            if start + 1 < end and is_digit(data[start + 1]):
                break
        elif not bits & OPENS:
            break
        start += size
    return start


@compiled
def _closing_bytes(part: Bytes, table: Table, end: int) -> int:
    """Return the size of what is to be cut off before `end`, 0 for nothing."""
    last = before(part, end)
    if part[last] == 46:
        return _stop_bytes(part, table, last)
    bits, size = _class(part, table, last)
    if bits & CLOSES:
        return size
    if last == 0:
        return 0
    previous = before(part, last)
    if part[last] | 32 == 115 and decode(part, previous)[0] in (39, 0x2019):  # 's
        return end - previous
    if is_digit(part[last - 1]) and (bits & MONEY or part[last] == 43):
        return size
    return _unit_bytes(part, end)


@compiled
def _unit_bytes(part: Bytes, end: int) -> int:
    """Return the size of a unit that stands behind a digit and before `end`, 0 for none."""
    at, packed, shift = end, 0, 0
    while at > 0 and end - at <= UNIT_BYTES and not is_digit(part[at - 1]):
        at -= 1
        packed |= int(part[at]) << shift
        shift += 8
    if at == 0 or shift == 0 or end - at > UNIT_BYTES:
        return 0
    place = np.searchsorted(_UNITS, packed)
    return end - at if place < len(_UNITS) and _UNITS[place] == packed else 0


@compiled
def _stop_bytes(part: Bytes, table: Table, last: int) -> int:
    """Return the size of the full stops up to `last`, 0 where there is one and belongs to an abbreviation."""
    first = last
    while first > 0 and part[first - 1] == 46:
        first -= 1
    if first < last or first == 0:
        return last + 1 - first if first < last else 0
    previous = before(part, last)
    bits, _ = _class(part, table, previous)
    alone = previous == 0 or part[previous - 1] == 46
    if bits & CAPITAL and not bits & SMALL:
        return int(not alone and _ends_before(part, table, previous))
    if bits & LETTER and alone:
        return 0
    return int(bits & (WORD | CLOSES) != 0 or part[previous] in (37, 43, 45))  # % + -


@compiled
def _ends_before(part: Bytes, table: Table, at: int) -> bool:
    """Say whether a capital or ° stands before the capital at `at`, so that a full stop behind it ends a sentence."""
    code = decode(part, before(part, at))[0]
    return bool(code == 0xB0 or (code < len(table) and table[code] & CAPITAL))
