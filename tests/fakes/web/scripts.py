"""What servers of the fixture web do: the well-behaved answers, and one function for each way to behave badly.

Every function returns a handler. Bodies are bytes the caller made; compressed bombs are built here, small on the wire.
"""

import gzip
import zlib
from collections.abc import Sequence
from http import HTTPStatus
from itertools import repeat

import zstandard
from fakes.web.conversation import Conversation, Handler

Headers = Sequence[tuple[str, str]]


def head(status: int, headers: Headers) -> bytes:
    """Return a response head."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{fields}Connection: close\r\n\r\n".encode("latin-1")


def answer(body: bytes, *, status: int = 200, headers: Headers = ()) -> Handler:
    """Send one right response."""
    return raw(head(status, [*headers, ("Content-Length", str(len(body)))]) + body)


def page(body: bytes, headers: Headers = ()) -> Handler:
    """Send a page, or 304 when the client has the one whose ETag is among `headers`."""
    etag = {name.lower(): value for name, value in headers}.get("etag")

    def speak(conversation: Conversation) -> None:
        if etag is not None and conversation.request.headers.get("if-none-match") == etag:
            conversation.send(head(304, headers))
            return
        answer(body, headers=headers)(conversation)

    return speak


def redirect(location: str, status: int = 302) -> Handler:
    """Point elsewhere."""
    return answer(b"", status=status, headers=[("Location", location)])


def in_turn(*handlers: Handler) -> Handler:
    """Let each request get the next handler; the last one stays."""
    left = list(handlers)
    return lambda conversation: (left.pop(0) if len(left) > 1 else left[0])(conversation)


def raw(data: bytes) -> Handler:
    """Send these bytes and close in order."""
    return lambda conversation: conversation.send(data)


def chunked(*chunks: bytes, headers: Headers = (), end: bytes = b"0\r\n\r\n") -> Handler:
    """Send a chunked body; another `end` breaks it."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return raw(head(200, [*headers, ("Transfer-Encoding", "chunked")]) + body + end)


def until_close(body: bytes, *, cut: bool = False, headers: Headers = ()) -> Handler:
    """Send a body without length; with `cut`, the connection ends without TLS's closing words."""

    def speak(conversation: Conversation) -> None:
        conversation.send(head(200, headers) + body)
        if cut:
            conversation.cut()

    return speak


def wrong_length(body: bytes, claimed_bytes: int) -> Handler:
    """Claim another length than is sent."""
    return raw(head(200, [("Content-Length", str(claimed_bytes))]) + body)


def drip(body: bytes, *, every_s: float, headers: Headers = ()) -> Handler:
    """Send the right response one byte at a time."""

    def speak(conversation: Conversation) -> None:
        conversation.send(head(200, [*headers, ("Content-Length", str(len(body)))]))
        for byte in body:
            conversation.wait(every_s)
            conversation.send(bytes([byte]))

    return speak


def drip_head(*, every_s: float) -> Handler:
    """Send a head that never ends, one byte at a time."""

    def speak(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for byte in repeat(b"a"):
            conversation.wait(every_s)
            conversation.send(byte)

    return speak


def silence(seconds: float = 60) -> Handler:
    """Read the request and say nothing."""
    return lambda conversation: conversation.wait(seconds)


def stall(body: bytes, sent_bytes: int, seconds: float = 60) -> Handler:
    """Send the head and `sent_bytes` of the body, then nothing, with the connection open."""

    def speak(conversation: Conversation) -> None:
        conversation.send(head(200, [("Content-Length", str(len(body)))]) + body[:sent_bytes])
        conversation.wait(seconds)

    return speak


def endless(piece: bytes = b"<p>more</p>" * 1000, headers: Headers = ()) -> Handler:
    """Send a chunked body that never ends, as fast as it is read."""

    def speak(conversation: Conversation) -> None:
        conversation.send(head(200, [*headers, ("Transfer-Encoding", "chunked")]))
        for one in repeat(b"%x\r\n%b\r\n" % (len(piece), piece)):
            conversation.send(one)

    return speak


def reset(*, after: bytes = b"") -> Handler:
    """Send `after`, then a TCP reset."""

    def speak(conversation: Conversation) -> None:
        conversation.send(after)
        conversation.reset()

    return speak


def header_flood(count: int, value_bytes: int = 10) -> Handler:
    """Send a right response under `count` header fields."""
    return answer(b"ok", headers=[(f"X-Flood-{i}", "a" * value_bytes) for i in range(count)])


def interim_flood() -> Handler:
    """Send informational responses without end."""

    def speak(conversation: Conversation) -> None:
        for one in repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 100):
            conversation.send(one)

    return speak


def compressed(body: bytes, *encodings: str, cut_bytes: int = 0) -> Handler:
    """Send `body` under content encodings, applied in order; `cut_bytes` are missing at the end."""
    for encoding in encodings:
        body = encode(body, encoding)
    kept = body[: len(body) - cut_bytes]
    return answer(kept, headers=[("Content-Encoding", ", ".join(encodings))])


def encode(body: bytes, encoding: str) -> bytes:
    """Return `body` under one content encoding; unknown ones leave it as it is."""
    if encoding in ("gzip", "x-gzip"):
        return gzip.compress(body, mtime=0)
    if encoding == "deflate":
        return zlib.compress(body)
    if encoding == "zstd":
        return zstandard.ZstdCompressor().compress(body)
    return body


def bomb(decoded_bytes: int, *encodings: str) -> Handler:
    """Send zeros that swell to `decoded_bytes`."""
    return compressed(bytes(decoded_bytes), *encodings)
