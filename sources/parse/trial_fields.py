"""Fields of a study in the JSON of ClinicalTrials.gov: found by name, checked for their type, as text.

A study that misses a field misses it without a word, as most fields are optional; one of another type than the
data structure says (clinicaltrials.gov/data-api/about-api/study-data-structure) is a fault, never half a text. Text
comes in Markdown with signs escaped (`\\>= 18`); the escapes are taken back, as `\\>` is no comparison that anyone
writes. Not here: which field says what.
"""

import re
import textwrap
from typing import Any

from sources.parse.jats_block import hanging
from sources.parse.jats_text import tidy
from sources.parse.record_fields import RowError, plain

Node = dict[str, Any]
_ESCAPED = re.compile(r"\\([\\*_\[\]<>~^`#+=.|!-])")
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_CODES = {"NA": "Not applicable"}


def unescaped(value: Any) -> Any:
    """Return a JSON value whose texts have no Markdown escapes; letters and digits after a backslash keep it."""
    if isinstance(value, str):
        return _ESCAPED.sub(r"\1", value) if "\\" in value else value
    if isinstance(value, list):
        return [unescaped(item) for item in value]
    if isinstance(value, dict):
        return {name: unescaped(item) for name, item in value.items()}
    return value


def child(node: Node, *path: str) -> Node:
    """Return the object at a path, empty where there is none. Raises RowError `wrong_type`."""
    for name in path:
        found = node.get(name)
        if found is not None and not isinstance(found, dict):
            raise RowError("wrong_type", f"{name} is {type(found).__name__}")
        node = found or {}
    return node


def rows(node: Node, name: str) -> list[Node]:
    """Return the objects in a list. Raises RowError `wrong_type`."""
    found = _list(node, name)
    if any(not isinstance(item, dict) for item in found):
        raise RowError("wrong_type", f"{name} holds other things than objects")
    return found


def texts(node: Node, name: str) -> list[str]:
    """Return the texts in a list, empty ones left out. Raises RowError `wrong_type`."""
    return [text for item in _list(node, name) if (text := _as_text(item, name))]


def text(node: Node, *path: str) -> str:
    """Return a scalar as text, numbers as written, lines without a common indent. Raises RowError `wrong_type`."""
    value = child(node, *path[:-1]).get(path[-1])
    return "" if value is None else _as_text(value, path[-1])


def words(code: str) -> str:
    """Return a code of the registry in words: `ACTIVE_COMPARATOR` is "Active comparator", `PHASE2` "Phase 2"."""
    if not _CODE.fullmatch(code):
        return code
    return _CODES.get(code) or re.sub(r"(?<=phase)(?=\d)", " ", code.replace("_", " ").lower()).capitalize()


def facts(*pairs: tuple[str, str]) -> list[str]:
    """Return `- name: value` lines as one block, none when every value is empty."""
    lines = [hanging("-", [f"{name}: {value}"]) for name, value in pairs if value]
    return ["\n".join(lines)] if lines else []


def cell(value: str) -> str:
    """Return a text as the cell of a table."""
    return tidy(value).replace("|", "\\|")


def _list(node: Node, name: str) -> list[Any]:
    found = node.get(name)
    if found is not None and not isinstance(found, list):
        raise RowError("wrong_type", f"{name} is {type(found).__name__}")
    return found or []


def _as_text(value: Any, name: str) -> str:
    return textwrap.dedent(plain(value, name)).strip()
