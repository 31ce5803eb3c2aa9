"""Read a knowledge base from a folder: DDXPlus's JSON, the project's own YAML, or the documented Parquet tables.

Which of them it is, the names of its files say: `release_conditions.json` and `release_evidences.json` (either release
of DDXPlus), `conditions.yaml`, `evidences.yaml` and `settings.yaml`, or three `.parquet` files of those names
(`knowledge_parquet`). A base is named by its folder below `configs/knowledge/` or by a path. Terms beside it
(`terms.yaml`: code, language, words) help to understand free text, sayings (`sayings.yaml`, the same) what a teacher
marks. Not here: what a base means.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipelines.engine.errors import ConfigError
from pipelines.engine.hashing import digest, sha256_bytes
from sources.teacher.knowledge import Knowledge
from sources.teacher.knowledge_ddxplus import ddxplus_tables
from sources.teacher.knowledge_parquet import TABLES, read_tables

FOLDER = Path(__file__).parents[2] / "configs" / "knowledge"
DDXPLUS = ("release_conditions.json", "release_evidences.json")
TOPICS = FOLDER / "ddxplus" / "topics.yaml"
OWN = ("conditions.yaml", "evidences.yaml", "settings.yaml")
WORDS = {"terms": "terms.yaml", "sayings": "sayings.yaml"}
"""Files beside a base that may give its evidences other words, by the field they go to."""


def folder_of_knowledge(name: str, beside: Path) -> Path:
    """Return the folder of a base: that of its name in `configs/knowledge`, else a path, seen from `beside`.

    Raises ConfigError when there is none.
    """
    expanded = Path(os.path.expandvars(name)).expanduser()
    for folder in (FOLDER / name, beside / expanded):
        if folder.is_dir() and files_of(folder):
            return folder.absolute()
    known = sorted(f.name for f in FOLDER.iterdir() if files_of(f))
    raise ConfigError(
        f"knowledge: {name!r} is neither a folder with {' and '.join(DDXPLUS)} or {', '.join(OWN)}, "
        f"nor one of {', '.join(known)}"
    )


def files_of(folder: Path) -> tuple[str, ...]:
    """Return the names of the files that make up the base in a folder, none when it holds no base."""
    parquet = tuple(f"{name}.parquet" for name in TABLES)
    for names in (DDXPLUS, OWN, parquet):
        if all((folder / name).is_file() for name in names):
            return (*names, *(name for name in WORDS.values() if (folder / name).is_file()))
    return ()


def knowledge_digest(folder: Path) -> str:
    """Return the digest of everything that decides what is read from a folder."""
    names = files_of(folder)
    files = {name: sha256_bytes((folder / name).read_bytes()) for name in names}
    if DDXPLUS[0] in names:
        files["topics"] = sha256_bytes(TOPICS.read_bytes())
    return digest(files)


@lru_cache(maxsize=4)
def load_knowledge(folder: Path) -> Knowledge:
    """Return the base in a folder. Raises ConfigError that names the file and what is wrong with it."""
    names = files_of(folder)
    if not names:
        raise ConfigError(f"{folder}: holds no knowledge base; it needs {' and '.join(DDXPLUS)}, or {', '.join(OWN)}")
    if DDXPLUS[0] in names:
        conditions, evidences = (_read(folder / name) for name in DDXPLUS)
        tables = ddxplus_tables(conditions, evidences, _read(TOPICS))
    elif OWN[0] in names:
        tables = own_tables(*(_read(folder / name) for name in OWN))
    else:
        tables = read_tables(folder)
    for field, name in WORDS.items():
        for code, words in _read(folder / name).items() if name in names else ():
            if code not in tables["evidences"]:
                raise ConfigError(f"{folder / name}: {code}: evidences.yaml has no such code")
            tables["evidences"][code][field] = words
    try:
        return Knowledge(name=folder.name, sha256=knowledge_digest(folder), **tables)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"{folder}: {where or 'knowledge base'}: {first['msg']}") from None


def own_tables(conditions: Any, evidences: Any, settings: Any) -> dict[str, Any]:
    """Return the three tables of the project's own layout, each entry with its code in it."""
    return {
        "conditions": {one["code"]: one for one in conditions},
        "evidences": {str(code): {"code": str(code), **one} for code, one in evidences.items()},
        "settings": {code: {"code": code, **one} for code, one in settings.items()},
    }


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else YAML(typ="safe").load(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
