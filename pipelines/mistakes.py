"""Tell a mistake in a run file or a file like it: where it stands, the key, what is wrong, and the nearest right name.

Positions come with the tree that was read (`pipelines.load`), the right names from the JSON schema of the settings.
"""

import difflib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pipelines.stage_table import STAGES

Where = dict[tuple[str | int, ...], str]
_FREE_OF_TAG = 2
"""Where pydantic puts the tag of a stage's `kind` into a location: stages, index, tag, field."""
_TAGGED = (("stages",), ("tasks",))


def follows(item: Mapping[str, Any], error: ValidationError) -> bool:
    """Say whether a list is only "too short" because items of it are wrong, which is told anyway."""
    loc = tuple(item["loc"])
    others = (tuple(other["loc"]) for other in error.errors())
    return item["type"] == "too_short" and any(len(o) > len(loc) and o[: len(loc)] == loc for o in others)


def told(error: Mapping[str, Any], where: Where, path: Path, model: type[BaseModel]) -> str:
    """Return one line for one mistake: position, key, what is wrong, what to do."""
    loc = tuple(error["loc"])
    kept = loc[:_FREE_OF_TAG] + loc[_FREE_OF_TAG + 1 :] if loc[:1] in _TAGGED else loc
    if error["type"].startswith("union_tag"):
        kept = (*kept, "kind")
    kept += getattr(error.get("ctx", {}).get("error"), "place", ())
    spot = spot_of(kept, where, path)
    key = ".".join(str(step) for step in kept) or "the run file"
    return f"{spot}: {key}: {_fault(error, loc, model)}"


def spot_of(place: tuple[str | int, ...], where: Where, path: Path) -> str:
    """Return file:line:column of a place, or of what it is in."""
    return next((where[place[:n]] for n in range(len(place), -1, -1) if place[:n] in where), f"{path}:1:1").rstrip(":")


def _fault(error: Mapping[str, Any], loc: tuple[str | int, ...], model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown key; {_nearest(str(loc[-1]), _names(loc[:-1], model))}"
    if error["type"] == "union_tag_invalid":
        what, known = ("stage", list(STAGES)) if loc[:1] == ("stages",) else ("task", ["mcq", "guideline_qa"])
        return f"unknown {what} {error['ctx']['tag']!r}; {_nearest(str(error['ctx']['tag']), known)}"
    if error["type"] in ("missing", "union_tag_not_found"):
        return "this field is missing; add it"
    if error["type"] == "tuple_type":
        return f"Input should be a list: [..], or items that begin with - (given: {error['input']!r})"
    given = error["input"]
    told = f" (given: {str(given) if isinstance(given, Decimal) else repr(given)})"
    return str(error["msg"]).removeprefix("Value error, ") + ("" if isinstance(given, dict | list) else told)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"


def _names(loc: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    """Return the field names that are right at a location, from the JSON schema."""
    schema = model.model_json_schema()
    nodes = [schema]
    for step in loc:
        nodes = [child for node in nodes for one in _choices(schema, node) for child in _step(schema, one, step)]
    choices = [one for node in nodes for one in _choices(schema, node)]
    return [name for one in choices for name in one.get("properties", {})]


def _choices(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what may stand at a place: several kinds of mapping where one of them is optional."""
    node = _resolve(schema, node)
    return [_resolve(schema, one) for one in node.get("anyOf", [node])]


def _step(schema: dict[str, Any], node: dict[str, Any], step: str | int) -> list[dict[str, Any]]:
    if isinstance(step, int):
        items = node.get("items", {})
        return [items]
    if "discriminator" in node:
        return [{"$ref": node["discriminator"]["mapping"][step]}] if step in node["discriminator"]["mapping"] else []
    if isinstance(free := node.get("additionalProperties"), dict):  # a mapping whose keys are names
        return [free]
    return [node["properties"][step]] if step in node.get("properties", {}) else []


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node
