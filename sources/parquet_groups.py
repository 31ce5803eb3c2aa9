"""The row groups of a Parquet file, told by its footer, and windows on them, wherever the file lies.

Whoever has the file gives a function that reads a range of its bytes: a disk, or the hub. A footer that cannot be read
is no error here: the file is then read as a whole, and its parser says what is wrong with it. Page indexes and Bloom
filters lie outside the groups and are not needed to read rows. Not here: the format of a window (`sources.parse`).
"""

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sources.archive_item import Item, Limits
from sources.archive_member import too_large
from sources.parse.parquet_window import Window, pack
from sources.parse.part import Fault

ReadAt = Callable[[int, int], bytes]
"""Returns the bytes [start, end) of a file."""
MEDIA_TYPE = "application/vnd.apache.parquet"
STORED = ".window"
"""Suffix of a file that holds one window."""
_MAGIC = b"PAR1"
_TAIL_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Footer:
    """The row groups of a file in order, the bytes of each column of text in them (decompressed), its own bytes."""

    windows: tuple[Window, ...]
    text_bytes: tuple[Mapping[str, int], ...]
    data: bytes

    def size_of(self, group: int, columns: Collection[str]) -> int:
        """Return the bytes of text in some columns of a group, by their first names; in all when none is there."""
        sizes = self.text_bytes[group]
        return sum(sizes[name] for name in columns if name in sizes) or sum(sizes.values())


def read_footer(read_at: ReadAt, size_bytes: int) -> Footer | None:
    """Return the footer of a Parquet file, None when it has none that can be read."""
    tail = read_at(max(0, size_bytes - _TAIL_BYTES), size_bytes)
    if len(tail) < 12 or not tail.endswith(_MAGIC):
        return None
    start = size_bytes - 8 - int.from_bytes(tail[-8:-4], "little")
    if start < len(_MAGIC):
        return None
    held = size_bytes - len(tail)
    data = tail[start - held :] if start >= held else read_at(start, held) + tail
    try:
        metadata = pq.read_metadata(io.BytesIO(_MAGIC + data))
    except (pa.ArrowException, OSError, ValueError):
        return None
    windows, text_bytes, row = [], [], 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(at) for at in range(group.num_columns)]
        low = min((_start(column) for column in columns), default=0)
        high = max((_start(column) + column.total_compressed_size for column in columns), default=0)
        if not 0 <= low <= high <= start:
            return None
        windows.append(Window(number, row, group.num_rows, low, high, start, size_bytes))
        sizes: Counter[str] = Counter()
        for column in columns:
            if column.physical_type == "BYTE_ARRAY":
                sizes[column.path_in_schema.partition(".")[0]] += column.total_uncompressed_size
        text_bytes.append(sizes)
        row += group.num_rows
    return Footer(tuple(windows), tuple(text_bytes), data)


def _start(column: Any) -> int:
    """Return the byte at which a column's pages begin: those of its dictionary come first."""
    offsets = (column.dictionary_page_offset, column.data_page_offset)
    return min(int(offset) for offset in offsets if offset)


def file_reader(path: Path) -> ReadAt:
    """Return what reads ranges of a file on disk."""

    def read_at(start: int, end: int) -> bytes:
        with path.open("rb") as raw:
            raw.seek(start)
            return raw.read(end - start)

    return read_at


def key_of(file: str, window: Window) -> str:
    """Return the key of a window's item: that of its file, and the number of its first row."""
    return f"{file}!R{window.first_row}"


def iter_windows(path: Path, first: int, stop: int, key: str, limits: Limits) -> Iterator[Item | Fault]:
    """Yield the row groups [first, stop) of a file as items. Raises OSError when `path` cannot be read."""
    read_at = file_reader(path)
    footer = read_footer(read_at, path.stat().st_size)
    if footer is None:
        raise OSError(0, "its footer has changed")
    for window in footer.windows[first:stop]:
        name = key_of(key, window)
        if window.end_byte - window.start_byte > limits.max_item_bytes:
            yield too_large(name, limits)
            continue
        body = pack(window, read_at(window.start_byte, window.end_byte), footer.data)
        yield Item(name, body, media_type=MEDIA_TYPE)


def stored_window(path: Path, key: str, limits: Limits) -> Item | Fault:
    """Return the item of a window that lies in a file of its own."""
    if path.stat().st_size > limits.max_item_bytes:
        return too_large(key, limits)
    return Item(key, path.read_bytes(), media_type=MEDIA_TYPE)


def groups_by_bytes(path: Path, size_bytes: int, shard_bytes: int) -> list[tuple[int, int]]:
    """Return ranges of row groups of about `shard_bytes` each, none when the footer cannot be read."""
    footer = read_footer(file_reader(path), size_bytes)
    ranges: list[tuple[int, int]] = []
    first = size = 0
    for number, window in enumerate(footer.windows if footer else ()):
        length = window.end_byte - window.start_byte
        if number > first and size + length > shard_bytes:
            ranges.append((first, number))
            first, size = number, 0
        size += length
    if footer and footer.windows:
        ranges.append((first, len(footer.windows)))
    return ranges
