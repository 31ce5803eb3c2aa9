"""The list of removals in a run folder: names of documents that whoever runs again into it leaves out, for good.

`removals.json` is sealed and only grows. Loading a run file adds it to what the file's `consolidate` removes, so no
later run or release of the folder brings anything of it back. Names and nothing else stand in it, never a text. Not
here: how documents are left out (`sources.removal`), and proving that they are gone (`pipelines.publish.takedown`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import ConfigError
from pipelines.engine.hashing import seal
from pipelines.engine.place import look_into, place_of
from pipelines.engine.storage import Storage
from sources.document import bare_name

if TYPE_CHECKING:
    from pipelines.config import RunConfig

LIST = "removals.json"
FORMAT = 1


def read_removals(storage: Storage) -> tuple[str, ...]:
    """Return the names whose removal was asked for, in order. Raises CorruptionError."""
    body = storage.read_sealed(LIST)
    return tuple(body["names"]) if body else ()


def add_removals(storage: Storage, names: Iterable[str]) -> tuple[str, ...]:
    """Add bare names to the list and return all of it. Raises CorruptionError, StorageError."""
    every = tuple(sorted({*read_removals(storage), *map(bare_name, names)}))
    storage.replace_file(LIST, seal({"format": FORMAT, "names": list(every)}))
    return every


def with_removals(config: "RunConfig") -> "RunConfig":
    """Return a run that leaves out what the list in its folder names. Raises ConfigError when nothing would do so."""
    out = place_of(config.out)
    names = read_removals(look_into(out))
    if not names:
        return config
    stages: list[Any] = list(config.stages)
    at = next((n for n, stage in enumerate(stages) if hasattr(stage, "removed")), None)
    if at is None:
        raise ConfigError(f"stages: {out}/{LIST} asks for removals, so the run needs {{kind: consolidate}}; add it")
    removed = tuple(dict.fromkeys((*stages[at].removed, *names)))
    stages[at] = stages[at].model_copy(update={"removed": removed})
    return config.model_copy(update={"stages": tuple(stages)})
