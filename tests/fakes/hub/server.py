"""A Hugging Face hub on loopback, over real HTTP: info, tree in pages, files with ranges and digests, gated access.

`HF_ENDPOINT` names it. Every request is kept in order, so that a test can say what was asked for and how often. Faults
are given by path and used up one by one: `drop` hangs up after so many bytes, a status is answered as such. Large files
are redirected to another path, as the hub does to its storage. Requests that write are led to `writing`; their faults
stand under `blob` and `commit`: a blob is cut off after so many bytes, the answer to a commit that was made is lost.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fakes.hub.repository import Repository, is_lfs
from fakes.hub.write_requests import Writes
from fakes.hub.writing import Store

_API = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+?)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?$")
_FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")
_STORED = re.compile(r"/storage/(.+?)@@([^/]+)/(.+)$")


@dataclass(frozen=True)
class Asked:
    """One request: method, path as in a repository (or of the API), and the range asked for, if any."""

    method: str
    path: str
    range: str | None
    authorised: bool


@dataclass
class Hub:
    """The repositories of the hub by kind and name, what was asked, and the faults that are left."""

    url: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, list[int]] = field(default_factory=dict)
    """By path: a status (from 400) to answer, or bytes (below 400 as a negative number) after which to hang up."""
    page: int = 3
    on_request: Callable[[int], None] = field(default=lambda count: None)
    """Called with the number of requests so far, before each is answered."""
    store: Store = field(default_factory=Store)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, repository: Repository) -> Repository:
        """Serve a repository."""
        self.repositories[repository.kind, repository.name] = repository
        return repository

    def drop(self, path: str, *after_bytes: int) -> None:
        """Hang up on the next requests of a file after so many bytes of the answer."""
        self.faults.setdefault(path, []).extend(-size - 1 for size in after_bytes)

    def fail(self, path: str, *statuses: int) -> None:
        """Answer the next requests of a file with these statuses."""
        self.faults.setdefault(path, []).extend(statuses)

    def fault(self, path: str) -> int | None:
        """Return the next fault of a path, using it up."""
        with self.lock:
            return self.faults[path].pop(0) if self.faults.get(path) else None

    def bodies(self, path: str = "") -> list[Asked]:
        """Return the requests that asked for the bytes of files (of one path)."""
        return [one for one in self.asked if one.method == "GET" and not one.path.startswith("/") and path in one.path]


class _Handler(Writes, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *words: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        split = urlsplit(self.path)
        path = unquote(split.path)
        if found := _API.fullmatch(path):
            self._api(found, parse_qs(split.query))
        elif found := _FILE.fullmatch(path):
            self._file("dataset" if found[1] else "model", found[2], found[3], found[4])
        elif found := _STORED.fullmatch(path):
            kind, _, name = found[1].partition(":")
            self._body(self.hub.repositories[kind, name], found[2], found[3])
        else:
            self._send(404, b"")

    def _api(self, found: re.Match[str], query: dict[str, list[str]]) -> None:
        kind = "dataset" if found[1] == "datasets" else "model"
        self._note(found[0])
        repository, sha = self._open(kind, found[2], unquote(found[4] or "main"))
        if repository is None or sha is None:
            return
        if found[3] != "tree":
            siblings = [{"rfilename": path} for path in sorted(repository.commits[sha])]
            facts = {"id": repository.name, "sha": sha, "private": repository.private, "tags": [], "siblings": siblings}
            facts |= {"gated": "manual" if repository.gated else False, "disabled": False, "downloads": 0, "likes": 0}
            self._json(facts)
            return
        paths = sorted(repository.commits[sha])
        at = int(query.get("cursor", ["0"])[0])
        entries = [repository.entry(sha, path) for path in paths[at : at + self.hub.page]]
        folders = sorted({path.rpartition("/")[0] for path in paths} - {""}) if at == 0 else []
        entries += [{"type": "directory", "path": folder, "oid": "0" * 40, "size": 0} for folder in folders]
        after = at + self.hub.page
        more = f"{self.hub.url}{found[0]}?recursive=True&cursor={after}" if after < len(paths) else None
        self._json(entries, {"Link": f'<{more}>; rel="next"'} if more else {})

    def _file(self, kind: str, name: str, revision: str, path: str) -> None:
        repository, sha = self._open(kind, name, unquote(revision))
        if repository is None or sha is None:
            return
        if path not in repository.commits[sha]:
            self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
            return
        body = repository.commits[sha][path]
        if not is_lfs(body):
            self._body(repository, sha, path)
            return
        facts = {"X-Linked-Size": str(len(body)), "X-Linked-Etag": f'"{repository.etag(sha, path)}"'}
        facts |= {"X-Repo-Commit": sha, "Location": f"{self.hub.url}/storage/{kind}:{name}@@{sha}/{path}"}
        self._send(302, b"", facts)

    def _open(self, kind: str, name: str, revision: str) -> tuple[Repository | None, str | None]:
        """Return a repository and its commit; what may not be seen is answered here."""
        repository = self.hub.repositories.get((kind, name))
        right = repository is not None and self.headers.get("Authorization") == f"Bearer {repository.token}"
        if repository is None or (repository.private and not right):
            self._send(401, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None, None
        if repository.gated and not right:
            self._send(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to {name} is restricted"})
            return None, None
        sha = repository.resolved(revision)
        if sha is None:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev {revision}"})
        return repository, sha

    def _body(self, repository: Repository, sha: str, path: str) -> None:
        self._note(path)
        fault = self.hub.fault(path)
        if fault is not None and fault >= 400:
            self._send(fault, b"")
            return
        body = repository.lies.get(path, repository.commits[sha][path])
        facts = {"X-Repo-Commit": sha, "ETag": f'"{repository.etag(sha, path)}"', "Accept-Ranges": "bytes"}
        status, whole = 200, len(body)
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            low, high = int(asked[1]), min(int(asked[2] or whole - 1), whole - 1)
            status, body = 206, body[low : high + 1]
            facts["Content-Range"] = f"bytes {low}-{high}/{whole}"
        self._send(status, body, facts, None if fault is None else -fault - 1)

    def _note(self, path: str) -> None:
        with self.hub.lock:
            authorised = "Authorization" in self.headers
            self.hub.asked.append(Asked(self.command, path, self.headers.get("Range"), authorised))
            self.hub.on_request(len(self.hub.asked))

    def _json(self, value: Any, facts: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(facts or {})})

    def _send(
        self, status: int, body: bytes, facts: dict[str, str] | None = None, hang_up_after: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (facts or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if hang_up_after is None else body[:hang_up_after])
        if hang_up_after is not None:
            self.wfile.flush()
            self._hang_up()


@contextmanager
def hub_on_loopback() -> Iterator[Hub]:
    """Serve a hub until the end of the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
