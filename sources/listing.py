"""The catalogue as a whole: the entries of `configs/sources`, what is claimed of them, and how much of that is proven.

An entry is a source file with an `about`; the other files there only say how a format is read. Everything is read
anew from the files, so a figure that is printed is a figure of the files. Not here: whether a site still is what its
entry says (`sources.web.check`), and what follows from terms (`sources.terms`).
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipelines.engine.errors import ConfigError
from sources.about import NEVER, About, Claims
from sources.catalog import SourceConfig

FOLDER = Path(__file__).resolve().parents[1] / "configs" / "sources"
CLAIMS = tuple(Claims.model_fields)
"""What is claimed of an entry, each proven or not: enumeration, extraction, rights, canary."""


class Row(NamedTuple):
    """One entry as it is printed, every field as text."""

    name: str
    publisher: str
    region: str
    setting: str
    languages: str
    licence: str
    redistribution: str
    verified: str


def read_catalogue(folder: Path = FOLDER) -> dict[str, SourceConfig]:
    """Return the entries by name, in order of their names. Raises ConfigError for a file that is no source."""
    entries = {}
    for path in sorted(folder.glob("*.yaml")):
        config = _read(path)
        if config and config.about:
            entries[config.name] = config
    if not entries:
        raise ConfigError(f"{folder}: no catalogue is here; run from a checkout, where configs/sources is")
    return entries


def _read(path: Path) -> SourceConfig | None:
    """Return a file's source, None when it has no `about` and so is no entry."""
    try:
        tree: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(tree, dict) or "about" not in tree:
        return None
    if tree.get("name") != path.stem:
        raise ConfigError(f"{path}: the entry must be named {path.stem!r}, as its file, but is {tree.get('name')!r}")
    try:
        return SourceConfig.model_validate(tree)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def entry(name: str, folder: Path = FOLDER) -> SourceConfig:
    """Return the entry of a name. Raises ConfigError with the nearest name when there is none."""
    entries = read_catalogue(folder)
    if name not in entries:
        near = difflib.get_close_matches(name.lower(), entries, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`medmix sources list` prints the names"
        if (folder / f"{name}.yaml").is_file():
            raise ConfigError(f"{name!r}: {folder / name}.yaml has no `about`, so it is no entry of the catalogue")
        raise ConfigError(f"{name!r}: the catalogue has no such source; {hint}")
    return entries[name]


def about_of(config: SourceConfig) -> About:
    """Return what the catalogue knows of an entry. Raises ConfigError when the source is no entry."""
    if config.about is None:
        raise ConfigError(f"source {config.name}: it has no `about`, so it is no entry of the catalogue")
    return config.about


def proven(about: About) -> list[str]:
    """Return the claims that were compared with a page, in the order of `CLAIMS`."""
    return [name for name in CLAIMS if getattr(about.verified, name).on != NEVER]


def row_of(config: SourceConfig) -> Row:
    """Return an entry as a row of the table."""
    about = about_of(config)
    names = proven(about)
    latest = max((getattr(about.verified, name).on for name in names), default=NEVER)
    return Row(
        config.name,
        about.publisher,
        about.region,
        about.setting,
        " ".join(about.languages),
        config.rights.spdx,
        about.redistribution,
        f"{latest}: {', '.join(names)}" if names else NEVER,
    )


def counts(entries: Iterable[SourceConfig]) -> dict[str, int]:
    """Return how many entries there are of each sort, and how many claims were never verified."""
    known = [about_of(config) for config in entries]
    redistribution = Counter(about.redistribution for about in known)
    figures = {
        "entries": len(known),
        "of GAP-Replay": sum(about.lineage is not None for about in known),
        "for limited resources": sum(about.setting == "limited" for about in known),
        **{f"redistribution {word}": redistribution[word] for word in sorted(redistribution)},
        "claims": len(known) * len(CLAIMS),
    }
    for name in CLAIMS:
        figures[f"{name} {NEVER}"] = sum(name not in proven(about) for about in known)
    figures[f"entries {NEVER} in any claim"] = sum(not proven(about) for about in known)
    return figures


def described(config: SourceConfig) -> list[tuple[str, str]]:
    """Return everything on one entry as pairs of a dotted field and its value, fields without a value left out."""
    told = config.model_dump(mode="json", exclude_defaults=True)
    told |= {name: config.model_dump(mode="json")[name] for name in ("rights", "about")}
    return [pair for pair in _flat("", told) if pair[1]]


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else key, item)]
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        return [pair for index, item in enumerate(value) for pair in _flat(f"{prefix}.{index}", item)]
    if isinstance(value, list | tuple):
        return [(prefix, ", ".join(str(item) for item in value))]
    return [(prefix, str(value))]
