"""Open a file of any container and yield the items in it, streamed and within limits.

One place decides how bytes become items, so that every source gets the same keys and the same safety: members
are held in memory one at a time and never written, links and odd names are refused, bombs are stopped while
they unfold, and a cut file gives all that was whole before its one fault. Not here: what the bytes mean
(`sources.parse`), nor which files a source has.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from sources.archive_item import Item, Limits
from sources.archive_lines import iter_range, read_blocks
from sources.archive_member import media_type, too_large
from sources.archive_stream import Stream, is_packed_name
from sources.archive_tar import read_tar
from sources.archive_zip import read_zip
from sources.europe_pmc import is_articles, split_articles
from sources.parse.part import Fault
from sources.publications.packs import read_pack
from sources.warc import read_warc
from sources.warc_fields import KEY

__all__ = ["CONTAINERS", "Item", "Limits", "container_of", "iter_range", "open_items"]

CONTAINERS = ("auto", "file", "tar", "zip", "warc", "articles", "jsonl", "pack")
_BY_NAME = (
    ("tar", re.compile(r"\.(tar(\.gz|\.zst)?|tgz|tzst)$")),
    ("zip", re.compile(r"\.zip$")),
    ("warc", re.compile(r"\.(warc|wet)(\.gz|\.zst)?$")),
    ("jsonl", re.compile(r"\.(jsonl|ndjson)(\.gz|\.zst)?$")),
    ("articles", re.compile(r"\.n?xml(\.gz|\.zst)?$")),
)
_HEAD_BYTES = 64 << 10


def open_items(path: Path, key: str, container: str, limits: Limits) -> Iterator[Item | Fault]:
    """Yield what `path` holds: items keyed `key` (a single file) or `key!member`, and faults named by member.

    What our own crawls stored is keyed by its URL. A member name that occurs again gets `~2`, `~3`, ... Raises OSError
    when the file cannot be read, and ValueError for a container that is not one of `CONTAINERS`.
    """
    with path.open("rb") as raw:
        kind = container_of(raw, key or path.name) if container == "auto" else container
        if kind == "file":
            yield _whole(raw, key, limits)
            return
        seen: dict[str, int] = {}
        for found in _members(raw, key or path.name, kind, limits):
            if isinstance(found, Item):
                times = seen[found.key] = seen.get(found.key, 0) + 1
                name = found.key if times == 1 else f"{found.key}~{times}"
                found = replace(found, key=name if KEY in found.fields else f"{key}!{name}")
            yield found


def container_of(raw: BinaryIO, name: str) -> str:
    """Return the container that a file name stands for; an XML file is looked into for a root of articles."""
    kind = next((kind for kind, pattern in _BY_NAME if pattern.search(name.lower())), "file")
    if kind != "articles":
        return kind
    head = Stream(raw, Limits(), packed=is_packed_name(name)).read(_HEAD_BYTES)
    raw.seek(0)
    return "articles" if is_articles(head) else "file"


def _members(raw: BinaryIO, name: str, kind: str, limits: Limits) -> Iterator[Item | Fault]:
    if kind == "zip":
        return read_zip(raw, limits)
    if kind == "tar":
        return read_tar(Stream(raw, limits), limits)
    if kind == "warc":
        return read_warc(Stream(raw, limits), limits)
    if kind == "pack":
        return read_pack(raw, limits)
    stream = Stream(raw, limits, packed=is_packed_name(name))
    if kind == "articles":
        return split_articles(stream, limits)
    if kind == "jsonl":
        return read_blocks(stream, limits)
    raise ValueError(f"container {kind!r} is not one of {', '.join(CONTAINERS)}")


def _whole(raw: BinaryIO, key: str, limits: Limits) -> Item | Fault:
    """Read a file that is one item, decompressed when its name says so."""
    stream = Stream(raw, limits, packed=is_packed_name(key))
    body = stream.read(limits.max_item_bytes + 1)
    if stream.damage:
        return stream.damage
    if len(body) > limits.max_item_bytes:
        return too_large("", limits)
    return Item(key, body, media_type=media_type(key))
