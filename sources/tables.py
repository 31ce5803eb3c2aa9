"""The two tables that may lie beside a source's files: where each came from, and which records are held out.

The URL table is tab-separated with a header; its keys are paths in the source's folder, archive members
(`archive.tar.gz!member`) or single records (`file#name`). A held-out list is JSON: the keys of an object or the items
of a list. Real tables have odd rows; what cannot be used is passed over, what contradicts itself is refused.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipelines.engine.errors import InputError
from pipelines.engine.hashing import digest

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?")


class Origin(NamedTuple):
    """Where a file came from: its URL ("" when not known), and when it was fetched (None unless known)."""

    url: str
    retrieved: str | None


def read_url_table(folder: Path, name: str) -> dict[str, Origin]:
    """Return key -> origin. Raises InputError for a table without the columns, or with two URLs for one key."""
    where = folder / name
    try:
        lines = where.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: the URL table cannot be read: {error}") from error
    header = [cell.strip().lower() for cell in lines[0].split("\t")]
    key_column = next((name for name in ("file", "key") if name in header), None)
    if key_column is None or "url" not in header:
        raise InputError(f"{where}: the URL table needs the columns file (or key) and url, but has {header}")
    table: dict[str, Origin] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = dict(zip(header, (cell.strip() for cell in line.split("\t")), strict=False))
        key = cells.get(key_column, "").removeprefix("./")
        origin = Origin(cells.get("url", ""), _date(cells.get("retrieved", "")))
        if not key or origin == ("", None):
            continue
        if table.setdefault(key, origin) != origin:
            raise InputError(f"{where}:{number}: {key} has another origin further up; keep one row")
    return table


def _date(text: str) -> str | None:
    return text if _DATE.fullmatch(text) else None


def by_file(table: dict[str, Origin], files: Iterable[str]) -> dict[str, dict[str, Origin]]:
    """Return the rows of a table for each file that has any: those of the file, its members and its records."""
    known = set(files)
    found: dict[str, dict[str, Origin]] = {}
    for key, origin in table.items():
        if key not in known:
            cuts = (match.start() for match in re.finditer("[!#]", key))
            file = next((key[:cut] for cut in cuts if key[:cut] in known), None)
        else:
            file = key
        if file is not None:
            found.setdefault(file, {})[key] = origin
    return found


class HeldOut:
    """The names or keys of records that are for reference only."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)

    def holds(self, name: str, key: str) -> bool:
        """Say whether a record is held out, by its own name or by its key."""
        return name in self._names or key in self._names

    def identity(self) -> str | None:
        """Return a digest of the list, None when it is empty."""
        return digest(sorted(self._names)) if self._names else None


def read_held_out(folder: Path, name: str) -> HeldOut:
    """Return the record names that a JSON object (its keys) or list (its items) holds. Raises InputError."""
    where = folder / name
    try:
        value = json.loads(where.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{where}: the list of held-out records cannot be read: {error}") from error
    if not isinstance(value, dict | list) or not all(isinstance(item, str) or type(item) is int for item in value):
        raise InputError(f"{where}: the list of held-out records is a JSON object or a list of names, but is neither")
    if not value:
        raise InputError(f"{where}: the list of held-out records is empty; remove `held_out` when nothing is")
    return HeldOut(str(item) for item in value)
