"""The requests by which the fake hub is written to, told apart and answered; a part of the server's handler."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fakes.hub.repository import Repository
from fakes.hub.writing import Refused, lines_of, preupload

_WRITE = re.compile(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit|tag|settings)(?:/([^/]+))?$")
_BATCH = re.compile(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch$")


class Writes:
    """What `server` does with POST and PUT."""

    hub: Any
    path: str
    headers: Any
    rfile: Any

    def do_POST(self) -> None:
        self._write()

    def do_PUT(self) -> None:
        self._write()

    def _write(self) -> None:
        """Take a request that writes, or asks with a body, and answer it."""
        path, size = unquote(urlsplit(self.path).path), int(self.headers.get("Content-Length") or 0)
        self._note(path)
        blob = path.startswith("/blobs/")
        fault = self.hub.fault("blob") if blob else None
        if fault is not None and fault < 0:
            self.rfile.read(min(-fault - 1, size))
            self._hang_up()
            return
        body = self.rfile.read(size) if size else b"".join(iter(self._chunk, b""))
        try:
            if fault is not None:
                raise Refused(fault)
            if blob:
                with self.hub.lock:
                    self.hub.store.put(path.removeprefix("/blobs/"), body)
                self._send(200, b"")
            else:
                self._written(path, body)
        except Refused as error:
            self._send(
                error.status, json.dumps(error.body).encode(), {"X-Error-Code": error.code} if error.code else {}
            )

    def _chunk(self) -> bytes:
        """Return the next chunk of a body without a length."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return b""
        body = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return body

    def _written(self, path: str, body: bytes) -> None:
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/paths-info/([^/]+)", path):
            self._paths_info(found[1], unquote(found[2]), parse_qs(body.decode()))
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != "hf_right":
            raise Refused(401)
        if path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif found := _BATCH.fullmatch(path):
            self._json(self.hub.store.batch(json.loads(body), self.hub.url))
        elif found := _WRITE.fullmatch(path):
            self._change(self.hub.repositories["dataset", found[1]], found[2], found[3], body)
        else:
            raise Refused(404)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        told = {"url": f"{self.hub.url}/datasets/{name}"}
        if ("dataset", name) in self.hub.repositories:
            raise Refused(409, body=told)
        made = self.hub.add(Repository(name, private=asked.get("visibility") == "private"))
        made.commit({".gitattributes": b"*.parquet filter=lfs\n"})
        self._json(told)

    def _change(self, repository: Repository, verb: str, revision: str | None, body: bytes) -> None:
        if verb == "preupload":
            self._json(preupload(repository, revision or "", json.loads(body)))
        elif verb == "commit":
            fault = self.hub.fault("commit")
            if fault is not None and fault >= 0:
                raise Refused(fault)
            with self.hub.lock:
                sha = self.hub.store.commit(repository, revision or "", lines_of(body))
            if fault is not None:
                self._hang_up()
                return
            self._json({"commitUrl": f"{self.hub.url}/datasets/{repository.name}/commit/{sha}", "commitOid": sha})
        elif verb == "tag":
            tag = json.loads(body)["tag"]
            if tag in repository.names:
                raise Refused(409)
            repository.names[tag] = repository.resolved(revision or "") or ""
            self._json({})
        else:
            repository.settings |= json.loads(body)
            self._json({})

    def _paths_info(self, name: str, revision: str, asked: dict[str, list[str]]) -> None:
        repository, sha = self._open("dataset", name, revision)
        if repository is None or sha is None:
            return
        files, wanted = repository.commits[sha], asked.get("paths", [])
        entries = [repository.entry(sha, path) for path in wanted if path in files]
        entries += [
            {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
            for path in wanted
            if any(file.startswith(f"{path}/") for file in files)
        ]
        self._json(entries)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)
