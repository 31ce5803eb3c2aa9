"""Send the files of a release, data first and one part a commit, then all that describes them, then the tag.

Whatever the target holds already is left alone, so a stopped upload goes on where it stood and one that is finished
sends nothing. The card, the attribution and the removal of an earlier release's data come in one last commit; until it
stands a reader of `main` sees the old card beside new parts, so releases are read by their tag. Files that others put
into the repository stay. Not here: how files reach a target (`pipelines.engine.hub_upload`, `url_upload`).
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from pipelines.engine.hub_upload import Sent

DATA = ("data/", "lineage/", "arrow/", "mixtures/")
"""The folders that a release owns: what lies there and is not of this release is removed."""


class Target(Protocol):
    """Where a release goes."""

    name: str

    def paths(self) -> list[str]:
        """Return the paths of all files that are there."""
        ...

    def lacks(self, files: Iterable[Sent]) -> list[Sent]:
        """Return those files that are not there as they should be."""
        ...

    def add(self, sent: Iterable[Sent], summary: str, gone: Iterable[str] = ()) -> str:
        """Commit files and the removal of others, and return the commit."""
        ...

    def tag(self, tag: str, commit: str) -> None:
        """Name a commit."""
        ...


def send(target: Target, files: list[Sent], tag: str, tell: Callable[[str], None]) -> str:
    """Bring all files to the target and return the commit that holds them. Raises InputError, StorageError."""
    parts = [one for one in files if one.path.startswith(DATA)]
    rest = [one for one in files if not one.path.startswith(DATA)]
    missing = target.lacks(parts)
    if len(missing) < len(parts):
        tell(f"{len(parts) - len(missing)} of {len(parts)} parts are there already")
    for number, part in enumerate(missing, 1):
        target.add([part], f"Add {part.path}")
        tell(f"{number} of {len(missing)}: {part.path}")
    ours = {one.path for one in files}
    gone = [path for path in target.paths() if path.startswith(DATA) and path not in ours]
    commit = target.add(target.lacks(rest), f"Release {tag}", gone)
    target.tag(tag, commit)
    return commit
