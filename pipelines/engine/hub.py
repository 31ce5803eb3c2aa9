"""Read from the Hugging Face hub: list a repository at a revision, and read its files.

Bytes come over plain HTTP through the hub's own client (`HF_ENDPOINT` names another hub), and a transfer that breaks
goes on where it broke. A token is taken by that client from the environment (`HF_TOKEN`) or its own login, and is never
written or told. Nothing is ever executed: a file is a file. What cannot be had is told as an InputError that says what
to do. Not here: which files are wanted, and whether their bytes are right (`sources.replay`); publishing.
"""

import io
import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

from pipelines.engine.errors import InputError

Kind = Literal["dataset", "model"]
PINNED = re.compile(r"[0-9a-f]{40}")
TRIES = 5
FIRST_PAUSE_S = 1.0
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository: its git blob id, and the sha256 of its content where git stores it as LFS."""

    path: str
    size_bytes: int
    blob: str
    sha256: str | None


class HubRepo:
    """A repository at one commit. Threads may share it."""

    def __init__(self, name: str, revision: str, kind: Kind = "dataset") -> None:
        """`revision` is the commit: 40 hex digits, as any other name may move."""
        if not PINNED.fullmatch(revision):
            raise ValueError(f"{revision!r} is no commit of 40 hex digits")
        self.name = name
        self.revision = revision
        self.kind = kind

    def files(self) -> list[HubFile]:
        """Return all files by path. Raises InputError."""
        from huggingface_hub.hf_api import RepoFile

        def listed() -> list[HubFile]:
            tree = client().list_repo_tree(self.name, recursive=True, revision=self.revision, repo_type=self.kind)
            found = [one for one in tree if isinstance(one, RepoFile)]
            return [HubFile(one.path, one.size, one.blob_id, one.lfs.sha256 if one.lfs else None) for one in found]

        return sorted(self._asked(listed, "its list of files"), key=lambda file: file.path)

    def read(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes [start, end) of a file. Raises InputError."""

        def ranged() -> bytes:
            sink = io.BytesIO()
            self._get(path, sink, 0, end - start, {"Range": f"bytes={start}-{end - 1}"})
            return sink.getvalue()

        return self._asked(ranged, path) if end > start else b""

    def download(self, file: HubFile, part: Path) -> None:
        """Bring a whole file to `part`, after what is there of it already. Raises InputError."""
        if part.exists() and part.stat().st_size > file.size_bytes:
            part.unlink()

        def rest() -> None:
            with part.open("ab") as sink:
                self._get(file.path, sink, sink.tell(), file.size_bytes, {})

        self._asked(rest, file.path)

    def _get(self, path: str, sink: BinaryIO, held_bytes: int, size_bytes: int, headers: dict[str, str]) -> None:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils._headers import build_hf_headers

        url = hf_hub_url(self.name, path, repo_type=self.kind, revision=self.revision, endpoint=_endpoint())
        every = {**build_hf_headers(), "Accept-Encoding": "identity", **headers}
        http_get(url, sink, resume_size=held_bytes, headers=every, expected_size=size_bytes)

    def _asked(self, ask: Callable[[], _Found], what: str) -> _Found:
        """Return an answer; what may be better the next time is asked again after a pause. Raises InputError."""
        return asked(ask, self.name, f"{what} at {self.revision[:12]}")


def commit_of(name: str, revision: str, kind: Kind = "dataset") -> str:
    """Return the commit that a branch, tag or short hash stands for now. Raises InputError."""
    found = asked(lambda: client().repo_info(name, revision=revision, repo_type=kind).sha, name, revision)
    return str(found)


def fetch_tokenizer(repository: str, revision: str) -> Path:
    """Return the local path of `tokenizer.json` of a repository at a 40-hex revision. Raises InputError."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(str(hf_hub_download(repository, "tokenizer.json", revision=revision)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"{repository} at {revision[:12]}: tokenizer.json cannot be had from the hub ({type(error).__name__}); "
            "accept its licence and log in, or give the path of a local tokenizer.json in the mixture (`tokenizer:`)"
        ) from error


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def client() -> Any:
    """Return the hub's own client, for the hub that `HF_ENDPOINT` names."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # what it would warn of is told here
    return HfApi(endpoint=_endpoint())


def asked(ask: Callable[[], _Found], name: str, what: str) -> _Found:
    """Return an answer about `what` of a repository; what may be better the next time is asked again after a pause.

    Raises InputError.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    last: Exception | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
        try:
            return ask()
        except HfHubHTTPError as error:
            if error.response.status_code < 500:
                raise InputError(f"{name}, {what}: {_refusal(error)}") from error
            last = error
        except (HFValidationError, OfflineModeIsEnabled) as error:
            raise InputError(f"{name}, {what}: {str(error).splitlines()[0]}") from error
        except (httpx2.TransportError, OSError) as error:  # the client tells a wrong length as an OSError
            last = error
    raise InputError(
        f"{name}, {what}: the hub did not answer as it should, {TRIES} times over ({type(last).__name__}); what was "
        "done stays, try again later"
    ) from last


def _refusal(error: Any) -> str:
    """Say what an answer of the hub means for whoever asked; its own words may be a page long."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return (
            "the repository is gated; accept its terms on its page, and put a token of that account into the "
            "environment as HF_TOKEN"
        )
    if isinstance(error, RevisionNotFoundError):
        return "the repository has no such revision; look at its history of commits"
    if isinstance(error, RepositoryNotFoundError):
        return "the hub has no such repository, or it is private; check the name, or set HF_TOKEN"
    if error.response.status_code in (401, 403):
        return "the hub refuses it; put a token that may do it into the environment as HF_TOKEN"
    return f"the hub answered {error.response.status_code}"
