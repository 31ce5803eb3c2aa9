"""Ranges of the patients that a YAML asks for, so that many workers tell them: a shard has so many.

A patient is the same whoever else is drawn, so a range of them is what it would be among all. An item is then the YAML
under its key with `!P<first>-<end>`, which no document keeps in its own. Not here: drawing (`sample_patients`).
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sources.files import YAML, Slice
from sources.parse.part import Unreadable
from sources.teacher.patients_wanted import PatientsWanted, requests_of

PATIENTS_A_SHARD = 200
"""Patients drawn and told in some five seconds."""
_KEY = re.compile(r"(?P<file>.*\.ya?ml)(?:!P(?P<first>\d+)-(?P<end>\d+))?", re.IGNORECASE | re.DOTALL)


def cut_patients(shards: Iterable[list[Slice]]) -> Iterator[list[Slice]]:
    """Yield shards of files again, with one for each range of a YAML that asks for more patients than a shard has."""
    for group in shards:
        small: list[Slice] = []
        for part in group:
            total = _count(part.file.path) if part.file.path.suffix.lower() in YAML else 0
            if total <= PATIENTS_A_SHARD:
                small.append(part)
                continue
            starts = range(0, total, PATIENTS_A_SHARD)
            yield from ([Slice(part.file, at, min(at + PATIENTS_A_SHARD, total))] for at in starts)
        if small:
            yield small


def _count(path: Path) -> int:
    """Return how many patients a file asks for; none where it is not right, which the parser will tell."""
    try:
        return sum(one.patients for one in requests_of(path.read_bytes()))
    except (OSError, Unreadable):
        return 0


def file_of(key: str) -> str | None:
    """Return the key of the YAML that an item is, or a range of; None where it is no YAML."""
    match = _KEY.fullmatch(key)
    return match["file"] if match else None


def within(key: str, asked: Iterable[PatientsWanted]) -> Iterator[tuple[PatientsWanted, range]]:
    """Yield requests with the numbers of their patients that are in the range of an item."""
    match = _KEY.fullmatch(key)
    first, end = (int(match["first"]), int(match["end"])) if match and match["end"] else (0, None)
    before = 0
    for one in asked:
        low = max(first - before, 0)
        high = one.patients if end is None else min(end - before, one.patients)
        before += one.patients
        if low < high:
            yield one, range(low, high)
