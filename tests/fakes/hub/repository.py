"""A repository of the fake hub: commits of files, branches that may move, and the digests that the hub lists."""

import hashlib
from dataclasses import dataclass, field

LFS_FROM_BYTES = 1000
"""Files from this size on are stored as LFS, as the hub does by attributes."""


def git_blob(body: bytes) -> str:
    """Return the git id of a blob."""
    return hashlib.sha1(f"blob {len(body)}\0".encode() + body).hexdigest()


@dataclass
class Repository:
    """Commits by 40 hex digits, each a mapping of paths to bytes; `main` and other names point to one of them."""

    name: str
    kind: str = "dataset"
    gated: bool = False
    private: bool = False
    token: str = "hf_right"
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    """What was set after it was made, such as who must ask for access."""
    lies: dict[str, bytes] = field(default_factory=dict)
    """Bytes that are sent for a path instead of those that are listed."""

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Add a commit, move a branch to it, and return its digits."""
        told = repr(sorted((path, git_blob(body)) for path, body in files.items())) + str(len(self.commits))
        sha = hashlib.sha1(told.encode()).hexdigest()
        self.commits[sha] = dict(files)
        self.names[branch] = sha
        return sha

    def resolved(self, revision: str) -> str | None:
        """Return the commit that a name, a commit or the beginning of one stands for."""
        found = [sha for sha in self.commits if len(revision) >= 7 and sha.startswith(revision)]
        return self.names.get(revision) or (found[0] if len(found) == 1 else None)

    def entry(self, sha: str, path: str) -> dict:
        """Return a file as the tree of the hub's API lists it."""
        body = self.commits[sha][path]
        entry = {"type": "file", "path": path, "size": len(body), "oid": git_blob(body)}
        if is_lfs(body):
            entry["lfs"] = {"oid": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}
        return entry

    def etag(self, sha: str, path: str) -> str:
        """Return the digest by which the hub names the content of a file."""
        body = self.commits[sha][path]
        return hashlib.sha256(body).hexdigest() if is_lfs(body) else git_blob(body)


def is_lfs(body: bytes) -> bool:
    """Say whether a file is stored as LFS."""
    return len(body) >= LFS_FROM_BYTES
