"""The small language in which a source says where its fields are in a row.

A path is dotted (`meta.url`, `answers.0`, `turns.*.text`); a key that itself holds dots is tried first. `$key`,
`$1`, `$2` and `$root.x` reach what lies around the row. Text with braces is a template ("{title}\\n\\n{body}",
`{input?}` where the field may be absent, null or blank). A list of specs is joined by blank lines, absent ones left
out, and `{value: x}` is a constant. Values are never changed: a number of a JSON file is the text that stands there.
Not here: reading files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Any

from sources.parse.strict_json import Written

_SLOT = re.compile(r"\{([^{}?]+)(\??)\}")
_ABSENT = object()


class RowError(Exception):
    """One row cannot be used: (reason in snake_case, the field it is about)."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class Row:
    """One row: its fields, the name it has for want of a native one, and what lies around it."""

    fields: dict[str, Any]
    name: str
    around: dict[str, Any] = field(default_factory=dict)
    position: str = ""
    """See `sources.parse.part.Part.position`."""


def is_given(value: Any) -> bool:
    """Tell whether a looked-up value is there at all: not absent, null, or an empty text, list or object."""
    if value is None or value is _ABSENT:
        return False
    return bool(value) or not isinstance(value, (str, list, dict))


def find(row: Row, spec: Any) -> Any:
    """Return the value that `spec` names in the row, None when it is absent or null."""
    value = _value(row, spec)
    return None if value is _ABSENT else value


def text_of(row: Row, spec: Any) -> str:
    """Return a text that must be there. Raises RowError: `missing_field`, `wrong_type`, `empty_text`."""
    value = _value(row, spec)
    if isinstance(value, str) and value.strip():
        return value
    if value is _ABSENT:
        raise RowError("missing_field", _label(spec))
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        value = _joined(value)
    if value is not None and not isinstance(value, str):
        raise RowError("wrong_type", f"{_label(spec)} is {type(value).__name__}")
    if not value or not value.strip():
        raise RowError("empty_text", _label(spec))
    return str(value)


def plain_of(row: Row, spec: Any) -> str | None:
    """Return a scalar as text, None when absent, null or blank. Raises RowError `wrong_type` for anything else."""
    if spec is None:
        return None
    value = _value(row, spec)
    if isinstance(value, str):
        return value.strip() or None
    return (plain(value, _label(spec)).strip() or None) if is_given(value) else None


def plain(value: Any, label: str) -> str:
    """Return a scalar as text: a number of JSON as written, a double of a table in decimal digits, no exponent.

    Raises RowError `wrong_type`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Written):
        return value.literal
    if isinstance(value, float) and isfinite(value):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return _joined(value)
    what = str(value) if isinstance(value, float) else type(value).__name__
    raise RowError("wrong_type", f"{label} is {what}")


def is_selected(row: Row, where: dict[str, list[Any]]) -> bool:
    """Tell whether the row has one of the allowed values in each field of `where` (absent counts as empty).

    Numbers with a fraction are compared by value, as those of the declaration are not known as written.
    """
    for path, allowed in where.items():
        value = find(row, path)
        shown = "" if value is None else plain(value, path)
        is_equal_number = isinstance(value, float) and any(isinstance(a, float) and a == value for a in allowed)
        if not is_equal_number and shown not in {plain(a, path) if a is not None else "" for a in allowed}:
            return False
    return True


def leading_names(spec: Any) -> Iterator[str]:
    """Yield the first step of every path in a spec: the keys that a row is expected to have."""
    if isinstance(spec, str):
        for path in [m.group(1) for m in _SLOT.finditer(spec)] or [spec]:
            if not path.startswith("$"):
                yield path
                yield path.partition(".")[0]
    elif isinstance(spec, list):
        for part in spec:
            yield from leading_names(part)
    elif isinstance(spec, dict) and "value" not in spec:
        for part in spec.values():
            yield from leading_names(part)


def _value(row: Row, spec: Any) -> Any:
    if isinstance(spec, str) and "{" not in spec:
        return lookup(row, spec)
    if isinstance(spec, dict):
        return spec["value"]
    if isinstance(spec, list):
        found = [v for v in (_value(row, part) for part in spec) if is_given(v)]
        return _joined([plain(v, _label(spec)) for v in found]) if found else _ABSENT
    if _SLOT.search(spec):
        return _SLOT.sub(lambda slot: _slot(row, slot[1], bool(slot[2])), spec).strip()
    return lookup(row, spec)


def _slot(row: Row, path: str, is_optional: bool) -> str:
    """Return what stands in a template; a sentence with a hole, as in "Give  mg", would be wrong: RowError."""
    value = lookup(row, path)
    shown = plain(value, path) if is_given(value) else ""
    if not is_optional and not shown.strip():
        raise RowError("missing_field", path)
    return shown


def lookup(row: Row, path: str) -> Any:
    """Return the value at a path; an internal mark (never None) when it is absent: test with `is_given`."""
    start: Any = row.around if path[:1] == "$" else row.fields
    if path in start:
        return start[path]
    return _walk(start, path.split(".")) if "." in path or path == "*" else _ABSENT


def _walk(value: Any, steps: list[str]) -> Any:
    for index, step in enumerate(steps):
        if step == "*" and isinstance(value, (dict, list)):
            parts = list(value.values()) if isinstance(value, dict) else value
            found = (_walk(part, steps[index + 1 :]) for part in parts)
            return [part for part in found if part is not _ABSENT]
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _ABSENT
    return value


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _label(spec: Any) -> str:
    return spec if isinstance(spec, str) else " + ".join(sorted(set(leading_names(spec))))
