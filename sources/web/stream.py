"""One connection under measure: how fast it speaks, how long its head is, and how it ended.

Read and written by the HTTP parser, which knows framing but neither pace nor size. From the first byte on, every window
must bring its least rate, so that a dripping server ends long before the total limit. The end is remembered exactly:
TLS says goodbye when a body is whole, a cut line does not. Times are those of the event loop, because sockets live in
real time. This file opens nothing and does not close what it was given.
"""

import asyncio
import ssl
from typing import Any

from anyio import BrokenResourceError, EndOfStream
from anyio.abc import ByteStream

from sources.web.exchange import FetchLimits, Refusal

_READ_BYTES = 64 << 10


class MeasuredStream:
    """Bytes of one connection; raises Refusal (too_slow, header_flood, reset, tls_failed) while being read."""

    def __init__(self, stream: ByteStream, limits: FetchLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._least_bytes = limits.least_rate_bytes_s * limits.window_s
        self._window_started_s: float | None = None
        self._window_bytes = 0
        self._head_bytes = 0
        self.in_head = True
        """Set to False by the reader once the head is whole."""
        self.ended = False
        """The other side has ended the connection, in whatever way."""
        self.cut = False
        """It ended under TLS without saying so."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, b"" at the end. `timeout` is the parser's word; the limits stand in for it."""
        if self.in_head and self._head_bytes > self._limits.header_bytes:
            raise Refusal("header_flood", f"no end of the head after {self._head_bytes:,} bytes")
        try:
            async with asyncio.timeout_at(self._deadline_s()):
                data = await self._receive(max_bytes)
        except TimeoutError as exc:
            detail = f"{self._window_bytes} bytes in {self._limits.window_s} s, at least {self._least_bytes:g} are due"
            raise Refusal("too_slow", detail) from exc
        self._count(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        try:
            await self._stream.send(buffer)
        except (BrokenResourceError, OSError) as exc:
            raise Refusal("reset", "the connection broke while the request was sent") from exc

    async def aclose(self) -> None:
        """Do nothing: who opened the connection closes it."""

    def get_extra_info(self, info: str) -> Any:
        """Know nothing of the socket."""
        return None

    async def _receive(self, max_bytes: int) -> bytes:
        try:
            return await self._stream.receive(min(max_bytes, _READ_BYTES))
        except EndOfStream:
            self.ended = True
        except BrokenResourceError as exc:
            if not isinstance(exc.__cause__, ssl.SSLEOFError):
                raise Refusal("reset", "the connection was reset while the answer was read") from exc
            self.ended = self.cut = True
        except ssl.SSLError as exc:
            raise Refusal("tls_failed", f"broken TLS record: {exc.reason}") from exc
        return b""

    def _deadline_s(self) -> float | None:
        """Return when the least rate is missed: at the end of this window, or of the next when this one has enough."""
        if self._window_started_s is None:
            return None
        windows = 1 if self._window_bytes < self._least_bytes else 2
        return self._window_started_s + windows * self._limits.window_s

    def _count(self, received_bytes: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._window_started_s is None or now_s >= self._window_started_s + self._limits.window_s:
            self._window_started_s, self._window_bytes = now_s, 0
        self._window_bytes += received_bytes
        if self.in_head:
            self._head_bytes += received_bytes
