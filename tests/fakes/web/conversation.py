"""One accepted connection of the fixture web, as a handler sees it: the request, and calls that send, wait or break.

A handler is a function of a `Conversation`; it writes raw bytes, so that it can misbehave in any way. It runs in its
own thread. When the web stops, `wait` and `send` raise `OSError`, which ends the thread.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD_BYTES = 64 << 10


@dataclass
class Request:
    """What was asked for, and when (in the time of the web's `now`)."""

    started: float
    scheme: str
    sni: str | None
    method: str
    path: str
    """Path with query."""
    host: str
    headers: dict[str, str]
    """Names in lower case."""
    ended: float | None = field(default=None, compare=False)


class Conversation:
    """A connection whose request has been read; leaving the handler closes it in order."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.request: Request

    def read_request(self, now: Callable[[], float]) -> Request | None:
        """Read one request head (GET has no body); None when the client left before it was whole."""
        head, started = b"", now()
        while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES:
            data = self._connection.recv(8192)
            if not data:
                return None
            head += data
        line, *fields = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        secure = isinstance(self._connection, ssl.SSLSocket)
        sni = getattr(self._connection, "sni", None)
        self.request = Request(
            started, "https" if secure else "http", sni, method, path, headers.get("host", ""), headers
        )
        return self.request

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self._connection.sendall(data)

    def wait(self, seconds: float) -> None:
        """Let real time pass; raises OSError as soon as the web stops."""
        if self._stopping.wait(seconds):
            raise OSError("the fixture web stops")

    def reset(self) -> None:
        """End with a TCP reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def cut(self) -> None:
        """End the TCP connection without the closing words of TLS, as an attacker or a dying proxy would."""
        plain = socket.socket(fileno=self._connection.detach())
        plain.shutdown(socket.SHUT_WR)
        plain.close()

    def close(self) -> None:
        """End in order: with close_notify when it is TLS."""
        if self._connection.fileno() < 0:
            return
        if isinstance(self._connection, ssl.SSLSocket):
            self._connection.settimeout(2)
            with contextlib.suppress(OSError, ValueError):
                self._connection.unwrap()
        self._connection.close()


Handler = Callable[[Conversation], None]
