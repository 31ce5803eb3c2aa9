"""Serve the page of a review on this machine alone, and keep each verdict before it is confirmed.

The server listens on 127.0.0.1 only, at an address with a random token. A request needs that token and this server's
own name as `Host`, so no other site can reach it by a name of its own (DNS rebinding); a verdict must come as JSON from
a page of this very origin, so no other page can send one. A verdict is appended to its file as one line and flushed to
the disk before the answer; nothing is ever written over. Not here: what a verdict says (`pipelines.stages.verdicts`).
"""

import datetime
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from pipelines.engine.errors import InputError
from pipelines.report.review_page import POLICY
from pipelines.stages.verdicts import Verdict, line_of, read_verdicts

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 64 << 10
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Refused(Exception):
    """A request that is not answered, with its status and what is wrong."""

    def __init__(self, status: HTTPStatus, told: str) -> None:
        super().__init__(told)
        self.status, self.told = status, told


class VerdictLog:
    """A file of verdicts, only ever appended; several reviewers and processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Verdict]:
        """Return all verdicts. Raises InputError when a line is none."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return read_verdicts(file.read(), str(self._path))

    def append(self, verdict: Verdict) -> None:
        """Write a verdict as one line; it is on the disk when this returns. Raises OSError."""
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            line = b"\n" * is_torn + line_of(verdict)
            if os.write(descriptor, line) != len(line):
                raise OSError(f"{self._path}: only a part of a verdict was written; remove its last line")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


class ReviewServer(ThreadingHTTPServer):
    """`documents` are those of the page, by id; `clock` gives the time of a verdict. Port 0 takes a free one."""

    daemon_threads = True

    def __init__(
        self,
        html: str,
        documents: Mapping[str, Mapping[str, Any]],
        log: VerdictLog,
        port: int = 0,
        clock: Callable[[], str] = _now,
    ) -> None:
        self.html, self.documents, self.log, self.clock = html, documents, log, clock
        self.token = secrets.token_urlsafe(24)
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def origin(self) -> str:
        """Return the origin of the page."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Return the address of the page; whoever knows it may review."""
        return f"{self.origin}/{self.token}/"

    def store(self, told: Any) -> Verdict:
        """Keep what the page sent as a verdict, with the time and the document's own facts. Raises Refused."""
        if not isinstance(told, dict) or not isinstance(told.get("document"), str):
            raise Refused(HTTPStatus.BAD_REQUEST, "a verdict is a JSON object with a document")
        one = self.documents.get(told["document"])
        if one is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "no such document on this page")
        own = {"source": one["source"], "key": one["key"], "text_sha256": one["sha256"], "date": self.clock()}
        try:
            verdict = Verdict.model_validate({**told, **own})
        except ValidationError as error:
            fault = error.errors()[0]
            what = str(fault["msg"]).removeprefix("Value error, ")
            told_by = f"{'.'.join(map(str, fault['loc']))}: {what}" if fault["loc"] else what
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, told_by) from None
        self.log.append(verdict)
        return verdict


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    server_version, sys_version = "medmix", ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, work: Callable[[str], tuple[str, bytes]]) -> None:
        try:
            kind, body = work(self._path())
            status = HTTPStatus.OK
        except Refused as error:
            kind, body, status = "text/plain", error.told.encode(), error.status
            self.close_connection = True  # what was sent and not read must not be taken for a request
        except (OSError, InputError) as error:
            kind, body, status = "text/plain", str(error).encode(), HTTPStatus.INSUFFICIENT_STORAGE
        self.send_response(status)
        headers = {**_HEADERS, "Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _path(self) -> str:
        """Return the path below the token. Raises Refused for whoever does not know the address."""
        if self.headers.get("Host") != self.server.origin.removeprefix("http://"):
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")
        token, slash, path = urlsplit(self.path).path.removeprefix("/").partition("/")
        if not (slash and secrets.compare_digest(token.encode(), self.server.token.encode())):
            raise Refused(HTTPStatus.NOT_FOUND, "nothing here; use the whole address that `medmix review` printed")
        return path

    def _get(self, path: str) -> tuple[str, bytes]:
        if path == "":
            return "text/html", self.server.html.encode()
        if path != "verdicts":
            raise Refused(HTTPStatus.NOT_FOUND, "nothing here")
        reviewer = parse_qs(urlsplit(self.path).query).get("reviewer", [""])[0]
        last = {one.document: one for one in self.server.log.read() if one.reviewer == reviewer}
        return "application/json", json.dumps([one.model_dump(exclude_none=True) for one in last.values()]).encode()

    def _post(self, path: str) -> tuple[str, bytes]:
        if path != "verdicts":
            raise Refused(HTTPStatus.NOT_FOUND, "nothing here")
        if self.headers.get("Origin") != self.server.origin:
            raise Refused(HTTPStatus.FORBIDDEN, "a verdict comes from this page alone")
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a verdict is JSON")
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > MAX_BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a verdict has at most {MAX_BODY_BYTES} bytes")
        try:
            told = json.loads(self.rfile.read(int(size)))
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "this is no JSON") from None
        return "application/json", line_of(self.server.store(told))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the address holds the token."""
