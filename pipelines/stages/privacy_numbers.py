"""Which kinds of numbers may stand near a place of a text, told from the groups of digits around it, in compiled code.

A run of nine digits is common in articles (years, pages, DOIs, rows of tables), and what may be an identifier is not.
So before twenty patterns are tried around it, its neighbourhood is read once: lengths of groups and what parts them.
What is said here must hold wherever a pattern can match; a digit of another script than Latin makes all possible. The
neighbourhood is wider than the stretch that patterns see (`privacy_find.NEAR_CHARS`) by more than the longest number.
Not here: the patterns, which decide (`privacy_kinds`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled

LUHN, FIFTEEN, TWELVE, SSN, NHS, CPF, WORDED, IP, IBAN = (1 << bit for bit in range(8, 17))
"""13 to 19 digits with Luhn's digit; 15 or 12 digits; 3-2-4; 3 3 4; 3.3.3-2; nine digits and a word such as "NHS"; four
numbers or three hexadecimal ones of an address; two capitals before digits."""
PLUS, NANP, NOUGHT, BRACKET = (1 << bit for bit in range(17, 21))
"""Telephones that begin with +, end with 3-4 digits, begin with a nought, or with two digits in brackets."""
PHONE = PLUS | NANP | NOUGHT | BRACKET
NUMBERS = LUHN | FIFTEEN | TWELVE | SSN | NHS | CPF | WORDED | IP | IBAN | PHONE
NEAR_CHARS, FAR_CHARS = (64, 64), (40, 160)
"""How far before and after signs or cue words patterns look for an identifier, to the ends of words."""
MARGIN_CHARS = 64
MOST_BYTES = 4096
"""A neighbourhood that is longer, as there are no blanks, is not read: all is possible there."""
_MOST_GROUPS = 7
_NO_BREAK, _HYPHEN = 1, 2

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@compiled
def is_digit(byte: int) -> bool:
    """Say whether a byte is an ASCII digit."""
    return 48 <= byte <= 57


@compiled
def _may_be_digit(byte: int) -> bool:
    """Say whether a byte may begin a digit of another script."""
    return byte >= 0xD9 and byte in (0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0)


@compiled
def around(data: Bytes, place: int, before: int, after: int) -> tuple[int, int]:
    """Return [begin, end) of the line's bytes around a place: so many characters, a margin, and to the next blanks.

    The text must end with a line feed.
    """
    begin, left = place, before + MARGIN_CHARS
    while begin > place - MOST_BYTES and begin and data[begin - 1] != 10 and (left > 0 or data[begin - 1] != 32):
        begin -= 1
        left -= data[begin] & 0xC0 != 0x80
    end, left = place, after + MARGIN_CHARS
    while end < place + MOST_BYTES and data[end] != 10 and (left > 0 or data[end] != 32):
        left -= data[end] & 0xC0 != 0x80
        end += 1
    return begin, end


@compiled
def most_digits(data: Bytes, begin: int, end: int) -> int:
    """Return how many digits stand in a row at most, with up to two of blanks, brackets, stops and hyphens between."""
    if end - begin >= MOST_BYTES:
        return MOST_BYTES
    most, run, gap, at = 0, 0, 0, begin
    while at < end:
        byte = data[at]
        if is_digit(byte):
            run, gap = run + 1, 0
            most = max(most, run)
        elif _may_be_digit(byte):
            return MOST_BYTES
        else:
            is_hyphen = byte == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0x91
            at += 2 * is_hyphen
            gap += 1
            if gap > 2 or not (is_hyphen or byte == 32 or byte == 40 or byte == 41 or byte == 45 or byte == 46):
                run = 0
        at += 1
    return most


@compiled
def _parting(data: Bytes, at: int) -> tuple[int, int]:
    """Return (what parts two groups of digits at `at`, where the second begins), 0 where nothing known does."""
    byte = data[at]
    if byte == 32 or byte == 45 or byte == 46:
        return int(byte), at + 1
    if byte == 0xC2 and data[at + 1] == 0xA0:
        return _NO_BREAK, at + 2
    if byte == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0x91:
        return _HYPHEN, at + 3
    return 0, at


@compiled
def _group_end(data: Bytes, at: int) -> int:
    while is_digit(data[at]):
        at += 1
    return at


@compiled
def _of_row(data: Bytes, first: int) -> tuple[int, int]:
    """Return what the digits from `first` on may be, parted by single blanks and hyphens, and how many they are.

    An identifier ends where a group of digits ends. Luhn's sums are kept for both parities, as the length is not known.
    """
    seen, count, groups, at = 0, 0, 0, first
    plain = doubled = 0  # sums with every other digit doubled, not the last one; and with the last one doubled
    while groups < _MOST_GROUPS and is_digit(data[at]):
        while is_digit(data[at]):
            digit = data[at] - 48
            twice = 2 * digit - 9 if digit > 4 else 2 * digit
            plain, doubled = doubled + digit, plain + twice
            count, at = count + 1, at + 1
        seen |= LUHN if 13 <= count <= 19 and plain % 10 == 0 else 0
        seen |= FIFTEEN if count == 15 else 0
        seen |= TWELVE if count == 12 else 0
        groups += 1
        if data[at] != 32 and data[at] != 45:
            break
        at += 1
    return seen, count


@compiled
def _of_groups(data: Bytes, first: int) -> int:
    """Return what the groups of digits from `first` on may be, by their sizes and what parts them."""
    sizes, parts = np.zeros(_MOST_GROUPS, np.int64), np.zeros(_MOST_GROUPS, np.int64)
    at, count, total = first, 0, 0
    while count < _MOST_GROUPS and is_digit(data[at]):
        end = _group_end(data, at)
        sizes[count] = end - at
        total += end - at
        parts[count], at = _parting(data, end)
        count += 1
        if parts[count - 1] == 0:
            break
    seen, three = 0, (sizes[0], sizes[1], sizes[2])
    if three == (3, 2, 4) and parts[0] == 45 and parts[1] == 45:
        seen |= SSN
    if three == (3, 3, 4) and parts[0] == 32 and parts[1] == 32:
        seen |= NHS
    if three == (3, 3, 3) and parts[0] == 46 and parts[1] == 46 and parts[2] == 45:
        seen |= CPF
    if max(sizes[0], sizes[1], sizes[2]) <= 3 and parts[0] == 46 and parts[1] == 46 and parts[2] == 46:
        seen |= IP
    return seen | _of_phone(data, first, total, sizes, parts)


@compiled
def _of_phone(data: Bytes, first: int, total: int, sizes: Ints, parts: Ints) -> int:
    """Return which telephone number the groups of digits from `first` on may be, or the rest of one."""
    before = data[first - 1] if first else 32
    seen = PLUS if before == 43 else 0
    if sizes[0] == 3 and sizes[1] == 4:  # 555-0143
        is_bracketed = before == 41 or (first > 1 and before == 32 and data[first - 2] == 41)
        seen |= NANP if parts[0] == 45 or parts[0] == 46 or parts[0] == _HYPHEN or is_bracketed else 0
    if before == 40 and sizes[0] == 2 and data[first + 2] == 41:  # (11) 91234-5678
        at = first + 3 + (data[first + 3] == 32)
        seen |= BRACKET if _group_end(data, at) - at >= 4 else 0
    if data[first] == 48 and 49 <= data[first + 1] <= 57 and before != 46 and total >= 9:
        seen |= NOUGHT
    return seen


@compiled
def _may_be_iban(data: Bytes, first: int) -> bool:
    """Say whether two capitals stand before the digits at `first`, and four more signs behind two of them."""
    if first < 2 or not (65 <= data[first - 1] <= 90 and 65 <= data[first - 2] <= 90):
        return False
    if not is_digit(data[first + 1]):
        return False
    at = first + 2 + (data[first + 2] == 32)
    are_signs = True
    for byte in data[at : at + 4]:
        are_signs = are_signs and (is_digit(byte) or 65 <= byte <= 90)
    return are_signs


@compiled
def _is_word(data: Bytes, at: int) -> bool:
    """Say whether ssn, nhs, cpf or "social" may begin at `at`; an i or s of another alphabet (C4, C5) may be any."""
    if data[at] == 0xC4 or data[at] == 0xC5:
        return True
    one, two, three = data[at] | 32, data[at + 1] | 32, data[at + 2] | 32
    return bool(
        (one == 115 and ((two == 115 and three == 110) or (two == 111 and three == 99)))
        or (one == 110 and two == 104 and three == 115)
        or (one == 99 and two == 112 and three == 102)
    )


@compiled
def numbers_in(data: Bytes, begin: int, end: int) -> int:
    """Return which kinds of numbers may stand in a stretch of bytes, behind which there are three more at least."""
    if end - begin >= MOST_BYTES:
        return NUMBERS
    seen, most, worded, at = 0, 0, False, begin
    while at < end:
        byte = data[at]
        if is_digit(byte):
            kinds, count = _of_row(data, at)
            seen |= kinds | _of_groups(data, at) | (IBAN if _may_be_iban(data, at) else 0)
            most = max(most, count)
            at = _group_end(data, at)
            continue
        if _may_be_digit(byte):
            return NUMBERS
        if byte == 58:
            for ahead in range(at + 2, min(at + 6, end)):
                seen |= IP if data[ahead] == 58 else 0
        worded = worded or _is_word(data, at)
        at += 1
    return seen | (WORDED if worded and most >= 9 else 0)


@compiled
def has_query(data: Bytes, begin: int, end: int) -> bool:
    """Say whether a stretch of bytes may hold a URL that carries a value or an address: :// and one of = @ %."""
    is_url = is_given = False
    for at in range(begin, end):
        is_url = is_url or (data[at] == 58 and data[at + 1] == 47)
        is_given = is_given or data[at] == 61 or data[at] == 64 or data[at] == 37
    return is_url and is_given
