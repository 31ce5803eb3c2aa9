"""Read a run file: YAML with positions, `use:` of source files, overrides from the command line, and clear mistakes.

Every mistake is told as file:line:column, the key, what is wrong and the nearest right name. Relative paths of
sources are taken from the file that wrote them. Secrets never belong in a run file; they are read from the environment
where they are needed. Not here: what the fields mean (`pipelines.config`).
"""

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.scalarfloat import ScalarFloat

from pipelines.config import RunConfig
from pipelines.engine.errors import ConfigError

Where = dict[tuple[str | int, ...], str]


def load_run(path: Path, overrides: Iterable[str] = ()) -> RunConfig:
    """Return the run that a file and `key=value` overrides describe. Raises ConfigError."""
    where: Where = {}
    tree = _read(path, where, ())
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}:1:1: a run file is a mapping with name, out, seed, sources and stages")
    for index, source in enumerate(tree.get("sources") or []):
        if isinstance(source, dict):
            tree["sources"][index] = _used(source, path, where, ("sources", index))
    for override in overrides:
        _override(tree, override, where)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        lines = [_told(dict(item), where, path) for item in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _read(path: Path, where: Where, at: tuple[str | int, ...]) -> Any:
    try:
        loaded = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], 1)
        hint = f"; did you mean {path.parent / near[0]}?" if near else ""
        raise ConfigError(f"{path}: there is no such file{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        spot = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigError(f"{path}:{spot}: not valid YAML: {error.problem}") from None
    return _plain(loaded, str(path), where, at, "1:1")


def _plain(node: Any, file: str, where: Where, at: tuple[str | int, ...], spot: str) -> Any:
    """Return plain Python values and note the position of every key and item; decimals stay exact."""
    where[at] = f"{file}:{spot}"
    if isinstance(node, CommentedMap):
        return {k: _plain(v, file, where, (*at, k), _spot(node.lc.key(k))) for k, v in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(v, file, where, (*at, i), _spot(node.lc.item(i))) for i, v in enumerate(node)]
    if isinstance(node, ScalarFloat):
        return Decimal(str(node))
    return int(node) if isinstance(node, int) and not isinstance(node, bool) else node


def _spot(mark: tuple[int, int]) -> str:
    return f"{mark[0] + 1}:{mark[1] + 1}"


def _used(source: dict[str, Any], run_file: Path, where: Where, at: tuple[str | int, ...]) -> dict[str, Any]:
    """Return a source with what it `use`s beneath its own fields, paths made absolute."""
    own = dict(source)
    base: dict[str, Any] = {}
    if "use" in own:
        file = run_file.parent / str(own.pop("use"))
        if not file.is_file():
            raise ConfigError(f"{where[(*at, 'use')]}: use: there is no source file {file}")
        positions: Where = {}
        base = _read(file, positions, at)
        if not isinstance(base, dict):
            raise ConfigError(f"{file}:1:1: a source file is a mapping with name, kind and path")
        base = _anchored(base, file.parent)
        base.setdefault("name", file.stem)
        for key, value in positions.items():
            where.setdefault(key, value)
    return {**base, **_anchored(own, run_file.parent)}


def _anchored(source: dict[str, Any], folder: Path) -> dict[str, Any]:
    path = source.get("path")
    if isinstance(path, str) and not path.startswith(("$", "~", "/")):
        return {**source, "path": str((folder / path).absolute())}
    return source


def _override(tree: Any, override: str, where: Where) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(
            f"-s {override}: write it as key=value, e.g. -s out=runs/first or -s mixtures.0.total_tokens=1e6"
        )
    value = _plain(YAML(typ="rt").load(text), f"-s {override}", {}, (), "1:1") if text else ""
    node, path = tree, tuple(int(step) if step.isdigit() else step for step in key.split("."))
    for step in path[:-1]:
        if isinstance(node, dict):
            node = node.setdefault(step, {})
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            raise ConfigError(f"-s {override}: there is no {step!r} to set in")
    if isinstance(node, list) and not (isinstance(path[-1], int) and path[-1] < len(node)):
        raise ConfigError(f"-s {override}: the list has {len(node)} items, counted from 0")
    node[path[-1]] = value
    for end in range(1, len(path) + 1):
        where[path[:end]] = f"-s {override}"


def _told(error: Mapping[str, Any], where: Where, path: Path) -> str:
    """Return one line for one mistake: position, key, what is wrong, what to do."""
    loc = tuple(error["loc"])
    kept = tuple(step for step in loc if not _is_tag(loc, step))
    spot = next((where[kept[:n]] for n in range(len(kept), -1, -1) if kept[:n] in where), f"{path}:1:1")
    key = ".".join(str(step) for step in kept) or "the run file"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(kept[-1]), _names(loc[:-1]), 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(_names(loc[:-1])))}"
        return f"{spot}: {key}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{spot}: {key}: this field is missing; add it"
    given = "" if isinstance(error["input"], dict | list) else f" (given: {error['input']!r})"
    return f"{spot}: {key}: {error['msg'].removeprefix('Value error, ')}{given}"


def _is_tag(loc: tuple[str | int, ...], step: str | int) -> bool:
    """Say whether a step of a location is the tag that pydantic adds for a stage's `kind`."""
    return len(loc) > 2 and loc[0] == "stages" and step == loc[2] and loc.index(step) == 2


def _names(loc: tuple[str | int, ...]) -> list[str]:
    """Return the field names that are right at a location, from the JSON schema."""
    schema = RunConfig.model_json_schema()
    nodes = [schema]
    for step in loc:
        nodes = [child for node in nodes for child in _step(schema, node, step)]
    return [name for node in nodes for name in _resolve(schema, node).get("properties", {})]


def _step(schema: dict[str, Any], node: dict[str, Any], step: str | int) -> list[dict[str, Any]]:
    node = _resolve(schema, node)
    if isinstance(step, int):
        items = node.get("items", {})
        return [items]
    if "discriminator" in node:
        return [{"$ref": node["discriminator"]["mapping"][step]}] if step in node["discriminator"]["mapping"] else []
    return [node["properties"][step]] if step in node.get("properties", {}) else []


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node
