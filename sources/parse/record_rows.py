"""Read the rows of a JSON, JSON lines, CSV, TSV, Parquet or YAML item, one at a time.

A bad row is a fault and the rest goes on; only an item that is bad as a whole raises `Unreadable`. Scalars of
YAML stay as they are written (no octal 010, no `no` for Norway, no 1.10 that becomes 1.1), cells of CSV are text.
Options: `format`, `root` (path to the rows, `*` for every value), `headers`, `columns`, `quote`, `encoding`.
Not here: which field means what (`sources.parse.record_fields`).
"""

import io
import re
from collections.abc import Iterator
from typing import Any

from sources.parse import strict_json
from sources.parse.as_written import load_yaml
from sources.parse.part import Fault, Unreadable
from sources.parse.record_csv import csv_rows
from sources.parse.record_fields import Row

_BY_SUFFIX = {
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "csv": "csv",
    "tsv": "tsv",
    "parquet": "parquet",
    "yaml": "yaml",
    "yml": "yaml",
}
_SUFFIX = re.compile(r"\.(\w+?)(?:\.gz|\.zst)?(?:!B\d+)?$", re.IGNORECASE)
_BLOCK = re.compile(r"!B(\d+)$")


def read_rows(body: bytes, key: str, options: dict[str, Any], expected: set[str]) -> Iterator[Row | Fault]:
    """Yield the rows of an item. `expected` holds field names, which tell an object that is a row from one of rows.

    Raises Unreadable: `empty_item`, `unknown_format`, `invalid_json`, `invalid_yaml`, `invalid_parquet`,
    `invalid_encoding`, `no_rows_at_root`, `bad_header`, `duplicate_column`.
    """
    if not body or body.isspace():
        raise Unreadable("empty_item")
    suffix = _SUFFIX.search(key)
    kind = options.get("format") or _BY_SUFFIX.get(suffix.group(1).lower() if suffix else "", "")
    if kind == "jsonl":
        return _lines(body, key)
    if kind == "json":
        return _tree(_json(body), options, expected)
    if kind == "yaml":
        return _tree(_yaml(body), options, expected)
    if kind in ("csv", "tsv"):
        return csv_rows(body, {"delimiter": "\t" if kind == "tsv" else ",", **options})
    if kind == "parquet":
        from sources.parse.record_parquet import parquet_rows  # Arrow's import is dear

        return parquet_rows(body)
    raise Unreadable("unknown_format", kind or "no suffix that is known")


def _lines(body: bytes, key: str) -> Iterator[Row | Fault]:
    """Rows are placed by byte offset in their file, of which the item may be a block (see archive_lines)."""
    block = _BLOCK.search(key)
    at = int(block.group(1)) if block else 0
    for line in io.BytesIO(body):
        name = f"B{at}"
        at += len(line)
        if not line.strip():
            continue
        try:
            value = strict_json.loads(line)
        except ValueError as error:
            yield Fault(reason="invalid_json", detail=str(error), name=name)
            continue
        yield _row(value, name, {}, position=name)


def _row(value: Any, name: str, around: dict[str, Any], position: str = "") -> Row | Fault:
    if isinstance(value, dict):
        return Row(value, name, around, position)
    return Fault(reason="wrong_type", detail=f"row is {type(value).__name__}", name=name)


def _json(body: bytes) -> Any:
    try:
        return strict_json.loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json", str(error)) from error


def _yaml(body: bytes) -> Any:
    try:
        return load_yaml(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unreadable("invalid_yaml", type(error).__name__) from error


def _tree(value: Any, options: dict[str, Any], expected: set[str]) -> Iterator[Row | Fault]:
    around = {"$root": value}
    steps = str(options["root"]).split(".") if options.get("root") else []
    for place, captured in _places(value, steps, ()):
        numbered = around | {f"${n}": name for n, name in enumerate(captured, 1)}
        prefix = "/".join((*captured, ""))
        if isinstance(place, list):
            for ordinal, item in enumerate(place, 1):
                yield _row(item, f"{prefix}{ordinal}", numbered)
        elif isinstance(place, dict) and not expected & place.keys():
            for name, item in place.items():
                yield _row(item, f"{prefix}{name}", numbered | {"$key": str(name)})
        else:
            yield _row(place, prefix.rstrip("/") or "1", numbered)


def _places(value: Any, steps: list[str], captured: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Follow the root path; yield each place where rows are, with the keys that its wildcards stood for."""
    if not steps:
        yield value, captured
    elif steps[0] == "*" and isinstance(value, (dict, list)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
        for name, part in pairs:
            yield from _places(part, steps[1:], (*captured, str(name)))
    elif isinstance(value, dict) and steps[0] in value:
        yield from _places(value[steps[0]], steps[1:], captured)
    else:
        raise Unreadable("no_rows_at_root", ".".join(steps))
