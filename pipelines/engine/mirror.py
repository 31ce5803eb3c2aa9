"""Files that a driver appends to or rewrites as it goes (events, digests of inputs), for a run that lies in a store.

A store has no appending, so they are written in a scratch folder, which is copied to the store every few seconds where
it changed, and at the end. They are no data: a driver that dies loses the last seconds of its events, and a store that
refuses them ends no run. A resumed run goes on with what the store has.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.engine.errors import StorageError
from pipelines.engine.storage import Storage, told

PAUSE_S = 10.0


@contextmanager
def mirrored(storage: Storage, names: Sequence[str]) -> Iterator[Path]:
    """Give a folder with the store's copies of `names`, whose files go back there until the block ends."""
    with TemporaryDirectory(prefix="medmix-") as scratch:
        folder = Path(scratch)
        for name in names:
            with told("reading", name), suppress(FileNotFoundError):
                (folder / name).write_bytes(storage.disk.read(name))
        mirror = _Mirror(storage, [folder / name for name in names])
        mirror.start()
        try:
            yield folder
        finally:
            mirror.stop()


class _Mirror:
    """Copies what changed since it was copied, from a thread of its own."""

    def __init__(self, storage: Storage, paths: Sequence[Path]) -> None:
        self._storage = storage
        self._paths = paths
        self._known = self._look()
        self._warned = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_copying, name="run-mirror", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Copy what is left, and end."""
        self._ended.set()
        self._thread.join()
        self._copy()

    def _keep_copying(self) -> None:
        while not self._ended.wait(PAUSE_S):
            self._copy()

    def _copy(self) -> None:
        for path, stamp in self._look().items():
            if self._known.get(path) == stamp:
                continue
            try:
                self._storage.replace_file(path.name, path.read_bytes())
                self._known[path] = stamp
            except (OSError, StorageError) as error:
                self._warn(error)

    def _look(self) -> dict[Path, tuple[int, int]]:
        stats = {path: path.stat() for path in self._paths if path.exists()}
        return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            sys.stderr.write(f"warning: events are not kept for now, the run goes on without: {error}\n")
        self._warned = True
