"""Turn rows of JSON, JSON lines, CSV, TSV, Parquet or YAML into parts, through a declared field map.

Options: those of `sources.parse.record_rows`, and `fields`, where each of text, title, url, language, published,
name, licence, version, kind, messages, identifiers and extra is a spec of `sources.parse.record_fields`, and `where`
({path: [allowed values]}: other rows are not part of the source). Each row gives one part, or one fault with its
reason: rows in = parts + faults. Not here: cleaning of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sources.parse.part import Fault, Part
from sources.parse.record_fields import Row, RowError, is_selected, leading_names, plain_of, text_of
from sources.parse.record_messages import messages_of, rendered
from sources.parse.record_rows import read_rows

FIELDS = {
    "text", "title", "url", "language", "published", "name", "licence", "version", "kind", "messages", "identifiers",
    "extra",
}  # fmt: skip
_DATE = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?(?=$|[T ])")
_IDENTIFIER_PREFIX = re.compile(
    r"^(https?://(dx\.)?doi\.org/|doi:\s*|pmid:\s*|https?://[^/]*ncbi\.nlm\.nih\.gov/.*/)", re.I
)


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield a part or a fault for each row. Raises Unreadable for a bad item, ValueError for an unknown field."""
    fields = options.get("fields") or {"text": "text"}
    if unknown := sorted(fields.keys() - FIELDS):
        raise ValueError(f"records: unknown field {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}")
    where = options.get("where", {})
    rows = read_rows(body, key, options, set(leading_names(fields)))
    yield from name_once(_part(row, fields, where) for row in rows)


def name_once(found: Iterator[Part | Fault | None]) -> Iterator[Part | Fault]:
    """Pass on parts and faults; a part whose name was given before in this item gets `~2`, `~3`, ...

    Rows of JSON lines keep their names: their position tells them apart.
    """
    seen: dict[str, int] = {}
    for item in found:
        if isinstance(item, Part) and not item.position:
            times = seen[item.name] = seen.get(item.name, 0) + 1
            yield item if times == 1 else replace(item, name=f"{item.name}~{times}")
        elif item:
            yield item


def _part(row: Row | Fault, fields: dict[str, Any], where: dict[str, list[Any]]) -> Part | Fault | None:
    if isinstance(row, Fault):
        return row
    try:
        return _filled(row, fields) if is_selected(row, where) else None
    except RowError as error:
        return Fault(reason=error.reason, detail=error.detail, name=row.name)


def _filled(row: Row, fields: dict[str, Any]) -> Part:
    messages = messages_of(row, fields["messages"]) if "messages" in fields else None
    text = rendered(messages) if messages and "text" not in fields else text_of(row, fields.get("text", "text"))
    part = Part(text=text, messages=messages, **described(row, fields))
    part.version = plain_of(row, fields.get("version"))
    part.kind = plain_of(row, fields.get("kind"))
    part.licence_text = plain_of(row, fields.get("licence")) or ""
    return part


def described(row: Row, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a part that every kind of row may have. Raises RowError `wrong_type`, `missing_field`."""
    identifiers = {name: plain_of(row, spec) for name, spec in fields.get("identifiers", {}).items()}
    extra = {name: plain_of(row, spec) for name, spec in fields.get("extra", {}).items()}
    return {
        "name": plain_of(row, fields.get("name")) or row.name,
        "position": row.position,
        "title": plain_of(row, fields.get("title")),
        "url": plain_of(row, fields.get("url")),
        "language": plain_of(row, fields.get("language")),
        "published": _date(plain_of(row, fields.get("published"))),
        "identifiers": {name: _IDENTIFIER_PREFIX.sub("", value) for name, value in identifiers.items() if value},
        "extra": {name: value for name, value in extra.items() if value},
    }


def _date(value: str | None) -> str | None:
    """Return the ISO date that a value begins with, as exact as it is; None when it is no ISO date."""
    match = _DATE.match(value or "")
    return match.group() if match else None
