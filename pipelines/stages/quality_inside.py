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
def dots(data: Bytes, at: int) -> int:
    """Return how many full stops stand at `at`."""
    stop = at
    while stop < len(data) and data[stop] == 46:
        stop += 1
    return stop - at


@compiled
def before(data: Bytes, at: int) -> int:
    """Return where the character before `at` begins."""
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@compiled
def inside_begins(part: Bytes, table: Table, begins: Begins) -> None:
    """Mark where tokens begin in what spaces and signs enclose, but for the first, which is marked."""
    if _is_address(part):
        return
    at = 0
    while at < len(part):
        if 97 <= part[at] | 32 <= 122 or is_digit(part[at]):
            at += 1
            continue
        code, size = decode(part, at)
        parting = _parting_bytes(part, table, code, size, at)
        if parting:
            begins[at] = True
            if at + parting < len(part):
                begins[at + parting] = True
        at += parting if parting else size


@compiled
def _is_address(part: Bytes) -> bool:
    """Say whether a part begins with www. or with a scheme and ://."""
    if len(part) > 4 and (part[:4] == _WWW).all():
        return True
    at = 0
    while at < len(part) and (97 <= part[at] | 32 <= 122 or is_digit(part[at]) or part[at] in (43, 45, 46)):  # + - .
        at += 1
    return bool(at > 0 and len(part) - at > 3 and part[at] == 58 and part[at + 1] == 47 and part[at + 2] == 47)


@compiled
def _parting_bytes(part: Bytes, table: Table, code: int, size: int, at: int) -> int:
    """Return the size of the sign or row of signs at `at` that parts words, 0 for none."""
    bits = int(table[code]) if code < len(table) else 0
    if code == 0x2026 or bits & PICTURE:
        return size
    if code == 46 and dots(part, at) > 1:
        return dots(part, at)
    if bits & WORD or at == 0 or at + size >= len(part):
        return 0
    last, after = _bits(part, table, before(part, at)), _bits(part, table, at + size)
    if last & DIGIT and code in (43, 45, 42, 94) and (after & DIGIT or part[at + size] == 45):  # + - * ^
        return size
    if code == 46:
        return int(last & (SMALL | QUOTE) != 0 and after & (CAPITAL | QUOTE) != 0)
    if code == 44:
        return int(last & _LETTER != 0 and after & _LETTER != 0)
    if not last & (_LETTER | DIGIT):
        return 0
    if 60 <= code <= 62 or code == 47 or code == 58:  # < = > / :
        return int(after & _LETTER != 0)
    return _hyphen_bytes(part, table, code, size, at)


@compiled
def _hyphen_bytes(part: Bytes, table: Table, code: int, size: int, at: int) -> int:
    """Return the size of one hyphen or dash, of up to three - or two —, before a letter; else 0."""
    if code not in (45, 0x2013, 0x2014, 126):
        return 0
    most = 3 if code == 45 else 2 if code == 0x2014 else 1
    stop = at + size
    while stop < len(part) and stop - at < most * size and decode(part, stop)[0] == code:
        stop += size
    return stop - at if stop < len(part) and _bits(part, table, stop) & _LETTER else 0


@compiled
def _bits(part: Bytes, table: Table, at: int) -> int:
    code = decode(part, at)[0]
    return int(table[code]) if code < len(table) else 0
