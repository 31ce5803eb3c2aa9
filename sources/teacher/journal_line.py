"""One line of a journal: JSON that starts with the CRC-32 of its own rest, so that a flipped bit is seen.

`{"crc":"89abcdef","kind":"answer",...}`. A line that is not exactly what was written is damaged; only a file's last
one may be torn, by a writer that was killed, when it has no line end. Not here: what the kinds mean (`journal`).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from pipelines.engine.errors import CorruptionError

_HEAD = b'{"crc":"'
_START = len(_HEAD) + 8 + len(b'",')


@dataclass(frozen=True, slots=True)
class Line:
    """A line's content and where its bytes lie in the file."""

    body: dict[str, Any]
    start: int
    end: int


def written(body: dict[str, Any]) -> bytes:
    """Return the line for a body with at least one field."""
    rest = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)[1:]
    return b'%s%08x",%s\n' % (_HEAD, zlib.crc32(rest), rest)


def read_line(data: bytes) -> dict[str, Any] | None:
    """Return the body of a line without its line end, None when it is damaged."""
    rest = data[_START:]
    if data[:_START] != b'%s%08x",' % (_HEAD, zlib.crc32(rest)):
        return None
    body: dict[str, Any] = orjson.loads(b"{" + rest)
    return body


def read_lines(data: bytes, where: str, offset: int = 0) -> Iterator[Line]:
    """Yield the lines of `data`, which lies at byte `offset` of its file; a torn last one is left out.

    Raises CorruptionError for a damaged one.
    """
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        if end < 0:
            _check_torn(data[begin:], where, offset + begin)
            return
        body = read_line(data[begin:end])
        if body is None:
            raise _damaged(where, offset + begin)
        yield Line(body, offset + begin, offset + end)
        begin = end + 1


def _check_torn(tail: bytes, where: str, begin: int) -> None:
    """Tell a torn line from a whole one whose line end was damaged."""
    if read_line(tail[:-1]) is not None:
        raise _damaged(where, begin)


def _damaged(where: str, begin: int) -> CorruptionError:
    return CorruptionError(
        f"{where}: the line at byte {begin} does not match its own CRC-32; restore the file from a copy, or move it "
        "away: what it holds will be asked for, and paid for, again"
    )
