"""Cut JSON lines into blocks of whole lines, without looking inside the lines.

A block is one item, so a file of any size passes through a sandbox in bounded memory; its key tells where it
begins (`!B<byte>` of the unpacked file), and the parser places rows from that: a row is `#B<byte>` however the file
is cut. A block of nothing but white space is no item. A last line without a newline is whole at a healthy end, and
given up after damage. Not here: JSON.
"""

from collections.abc import Iterator
from pathlib import Path

from sources.archive_item import Item, Limits
from sources.archive_member import too_large
from sources.archive_stream import Stream
from sources.parse.part import Fault

MEDIA_TYPE = "application/jsonl"


def read_blocks(stream: Stream, limits: Limits) -> Iterator[Item | Fault]:
    """Yield blocks of whole lines, each closed at the first line end after `limits.block_bytes`; key `B<byte>`."""
    while True:
        at = stream.offset
        block, lost = _read_block(stream, limits.block_bytes, limits)
        if block and not block.isspace():
            yield Item(f"B{at}", block, media_type=MEDIA_TYPE)
        if stream.damage:
            yield Fault(reason=stream.damage.reason, detail=stream.damage.detail, name=f"#B{at + len(block)}")
            return
        if lost:
            yield too_large(f"#B{at + len(block)}", limits)
        elif not block:
            return


def iter_range(
    path: Path, start_byte: int, end_byte: int, key: str = "", limits: Limits | None = None
) -> Iterator[Item | Fault]:
    """Yield the lines of a plain JSONL file that begin in [start_byte, end_byte), in blocks keyed `key!B<byte>`.

    Ranges that touch give every line exactly once, wherever they are cut. Raises OSError when `path` cannot be read.
    """
    limits = limits or Limits()
    with path.open("rb") as raw:
        seen_from = max(0, start_byte - 1)  # a byte early, to see whether the range begins with a line
        raw.seek(seen_from)
        stream = Stream(raw, limits, packed=False)
        if start_byte > 0:
            _skip_line(stream)
        while (at := seen_from + stream.offset) < end_byte:
            block, lost = _read_block(stream, min(limits.block_bytes, end_byte - at), limits)
            if block and not block.isspace():
                yield Item(f"{key or path.name}!B{at}", block, media_type=MEDIA_TYPE)
            if lost:
                yield too_large(f"#B{at + len(block)}", limits)
            elif not block:
                return


def _read_block(stream: Stream, size: int, limits: Limits) -> tuple[bytes, bool]:
    """Return about `size` bytes of whole lines, and whether a line too long to keep was passed over after them."""
    block = stream.read(size)
    if block and not block.endswith(b"\n"):
        begin = block.rfind(b"\n") + 1
        rest = stream.readline(limits.max_item_bytes)
        if stream.damage:
            return block[:begin], False
        if len(block) - begin + len(rest) > limits.max_item_bytes or len(rest) == limits.max_item_bytes:
            if not rest.endswith(b"\n"):
                _skip_line(stream)
            return block[:begin], True
        block += rest
    elif stream.damage:
        block = block[: block.rfind(b"\n") + 1]
    return block, False


def _skip_line(stream: Stream) -> None:
    while (piece := stream.readline(1 << 20)) and not piece.endswith(b"\n"):
        pass
