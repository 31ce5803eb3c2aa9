"""moto's S3 server on loopback, with a count of what was asked for and faults that wear off or stay.

A fault is named by its object's key: `error` answers 500, `cut` sends half of what it promised, `slow` waits. A list of
faults is used up one request at a time; None in it lets a request pass.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.client import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ERROR = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We had an accident.</Message></Error>"
SLOW_S = 1.0


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop the line."""


class S3:
    """A running server: `asked` counts GETs by key of the bucket, `faults` are to come by key."""

    def __init__(self, url: str, bucket: str) -> None:
        self.url, self.bucket = url, bucket
        self.asked: Counter[str] = Counter()
        self.faults: dict[str, list[str | None]] = {}
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

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fault = self._counted(environ)
        if fault == "error":
            start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [ERROR]
        if fault == "slow":
            time.sleep(SLOW_S)
        answer = self._app(environ, start_response)
        if fault != "cut":
            return answer  # type: ignore[no-any-return]
        body = b"".join(answer)
        return [body[: len(body) // 2]]

    def _counted(self, environ: dict[str, Any]) -> str | None:
        path = str(environ["PATH_INFO"])
        if self.server is None or environ["REQUEST_METHOD"] != "GET" or not path.startswith(self._prefix):
            return None
        key = path.removeprefix(self._prefix)
        with self._lock:
            self.server.asked[key] += 1
            faults = self.server.faults.get(key)
            return faults.pop(0) if faults else None


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
