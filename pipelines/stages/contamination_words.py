"""Split a text into the words by which contamination is judged, in compiled code over UTF-8 bytes.

A word is a run of letters and marks in any case; a number is a word of its own (`10mg` is two words, as is `10 mg`)
and keeps its point or comma; a letter of a script without spaces is a word of its own. Folding is Unicode's full
case folding over canonical decomposition, so NFC and NFD agree and accents count; decimal digits of all scripts, the
raised decimal point, soft hyphens and joiners are made alike. Words are hashes with their places; nothing is copied.
Marks in another than canonical order are not put in order. Not here: what the words are compared with.
"""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_chars import SPLIT, TABLE_SIZE, class_table
from pipelines.stages.quality_repeats import Hashes
from pipelines.stages.quality_tokens import Bytes, decode

BREAK, LETTER, DIGIT, ALONE, MARK, HIDDEN = range(6)
_HIDDEN = "\u0640"  # the Arabic tatweel is a letter to Unicode, but only stretches a word
_POINTS = {ord("."): ord("."), ord(","): ord(","), 0xB7: ord("."), 0x66B: ord(".")}
_FNV_START = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)

Places = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]


class Folding(NamedTuple):
    """For each code point its class and what it folds to: `single`, or if that is -1, `codes` from `starts` to a 0."""

    kinds: Flags
    single: Places
    starts: Places
    codes: Places


class Words(NamedTuple):
    """One entry a word: hash, first byte, byte after the last, and whether it is a number."""

    hashes: Hashes
    starts: Places
    ends: Places
    numbers: Flags


def _kind(char: str, split: bool) -> int:
    category = unicodedata.category(char)
    if char in _HIDDEN or (category == "Cf" and char != "\u200b"):
        return HIDDEN
    if category[0] == "M":
        return MARK
    if category[0] == "N":
        return DIGIT
    if category[0] == "L":
        return ALONE if split else LETTER
    return BREAK


def fold(text: str) -> str:
    """Return the folded form of a word: what two words are compared by."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return "".join(map(_folded_char, folded))


def _folded_char(char: str) -> str:
    if "0" <= char <= "9" or "a" <= char <= "z":
        return char
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.digit(char))
    point = _POINTS.get(ord(char))
    return chr(point) if point else "" if _kind(char, split=False) == HIDDEN else char


@lru_cache(maxsize=1)
def folding() -> Folding:
    """Return the tables of every code point below `TABLE_SIZE`; those above separate words."""
    split = (class_table() & SPLIT != 0).tolist()
    kinds = np.array([_kind(chr(code), split[code]) for code in range(TABLE_SIZE)], np.uint8)
    single = np.arange(TABLE_SIZE, dtype=np.int32)
    starts = np.zeros(TABLE_SIZE, np.int32)
    codes: list[int] = []
    for code in sorted({*np.flatnonzero(kinds).tolist(), *_POINTS}):
        char = chr(code)
        if kinds[code] in (LETTER, ALONE, MARK) and _is_folded(char):
            continue
        folded = fold(char)
        single[code] = ord(folded) if len(folded) == 1 else -1
        if len(folded) != 1:
            starts[code] = len(codes)
            codes += [*map(ord, folded), 0]
    return Folding(kinds, single, starts, np.array(codes, np.int32))


def _is_folded(char: str) -> bool:
    return char.casefold() == char and not unicodedata.decomposition(char) and not "\uac00" <= char <= "\ud7a3"


@compiled
def mixed(value: np.uint64) -> np.uint64:
    """Return `value` with every bit depending on every other (the finaliser of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def _is_point(data: Bytes, at: int, size: int, kinds: Flags) -> bool:
    """Say whether the character at `at`, which follows a digit, is a decimal mark or comma before another digit."""
    first = data[at]
    plain = first == 44 or first == 46
    other = size == 2 and ((first == 0xC2 and data[at + 1] == 0xB7) or (first == 0xD9 and data[at + 1] == 0xAB))
    if not (plain or other) or at + size >= len(data):
        return False
    after, _ = decode(data, at + size)
    return bool(after < len(kinds) and kinds[after] == DIGIT)


@compiled
def _fold_into(value: np.uint64, code: int, tables: Folding) -> np.uint64:
    folded = tables.single[code]
    if folded >= 0:
        return (value ^ np.uint64(folded)) * _FNV_PRIME
    place = tables.starts[code]
    while tables.codes[place] != 0:
        value = (value ^ np.uint64(tables.codes[place])) * _FNV_PRIME
        place += 1
    return value


@compiled
def _fill(data: Bytes, tables: Folding, words: Words) -> int:
    """Fill `words` and return how many there are, -1 when they do not fit."""
    count, at, last, value = 0, 0, BREAK, _FNV_START
    while at < len(data):
        code, size = int(data[at]), 1
        if code >= 0x80:
            code, size = decode(data, at)
        kind = tables.kinds[code] if code < len(tables.kinds) else BREAK
        if last == DIGIT and kind == BREAK and _is_point(data, at, size, tables.kinds):
            kind = DIGIT
        if kind == BREAK or (last == BREAK and kind >= MARK):
            last = BREAK
            at += size
            continue
        if kind < MARK and (kind != last or kind == ALONE):
            if count == len(words.starts):
                return -1
            if count:
                words.hashes[count - 1] = mixed(value)
            value, last = _FNV_START, kind
            words.starts[count], words.numbers[count] = at, kind == DIGIT
            count += 1
        value = _fold_into(value, code, tables)
        at += size
        words.ends[count - 1] = at
    if count:
        words.hashes[count - 1] = mixed(value)
    return count


@compiled
def split_words(data: Bytes, tables: Folding) -> Words:
    """Return the words of `data`, which must be valid UTF-8 and shorter than 2 GB."""
    room = len(data) // 4 + 16
    while True:
        words = Words(
            np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
        )
        count = _fill(data, tables, words)
        if count >= 0:
            return Words(words.hashes[:count], words.starts[:count], words.ends[:count], words.numbers[:count])
        room = len(data) + 1


def word_list(text: str) -> tuple[list[str], list[bool]]:
    """Return the folded words of a text, and which of them are numbers."""
    data = text.encode()
    words = split_words(np.frombuffer(data, np.uint8), folding())
    spans = zip(words.starts.tolist(), words.ends.tolist(), strict=True)
    return [fold(data[start:end].decode()) for start, end in spans], words.numbers.astype(bool).tolist()


@compiled
def _split_rows(data: Bytes, offsets: Offsets, tables: Folding) -> tuple[Hashes, Flags, Offsets]:
    hashes, numbers = np.empty(len(data), np.uint64), np.empty(len(data), np.uint8)
    firsts = np.zeros(len(offsets), np.int64)
    for row in range(len(offsets) - 1):
        words = split_words(data[offsets[row] : offsets[row + 1]], tables)
        first = firsts[row]
        firsts[row + 1] = first + len(words.hashes)
        hashes[first : firsts[row + 1]] = words.hashes
        numbers[first : firsts[row + 1]] = words.numbers
    return hashes[: firsts[-1]].copy(), numbers[: firsts[-1]].copy(), firsts


def split_rows(texts: list[str]) -> tuple[Hashes, npt.NDArray[np.bool_], Offsets]:
    """Return the hashes of the words of all texts in a row, which are numbers, and where each text begins."""
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    data = np.frombuffer(b"".join(encoded), np.uint8) if offsets[-1] else np.empty(0, np.uint8)
    hashes, numbers, firsts = _split_rows(data, offsets, folding())
    return hashes, numbers.astype(bool), firsts
