"""Tell where words begin within what white space and signs around it enclose: a hyphen or a slash between letters, ...

These are spaCy's general rules and its English one (a hyphen after a digit): a sign parts what it stands between if
the characters on both sides are of the right kind, so HIV/AIDS and dose-response are three words, and 140/90, 0.5 and
mg.kg-1 one. An address of the web stays whole. Part of `quality_words`, which says what is left out.
"""

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import CAPITAL, DIGIT, PICTURE, QUOTE, SMALL, WORD
from pipelines.stages.quality_tokens import Begins, Bytes, Table, decode

_LETTER = SMALL | CAPITAL


@compiled
def is_digit(byte: int) -> bool:
    """Say whether a byte is an ASCII digit."""
    return 48 <= byte <= 57


@compiled
def is_letter(byte: int) -> bool:
    """Say whether a byte is an ASCII letter."""
    return 97 <= byte | 32 <= 122


@compiled
def dots(data: Bytes, at: int, end: int) -> int:
    """Return how many full stops stand at `at`, up to `end`."""
    stop = at
    while stop < end and data[stop] == 46:
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
def inside_begins(part: Bytes, table: Table, begins: Begins, end: int) -> None:
    """Mark where tokens begin in a part up to `end`, but for the first, which is marked."""
    at = _plain_bytes(part, 0, end)
    if _is_address(part, at, end):
        return
    while at < end:
        parting = _parting_bytes(part, table, at, end)
        if parting:
            begins[at] = True
            if at + parting < end:
                begins[at + parting] = True
        at = _plain_bytes(part, at + (parting if parting else decode(part, at)[1]), end)


@compiled
def _plain_bytes(part: Bytes, at: int, end: int) -> int:
    """Return where the ASCII letters and digits end that stand at `at`."""
    while at < end and (is_letter(part[at]) or is_digit(part[at])):
        at += 1
    return at


@compiled
def _is_address(part: Bytes, at: int, end: int) -> bool:
    """Say whether the letters and digits that end at `at` are www before a full stop or a scheme before ://."""
    if at == 3 and at < end and part[0] == 119 and part[1] == 119 and part[2] == 119:
        return bool(part[3] == 46)
    return bool(0 < at < end - 2 and part[at] == 58 and part[at + 1] == 47 and part[at + 2] == 47)


@compiled
def _parting_bytes(part: Bytes, table: Table, at: int, end: int) -> int:
    """Return the size of the sign or row of signs at `at` that parts words, 0 for none."""
    code, size = decode(part, at)
    bits = int(table[code]) if code < len(table) else 0
    if code == 0x2026 or bits & PICTURE:
        return size
    if code == 46 and dots(part, at, end) > 1:
        return dots(part, at, end)
    if bits & WORD or at == 0 or at + size >= end:
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
    return _hyphen_bytes(part, table, at, end)


@compiled
def _hyphen_bytes(part: Bytes, table: Table, at: int, end: int) -> int:
    """Return the size of one hyphen or dash, of up to three - or two —, before a letter; else 0."""
    code, size = decode(part, at)
    if code not in (45, 0x2013, 0x2014, 126):
        return 0
    most = 3 if code == 45 else 2 if code == 0x2014 else 1
    stop = at + size
    while stop < end and stop - at < most * size and decode(part, stop)[0] == code:
        stop += size
    return stop - at if stop < end and _bits(part, table, stop) & _LETTER else 0


@compiled
def _bits(part: Bytes, table: Table, at: int) -> int:
    code = decode(part, at)[0]
    return int(table[code]) if code < len(table) else 0
