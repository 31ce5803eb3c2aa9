"""Find the identifiers of a text: only lines that the scan points at, only the patterns that it asks for.

Of candidates that overlap the kind that is tried first counts, names last. A text is a person's record when it holds an
identifier of a person or a placeholder of one; there weak titles count, and a name of several words that was found goes
wherever it stands. Not here: patterns (`privacy_kinds`, `privacy_cued`, `privacy_names`), replacing (`privacy_redact`).
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache, reduce
from itertools import groupby
from operator import or_
from typing import NamedTuple

import numpy as np

from pipelines.stages.privacy_cued import CUED_KINDS
from pipelines.stages.privacy_cues import Cues, Ints, build_cues
from pipelines.stages.privacy_kinds import KINDS, Kind
from pipelines.stages.privacy_names import find_names, words
from pipelines.stages.privacy_network import NETWORK_KINDS
from pipelines.stages.privacy_numbers import FAR_CHARS, NEAR_CHARS, Bytes
from pipelines.stages.privacy_scan import (
    FIRST_CUE,
    FIRST_FREE_CUE,
    LABEL,
    NAME,
    TITLE,
    WEAK,
    scan,
)

NAME_KIND = "name"
_FIRST = ("url", "email", "iban")
_LAST = ("phone", "address", "handle")
_KINDS = (*KINDS, *NETWORK_KINDS, *CUED_KINDS)
STRUCTURED: tuple[Kind, ...] = (
    *(kind for name in _FIRST for kind in _KINDS if kind.name == name),
    *(kind for kind in CUED_KINDS if kind.name not in _LAST),
    *(kind for kind in (*KINDS, *NETWORK_KINDS) if kind.name not in (*_FIRST, *_LAST)),
    *(kind for name in _LAST for kind in _KINDS if kind.name == name),
)
KIND_NAMES = (*dict.fromkeys(kind.name for kind in STRUCTURED), NAME_KIND)
_CUED = sorted((kind for kind in STRUCTURED if kind.cues), key=lambda kind: not kind.has_digits)
_OF_CUES = {
    kind: FIRST_CUE << at if kind.has_digits else FIRST_FREE_CUE << (len(_CUED) - 1 - at)
    for at, kind in enumerate(_CUED)
}
_WITH_BITS = [(kind, kind.bits | _OF_CUES.get(kind, 0)) for kind in STRUCTURED]
_STRUCTURED_BITS = reduce(or_, (bits for _, bits in _WITH_BITS))
_IS_PERSONAL = {kind.name: kind.is_personal for kind in STRUCTURED} | {NAME_KIND: True}
_PERSONAL = frozenset(name.upper().replace("_", "-") for name, is_personal in _IS_PERSONAL.items() if is_personal)
PLACEHOLDER = re.compile(r"\[([A-Z]+(?:-[A-Z]+)?)-(\d{1,9})\]")


class Found(NamedTuple):
    """An identifier at [start, end) of a text, in code points."""

    start: int
    end: int
    kind: str


@lru_cache(maxsize=1)
def _cues() -> Cues:
    bits: dict[str, int] = {}
    for kind, bit in _OF_CUES.items():
        for cue in kind.cues:
            bits[cue] = bits.get(cue, 0) | bit
    for bit, cues in ((TITLE, words().title_cues), (WEAK, words().weak_cues), (LABEL, words().label_cues)):
        for cue in cues:
            bits[cue] = bits.get(cue, 0) | bit
    least = {bit: kind.least_digits for kind, bit in _OF_CUES.items() if kind.least_digits}
    return build_cues(bits, least)


def places(data: Bytes) -> Ints:
    """Return where a UTF-8 text needs a look: (start and end of the line, place, bits), in bytes."""
    data.flags.writeable = False  # one type of argument: compiled once
    return scan(data, _cues())


class _Line(NamedTuple):
    """A line, where it starts in its text, and the places that were seen in it with their bits."""

    start: int
    text: str
    seen: list[tuple[int, int]]

    def windows(self, bits: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches of the line around the places with any of `bits`, joined where they meet.

        What patterns ask of the surroundings of an identifier may lie further away.
        """
        begin = end = -1
        for place, its_bits in self.seen:
            if its_bits & bits:
                before, after = NEAR_CHARS if its_bits & bits < FIRST_CUE else FAR_CHARS
                first = self.text.rfind(" ", 0, max(0, place - before)) + 1
                if end < first:
                    if end > 0:
                        yield begin, end
                    begin = first
                end = max(end, self._word_end(place + after))
        if end > 0:
            yield begin, end

    def _word_end(self, at: int) -> int:
        end = self.text.find(" ", at)
        return len(self.text) if end < 0 else end


def _lines(text: str, rows: list[list[int]], bits: int) -> Iterator[_Line]:
    """Yield the lines in which something with any of `bits` was seen."""
    for (start, end), here in groupby((row for row in rows if row[3] & bits), key=lambda row: row[:2]):
        yield _Line(start, text[start:end], [(place - start, its_bits) for _, _, place, its_bits in here])


def find(text: str, kinds: Collection[str], is_record: bool = False, seen: Ints | None = None) -> list[Found]:
    """Return the identifiers of `kinds` in `text`, disjoint and in order.

    `is_record` says that it is known to be one; `seen` are its `places` where they are known.
    """
    rows = (places(np.frombuffer(text.encode(), np.uint8)) if seen is None else seen).tolist()
    found: list[Found] = []
    for line in _lines(text, rows, _STRUCTURED_BITS):
        taken = [match.span() for match in PLACEHOLDER.finditer(line.text)] if "[" in line.text else []
        any_bits = reduce(or_, (bits for _, bits in line.seen), 0)
        for kind, bits in _WITH_BITS:
            if any_bits & bits and kind.name in kinds:
                for window in line.windows(bits):
                    spans = [span for shape in kind.shapes for span in shape.find(line.text, *window)]
                    found += [Found(line.start + a, line.start + b, kind.name) for a, b in _free(spans, taken)]
    if NAME_KIND in kinds:
        found += _names(text, rows, found, is_record)
    return sorted(found)


def is_personal(found: Collection[Found], text: str) -> bool:
    """Say whether a text is the record of a person, by what was found in it or was replaced in it before."""
    personal = any(_IS_PERSONAL[one.kind] for one in found)
    return personal or ("[" in text and any(label in _PERSONAL for label, _ in PLACEHOLDER.findall(text)))


def _names(text: str, rows: list[list[int]], found: list[Found], is_record: bool) -> list[Found]:
    is_record = is_record or is_personal(found, text)
    heard = [
        [(line.start + a, line.start + b) for a, b in find_names(line.text, place + 1, text, is_record, bits)]
        for line in _lines(text, rows, NAME if is_record else TITLE | LABEL)
        for place, bits in line.seen
    ]
    if not any(heard):
        return []
    taken = [(one.start, one.end) for one in found] + [match.span() for match in PLACEHOLDER.finditer(text)]
    names = [Found(a, b, NAME_KIND) for spans in heard for a, b in _free(spans, taken)]
    for full in sorted({text[one.start : one.end] for one in names if " " in text[one.start : one.end]}):
        names += [Found(a, b, NAME_KIND) for a, b in _free(_whole(full, text), taken)]
    return names


def _whole(name: str, text: str) -> list[tuple[int, int]]:
    """Return where a name stands in a text as whole words."""
    spans, start = [], text.find(name)
    while start >= 0:
        end = start + len(name)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            spans.append((start, end))
        start = text.find(name, end)
    return spans


def _free(spans: list[tuple[int, int]], taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans that overlap none before them, and note them as taken."""
    free = []
    for start, end in spans:
        if start < end and all(end <= a or b <= start for a, b in taken):
            taken.append((start, end))
            free.append((start, end))
    return free
