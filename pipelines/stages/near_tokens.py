"""Split UTF-8 bytes into the tokens by which near duplicates are told: words, numbers and signs, as hashes.

The clinical normaliser. Folded away are case, white space, punctuation, hyphens, the kind of apostrophe, web addresses
and the numbers of list items (`2.` at the start of a line). Kept are decimals, minus signs, `<`, `>=`, `+/-`, `%`, the
`/` of 140/90 and the case of a unit where it matters (`5 Mg` is not `5 mg`). A number and the letters behind it are two
tokens (5mg is 5 mg), letters and the digits behind them one (B12). Not here: what a difference means (`near_guard`).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.near_chars import END, LETTER, NEWLINE, NUMBER, SKIP, SPACE, tables
from pipelines.stages.near_letters import (
    ASCII,
    BRACKET,
    COLON,
    DIGITS,
    MINUS,
    STOP,
    Classes,
    Codes,
    Hashes,
    address_end,
    after,
    bits_of,
    code_at,
    digits_at,
    is_decimal,
    is_negative,
    is_unit,
    is_web_address,
    mixed_in,
    plain_word_at,
    sign_at,
    word_at,
)
from pipelines.stages.quality_chars import word_hash
from pipelines.stages.quality_tokens import FNV_START, Bytes

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]

STARTS, SIGN, JOINED = 1, 4, 8
"""Flags of a token, beside `DIGITS`: begins a sentence or line, is a sign, was joined to the one before by a hyphen."""
CASED_UNITS = ("mg", "mu", "miu", "mbq", "mci", "mv", "mw", "m", "mm", "mol", "mmol", "g")
"""Units whose first letter's case tells one quantity from another: 5 Mg is no 5 mg, 2 MU no 2 mU."""
_SEMICOLON = 59
_ITEMISES, _STARTS_NEXT, _JOINS_NEXT, _LAST_ITEM = range(4)
"""Places in the state between tokens: a list number may follow, flags of the next token, the last list number."""


class Alphabet(NamedTuple):
    """What the characters are (`near_chars.tables`), and the hashes of `CASED_UNITS`."""

    classes: Classes
    folded: Codes
    units: Hashes


class Tokens(NamedTuple):
    """The tokens of one text: hashes, [start, end) in bytes, flags; room for more when being filled."""

    hashes: Hashes
    spans: Places
    flags: Flags


@lru_cache(maxsize=1)
def alphabet() -> Alphabet:
    """Return the tables by which every text is split."""
    return Alphabet(*tables(), np.array([word_hash(unit) for unit in CASED_UNITS], dtype=np.uint64))


@compiled
def _marker(data: Bytes, at: int, state: Places) -> int:
    """Return where the list number at `at` ends (`12. `, `3) `), -1 when there is none.

    It must follow the end of a sentence or an empty line, or be the next after the last list number: a dose that a
    line happens to begin with is none.
    """
    end, number = at, 0
    while end < len(data) and 48 <= data[end] <= 57 and end - at < 3:
        number = number * 10 + data[end] - 48
        end += 1
    if end == at or end - at > 2 or end + 1 >= len(data):
        return -1
    is_marker = data[end] in (STOP, BRACKET) and data[end + 1] == 32
    if not is_marker or not (state[_ITEMISES] or number == state[_LAST_ITEM] + 1):
        return -1
    state[_LAST_ITEM] = number
    return end + 1


@compiled
def _space(data: Bytes, at: int, bits: int, state: Places) -> int:
    """Step over white space: a line end starts a segment, an empty line may be followed by a list number."""
    if data[at] == 32:
        state[_JOINS_NEXT] = 0
        return at + 1
    if bits & NEWLINE:
        state[_ITEMISES] |= state[_STARTS_NEXT]
        state[_STARTS_NEXT] = STARTS
    else:
        state[_JOINS_NEXT] = 0
    return after(data, at)


@compiled
def _punctuation(data: Bytes, at: int, classes: Classes, state: Places, ended: int) -> int:
    """Step over a sign that counts for nothing; `ended` is where the last token did."""
    code = code_at(data, at)
    bits, end = bits_of(classes, code), after(data, at)
    if bits & END and bits_of(classes, code_at(data, end)) & SPACE:
        state[_STARTS_NEXT] = STARTS
    state[_ITEMISES] = bits & END or code in (COLON, _SEMICOLON)
    is_hyphen = bits & SKIP or code in (MINUS, 0x2010, 0x2011)
    state[_JOINS_NEXT] = JOINED if is_hyphen and ended == at else 0
    return end


@compiled
def _token(
    data: Bytes, at: int, classes: Classes, folded: Codes, units: Hashes, follows_number: bool
) -> tuple[int, np.uint64, int]:
    """Return (end, hash, flags) of the token at `at`; a negative flag for what is none.

    The case of a unit counts where a number stands before.
    """
    if not follows_number and data[at] < ASCII and classes[data[at]] == LETTER:
        end, value = plain_word_at(data, at, classes, folded)
        if end:
            return end, value, 0
    code = code_at(data, at)
    bits = bits_of(classes, code)
    if bits & LETTER:
        end, value, exact, flag = word_at(data, at, classes, folded)
        if follows_number and value != exact and is_unit(units, value):
            all_capitals = end - at > 1 and not data[at] & 32 and not data[end - 1] & 32
            value = value if all_capitals else exact
        return end, value, flag
    negative = not bits & NUMBER and is_negative(data, at, classes, folded)
    if bits & NUMBER or negative or is_decimal(data, at, classes):
        end, value = digits_at(data, at, classes, folded, negative)
        return end, value, DIGITS
    end, sign = sign_at(data, at, classes, folded)
    return end, mixed_in(FNV_START, sign), SIGN if sign else -1


@compiled
def tokenize(data: Bytes, signs: Alphabet, found: Tokens) -> int:
    """Fill `found` with the tokens of `data`, which it must have room for, and return how many there are."""
    classes, folded, units = signs.classes, signs.folded, signs.units
    hashes, spans, flags = found.hashes, found.spans, found.flags
    state = np.array([1, STARTS, 0, -1], dtype=np.int64)
    count, at, ended = 0, 0, -1
    while at < len(data):
        bits = int(classes[data[at]]) if data[at] < ASCII else bits_of(classes, code_at(data, at))
        if bits & SPACE:
            at = _space(data, at, bits, state)
            continue
        if bits & NUMBER and state[_STARTS_NEXT]:
            end = _marker(data, at, state)
            if end > 0:
                at = end
                continue
        elif bits & LETTER and (data[at] | 32 == 104 or data[at] | 32 == 119) and is_web_address(data, at):
            at = address_end(data, at, classes)
            continue
        follows_number = count > 0 and flags[count - 1] & DIGITS != 0
        end, value, flag = _token(data, at, classes, folded, units, follows_number)
        if flag < 0:
            at = _punctuation(data, at, classes, state, ended)
            continue
        hashes[count], spans[count, 0], spans[count, 1] = value, at, end
        flags[count] = flag | state[_STARTS_NEXT] | state[_JOINS_NEXT]
        state[_ITEMISES], state[_STARTS_NEXT], state[_JOINS_NEXT] = 0, 0, 0
        count, at, ended = count + 1, end, end
    return count


def room(size: int) -> Tokens:
    """Return arrays for the tokens of `size` bytes."""
    return Tokens(np.empty(size, np.uint64), np.empty((size, 2), np.int64), np.empty(size, np.uint8))


def tokens_of(data: bytes) -> Tokens:
    """Return the tokens of one UTF-8 text."""
    found = room(len(data))
    count = tokenize(np.frombuffer(data, np.uint8), alphabet(), found)
    return Tokens(found.hashes[:count], found.spans[:count], found.flags[:count])
