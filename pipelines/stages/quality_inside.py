"""Tell where words begin within what white space and signs around it enclose: a hyphen or a slash between letters, ...

These are spaCy's general rules and its English one (a hyphen after a digit): a sign parts what it stands between if
the characters on both sides are of the right kind, so HIV/AIDS and dose-response are three words, and 140/90, 0.5 and
mg.kg-1 one. An address of the web stays whole. Part of `quality_words`, which says what is left out.
"""

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import CAPITAL, DIGIT, PICTURE, QUOTE, SMALL, WORD
from pipelines.stages.quality_tokens import Begins, Bytes, Table, decode

_LETTER = SMALL | CAPITAL
_WWW = np.frombuffer(b"www.", dtype=np.uint8)


@compiled
def is_digit(byte: int) -> bool:
    """Say whether a byte is an ASCII digit."""
    return 48 <= byte <= 57


@compiled
def dots(data: Bytes, at: int, end: int) -> int:
    """Return how many full stops stand at `at`."""
    start = at
    while at < end and data[at] == 46:
        at += 1
    return at - start


@compiled
def before(data: Bytes, at: int) -> int:
    """Return where the character before `at` begins."""
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@compiled
def inside_begins(data: Bytes, table: Table, begins: Begins, start: int, end: int) -> None:
    """Mark where tokens begin between `start` and `end`, but for the first, which is marked."""
    if _is_address(data, start, end):
        return
    at = start
    while at < end:
        if 97 <= data[at] | 32 <= 122 or is_digit(data[at]):
            at += 1
            continue
        code, size = decode(data, at)
        parting = _parting_bytes(data, table, code, size, start, at, end)
        if parting:
            begins[at] = True
            if at + parting < end:
                begins[at + parting] = True
        at += parting if parting else size


@compiled
def _is_address(data: Bytes, start: int, end: int) -> bool:
    """Say whether a scheme with :// or www. stands at `start`."""
    if end - start > 4 and (data[start : start + 4] == _WWW).all():
        return True
    at = start
    while at < end and (97 <= data[at] | 32 <= 122 or is_digit(data[at]) or data[at] in (43, 45, 46)):  # + - .
        at += 1
    return bool(at > start and end - at > 3 and data[at] == 58 and data[at + 1] == 47 and data[at + 2] == 47)


@compiled
def _parting_bytes(data: Bytes, table: Table, code: int, size: int, start: int, at: int, end: int) -> int:
    """Return the size of the sign or row of signs at `at` that parts words, 0 for none."""
    bits = int(table[code]) if code < len(table) else 0
    if code == 0x2026 or bits & PICTURE:
        return size
    if code == 46 and dots(data, at, end) > 1:
        return dots(data, at, end)
    if bits & WORD or at == start or at + size >= end:
        return 0
    last, after = _bits(data, table, before(data, at)), _bits(data, table, at + size)
    if last & DIGIT and code in (43, 45, 42, 94) and (after & DIGIT or data[at + size] == 45):  # + - * ^
        return size
    if code == 46:
        return int(last & (SMALL | QUOTE) != 0 and after & (CAPITAL | QUOTE) != 0)
    if code == 44:
        return int(last & _LETTER != 0 and after & _LETTER != 0)
    if not last & (_LETTER | DIGIT):
        return 0
    if 60 <= code <= 62 or code == 47 or code == 58:  # < = > / :
        return int(after & _LETTER != 0)
    return _hyphen_bytes(data, table, code, size, at, end)


@compiled
def _hyphen_bytes(data: Bytes, table: Table, code: int, size: int, at: int, end: int) -> int:
    """Return the size of one hyphen or dash, of up to three - or two —, before a letter; else 0."""
    if code not in (45, 0x2013, 0x2014, 126):
        return 0
    most = 3 if code == 45 else 2 if code == 0x2014 else 1
    stop = at + size
    while stop < end and stop - at < most * size and decode(data, stop)[0] == code:
        stop += size
    return stop - at if stop < end and _bits(data, table, stop) & _LETTER else 0


@compiled
def _bits(data: Bytes, table: Table, at: int) -> int:
    code = decode(data, at)[0]
    return int(table[code]) if code < len(table) else 0
