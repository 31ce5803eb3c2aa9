"""Undo the transfer and content encoding of a recorded HTTP body (RFC 9112 7.1, RFC 9110 8.4).

A body that ends before its encoding does was cut short on the wire: it is refused, never shortened. Crawlers
that store decoded bytes often keep the old header, so an encoding whose magic is absent counts as undone.
Brotli is refused: no decoder is among the dependencies, and well-behaved crawlers do not ask for it.
"""

import io
import re
import zlib

from sources.archive_item import Limits
from sources.archive_stream import GZIP_MAGIC, Stream
from sources.parse.part import Unreadable

_CHUNK_HEAD = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_DECODED = ("", "identity", "none", "utf-8")


def decoded(body: bytes, transfer: str, content: str, max_bytes: int) -> bytes:
    """Return the bytes of the page, given its Transfer-Encoding and Content-Encoding headers.

    Raises Unreadable: `corrupt_record` (cut or broken), `too_large`, `unsupported_content_encoding`.
    """
    if "chunked" in transfer.lower() and _CHUNK_HEAD.match(body):
        body = _dechunked(body)
    content = content.strip().lower()
    if content in ("gzip", "x-gzip"):
        body = _gunzipped(body, max_bytes) if body.startswith(GZIP_MAGIC) else body
    elif content == "deflate":
        body = _inflated(body, max_bytes)
    elif content not in _DECODED and not body.lstrip().startswith(b"<"):
        raise Unreadable("unsupported_content_encoding", content[:40])
    if len(body) > max_bytes:
        raise Unreadable("too_large", f"more than {max_bytes} bytes")
    return body


def _dechunked(body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while match := _CHUNK_HEAD.match(body, at):
        size = int(match.group(1), 16)
        if size == 0:
            return b"".join(pieces)
        piece = body[match.end() : match.end() + size]
        if len(piece) < size:
            break
        pieces.append(piece)
        at = match.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else 1
    raise Unreadable("corrupt_record", f"chunks end early at byte {at} of {len(body)}")


def _gunzipped(body: bytes, max_bytes: int) -> bytes:
    stream = Stream(io.BytesIO(body), Limits())
    made = stream.read(max_bytes + 1)
    if stream.damage:
        raise Unreadable("corrupt_record", f"content encoding: {stream.damage.detail}")
    return made


def _inflated(body: bytes, max_bytes: int) -> bytes:
    """Inflate a zlib or (as some servers send it) raw deflate body; bytes that are neither were decoded before."""
    for wbits in (15, -15):
        inflater = zlib.decompressobj(wbits)
        try:
            made = inflater.decompress(body, max_bytes + 1)
        except zlib.error:
            continue
        if len(made) <= max_bytes and not inflater.eof:
            raise Unreadable("corrupt_record", "content encoding: deflate ends early")
        return made
    return body
