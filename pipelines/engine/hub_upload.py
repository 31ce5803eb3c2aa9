"""Bring files to a repository of the Hugging Face hub, one commit each, so that an upload may be stopped anywhere.

What the repository holds already is asked first, and a file that is there with the same digest is never sent again; of
one that came but was not committed when the upload was stopped, the hub itself knows. A commit whose answer was lost is
found to be there when it is tried again. Large files go as LFS over plain HTTP unless `HF_HUB_DISABLE_XET=0` is set. A
repository is made private unless told otherwise. Reading is `hub`; which files, and whether they may go, is
`pipelines.publish`.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from pipelines.engine.errors import InputError
from pipelines.engine.hub import HubRepo, asked, client, commit_of

MAIN = "main"
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Sent:
    """A file to bring: its path in the repository, the file on this machine, and its sha256."""

    path: str
    file: Path
    sha256: str

    @property
    def names_itself(self) -> bool:
        """Say whether the path holds the beginning of the digest, so that no other content goes by it."""
        return self.sha256[:16] in self.path


class HubTarget:
    """A data set repository that is written to. Each method raises InputError that says what to do."""

    def __init__(self, name: str) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # read when the client is first imported
        self.name = name

    def create(self, *, private: bool) -> None:
        """Make the repository if it is not there; one that is there keeps its visibility."""
        self._ask(
            lambda: client().create_repo(self.name, repo_type="dataset", private=private, exist_ok=True), "create"
        )

    def gate(self, how: str) -> None:
        """Let readers ask for access, granted at once (`auto`) or by hand (`manual`)."""
        self._ask(lambda: client().update_repo_settings(self.name, gated=how, repo_type="dataset"), "gate")

    def paths(self) -> list[str]:
        """Return the paths of all files on `main`."""
        return sorted(self._held())

    def lacks(self, files: Iterable[Sent]) -> list[Sent]:
        """Return those files that are not on `main` as they should be."""
        held = self._held()
        return [one for one in files if not _is_same(held.get(one.path), one)]

    def add(self, sent: Iterable[Sent], summary: str, gone: Iterable[str] = ()) -> str:
        """Commit files and the removal of others, and return the commit."""
        files, removed = list(sent), sorted(gone)

        def commit() -> str:
            from huggingface_hub import CommitOperationAdd, CommitOperationDelete

            operations: list[Any] = [CommitOperationAdd(one.path, str(one.file)) for one in files]
            there = self._held() if removed else {}
            operations += [CommitOperationDelete(path) for path in removed if path in there]
            made = client().create_commit(self.name, operations, commit_message=summary, repo_type="dataset")
            return str(made.oid)

        return self._ask(commit, files[0].path if files else summary)

    def tag(self, tag: str, commit: str) -> None:
        """Name a commit. Raises InputError when the name stands for another one."""
        self._ask(
            lambda: client().create_tag(self.name, tag=tag, revision=commit, repo_type="dataset", exist_ok=True), tag
        )
        if (found := commit_of(self.name, tag)) != commit:
            raise InputError(f"{self.name}: the tag {tag} stands for {found[:12]}, not {commit[:12]}; give another")

    def _held(self) -> dict[str, str]:
        """Return the digest of each file on `main`: sha256 of a large one, the git id of a small one."""
        files = HubRepo(self.name, commit_of(self.name, MAIN)).files()
        return {file.path: file.sha256 or file.blob for file in files}

    def _ask(self, ask: Callable[[], _Found], what: str) -> _Found:
        return asked(lambda: _told(ask), self.name, what)


def _told(ask: Callable[[], _Found]) -> _Found:
    """Return an answer; the client hides why an upload broke in an error of its own, which is brought out here."""
    try:
        return ask()
    except RuntimeError as error:
        if isinstance(error.__cause__, (httpx2.HTTPError, OSError)):
            raise error.__cause__ from None
        raise


def _is_same(held: str | None, sent: Sent) -> bool:
    """Say whether a repository's digest is that of a file."""
    if held is None:
        return False
    return held == sent.sha256 if len(held) == len(sent.sha256) else held == _git_id(sent.file)


def _git_id(file: Path) -> str:
    body = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
