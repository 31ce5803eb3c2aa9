"""Tell where words begin in UTF-8 bytes, in compiled code: what spaCy's blank tokenizer splits, as datatrove counts.

White space parts a text; from each part signs are cut off at the beginning and at the end, one by one, and so are a
unit after a digit (10mg) and the 's; what is left is parted inside by `quality_inside`. A full stop stays with a single
letter (e.g., q.i.d., vitamin A.), as spaCy's lists of exceptions have it. A letter of a script without spaces is a word
of its own (spaCy's general rules leave whole sentences of them in one piece). Not here: spaCy's contractions and
abbreviations (don't, Dr.), rules for single languages, the words themselves (`quality_tokens`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import CAPITAL, CLOSES, DIGIT, LETTER, MARK, MONEY, OPENS, SMALL, SPACE, SPLIT, WORD
from pipelines.stages.quality_inside import before, dots, inside_begins, is_digit
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
        while at < len(data) and not bits & (SPACE | SPLIT):
            signs |= not bits & WORD
            digits |= bits & DIGIT != 0
            at += size
            if at < len(data):
                bits, size = _class(data, table, at)
        if signs or digits:
            _part(data, table, begins, start, at, signs)
    return begins


@compiled
def _class(data: Bytes, table: Table, at: int) -> tuple[int, int]:
    """Return the class bits and the size of the character at `at`."""
    code, size = decode(data, at)
    return (int(table[code]) if code < len(table) else 0), size


@compiled
def _part(data: Bytes, table: Table, begins: Begins, start: int, end: int, signs: bool) -> None:
    """Mark where tokens begin between two places without white space in between."""
    if signs:
        start = _cut_beginning(data, table, begins, start, end)
    while start < end:
        size = _closing_bytes(data, table, start, end)
        if size == 0:
            break
        end -= size
        begins[end] = True
    if signs:
        inside_begins(data, table, begins, start, end)


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
def _closing_bytes(data: Bytes, table: Table, start: int, end: int) -> int:
    """Return the size of what is to be cut off before `end`, 0 for nothing."""
    last = before(data, end)
    if data[last] == 46:
        return _stop_bytes(data, table, start, last)
    bits, _ = _class(data, table, last)
    if bits & CLOSES:
        return end - last
    if last == start:
        return 0
    previous = before(data, last)
    if data[last] | 32 == 115 and decode(data, previous)[0] in (39, 0x2019):  # 's
        return end - previous
    if is_digit(data[last - 1]) and (bits & MONEY or data[last] == 43):
        return end - last
    return _unit_bytes(data, start, end)


@compiled
def _unit_bytes(data: Bytes, start: int, end: int) -> int:
    """Return the size of a unit that stands behind a digit and before `end`, 0 for none."""
    at, packed, shift = end, 0, 0
    while at > start and end - at <= UNIT_BYTES and not is_digit(data[at - 1]):
        at -= 1
        packed |= int(data[at]) << shift
        shift += 8
    if at == start or at == end or end - at > UNIT_BYTES:
        return 0
    place = np.searchsorted(_UNITS, packed)
    return end - at if place < len(_UNITS) and _UNITS[place] == packed else 0


@compiled
def _stop_bytes(data: Bytes, table: Table, start: int, last: int) -> int:
    """Return the size of the full stops up to the one at `last`: 0 where one belongs to an abbreviation, none to cut."""
    first = last
    while first > start and data[first - 1] == 46:
        first -= 1
    if first < last or first == start:
        return last + 1 - first if first < last else 0
    previous = before(data, last)
    bits, _ = _class(data, table, previous)
    alone = previous == start or data[previous - 1] == 46
    if bits & CAPITAL and not bits & SMALL:
        return int(not alone and (_class(data, table, before(data, previous))[0] & CAPITAL != 0 or _degree(data, previous)))
    if bits & LETTER and alone:
        return 0
    return int(bits & (WORD | CLOSES) != 0 or data[previous] in (37, 43, 45))  # % + -


@compiled
def _degree(data: Bytes, at: int) -> bool:
    """Say whether ° stands before `at`."""
    return bool(at >= 2 and data[at - 1] == 0xB0 and data[at - 2] == 0xC2)
