"""The only file that opens sockets to a model: connections to one address, and one exchange on one of them.

A connection carries one call at a time, and the one that came free last is used next. They are httpcore2's own, without
its pool, which looks at all connections for every request (at 64 of them more CPU than all the rest), and without
httpx2 above it, which would add only what must not happen here: redirects, cookies, proxies from the environment. The
key is read from the environment, and goes into one header and nowhere else. Not here: what replies mean (`reply`),
trying again (`call`).
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterable
from typing import cast

import httpcore2

from pipelines.engine.errors import TeacherError
from sources.teacher.reply import Failed, HttpReply

_LARGEST_REPLY_BYTES = 32 << 20
_CONNECT_S = 30.0
_LOOK_S = 5.0
logging.getLogger("httpcore2").setLevel(logging.INFO)
"""At DEBUG it writes the headers of replies, in which a server may repeat our key."""


class Lines:
    """Connections to one address."""

    def __init__(self, url: str, key_env: str | None, timeout_s: float) -> None:
        """Raise TeacherError when there is no key in the variable `key_env`."""
        secret = _secret(key_env)
        self._url, self._timeout_s = httpcore2.URL(url), timeout_s
        self._headers = [("Host", url.split("/")[2]), ("Content-Type", "application/json")]
        self._headers += [("Accept", "application/json"), ("User-Agent", "medmix")]
        self._headers += [("Authorization", f"Bearer {secret}")] if secret else []
        self._tls = httpcore2.default_ssl_context() if self._url.scheme == b"https" else None
        self._free: list[httpcore2.AsyncHTTPConnection] = []

    async def close(self) -> None:
        """Close all connections."""
        while self._free:
            await self._free.pop().aclose()

    async def post(self, body: bytes, key: str) -> HttpReply | Failed:
        """Send a JSON body once, named by `key`; whatever the network does is an outcome."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(body, key)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            return Failed(f"no connection ({type(error).__name__})", paid=False)
        except (TimeoutError, httpcore2.TimeoutException):
            return Failed(f"no whole answer in {self._timeout_s:g} s", paid=True)
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:  # its text may quote what was sent
            return Failed(f"the connection broke ({type(error).__name__})", paid=True)

    async def _post(self, body: bytes, key: str) -> HttpReply:
        headers = [*self._headers, ("Content-Length", str(len(body))), ("Idempotency-Key", key)]
        timeout = {"connect": min(_CONNECT_S, self._timeout_s / 2)}
        request = httpcore2.Request("POST", self._url, headers=headers, content=body, extensions={"timeout": timeout})
        line = await self._line()
        is_whole = False
        try:
            reply = await line.handle_async_request(request)
            received = bytearray()
            async for piece in cast(AsyncIterable[bytes], reply.stream):
                received += piece
                if len(received) > _LARGEST_REPLY_BYTES:
                    raise httpcore2.RemoteProtocolError("too large")
            await reply.aclose()
            is_whole = True
        finally:
            if is_whole:
                self._free.append(line)
            else:
                await line.aclose()
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers}
        return HttpReply(reply.status, named, bytes(received))

    async def _line(self) -> httpcore2.AsyncHTTPConnection:
        """Return a connection that the server has not closed meanwhile, or a new one."""
        while self._free:
            line = self._free.pop()
            if line.is_idle() and not line.has_expired():
                return line
            await line.aclose()
        return httpcore2.AsyncHTTPConnection(self._url.origin, ssl_context=self._tls)


def is_up(url: str) -> bool:
    """Say whether a server lists its models, which it does once they are loaded."""
    timeout = dict.fromkeys(("connect", "read", "write"), _LOOK_S)
    try:
        return httpcore2.request("GET", f"{url}/models", extensions={"timeout": timeout}).status == 200
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
        return False


def _secret(name: str | None) -> str:
    if name is None:
        return ""
    secret = os.environ.get(name, "").strip()
    if not secret:
        raise TeacherError(f"the environment variable {name} (`teacher.key_env`) is not set; set it to your API key")
    return secret
