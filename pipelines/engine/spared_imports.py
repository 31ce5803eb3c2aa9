"""Keep libraries out of a process that would be imported only to find that they are not needed: half a second each.

numba imports scipy, where it is installed, to learn that it could compile products of matrices; Arrow imports pandas
with the first list that it is given, to learn that the list is none of pandas' own. A run does neither. Whoever asks
Arrow for pandas afterwards (`to_pandas`) still gets it. What a process has imported already stays as it is.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import Any

import pyarrow as pa


class _Missing(MetaPathFinder):
    """Says of a library that it is not installed."""

    def __init__(self, library: str) -> None:
        self._library = library

    def find_spec(self, name: str, path: Any, target: Any = None) -> None:
        """Raise ImportError for the library, and leave all others to the finders behind."""
        if name == self._library:
            raise ModuleNotFoundError(f"{name} is not wanted here", name=name)


@contextmanager
def hidden(library: str) -> Iterator[None]:
    """Let an import of a library that nobody has imported yet fail as if it were not installed."""
    missing = _Missing(library)
    sys.meta_path.insert(0, missing)
    try:
        yield
    finally:
        sys.meta_path.remove(missing)


def spare_pandas() -> None:
    """Have Arrow look for pandas now, in vain, so that it does not import it; for processes that do a run's work."""
    with hidden("pandas"):
        pa.array([""])
