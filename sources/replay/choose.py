"""Choose the data files of a repository: those that patterns name, or those that its card gives to a configuration.

Only files of formats that are data and nothing else are ever chosen. A repository whose data comes out of a Python
script is refused: the script would have to be run. The card's `configs` are those of the hub's datasets card
specification (`data_files` as a pattern, a list, or a list of `split` and `path`). Not here: fetching.
"""

import difflib
import re
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.hub import HubFile
from sources.archive_member import is_unsafe_name
from sources.files import matches_pattern
from sources.replay.settings import HubConfig

CARD = "README.md"
_DATA = re.compile(r"\.(parquet|jsonl|ndjson|json|csv|tsv|txt|warc|wet)(\.(gz|zst))?$", re.IGNORECASE)
_NO_DATA = re.compile(r"(^|/)(\.|dataset_infos?\.json$|dataset_dict\.json$|state\.json$|croissant\.json$)")
_FRONT_MATTER = re.compile(r"---\s*\n(.*?)\n---\s*(\n|$)", re.DOTALL)


def choose_files(config: HubConfig, files: list[HubFile], card: str) -> list[HubFile]:
    """Return the data files of a source by path. Raises ConfigError (a name that is none) or InputError (no data)."""
    unsafe = [file.path for file in files if is_unsafe_name(file.path)]
    if unsafe:
        raise InputError(f"{config.repo}: the file name {unsafe[0]!r} leaves the repository; it is not fetched")
    data = [file for file in files if _DATA.search(file.path) and not _NO_DATA.search(file.path)]
    if config.files:
        patterns = list(config.files)
    else:
        _refuse_script(config, files)
        patterns = _patterns(config, card)
    chosen = [file for file in data if any(matches_pattern(file.path, pattern) for pattern in patterns)]
    if not chosen:
        kinds = sorted({PurePosixPath(file.path).suffix for file in files} - {""})
        raise InputError(
            f"{config.repo}: none of its {len(files)} files is data of a known format that matches {patterns}; it has "
            f"{', '.join(kinds) or 'nothing'}; name others with `files`"
        )
    return chosen


def _refuse_script(config: HubConfig, files: list[HubFile]) -> None:
    script = f"{config.repo.partition('/')[2]}.py"
    if any(file.path == script for file in files):
        raise InputError(
            f"{config.repo}: its data comes out of a loading script, {script}, and no code of a data set is ever run; "
            "pin the commit of its Parquet conversion (branch refs/convert/parquet), or name data files with `files`"
        )


def _patterns(config: HubConfig, card: str) -> list[str]:
    """Return the patterns of a configuration and split; of a card without configurations, everything."""
    configs = _configs(card)
    if not configs:
        if config.config or config.split:
            raise ConfigError(
                f"{config.repo}: its card declares no configurations, so there is no {config.config or config.split!r} "
                "in it; name the files with `files`"
            )
        return ["**/*"]
    named = {str(one.get("config_name", "default")): one for one in configs}
    standard = [name for name, one in named.items() if one.get("default") or name == "default"]
    wanted = config.config or (standard or [*named, ""])[0 if standard or len(named) == 1 else -1]
    if wanted not in named:
        near = difflib.get_close_matches(wanted, named, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"{config.repo}: `config` must be one of its configurations; {hint}it has {', '.join(named)}")
    splits = _splits(named[wanted].get("data_files"))
    if config.split and config.split not in splits:
        raise ConfigError(f"{config.repo}: configuration {wanted} has no split {config.split!r}, but {sorted(splits)}")
    return [pattern for name, found in splits.items() if config.split in (None, name) for pattern in found]


def _configs(card: str) -> list[dict[str, Any]]:
    """Return the configurations that a card declares with data files; a card that is no YAML declares none."""
    matter = _FRONT_MATTER.match(card)
    try:
        tree = YAML(typ="safe", pure=True).load(matter[1]) if matter else None
    except YAMLError:
        return []
    configs = tree.get("configs") if isinstance(tree, dict) else None
    return (
        [one for one in configs if isinstance(one, dict) and one.get("data_files")] if isinstance(configs, list) else []
    )


def _splits(data_files: Any) -> dict[str, list[str]]:
    """Return patterns by split; files that are given without one are those of `train`."""
    found: dict[str, list[str]] = {}
    for one in data_files if isinstance(data_files, list) else [data_files]:
        split, paths = ("train", one) if isinstance(one, str) else (one.get("split", "train"), one.get("path"))
        found.setdefault(str(split), []).extend(f"/{path}" for path in (paths if isinstance(paths, list) else [paths]))
    return found
