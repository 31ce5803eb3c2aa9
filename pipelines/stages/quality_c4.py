"""Sentences in the lines that C4 keeps, counted in compiled code (Raffel et al. 2020, as datatrove's filter has it).

A line is kept that ends in . ? ! " or ' but not in an ellipsis, has three words and none of more than a thousand bytes,
and names neither JavaScript nor a page's policies. Marks of citations ([12]) at its end do not count. Where such a line
has an opening curly bracket C4 drops the page, so none of its sentences counts. A sentence ends at . ? or ! before a
blank; not after one capital, and not where a letter between full stops is an abbreviation (e.g.).
Clinical tables have no such line, so nothing is dropped by this unless the run file says so. Part of `quality_scan`.
"""

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_tokens import Bytes

MIN_WORDS, MAX_WORD_BYTES = 3, 1000
PHRASES = (
    "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
)  # fmt: skip
_TEXT = np.frombuffer("\n".join(PHRASES).encode(), dtype=np.uint8)
"""The phrases one behind the other; a line feed, which no line holds, ends each."""


@compiled
def _is_blank(byte: int) -> bool:
    return byte == 32 or 9 <= byte <= 13


@compiled
def _end(line: Bytes) -> int:
    """Return where a line ends without blanks and marks of citations."""
    end = len(line)
    while end > 0:
        while end > 0 and _is_blank(line[end - 1]):
            end -= 1
        at = end - 2
        if end < 2 or line[end - 1] != 93:
            return end
        while at >= 0 and 48 <= line[at] <= 57:
            at -= 1
        if at < 0 or line[at] != 91:
            return end
        end = at
    return end


@compiled
def _has_phrase(line: Bytes) -> bool:
    for start in range(len(line)):
        lower = line[start] | 32
        if lower != 106 and lower != 116 and lower != 112 and lower != 99 and lower != 117:  # j t p c u
            continue
        same, at = True, start
        for byte in _TEXT:
            if byte == 10:
                if same:
                    return True
                same, at = True, start
                continue
            same = same and at < len(line) and (line[at] == byte or (97 <= byte <= 122 and line[at] | 32 == byte))
            at += 1
        if same:
            return True
    return False


@compiled
def _is_kept(line: Bytes, end: int) -> bool:
    """Say whether C4 keeps a line that ends at `end` without citations."""
    last = line[end - 1] if end else 0
    if last != 46 and last != 63 and last != 33 and last != 34 and last != 39:
        return False
    if end >= 3 and last == 46 and line[end - 2] == 46 and line[end - 3] == 46:
        return False
    words, size = 0, 0
    for byte in line:
        size = 0 if _is_blank(byte) else size + 1
        words += size == 1
        if size > MAX_WORD_BYTES:
            return False
    return words >= MIN_WORDS and not _has_phrase(line)


@compiled
def _abbreviates(line: Bytes, at: int) -> bool:
    """Say whether the full stop at `at` follows one capital, or one letter after another full stop."""
    if at == 0 or not (65 <= line[at - 1] <= 90 or 97 <= line[at - 1] <= 122):
        return False
    before = line[at - 2] if at > 1 else 32
    if before == 46:
        return True
    return 65 <= line[at - 1] <= 90 and not (65 <= before <= 90 or 97 <= before <= 122 or before >= 128)


@compiled
def _sentences(line: Bytes) -> int:
    """Return the sentences of a line: one, and one more for each mark with a blank and a word behind it."""
    count, open_mark, blank = 1, False, False
    for at in range(len(line)):
        byte = line[at]
        if byte == 46 or byte == 63 or byte == 33:
            open_mark, blank = byte != 46 or not _abbreviates(line, at), False
        elif _is_blank(byte):
            blank = True
        elif 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte >= 128:
            count += open_mark and blank
            open_mark = False
    return count


@compiled
def kept_sentences(data: Bytes) -> int:
    """Return the sentences in the lines of a text that C4 keeps, 0 when one of them has an opening curly bracket."""
    found, start = 0, 0
    for stop in range(len(data) + 1):
        if stop < len(data) and data[stop] != 10:
            continue
        line = data[start:stop]
        end = _end(line)
        if _is_kept(line, end):
            if (line == 123).any():
                return 0
            found += _sentences(line[:end])
        start = stop + 1
    return found
