"""Objects of one bucket below a prefix, as commits need them: put whole or not at all, on a condition if asked to.

Any store that speaks S3 will do if it takes conditional writes (`If-None-Match: *`, `If-Match`): Amazon's since 2024,
MinIO, Ceph, R2. botocore finds credentials and endpoint where Amazon's own tools do (AWS_ENDPOINT_URL, AWS_PROFILE, a
role of the machine), and asks again when an answer may be better the next time. What remains is raised as an OSError
without secrets. Not fsspec, which knows no If-Match and hides an event loop. Needs the extra `s3`. Not here: names,
digests, and what an object means.
"""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import IO, Any

import botocore.session
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from pipelines.engine.secrets import redact

PART_BYTES = 32 << 20
"""Larger objects are put in parts of this size; a store takes 10,000 of them."""
CHUNK_BYTES = 1 << 20
TRIES = 6
_CONFLICT_PAUSES_S = (0.1, 0.3, 1.0, 3.0)
_ERRNO = {400: errno.EINVAL, 403: errno.EACCES, 404: errno.ENOENT, 409: errno.EAGAIN, 412: errno.EEXIST}
ABSENT = {"IfNoneMatch": "*"}
"""The condition that nothing stands under the name yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """A small object: its content, its version, and its age by the clock of the store alone."""

    body: bytes
    etag: str
    age_s: float


class Bucket:
    """The objects below `s3://bucket/prefix`. Threads may share it, and it may be sent to other processes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._name, _, prefix = url.partition("://")[2].partition("/")
        self._below = f"{prefix}/" if prefix else ""
        self._endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        """The driver's, which goes with it to the workers: they must not write to another store."""

    def put(self, key: str, body: IO[bytes], **condition: str) -> str:
        """Put an object and return its etag. Raises FileExistsError when the condition does not hold."""
        for pause_s in _CONFLICT_PAUSES_S:
            with suppress(BlockingIOError), _as_os_error(key):  # two writers met, and the store took neither
                return self._put(self._of(key), body, condition)
            time.sleep(pause_s)
        with _as_os_error(key):
            return self._put(self._of(key), body, condition)

    def get(self, key: str) -> Found:
        """Return a small object. Raises FileNotFoundError."""
        with _as_os_error(key):
            answer = self._client.get_object(**self._of(key))
            told = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            age_s = (told - answer["LastModified"]).total_seconds()
            return Found(answer["Body"].read(), answer["ETag"], age_s)

    def fetch(self, key: str, take: Callable[[bytes], object]) -> None:
        """Hand an object over in pieces; a transfer that breaks off goes on where it was. Raises FileNotFoundError."""
        have, ranged = 0, dict[str, str]()
        for left in reversed(range(TRIES)):
            try:
                with _as_os_error(key):
                    for piece in self._client.get_object(**self._of(key), **ranged)["Body"].iter_chunks(CHUNK_BYTES):
                        take(piece)
                        have += len(piece)
                return
            except ConnectionError:
                if not left:
                    raise
            ranged = {"Range": f"bytes={have}-"} if have else {}

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes, None when there is none."""
        try:
            with _as_os_error(key):
                return int(self._client.head_object(**self._of(key))["ContentLength"])
        except FileNotFoundError:
            return None

    def keys(self, folder: str) -> list[str]:
        """Return the keys below a folder ("" for all), sorted as text."""
        prefix = f"{self._below}{folder}/" if folder else self._below
        with _as_os_error(folder):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return sorted(one["Key"].removeprefix(self._below) for page in pages for one in page.get("Contents", ()))

    def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        with _as_os_error(key):
            self._client.delete_object(**self._of(key))

    def check(self) -> None:
        """Raise FileNotFoundError or PermissionError when the bucket is not there for us."""
        with _as_os_error(self._name):
            self._client.head_bucket(Bucket=self._name)

    @property
    def _client(self) -> Any:
        return _client(self._endpoint)

    def _of(self, key: str) -> dict[str, str]:
        return {"Bucket": self._name, "Key": self._below + key}

    def _put(self, where: dict[str, str], body: IO[bytes], condition: dict[str, str]) -> str:
        size_bytes = body.seek(0, os.SEEK_END)
        body.seek(0)
        if size_bytes <= PART_BYTES:
            return str(self._client.put_object(**where, Body=body, **condition)["ETag"])
        with ExitStack() as undo:
            upload = {**where, "UploadId": self._client.create_multipart_upload(**where)["UploadId"]}
            undo.callback(_quietly, self._client.abort_multipart_upload, upload)
            parts: list[dict[str, Any]] = []
            while part := body.read(PART_BYTES):
                number = len(parts) + 1
                etag = self._client.upload_part(**upload, PartNumber=number, Body=part)["ETag"]
                parts.append({"PartNumber": number, "ETag": etag})
            made = self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
            undo.pop_all()
            return str(made["ETag"])


@lru_cache(maxsize=2)
def _client(endpoint: str | None) -> Any:
    """Return the client of a store, made once in a process: that takes half a second."""
    retries = {"mode": "standard", "total_max_attempts": TRIES}
    config = Config(retries=retries, connect_timeout=10, read_timeout=60)
    try:
        return botocore.session.get_session().create_client("s3", endpoint_url=endpoint or None, config=config)
    except ValueError as error:
        raise OSError(errno.EINVAL, redact(f"AWS_ENDPOINT_URL: {error}")) from None


@contextmanager
def _as_os_error(key: str) -> Iterator[None]:
    """Raise what the store or the way to it said as an OSError: the same kinds that a file system gives."""
    try:
        yield
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = error.response.get("Error", {})
        words = redact(f"the store says {said.get('Code', status)}: {said.get('Message', '')}")
        raise OSError(_ERRNO.get(status, errno.EIO), words, key) from None
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise OSError(errno.EACCES, f"{error}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", key) from None
    except BotoCoreError as error:
        raise OSError(errno.ECONNRESET, redact(str(error)), key) from None


def _quietly(call: Callable[..., object], words: dict[str, Any]) -> None:
    with suppress(ClientError, BotoCoreError):
        call(**words)
