"""What the store holds of a source on the hub: a frozen list, the files it names, and a seal when all are there.

`SOURCE/hub/ID/list.json` is written before anything is fetched and never changes: which files (or row groups) of which
commit, with sizes and digests; the digest of its body is the release. `release.json` follows when every file is there,
verified, and is the only list that a run trusts. ID tells one selection from another, so that a changed source file
starts a new list. Not here: fetching.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engine.hashing import digest
from pipelines.engine.hub import HubFile
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage
from sources.parquet_groups import STORED, key_of
from sources.parse.parquet_window import Window
from sources.replay.draw import Drawn
from sources.replay.settings import HubConfig

LIST = "list.json"
RELEASE = "release.json"
PART = ".part"


@dataclass(frozen=True, slots=True)
class FrozenList:
    """Which parts of which commit make up a source."""

    repo: str
    revision: str
    parts: tuple[Drawn, ...]

    def body(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"repo": self.repo, "revision": self.revision, "parts": [asdict(part) for part in self.parts]}

    @property
    def release(self) -> str:
        """Return the digest that names these bytes for ever."""
        return digest(self.body())

    @property
    def size_bytes(self) -> int:
        """Return the bytes that are to be fetched."""
        windows = [part.window for part in self.parts]
        whole = sum(part.file.size_bytes for part in self.parts if part.window is None)
        return whole + sum(window.end_byte - window.start_byte for window in windows if window)


def home(source: str, hub: HubConfig, seed: int) -> str:
    """Return the folder of a selection in the store; the seed counts where something is drawn."""
    return f"{source}/hub/{digest([hub.identity(), seed if hub.tokens else None])[:12]}"


def read_list(storage: Storage, folder: str) -> FrozenList | None:
    """Return the frozen list of a selection, None when there is none yet. Raises CorruptionError."""
    body = storage.read_sealed(f"{folder}/{LIST}")
    if body is None:
        return None
    return FrozenList(body["repo"], body["revision"], tuple(_part(part) for part in body["parts"]))


def _part(value: Mapping[str, Any]) -> Drawn:
    return Drawn(HubFile(**value["file"]), Window(**value["window"]) if value["window"] else None)


def freeze(storage: Storage, folder: str, frozen: FrozenList) -> None:
    """Publish a list, once and for ever."""
    storage.publish_sealed(f"{folder}/{LIST}", frozen.body())


def key_in_source(part: Drawn) -> str:
    """Return the key that documents of a part have: the path in the repository, and the first row of a row group."""
    return key_of(part.file.path, part.window) if part.window else part.file.path


def path_of(folder: str, part: Drawn) -> str:
    """Return where a part lies in the store."""
    if part.window is None:
        return f"{folder}/files/{part.file.path}"
    return f"{folder}/files/{part.file.path}.rows/{part.window.group:06d}{STORED}"


def seal_release(storage: Storage, folder: str, frozen: FrozenList, files: list[FileRef]) -> None:
    """Say that all parts of a list are there, in its order."""
    refs = [asdict(ref) for ref in files]
    storage.publish_sealed(f"{folder}/{RELEASE}", {"release": frozen.release, "files": refs})


def read_release(storage: Storage, folder: str) -> list[FileRef] | None:
    """Return the files of a selection that was fetched whole, in order, else None. Raises CorruptionError."""
    body = storage.read_sealed(f"{folder}/{RELEASE}")
    return None if body is None else [FileRef(**ref) for ref in body["files"]]


def stored_files(storage: Storage, source: str) -> Iterator[FileRef]:
    """Yield every file that a release of a source lists. Raises CorruptionError."""
    for path in storage.list(f"{source}/hub"):
        if path.endswith(f"/{RELEASE}"):
            yield from read_release(storage, path.removesuffix(f"/{RELEASE}")) or []


def leftovers(storage: Storage, source: str) -> list[str]:
    """Return what lies beside the files of sealed releases; one under way keeps all it has. Raises CorruptionError."""
    listed = {ref.path for ref in stored_files(storage, source)}
    found = storage.list(f"{source}/hub")
    done = tuple(path.removesuffix(RELEASE) for path in found if path.endswith(f"/{RELEASE}"))
    lists = {f"{folder}{name}" for folder in done for name in (LIST, RELEASE)}
    return [path for path in found if path.startswith(done) and path not in listed | lists]
