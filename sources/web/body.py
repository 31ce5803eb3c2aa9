"""Content encodings (RFC 9110, 8.4) undone under limits that act while decompressing, never after.

Layers are generators that pull small pieces, each counted, so a bomb costs no more memory than its limit. A body
that ends inside its compression, fails its checksum, or goes on after its end is refused: a text cut in the middle
must not pass as a short one. gzip, deflate (with or without the zlib frame) and zstd are known; brotli is not, and is
never asked for.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import zstandard

from sources.web.exchange import FetchLimits, Refusal

ACCEPTED = "gzip, deflate"
"""What requests offer; zstd is read but not offered, because few readers of WARC files know it."""

_PIECE_BYTES = 64 << 10
"""Fed and taken at once; zlib copies what it has not yet read, so large pieces would be copied over and over."""
_MEMBERS = 10_000
"""Streams in a row; a bomb of empty ones would cost time instead of memory."""
_ZSTD_SLICE_BYTES = 512
"""Fed at once, because its decoder knows no limit of output: at worst 16 MiB come of it (4 bytes make 128 KiB)."""
_ZSTD_WINDOW_BYTES = 8 << 20
"""RFC 9659: what a decoder of web content has to support, and the most that it should."""


def decode(raw: bytes, encodings: Sequence[str], limits: FetchLimits) -> bytes:
    """Undo `encodings` (in the order in which they were applied) and return the body.

    Raises Refusal: bad_encoding, too_large_decoded, ratio. An empty body has no encoding, whatever its header says.
    """
    layers = [name for name in (one.strip().lower() for one in encodings) if name not in ("", "identity")]
    if not layers or not raw:
        return raw
    if len(layers) > limits.encodings:
        raise Refusal("bad_encoding", f"{len(layers)} encodings upon each other, at most {limits.encodings} are read")
    pieces: Iterator[bytes] = (raw[start : start + _PIECE_BYTES] for start in range(0, len(raw), _PIECE_BYTES))
    for name in reversed(layers):
        if name not in _LAYERS:
            raise Refusal("bad_encoding", f"unknown content encoding {name[:40]!r}")
        pieces = _counted(_LAYERS[name](pieces), len(raw), limits)
    return b"".join(pieces)


def _counted(pieces: Iterator[bytes], wire_bytes: int, limits: FetchLimits) -> Iterator[bytes]:
    decoded_bytes = 0
    for piece in pieces:
        decoded_bytes += len(piece)
        if decoded_bytes > limits.decoded_bytes:
            raise Refusal("too_large_decoded", f"more than {limits.decoded_bytes:,} bytes decoded")
        if decoded_bytes > max(limits.ratio_after_bytes, limits.ratio * wire_bytes):
            raise Refusal("ratio", f"more than {limits.ratio} times the {wire_bytes:,} bytes received")
        yield piece


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read one or more gzip members (RFC 1952)."""
    inflate, members = zlib.decompressobj(zlib.MAX_WBITS | 16), 1
    for piece in pieces:
        data = piece
        while data:
            if inflate.eof:
                inflate, members = zlib.decompressobj(zlib.MAX_WBITS | 16), _next(members, "gzip")
            yield from _inflated(inflate, data, "gzip")
            data = inflate.unused_data
    _whole(inflate.eof, "gzip")


def _deflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read a zlib stream (RFC 1950), or the bare deflate that some servers send under this name."""
    head = b""
    while len(head) < 2:
        piece = next(pieces, b"")
        if not piece:
            break
        head += piece
    framed = len(head) >= 2 and head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
    inflate = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    for piece in chain([head], pieces):
        _nothing_after(piece if inflate.eof else b"", "deflate")
        yield from _inflated(inflate, piece, "deflate")
        _nothing_after(inflate.unused_data, "deflate")
    _whole(inflate.eof, "deflate")


def _inflated(inflate: "zlib._Decompress", data: bytes, name: str) -> Iterator[bytes]:
    """Yield what `data` becomes; zlib may owe more output when its input is used up."""
    decoded = bytes(_PIECE_BYTES)
    while not inflate.eof and (data or len(decoded) == _PIECE_BYTES):
        try:
            decoded = inflate.decompress(data, _PIECE_BYTES)
        except zlib.error as exc:
            raise Refusal("bad_encoding", f"broken {name}: {exc}") from exc
        yield decoded
        data = inflate.unconsumed_tail


def _zstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read one or more zstd frames (RFC 8878)."""
    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    frame, frames = decoder.decompressobj(), 1
    for piece in pieces:
        for start in range(0, len(piece), _ZSTD_SLICE_BYTES):
            data = piece[start : start + _ZSTD_SLICE_BYTES]
            while data:
                if frame.eof:
                    frame, frames = decoder.decompressobj(), _next(frames, "zstd")
                try:
                    yield frame.decompress(data)
                except zstandard.ZstdError as exc:
                    raise Refusal("bad_encoding", f"broken zstd: {exc}") from exc
                data = frame.unused_data if frame.eof else b""
    _whole(frame.eof, "zstd")


def _next(members: int, name: str) -> int:
    if members >= _MEMBERS:
        raise Refusal("bad_encoding", f"more than {_MEMBERS:,} {name} streams in a row")
    return members + 1


def _whole(ended: bool, name: str) -> None:
    if not ended:
        raise Refusal("bad_encoding", f"the body ends inside its {name} stream")


def _nothing_after(rest: bytes, name: str) -> None:
    if rest:
        raise Refusal("bad_encoding", f"{len(rest)} bytes or more after the end of the {name} stream")


_LAYERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
