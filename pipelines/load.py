"""Read a run file or a generation file: YAML with positions, `use:` of source files, overrides, and clear mistakes.

Every mistake is told as file:line:column, the key, what is wrong and the nearest right name. Relative paths of
sources are taken from the file that wrote them. Secrets never belong in a run file; they are read from the environment
where they are needed. Not here: what the fields mean (`pipelines.config`).
"""

import difflib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode

from pipelines.config import RunConfig
from pipelines.engine.errors import ConfigError
from pipelines.engine.objects import S3
from pipelines.mistakes import Where, follows, spot_of, told
from pipelines.removals import with_removals
from sources.connectors.table import check_site
from sources.teacher.tasks import GenerationConfig

Model = TypeVar("Model", bound=BaseModel)


class _Exact(RoundTripConstructor):
    """Keeps positions, and reads 0.1 as one tenth, not as the nearest double."""


def _decimal(_: Any, node: ScalarNode) -> Decimal:
    text = str(node.value).replace("_", "").lower()
    return Decimal(text.replace(".inf", "inf").replace(".nan", "nan"))


_Exact.add_constructor("tag:yaml.org,2002:float", _decimal)


def _yaml(text: str) -> Any:
    loader = YAML(typ="rt")
    loader.Constructor = _Exact
    return loader.load(text)


def load_run(path: Path, overrides: Iterable[str] = ()) -> RunConfig:
    """Return the run that a file and `key=value` overrides describe. Raises ConfigError."""
    where: Where = {}
    tree, given = _read_run(path, where), list(overrides)
    for override in given:
        _override(tree, override, where)
    config = _validated(RunConfig, tree, where, path).came_from(str(path), given)
    _check_sites(config, where, path)
    return with_removals(config)


def load_generation(path: Path, overrides: Iterable[str] = ()) -> GenerationConfig:
    """Return the generation that a file and `key=value` overrides describe. Raises ConfigError."""
    where: Where = {}
    tree = _read(path, where, ())
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}:1:1: a generation file is a mapping with name, out, seed, run, tasks and teacher")
    tree = _anchored(tree, path.parent, "journal")
    for override in overrides:
        _override(tree, override, where)
    return _validated(GenerationConfig, tree, where, path)


def load_as(model: type[Model], path: Path, overrides: Iterable[str] = ()) -> Model:
    """Return what another kind of file describes, such as an experiment, with overrides. Raises ConfigError."""
    where: Where = {}
    tree = _read(path, where, ())
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}:1:1: this is no mapping; it needs the fields {', '.join(model.model_fields)}")
    for override in overrides:
        _override(tree, override, where)
    return _validated(model, tree, where, path)


def has_key(path: Path, key: str) -> bool:
    """Say whether a YAML file is a mapping with this key: what tells kinds of files apart. Raises ConfigError."""
    tree = _read(path, {}, ())
    return isinstance(tree, dict) and key in tree


def _validated(model: type[Model], tree: Any, where: Where, path: Path) -> Model:
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        lines = [told(dict(item), where, path, model) for item in error.errors() if not follows(item, error)]
        raise ConfigError("\n".join(lines)) from None


def _read_run(path: Path, where: Where) -> dict[str, Any]:
    """Return a run file's tree, with the source and mixture files that it names, over the run file that it uses."""
    tree = _read(path, where, ())
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}:1:1: a run file is a mapping with name, out, seed, sources and stages")
    _read_parts(tree, path, where)
    if "use" not in tree:
        return tree
    base = path.parent / str(tree.pop("use"))
    if not base.is_file() or base.resolve() == path.resolve():
        raise ConfigError(f"{where[('use',)]}: use: there is no other run file {base}")
    positions: Where = {}
    merged = {**_read_run(base, positions), **tree}
    for key, value in positions.items():
        if key[:1] and key[0] not in tree:
            where.setdefault(key, value)
    return merged


def _read_parts(tree: dict[str, Any], path: Path, where: Where) -> None:
    """Put the files of sources and mixtures where they are used, and make the paths of references absolute."""
    for part in ("sources", "mixtures"):
        for index, item in enumerate(tree.get(part) or []):
            if isinstance(item, dict):
                tree[part][index] = _used(item, path, where, (part, index))
    for stage in tree.get("stages") or []:
        for part in ("references", "verdicts"):
            if isinstance(stage, dict) and isinstance(stage.get(part), list):
                named = stage[part]
                stage[part] = [_anchored(one, path.parent) if isinstance(one, dict) else one for one in named]


def _check_sites(config: RunConfig, where: Where, path: Path) -> None:
    """Raise ConfigError for options that do not fit a site's connector, which alone knows them; told as any other."""
    lines: list[str] = []
    for index, source in enumerate(config.sources):
        try:
            if source.web:
                check_site(source.web, f"sources.{index}.web")
        except ConfigError as error:
            lines += str(error).splitlines()
    if lines:
        keys = [line.partition(":")[0].split(".") for line in lines]
        places = [tuple(int(step) if step.isdigit() else step for step in key) for key in keys]
        told = [f"{spot_of(place, where, path)}: {line}" for place, line in zip(places, lines, strict=True)]
        raise ConfigError("\n".join(told))


def _read(path: Path, where: Where, at: tuple[str | int, ...]) -> Any:
    try:
        loaded = _yaml(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], 1)
        hint = f"; did you mean {path.parent / near[0]}?" if near else ""
        raise ConfigError(f"{path}: there is no such file{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except (YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}:{_yaml_fault(error)}") from None
    return _plain(loaded, str(path), where, at, "1:1")


def _yaml_fault(error: Exception) -> str:
    """Return line, column and the first line of what is wrong."""
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    problem = (error.problem if isinstance(error, MarkedYAMLError) else str(error)) or type(error).__name__
    spot = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
    return f"{spot}: not valid YAML: {problem.strip().splitlines()[0]}"


def _plain(node: Any, file: str, where: Where, at: tuple[str | int, ...], spot: str) -> Any:
    """Return plain Python values and note the position of every key and item; decimals stay exact."""
    where[at] = f"{file}:{spot}"
    if isinstance(node, CommentedMap):
        own = node.lc.data or {}  # a key that came by `<<` has no position of its own
        spots = {k: _spot(node.lc.key(k)) if k in own else spot for k in node}
        return {k: _plain(v, file, where, (*at, k), spots[k]) for k, v in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(v, file, where, (*at, i), _spot(node.lc.item(i))) for i, v in enumerate(node)]
    if isinstance(node, int) and not isinstance(node, bool):
        return int(node)
    return str(node) if isinstance(node, str) else node


def _spot(mark: tuple[int, int]) -> str:
    return f"{mark[0] + 1}:{mark[1] + 1}"


def _used(source: dict[str, Any], run_file: Path, where: Where, at: tuple[str | int, ...]) -> dict[str, Any]:
    """Return a source with what it `use`s beneath its own fields, paths made absolute."""
    own = dict(source)
    base: dict[str, Any] = {}
    if "use" in own:
        file = run_file.parent / str(own.pop("use"))
        if not file.is_file():
            raise ConfigError(f"{where[(*at, 'use')]}: use: there is no such file {file}")
        positions: Where = {}
        base = _read(file, positions, at)
        if not isinstance(base, dict):
            raise ConfigError(f"{file}:1:1: the file of a source or a mixture is a mapping with a name")
        base = _anchored(base, file.parent)
        base.setdefault("name", file.stem)
        for key, value in positions.items():
            where.setdefault(key, value)
    merged = {**base, **_anchored(own, run_file.parent)}
    if isinstance(base.get("hub"), dict) and isinstance(own.get("hub"), dict):
        merged["hub"] = {**base["hub"], **own["hub"]}  # a preset names the data set, the run file its commit
    return merged


def _anchored(source: dict[str, Any], folder: Path, key: str = "path") -> dict[str, Any]:
    path = source.get(key)
    if isinstance(path, str) and not path.startswith(("$", "~", "/", S3)):
        return {**source, key: str((folder / path).absolute())}
    return source


def _override(tree: Any, override: str, where: Where) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(
            f"-s {override}: write it as key=value, e.g. -s out=runs/first or -s mixtures.0.total_tokens=1e6"
        )
    spot = f"-s {override}"
    try:
        loaded = _yaml(text) if text else ""
    except (YAMLError, RecursionError) as error:
        raise ConfigError(f"{spot}: {_yaml_fault(error).partition(': ')[2]}; quote the value") from None
    path = tuple(int(step) if step.isdigit() else step for step in key.split("."))
    node = tree
    for at, step in enumerate(path):
        _check_step(node, step, spot)
        if at + 1 < len(path):
            node = node.setdefault(step, {}) if isinstance(node, dict) else node[step]
            where.setdefault(path[: at + 1], spot)
    for stale in [place for place in where if place[: len(path)] == path]:
        del where[stale]
    node[path[-1]] = _plain(loaded, spot, where, path, "")


def _check_step(node: Any, step: str | int, spot: str) -> None:
    """Raise ConfigError when `step` is neither a key of a mapping nor an index of a list."""
    if isinstance(node, list) and not (isinstance(step, int) and step < len(node)):
        raise ConfigError(f"{spot}: {step!r}: the list has {len(node)} items, counted from 0")
    if not isinstance(node, dict | list):
        raise ConfigError(f"{spot}: there is no {step!r} to set: {node!r} is a single value")
