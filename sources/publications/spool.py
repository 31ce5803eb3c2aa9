"""Articles of a pack under way: each is a file as soon as it is there, so that a kill loses no answered request.

A file appears under its name whole (written beside it, then renamed) and its name holds the digest that it must have,
so what a killed process left is used again only when it is right. Compressed, and removed when the pack is done. Not
here: durability against a loss of power, which costs fetching again and nothing else.
"""

import hashlib
import os
import re
from pathlib import Path

import zstandard

_MD5 = re.compile(r"[0-9a-f]{32}")


class Spool:
    """A folder of objects by name and MD5."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, md5: str) -> bytes | None:
        """Return the object kept under a name, None when none is, or another than it should be."""
        try:
            body = zstandard.ZstdDecompressor().decompress((self._folder / f"{name}.{md5}").read_bytes())
        except (OSError, zstandard.ZstdError):
            return None
        return body if not _MD5.fullmatch(md5) or md5_of(body) == md5 else None

    def put(self, name: str, md5: str, body: bytes) -> None:
        """Keep an object; a file of that name is replaced."""
        scratch = self._folder / f".{name}.{os.getpid()}"
        scratch.write_bytes(zstandard.ZstdCompressor(3).compress(body))
        scratch.replace(self._folder / f"{name}.{md5}")

    def clear(self) -> None:
        """Remove the folder and all in it."""
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()


def md5_of(body: bytes) -> str:
    """Return the MD5 of an object as archives publish it: against damage, not against forgery."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
