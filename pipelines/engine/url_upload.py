"""Bring files to a folder anywhere that fsspec knows: a disk, `s3://`, `gs://`, a server of WebDAV.

A data file has the beginning of its digest in its name, so one that is there with the right size is there; all others
are written again, the card last. Credentials come from where the store's own library looks for them. There are no
commits and no tags, so a reader waits for the card (README.md). Not here: which files, and whether they may go.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pipelines.engine.errors import ConfigError, StorageError
from pipelines.engine.hub_upload import Sent


class UrlTarget:
    """A folder at a URL. Raises ConfigError for one that nothing here can open, StorageError when it fails."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        try:
            self._system, root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ConfigError(f"--to {url}: {str(error).splitlines()[0]}") from error
        self._root = str(root).rstrip("/")
        self._sizes: dict[str, int] | None = None
        self.name = url

    def paths(self) -> list[str]:
        """Return the paths of all files that are there."""
        return sorted(self._held())

    def lacks(self, files: Iterable[Sent]) -> list[Sent]:
        """Return those files that are not there as they should be."""
        held = self._held()
        return [one for one in files if not (one.names_itself and held.get(one.path) == one.file.stat().st_size)]

    def add(self, sent: Iterable[Sent], summary: str, gone: Iterable[str] = ()) -> str:
        """Write files and remove others; return nothing, as there are no commits."""
        for one in sent:
            with self._told(one.path):
                self._put(one)
        for path in gone:
            with self._told(path):
                self._system.rm_file(f"{self._root}/{path}")
        return ""

    def tag(self, tag: str, commit: str) -> None:
        """Do nothing: a folder has no tags."""

    def _put(self, one: Sent) -> None:
        target = f"{self._root}/{one.path}"
        self._system.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._system.put_file(str(one.file), target)

    def _held(self) -> dict[str, int]:
        if self._sizes is None:
            with self._told("its list of files"):
                there = self._system.exists(self._root)
                found = self._system.find(self._root, detail=True) if there else {}
            self._sizes = {path.removeprefix(f"{self._root}/"): facts["size"] for path, facts in found.items()}
        return self._sizes

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{self.name}, {what}: {str(error).splitlines()[0] if str(error) else type(error).__name__}; what was "
                "written stays, run again to go on"
            ) from error
