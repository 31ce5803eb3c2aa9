"""The writing half of the fake hub: repositories made, blobs taken, commits and tags; what the hub itself would refuse.

As the hub does: a file is asked about first (`preupload`), a large one goes to the store of blobs by its digest unless
that has it, and a commit names it. Nothing is taken without the right token, a blob that is not what its digest says is
refused, and so is a commit that names a blob that never came. `taken` counts the blobs that came whole.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fakes.hub.repository import Repository, git_blob, is_lfs


class Refused(Exception):
    """A status and what the hub says with it."""

    def __init__(self, status: int, code: str = "", body: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.body = status, code, body or {}


@dataclass
class Store:
    """Large files by digest, how often each came whole, and what was committed, in order."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    commits: list[tuple[str, list[str]]] = field(default_factory=list)
    """The summary of each commit and the paths that it adds."""

    def put(self, oid: str, body: bytes) -> None:
        """Keep a blob."""
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refused(400)
        self.blobs[oid] = body
        self.taken[oid] += 1

    def batch(self, asked: dict[str, Any], url: str) -> dict[str, Any]:
        """Return where each object goes; nowhere when it is here."""
        objects = []
        for one in asked["objects"]:
            entry = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.blobs:
                entry["actions"] = {"upload": {"href": f"{url}/blobs/{one['oid']}", "header": {}}}
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def commit(self, repository: Repository, revision: str, lines: list[dict[str, Any]]) -> str:
        """Apply a commit to a branch and return its digits."""
        files = dict(repository.commits[repository.names[revision]])
        summary, added = "", []
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                summary = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if len(self.blobs.get(value["oid"], b"")) != value["size"]:
                    raise Refused(400)
                files[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                if files.pop(value["path"], None) is None:
                    raise Refused(404, "EntryNotFound")
            else:
                raise Refused(400)
            added += [value["path"]] if "ile" in line["key"] and line["key"] != "deletedFile" else []
        self.commits.append((summary, added))
        return repository.commit(files, revision)


def preupload(repository: Repository, revision: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Return for each file how it is to come, and the digest of what is there under its path."""
    there = repository.commits[repository.names[revision]]
    files = []
    for one in asked["files"]:
        entry = {"path": one["path"], "shouldIgnore": False}
        entry["uploadMode"] = "lfs" if is_lfs(b" " * one["size"]) else "regular"
        if (held := there.get(one["path"])) is not None:
            entry["oid"] = hashlib.sha256(held).hexdigest() if is_lfs(held) else git_blob(held)
        files.append(entry)
    return {"files": files}


def lines_of(body: bytes) -> list[dict[str, Any]]:
    """Return the lines of a commit."""
    return [json.loads(line) for line in body.splitlines()]
