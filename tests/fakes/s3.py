"""moto's S3 server on loopback, with a count of what was asked for and faults that wear off or stay.

A fault of a GET is named by its object's key: `error` answers 500, `cut` sends half of what it promised, `slow` waits.
A list of faults is used up one request at a time; None in it lets a request pass. `trouble` draws faults for requests
of any method; `lost` does what was asked and answers 500, as when the answer is lost on its way. Writes are done one
after another, as a real store decides between two: moto looks and writes in two steps.
"""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import boto3
import pytest
from botocore.client import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from pipelines.engine.bucket import Bucket
from pipelines.engine.s3_disk import S3Disk

ACCESS, SECRET = "AKIA" + "FAKEFAKEFAKEFAKE", "not+a/key+of/anybody+1234567890"
ERROR = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We had an accident.</Message></Error>"
SLOW_S = 1.0


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop the line."""


class S3:
    """A running server: `asked` counts GETs by key, `agents` requests by who asks, `faults` are to come by key."""

    def __init__(self, url: str, bucket: str) -> None:
        self.url, self.bucket = url, bucket
        self.asked: Counter[str] = Counter()
        self.agents: Counter[str] = Counter()
        self.faults: dict[str, list[str | None]] = {}
        self.trouble: Callable[[str, str], str | None] = lambda method, key: None
        self._held: dict[str, bytes] = {}
        key = {"aws_access_key_id": "fake", "aws_secret_access_key": "fake", "region_name": "us-east-1"}
        self._client = boto3.client("s3", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}), **key)
        self._client.create_bucket(Bucket=bucket)

    def hold(self, objects: Mapping[str, bytes]) -> None:
        """Make the bucket hold these objects and no others."""
        for gone in self._held.keys() - objects.keys():
            self._client.delete_object(Bucket=self.bucket, Key=gone)
        for key, body in objects.items():
            if self._held.get(key) != body:
                self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ACL="public-read")
        self._held = dict(objects)
        self.asked.clear()


class _Faulty:
    """The server's application behind its faults."""

    def __init__(self, app: Any, prefix: str) -> None:
        self._app, self._prefix = app, prefix
        self.server: S3 | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fault = self._counted(environ)
        if fault == "error":
            start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [ERROR]
        if fault == "slow":
            time.sleep(SLOW_S)
        with self._writing if environ["REQUEST_METHOD"] != "GET" else nullcontext():
            if fault == "lost":
                b"".join(self._app(environ, lambda *_: None))
                start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
                return [ERROR]
            answer = self._app(environ, start_response)
        if fault != "cut":
            return answer  # type: ignore[no-any-return]
        body = b"".join(answer)
        return [body[: len(body) // 2]]

    def _counted(self, environ: dict[str, Any]) -> str | None:
        path, method = str(environ["PATH_INFO"]), str(environ["REQUEST_METHOD"])
        if self.server is None or not path.startswith(self._prefix):
            return None
        key = path.removeprefix(self._prefix)
        with self._lock:
            self.server.agents[str(environ.get("HTTP_USER_AGENT", "")).partition(" app/")[2].split(" ")[0]] += 1
            drawn = self.server.trouble(method, key)
            if method != "GET":
                return drawn
            self.server.asked[key] += 1
            faults = self.server.faults.get(key)
            return faults.pop(0) if faults else drawn


@contextmanager
def s3_server(bucket: str) -> Iterator[S3]:
    """Serve an empty bucket until the block ends."""
    app = _Faulty(DomainDispatcherApplication(create_backend_app), f"/{bucket}/")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        app.server = S3(f"http://127.0.0.1:{server.server_port}", bucket)
        yield app.server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def s3_store(bucket: str = "runs") -> Iterator[S3]:
    """Serve an empty bucket that this process and its children take for theirs until the block ends."""
    names = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    with s3_server(bucket) as server, pytest.MonkeyPatch.context() as environment:
        for name, value in {**names, "AWS_ENDPOINT_URL": server.url}.items():
            environment.setenv(name, value)
        yield server


class MortalDisk(S3Disk):
    """Gives back its scratch files when it is forgotten, as the kernel does for a process that died."""

    def __del__(self) -> None:
        for file in self._scratch.values():
            file.close()


def s3_disk(server: S3) -> S3Disk:
    """Return an empty disk of its own in the bucket."""
    return MortalDisk(Bucket(f"s3://{server.bucket}/{uuid.uuid4().hex}"))
