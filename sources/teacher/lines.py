"""The only file that opens sockets to a model: connections to one address, and one exchange on one of them.

aiohttp, whose parser is C, and which is installed with `datasets` anyway: a call costs 0.4 of the CPU that it does with
httpcore2, which httpx2 stands on. All that may not happen here is switched off: redirects, cookies, proxies from the
environment, headers of its own. It never sends a POST twice. The key is read from the environment, and goes into one
header and nowhere else. Not here: what replies mean (`reply`), trying again (`call`).
"""

import os

import aiohttp
import httpcore2

from pipelines.engine.errors import TeacherError
from sources.teacher.reply import Failed, HttpReply

_LARGEST_REPLY_BYTES = 32 << 20
_CONNECT_S = 30.0
_LOOK_S = 5.0


class Lines:
    """Connections to one address, of which each carries one call at a time; for one event loop."""

    def __init__(self, url: str, key_env: str | None, timeout_s: float) -> None:
        """Raise TeacherError when there is no key in the variable `key_env`."""
        secret = _secret(key_env)
        self._url, self._timeout_s = url, timeout_s
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "medmix"}
        self._headers |= {"Authorization": f"Bearer {secret}"} if secret else {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, body: bytes, key: str) -> HttpReply | Failed:
        """Send a JSON body once, named by `key`; whatever the network does is an outcome."""
        try:
            return await self._post(body, key)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Failed(f"no connection ({type(error).__name__})", paid=False)
        except TimeoutError:
            return Failed(f"no whole answer in {self._timeout_s:g} s", paid=True)
        except (aiohttp.ClientError, OSError) as error:  # its text may quote what was sent
            return Failed(f"the connection broke ({type(error).__name__})", paid=True)

    async def _post(self, body: bytes, key: str) -> HttpReply:
        if self._session is None:
            self._session = self._opened()
        sent = self._session.post(self._url, data=body, headers={"Idempotency-Key": key}, allow_redirects=False)
        async with sent as reply:
            received = bytearray()
            async for piece in reply.content.iter_any():
                received += piece
                if len(received) > _LARGEST_REPLY_BYTES:
                    raise aiohttp.ClientPayloadError("too large")
            return HttpReply(reply.status, reply.headers, bytes(received))

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=min(_CONNECT_S, self._timeout_s / 2)),
            headers=self._headers,
            skip_auto_headers=("Accept-Encoding",),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )


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
