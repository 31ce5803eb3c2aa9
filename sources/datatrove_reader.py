"""Read documents with any reader of datatrove, named by its class, and lose none of them in silence.

datatrove's readers skip lines that they cannot parse and documents without text, and say so in a log that nobody
counts. Here each of these is a fault. A reader sees one item at a time, in memory, so it opens no file and no
socket. Not here: datatrove's file listing and sharding, which would depend on the number of tasks.
"""

import inspect
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from datatrove.data import Document as DatatroveDocument
from datatrove.pipeline import readers
from datatrove.pipeline.readers.base import BaseDiskReader
from datatrove.utils.logging import logger
from fsspec.implementations.memory import MemoryFileSystem

from sources.parse.part import Fault, Part, Unreadable

_ITEM = "item"
_FIELDS = ("title", "language", "published", "url", "version")


def reader_names() -> list[str]:
    """Return the class names of datatrove's readers of files."""
    return sorted(n for n, c in vars(readers).items() if inspect.isclass(c) and issubclass(c, BaseDiskReader))


def read_datatrove(body: bytes, name: str, block: str, args: dict[str, Any]) -> Iterator[DatatroveDocument | Fault]:
    """Yield what the reader `block` finds in `body` (a file called `name`), and a fault for each thing it skips.

    Raises ValueError for an unknown reader or argument, and ImportError when the reader needs a missing package.
    """
    if block not in reader_names():
        near = get_close_matches(block, reader_names(), 3, 0.4) or reader_names()
        raise ValueError(f"no datatrove reader of files is called {block!r}; nearest: {', '.join(near)}")
    warnings: list[str] = []
    files = MemoryFileSystem()
    folder = f"/medmix-{id(body)}"
    path = f"{folder}/{_ITEM}{PurePosixPath(name).suffix}"
    files.pipe_file(path, body)
    sink = logger.add(lambda message: warnings.append(message.record["message"]), level="WARNING")
    try:
        yield from _read(getattr(readers, block), (folder, files), args, warnings)
    finally:
        logger.remove(sink)
        files.rm(path)


def _read(
    kind: type[BaseDiskReader], folder: tuple[str, MemoryFileSystem], args: dict[str, Any], warnings: list[str]
) -> Iterator[DatatroveDocument | Fault]:
    try:
        reader = kind(folder, **{"add_file_path": False, **args})
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error
    convert, seen = reader.get_document_from_dict, {"rows": 0, "empty": 0}

    def counted(data: dict[str, Any], source_file: str, place: int | str) -> DatatroveDocument | None:
        document = convert(data, source_file, place)
        seen["rows"] += 1
        seen["empty"] += document is None
        return document

    reader.get_document_from_dict = counted
    yield from reader.run()
    for number in range(seen["empty"]):
        yield Fault(reason="no_text", name=f"empty-{number}")
    skipped = [text for text in warnings if not text.startswith("Found document without text")]
    for number, text in enumerate(skipped):
        yield Fault(reason="reader_warning", detail=text[:200], name=f"skipped-{number}")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Parse an item with `options["reader"]` and its `options["args"]`: the parser `datatrove` of the catalogue.

    Title, language, date, url and version come from the reader's metadata when they are strings; the rest is kept
    under `extra`. Raises Unreadable when the reader cannot open the item.
    """
    try:
        for found in read_datatrove(body, key, options["reader"], options.get("args", {})):
            yield found if isinstance(found, Fault) else _part(found)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise Unreadable("reader_failed", f"{options.get('reader')}: {type(error).__name__}") from error


def _part(document: DatatroveDocument) -> Part:
    metadata = dict(document.metadata)
    known = {name: metadata.pop(name) for name in _FIELDS if isinstance(metadata.get(name), str)}
    own = re.fullmatch(rf"{_ITEM}[^/]*/(\d+)", document.id)
    name = own[1] if own else document.id
    return Part(text=document.text, name=name, extra={"datatrove": metadata} if metadata else {}, **known)
