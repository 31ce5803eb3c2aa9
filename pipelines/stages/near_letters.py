"""Words, numbers and signs read from UTF-8 bytes at a place, in compiled code: the parts of `near_tokens`.

Each function returns where what it read ends, and its hash: FNV-1a over folded code points. Not here: which of them is
asked, and what is skipped between tokens.
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.near_chars import LETTER, NEWLINE, NUMBER, SKIP, SPACE, SPLIT, SYMBOL
from pipelines.stages.quality_tokens import FNV_PRIME, FNV_START, Bytes, decode

Hashes = npt.NDArray[np.uint64]
Classes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.uint32]

DIGITS = 2
"""Flag of a token that holds a digit."""
ASCII, MINUS, STOP, COLON, BRACKET = 128, 45, 46, 58, 41
_PLUS, _SLASH, _LESS, _MORE, _EQUALS, _CARET, _APOSTROPHE, _COMMA = 43, 47, 60, 62, 61, 94, 39, 44
_AT_MOST, _AT_LEAST, _PLUS_MINUS = 0x2264, 0x2265, 0xB1
_ELISION_LETTERS = 2


@compiled
def code_at(data: Bytes, at: int) -> int:
    """Return the code point at `at`, a space outside the text."""
    return decode(data, at)[0] if 0 <= at < len(data) else 32


@compiled
def bits_of(classes: Classes, code: int) -> int:
    """Return the class bits of a code point."""
    return int(classes[code]) if code < len(classes) else 0


@compiled
def fold(folded: Codes, code: int) -> int:
    """Return what a code point is folded to."""
    return int(folded[code]) if code < len(folded) else code


@compiled
def mixed_in(value: np.uint64, code: int) -> np.uint64:
    """Return a hash with one more code point."""
    return (value ^ np.uint64(code)) * FNV_PRIME


@compiled
def after(data: Bytes, at: int) -> int:
    """Return where the next character begins."""
    return at + decode(data, at)[1]


@compiled
def before(data: Bytes, at: int) -> int:
    """Return the code point before `at`, a space at the start."""
    at -= 1
    while at > 0 and data[at] & 0xC0 == 0x80:
        at -= 1
    return code_at(data, at)


@compiled
def is_web_address(data: Bytes, at: int) -> bool:
    """Say whether http://, https:// or www. begins at `at`."""
    if at + 8 > len(data):
        return False
    first = data[at] | 32
    if first == 119:  # www.
        return bool(data[at + 1] | 32 == 119 and data[at + 2] | 32 == 119 and data[at + 3] == STOP)
    if first != 104 or data[at + 1] | 32 != 116 or data[at + 2] | 32 != 116 or data[at + 3] | 32 != 112:
        return False  # http
    colon = at + 4 + (data[at + 4] | 32 == 115)
    return bool(data[colon] == COLON and data[colon + 1] == _SLASH and data[colon + 2] == _SLASH)


@compiled
def address_end(data: Bytes, at: int, classes: Classes) -> int:
    """Return where the web address at `at` ends: before white space, a quotation mark or a closing bracket."""
    while at < len(data):
        code, size = decode(data, at)
        if bits_of(classes, code) & SPACE or code in (_LESS, _MORE, 34, BRACKET, 124, 93):
            break
        at += size
    return at


@compiled
def plain_word_at(data: Bytes, at: int, classes: Classes, folded: Codes) -> tuple[int, np.uint64]:
    """Return (end, hash) of a word of ASCII letters before white space or a stop; end 0 for any other, see `word_at`.

    Nine of ten words are such, and this way takes a quarter of the time.
    """
    value = FNV_START
    while at < len(data) and data[at] < ASCII and classes[data[at]] == LETTER:
        value = mixed_in(value, folded[data[at]])
        at += 1
    ends = at == len(data) or data[at] == 32 or data[at] == 10 or data[at] == _COMMA or data[at] == STOP
    return at if ends else 0, value


@compiled
def word_at(data: Bytes, at: int, classes: Classes, folded: Codes) -> tuple[int, np.uint64, np.uint64, int]:
    """Return (end, hash, hash with case, flags) of the word at `at`.

    An apostrophe after one or two letters ends the word (l'enfant), a later one is skipped (don't).
    """
    lower, exact, flags, letters = FNV_START, FNV_START, 0, 0
    while at < len(data):
        code, size = decode(data, at)
        bits = bits_of(classes, code)
        if not bits & (LETTER | NUMBER):
            inside = bits & SKIP or (fold(folded, code) == _APOSTROPHE and letters > _ELISION_LETTERS)
            if not inside or not bits_of(classes, code_at(data, at + size)) & LETTER:
                break
            at += size
            continue
        if bits & SPLIT and letters:
            break
        lower, exact = mixed_in(lower, fold(folded, code)), mixed_in(exact, code)
        flags |= DIGITS if bits & NUMBER else 0
        letters += 1
        at += size
        if bits & SPLIT:
            break
    return at, lower, exact, flags


@compiled
def number_at(data: Bytes, at: int, classes: Classes, folded: Codes, value: np.uint64) -> tuple[int, np.uint64]:
    """Return (end, hash) of the digits at `at`, with the stops and commas between them."""
    while at < len(data):
        code, size = decode(data, at)
        if not bits_of(classes, code) & NUMBER:
            code = fold(folded, code)
            if code not in (STOP, _COMMA) or not bits_of(classes, code_at(data, at + size)) & NUMBER:
                break
        value = mixed_in(value, code)
        at += size
    return at, value


@compiled
def sign_at(data: Bytes, at: int, classes: Classes, folded: Codes) -> tuple[int, int]:
    """Return (end, code) of the sign at `at`; code 0 for what counts for nothing here."""
    code, size = decode(data, at)
    plain, behind = fold(folded, code), at + size
    follows = fold(folded, code_at(data, behind))
    if plain in (_LESS, _MORE) and follows == _EQUALS:
        return behind + 1, _AT_MOST if plain == _LESS else _AT_LEAST
    if plain == _PLUS and follows == _SLASH:
        minus = after(data, behind)
        if fold(folded, code_at(data, minus)) == MINUS:
            return after(data, minus), _PLUS_MINUS
    if bits_of(classes, code) & SYMBOL:
        return behind, plain
    left, right = bits_of(classes, before(data, at)), bits_of(classes, code_at(data, behind))
    if plain in (_SLASH, COLON, _CARET):
        both = left & (LETTER | NUMBER) and right & (LETTER | NUMBER)
        return behind, plain if both and (left | right) & NUMBER else 0
    if plain == MINUS and left & (LETTER | NUMBER) and right & (SPACE | NEWLINE) == SPACE:
        return behind, plain  # HER2-
    return behind, 0


@compiled
def is_negative(data: Bytes, at: int, classes: Classes, folded: Codes) -> bool:
    """Say whether the sign at `at` makes the number behind it negative, and is no range or hyphen."""
    if fold(folded, code_at(data, at)) != MINUS:
        return False
    behind = after(data, at)
    if code_at(data, behind) == STOP:
        behind += 1
    left = before(data, at)
    is_range = bits_of(classes, left) & (LETTER | NUMBER) or left in (BRACKET, MINUS)
    return bool(bits_of(classes, code_at(data, behind)) & NUMBER) and not is_range


@compiled
def is_unit(units: Hashes, value: np.uint64) -> bool:
    """Say whether a hash is that of one of `units`."""
    for unit in units:  # noqa: SIM110  # compiled code has no such generators
        if unit == value:
            return True
    return False


@compiled
def is_decimal(data: Bytes, at: int, classes: Classes) -> bool:
    """Say whether the stop at `at` begins a number: .5, but not 1.5 or end.5."""
    left, right = bits_of(classes, before(data, at)), bits_of(classes, code_at(data, at + 1))
    return bool(data[at] == STOP and right & NUMBER and not left & (LETTER | NUMBER))


@compiled
def digits_at(data: Bytes, at: int, classes: Classes, folded: Codes, negative: bool) -> tuple[int, np.uint64]:
    """Return (end, hash) of the number at `at` with its sign; `.5` is 0.5."""
    value = FNV_START
    if negative:
        value, at = mixed_in(value, MINUS), after(data, at)
    if code_at(data, at) == STOP:
        value = mixed_in(mixed_in(value, 48), STOP)
        at += 1
    return number_at(data, at, classes, folded, value)
