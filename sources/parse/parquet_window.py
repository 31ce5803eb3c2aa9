"""A window on a Parquet file: one row group and the footer, as they stand in the file, in one item of their own.

A Parquet file of gigabytes can then pass a sandbox, or be fetched, a row group at a time, and nothing is decoded on the
way: the bytes are those of the file. Layout: the group's bytes, the footer's bytes, a JSON header that tells where
both belong, its length (8 bytes, little-endian) and a mark. Not here: which groups there are (`parquet_groups`).
"""

import io
import json
from dataclasses import asdict, dataclass
from typing import Any

MARK = b"MEDMIXW1"
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Where the pieces belong: group `group` of a file of `size_bytes`, whose rows count from `first_row` (from 1)."""

    group: int
    first_row: int
    rows: int
    start_byte: int
    end_byte: int
    footer_byte: int
    size_bytes: int


def is_window(body: bytes) -> bool:
    """Say whether an item is a window rather than a whole file, which ends with another mark."""
    return body.endswith(MARK)


def pack(window: Window, group: bytes, footer: bytes) -> bytes:
    """Return the item of a window. Raises ValueError when the pieces are not as long as it says."""
    sizes = (window.end_byte - window.start_byte, window.size_bytes - window.footer_byte)
    if sizes != (len(group), len(footer)):
        raise ValueError(f"the window is of {sizes} bytes, but {(len(group), len(footer))} were given")
    header = json.dumps(asdict(window), sort_keys=True).encode()
    return b"".join((group, footer, header, len(header).to_bytes(_LENGTH_BYTES, "little"), MARK))


def unpack(body: bytes) -> tuple[Window, "Sparse"]:
    """Return a window and the file that is seen through it. Raises ValueError when the item is damaged."""
    end = len(body) - len(MARK) - _LENGTH_BYTES
    length = int.from_bytes(body[end : end + _LENGTH_BYTES], "little")
    try:
        window = Window(**json.loads(body[max(0, end - length) : end]))
        split = window.end_byte - window.start_byte
        whole = split + window.size_bytes - window.footer_byte + length
    except (TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"no window: {error}") from error
    if whole != end:
        raise ValueError("the pieces of the window are not as long as it says")
    view = memoryview(body)
    pieces = [(window.start_byte, view[:split]), (window.footer_byte, view[split : end - length])]
    return window, Sparse(window.size_bytes, pieces)


class Sparse(io.RawIOBase):
    """A file of which only some pieces are there; the rest reads as zeros, as in a file with holes."""

    def __init__(self, size_bytes: int, pieces: list[tuple[int, memoryview]]) -> None:
        super().__init__()
        self._size = size_bytes
        self._pieces = pieces
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that one may go anywhere in it."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position and return it."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from here on; return how many bytes there were."""
        target = memoryview(buffer).cast("B")
        length = max(0, min(len(target), self._size - self._at))
        target[:length] = bytes(length)
        for start, piece in self._pieces:
            low, high = max(start, self._at), min(start + len(piece), self._at + length)
            if low < high:
                target[low - self._at : high - self._at] = piece[low - start : high - start]
        self._at += length
        return length
