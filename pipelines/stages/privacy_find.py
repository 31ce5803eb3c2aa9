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
from pipelines.stages.privacy_kinds import KINDS, Kind
from pipelines.stages.privacy_names import find_names, words
from pipelines.stages.privacy_network import NETWORK_KINDS
from pipelines.stages.privacy_scan import (
    FIRST_CUE,
    FIRST_FREE_CUE,
    LABEL,
    NAME,
    TITLE,
    WEAK,
    Bytes,
    Cues,
    Ints,
    build_cues,
    scan,
)

NAME_KIND = "name"
BEFORE_CHARS, AFTER_CHARS = 96, 160
"""How far around a place patterns look for an identifier; what they ask of its surroundings may lie further away."""
_FIRST = ("url", "email", "iban")
_BY_NAME = {kind.name: kind for kind in (*KINDS, *NETWORK_KINDS, *CUED_KINDS)}
STRUCTURED: tuple[Kind, ...] = (
    *(_BY_NAME[name] for name in _FIRST),
    *(kind for kind in CUED_KINDS if kind.name not in ("phone", "address", "handle")),
    *(kind for kind in (*KINDS, *NETWORK_KINDS) if kind.name not in _FIRST),
    *(_BY_NAME[name] for name in ("phone", "address", "handle")),
)
KIND_NAMES = (*(kind.name for kind in STRUCTURED), NAME_KIND)
_CUE_BITS = {
    kind.name: (FIRST_CUE if kind.has_digits else FIRST_FREE_CUE) << at if kind.cues else 0
    for at, kind in enumerate(STRUCTURED)
}
_BITS = {kind.name: kind.bits | _CUE_BITS[kind.name] for kind in STRUCTURED}
_PERSONAL = "|".join(kind.name.upper().replace("_", "-") for kind in STRUCTURED if kind.is_personal)
PLACEHOLDER = re.compile(r"\[([A-Z]+(?:-[A-Z]+)?)-(\d{1,9})\]")
_PLACEHOLDER_OF_PERSON = re.compile(rf"\[(?:NAME|{_PERSONAL})-\d+\]")


class Found(NamedTuple):
    """An identifier at [start, end) of a text, in code points."""

    start: int
    end: int
    kind: str


@lru_cache(maxsize=1)
def _cues() -> Cues:
    bits: dict[str, int] = {}
    for kind in STRUCTURED:
        for cue in kind.cues:
            bits[cue] = bits.get(cue, 0) | _CUE_BITS[kind.name]
    for bit, cues in ((TITLE, words().title_cues), (WEAK, words().weak_cues), (LABEL, words().label_cues)):
        for cue in cues:
            bits[cue] = bits.get(cue, 0) | bit
    return build_cues(bits)


def places(data: Bytes) -> Ints:
    """Return where a UTF-8 text needs a look: (start and end of the line, place, bits), in bytes."""
    data.flags.writeable = False  # one type of argument: compiled once
    return scan(data, *_cues())


class _Line(NamedTuple):
    """A line, where it starts in its text, and the places that were seen in it with their bits."""

    start: int
    text: str
    seen: list[tuple[int, int]]

    def windows(self, bits: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches of the line around the places with any of `bits`, joined where they meet."""
        begin = end = -1
        for place, its_bits in self.seen:
            if its_bits & bits:
                if end < place - BEFORE_CHARS:
                    if end > 0:
                        yield begin, end
                    begin = max(0, place - BEFORE_CHARS)
                end = place + AFTER_CHARS
        if end > 0:
            yield begin, end


def _lines(text: str) -> Iterator[_Line]:
    data = text.encode()
    is_ascii = len(data) == len(text)
    at_bytes = at = 0
    for (start, end), seen in groupby(places(np.frombuffer(data, np.uint8)).tolist(), key=lambda one: one[:2]):
        raw = data[start:end]
        here = [(place - start, bits) for _, _, place, bits in seen]
        if is_ascii:
            yield _Line(start, text[start:end], here)
            continue
        at += len(data[at_bytes:start].decode())
        line = raw.decode()
        if len(line) < len(raw):
            here = [(len(raw[:place].decode(errors="ignore")), bits) for place, bits in here]
        yield _Line(at, line, here)
        at, at_bytes = at + len(line), end


def find(text: str, kinds: Collection[str], is_record: bool = False) -> list[Found]:
    """Return the identifiers of `kinds` in `text`, disjoint and in order. `is_record` says it is known to be one."""
    found: list[Found] = []
    lines = list(_lines(text))
    for line in lines:
        taken = [match.span() for match in PLACEHOLDER.finditer(line.text)] if "[" in line.text else []
        any_bits = reduce(or_, (bits for _, bits in line.seen), 0)
        for kind in STRUCTURED:
            if any_bits & _BITS[kind.name] and kind.name in kinds:
                for window in line.windows(_BITS[kind.name]):
                    spans = [span for shape in kind.shapes for span in shape.find(line.text, *window)]
                    found += [Found(line.start + a, line.start + b, kind.name) for a, b in _free(spans, taken)]
    if NAME_KIND in kinds:
        found += _names(text, lines, found, is_record)
    return sorted(found)


def is_personal(found: Collection[Found], text: str) -> bool:
    """Say whether a text is the record of a person, by what was found in it or was replaced in it before."""
    personal = any(one.kind == NAME_KIND or _BY_NAME[one.kind].is_personal for one in found)
    return personal or ("-" in text and _PLACEHOLDER_OF_PERSON.search(text) is not None)


def _names(text: str, lines: list[_Line], found: list[Found], is_record: bool) -> list[Found]:
    is_record = is_record or is_personal(found, text)
    taken = [(one.start, one.end) for one in found] + [match.span() for match in PLACEHOLDER.finditer(text)]
    names: list[Found] = []
    bits = NAME if is_record else TITLE | LABEL
    for line in lines:
        for place, its_bits in line.seen:
            if its_bits & bits:
                spans = ((line.start + a, line.start + b) for a, b in find_names(line.text, place + 1, text, is_record))
                names += [Found(a, b, NAME_KIND) for a, b in _free(list(spans), taken)]
    for full in sorted({text[one.start : one.end] for one in names if " " in text[one.start : one.end]}):
        again = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(full)}(?!\w)", text)]
        names += [Found(a, b, NAME_KIND) for a, b in _free(again, taken)]
    return names


def _free(spans: list[tuple[int, int]], taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans that overlap none before them, and note them as taken."""
    free = []
    for start, end in spans:
        if start < end and all(end <= a or b <= start for a, b in taken):
            taken.append((start, end))
            free.append((start, end))
    return free
