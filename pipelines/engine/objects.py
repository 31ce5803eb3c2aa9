"""Objects of a bucket, or of a folder that mirrors one, read whole: the only place that opens a store to read input.

fsspec does the talking (`s3://` needs the extra `s3`, and is read without credentials). Its own retries are turned off:
an answer that may be better the next time (5xx, a cut or slow transfer) is asked for again here, after a pause that
doubles and is never the same for two readers; an answer that will not change (missing, refused) is given at once. What
cannot be had is a value, not an exception. Not here: what an object means, and whether its bytes are right.
"""

import errno
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.engine.errors import ConfigError

S3 = "s3://"
TRIES = 5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
MISSING, REFUSED, UNREACHABLE = "missing", "refused", "unreachable"
_FINAL = frozenset({errno.EINVAL, errno.EISDIR, errno.ENOTDIR})


@dataclass(frozen=True, slots=True)
class Lost:
    """Why an object could not be had: `missing`, `refused`, or `unreachable` after all tries."""

    reason: str
    detail: str


class Objects:
    """The objects below `root`, by keys with forward slashes. Threads may share it."""

    def __init__(
        self,
        root: str,
        *,
        endpoint: str = "",
        timeout_s: float = 60,
        connections: int = 16,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`root` is `s3://bucket[/prefix]` or a folder; `endpoint` is a server that speaks S3, if not Amazon's own."""
        self._root = root.removeprefix(S3).rstrip("/")
        self._pause = pause
        self._system: Any = _s3(endpoint, timeout_s, connections) if root.startswith(S3) else _folder()
        self._failures = _s3_failures() if root.startswith(S3) else (OSError,)

    def get(self, key: str) -> bytes | Lost:
        """Return the bytes of an object."""
        found: bytes | Lost = self._ask(lambda: bytes(self._system.cat_file(f"{self._root}/{key}")), key)
        return found

    def etag(self, key: str) -> str | Lost:
        """Return the entity tag of an object without quotes; empty where the store has none (a folder)."""
        found: str | Lost = self._ask(
            lambda: str(self._system.info(f"{self._root}/{key}").get("ETag", "")).strip('"'), key
        )
        return found

    def names(self, prefix: str) -> list[str] | Lost:
        """Return the names of what lies in the folder `prefix`, sorted."""
        found = self._ask(lambda: self._system.ls(f"{self._root}/{prefix}", detail=False), prefix)
        return found if isinstance(found, Lost) else sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def _ask(self, question: Callable[[], Any], key: str) -> Any:
        said = ""
        for tried in range(TRIES):
            if tried:
                self._pause(random.uniform(0.5, 1.5) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tried - 1)))  # noqa: S311
            try:
                return question()
            except FileNotFoundError:
                return Lost(MISSING, key)
            except PermissionError:
                return Lost(REFUSED, key)
            except self._failures as error:
                said = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
                if isinstance(error, OSError) and error.errno in _FINAL:
                    return Lost(REFUSED, f"{key}: {said}")
        return Lost(UNREACHABLE, f"{key}: {said}, {TRIES} times")


@lru_cache(maxsize=4)
def open_objects(root: str, endpoint: str, timeout_s: float, connections: int) -> Objects:
    """Return the objects below a root, opened once in a process: a client of S3 takes long to make."""
    return Objects(root, endpoint=endpoint, timeout_s=timeout_s, connections=connections)


def root_of(path: str) -> str:
    """Return where a source's `path` points: `s3://...` as it is, a folder as an absolute path."""
    expanded = os.path.expandvars(path)
    return expanded if expanded.startswith(S3) else str(Path(expanded).expanduser().absolute())


def _folder() -> Any:
    from fsspec.implementations.local import LocalFileSystem

    return LocalFileSystem(skip_instance_cache=True)


def _s3(endpoint: str, timeout_s: float, connections: int) -> Any:
    try:
        from s3fs import S3FileSystem
    except ImportError:
        raise ConfigError(
            "reading s3:// needs the extra `s3`: pip install -e '.[s3]', or give a folder that mirrors the bucket"
        ) from None
    once = {"total_max_attempts": 1}
    times = {"connect_timeout": timeout_s, "read_timeout": timeout_s}
    system = S3FileSystem(
        anon=True,
        client_kwargs={"endpoint_url": endpoint} if endpoint else {},
        config_kwargs={"max_pool_connections": connections, "retries": once, **times},
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    system.retries = 1
    return system


def _s3_failures() -> tuple[type[Exception], ...]:
    """Return what s3fs and the libraries below it raise when a request fails."""
    from aiohttp import ClientError as HttpError
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError, HttpError)
