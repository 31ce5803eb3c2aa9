"""Judge one member of a tar or zip: its name, its kind, and a compression of its own.

Members are never written to disk, so a hostile name cannot leave a folder; it is refused all the same, because
keys are shown, joined to paths and copied by whoever comes after. One container is opened, not the containers
in it (no quines); a member that is merely compressed (`page.html.gz`) is decompressed under the same limits.
"""

import io
import re
from pathlib import PurePosixPath

from sources.archive_item import Item, Limits
from sources.archive_stream import Stream, is_packed_name
from sources.parse.part import Fault

MEDIA_TYPES = {
    ".xml": "application/xml",
    ".nxml": "application/xml",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_ARCHIVE = re.compile(r"\.(tar(\.\w+)?|tgz|tbz2?|txz|tzst|zip|7z|rar|warc(\.gz|\.zst)?)$", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_NAME_CHARACTERS = 4096


def media_type(name: str) -> str | None:
    """Return the media type that a file name stands for, a compression suffix put aside; None when unknown."""
    path = PurePosixPath(name.lower())
    if path.suffix in (".gz", ".zst"):
        path = path.with_suffix("")
    return MEDIA_TYPES.get(path.suffix)


def is_archive_name(name: str) -> bool:
    """Tell whether a file name is that of a container with members."""
    return _ARCHIVE.search(name) is not None


def is_unsafe_name(name: str) -> bool:
    """Tell whether a member name is absolute, climbs out of its folder, or holds control characters."""
    path = name.replace("\\", "/")
    return (
        not path.strip("./")
        or len(path) > _MAX_NAME_CHARACTERS
        or path.startswith("/")
        or re.match(r"[A-Za-z]:", path) is not None
        or ".." in path.split("/")
        or _CONTROL.search(path) is not None
    )


def printable(name: str) -> str:
    """Return a name that is safe to show and to encode: control characters and lone surrogates escaped."""
    kept = name[:_MAX_NAME_CHARACTERS].encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", kept)


def member_item(name: str, body: bytes, limits: Limits) -> Item | Fault:
    """Return the item for a member whose bytes were read whole, or the fault that keeps it out."""
    if is_archive_name(name):
        return Fault(reason="nested_archive", detail="containers within containers are not opened", name=name)
    if is_packed_name(name):
        stream = Stream(io.BytesIO(body), limits)
        body = stream.read(limits.max_item_bytes + 1)
        if stream.damage:
            return Fault(reason=stream.damage.reason, detail=stream.damage.detail, name=name)
        if len(body) > limits.max_item_bytes:
            return too_large(name, limits)
    return Item(name, body, media_type=media_type(name))


def too_large(name: str, limits: Limits) -> Fault:
    """Return the fault for a member above the size limit."""
    return Fault(reason="too_large", detail=f"more than {limits.max_item_bytes} bytes", name=name)
