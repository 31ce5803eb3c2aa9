"""The only file that opens sockets to the web: one request to one checked address, one whole answer or one reason.

Each exchange has its own connection, because the pace of a crawl (seconds between requests) leaves nothing worth
keeping open, and kept connections need retries. httpcore2 speaks HTTP/1.1 on it; httpx2 above it would add only what
must not happen here: redirects, cookies, proxies from the environment, decoding without limits, a second URL parser.
No allowlist, robots rules, pace or redirects (`sources.web.visit`).
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterable, Mapping
from contextlib import aclosing
from ipaddress import ip_address
from typing import Any, cast

import anyio
import httpcore2
from anyio.abc import ByteStream

from sources.web.body import ACCEPTED, decode
from sources.web.clock import Clock
from sources.web.dial import Connect, Dialer, verifying
from sources.web.exchange import FETCH_REASONS, FetchLimits, Refusal, Refused, Response
from sources.web.resolve import Resolver
from sources.web.stream import MeasuredStream
from sources.web.url import Url

__all__ = ["FETCH_REASONS", "Connect", "FetchLimits", "Fetcher", "Refusal", "Refused", "Response", "tcp"]

_OWN_HEADERS = frozenset(
    {"accept-encoding", "authorization", "connection", "content-length", "cookie", "expect", "host"}
    | {"proxy-authorization", "te", "transfer-encoding", "upgrade", "user-agent"}
)
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_WITHOUT_BODY = (204, 304)
_LONGEST_DETAIL = 200
_NO_HEADERS: Mapping[str, str] = {}


async def tcp(address: str, port: int) -> ByteStream:
    """Open a TCP connection to an address (never a name); raises OSError."""
    return await anyio.connect_tcp(str(ip_address(address)), port)


class _Line(MeasuredStream, httpcore2.AsyncNetworkStream):
    """A measured stream under the name that httpcore2 knows."""


class Fetcher:
    """Asks for pages as `agent`; keeps no cookies, no connections, nothing between exchanges."""

    def __init__(
        self,
        agent: str,
        *,
        resolver: Resolver,
        clock: Clock,
        limits: FetchLimits | None = None,
        connect: Connect = tcp,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Raise ValueError for an agent that no header can carry, or a context that does not verify."""
        if not _PRINTABLE.fullmatch(agent):
            raise ValueError(f"the agent {agent!r} must be printable ASCII")
        self._agent, self._clock, self._limits = agent, clock, limits or FetchLimits()
        context = verifying(ssl_context or httpcore2.default_ssl_context())
        self._dialer = Dialer(resolver, connect, context, self._limits)

    async def exchange(self, url: Url, headers: Mapping[str, str] = _NO_HEADERS) -> Response | Refused:
        """Ask for `url` once, with `headers` (such as If-None-Match) beside the fetcher's own.

        Raises ValueError for headers that are the fetcher's to set; everything that a server does is an outcome.
        """
        if own := _OWN_HEADERS.intersection(name.lower() for name in headers):
            raise ValueError(f"{', '.join(sorted(own))}: set by the fetcher alone")
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._exchange(url, headers)
        except TimeoutError:
            return Refused(str(url), "total_timeout", f"no whole answer in {self._limits.total_s} s")
        except Refusal as refusal:
            return Refused(str(url), refusal.reason, refusal.detail)

    async def close(self) -> None:
        """Do nothing: no connection outlives its exchange."""

    async def _exchange(self, url: Url, headers: Mapping[str, str]) -> Response:
        started, sent = self._clock.now(), self._sent(url, headers)
        fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in sent]
        address, line = await self._dialer.dial(url)
        try:
            stream = await self._dialer.secured(line, url)
            answer, raw = await _Talk(_Line(stream, self._limits), self._limits).ask(url, fields)
        finally:
            await anyio.aclose_forcefully(line)
        named = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)
        encodings = ",".join(value for name, value in named if name.lower() == "content-encoding").split(",")
        return Response(
            url=str(url),
            status=answer.status,
            reason=answer.extensions["reason_phrase"].decode("latin-1"),
            http_version=answer.extensions["http_version"].decode("ascii"),
            headers=named,
            raw=raw,
            body=decode(raw, encodings, self._limits),
            address=address,
            started=started,
            sent=sent,
        )

    def _sent(self, url: Url, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        own = {"Host": url.netloc, "User-Agent": self._agent, "Accept-Encoding": ACCEPTED, "Connection": "close"}
        if not any(name.lower() == "accept" for name in headers):
            own["Accept"] = "*/*"
        return (*own.items(), *headers.items())


class _Talk:
    """One request and its answer on an open line; raises Refusal."""

    def __init__(self, line: _Line, limits: FetchLimits) -> None:
        self._line, self._limits = line, limits

    async def ask(self, url: Url, fields: list[tuple[bytes, bytes]]) -> tuple[httpcore2.Response, bytes]:
        """Send the request; return the answer and its whole body as received."""
        target = httpcore2.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.path_query.encode()
        )
        connection = httpcore2.AsyncHTTP11Connection(target.origin, self._line)
        try:
            answer = await connection.handle_async_request(httpcore2.Request("GET", target, headers=fields))
            self._line.in_head = False
            self._check_head(answer)
            raw = await self._body(answer)
        except (httpcore2.RemoteProtocolError, httpcore2.LocalProtocolError) as exc:
            raise self._broken(exc) from exc
        if answer.status not in _WITHOUT_BODY:
            await self._check_end(answer, connection)
        return answer, raw

    def _check_head(self, answer: httpcore2.Response) -> None:
        head_bytes = sum(len(name) + len(value) for name, value in answer.headers)
        if len(answer.headers) > self._limits.header_count or head_bytes > self._limits.header_bytes:
            raise Refusal("header_flood", f"{len(answer.headers)} header fields of {head_bytes:,} bytes")
        if answer.status == 101:
            raise Refusal("protocol_error", "the server changes the protocol")
        announced = [value for name, value in answer.headers if name.lower() == b"content-length"]
        if announced and int(announced[0]) > self._limits.wire_bytes:
            raise Refusal("too_large", f"{int(announced[0]):,} bytes announced, at most {self._limits.wire_bytes:,}")

    async def _body(self, answer: httpcore2.Response) -> bytes:
        pieces, received_bytes = [], 0
        async with aclosing(cast(Any, aiter(cast(AsyncIterable[bytes], answer.stream)))) as stream:
            async for piece in stream:
                received_bytes += len(piece)
                if received_bytes > self._limits.wire_bytes:
                    raise Refusal("too_large", f"more than {self._limits.wire_bytes:,} bytes")
                pieces.append(piece)
        return b"".join(pieces)

    def _broken(self, exc: Exception) -> Refusal:
        """Name what the parser saw: no answer at all, an answer that ends too early, or none that is HTTP."""
        detail = str(exc)[:_LONGEST_DETAIL]
        if not self._line.ended:
            return Refusal("protocol_error", detail)
        return Refusal("no_response" if self._line.in_head else "wrong_length", detail)

    async def _check_end(self, answer: httpcore2.Response, connection: httpcore2.AsyncHTTP11Connection) -> None:
        """Refuse a body that goes on after its announced end, or that has no announced end and was cut.

        Over plain http an unannounced end cannot be told from a cut; TLS tells.
        """
        names = {name.lower() for name, _ in answer.headers}
        if names.isdisjoint({b"content-length", b"transfer-encoding"}):
            if self._line.cut:
                raise Refusal("wrong_length", "the connection was cut, and no length says that the body is whole")
            return
        surplus, _ = connection._h11_state.trailing_data
        if surplus or (not self._line.ended and await self._goes_on()):
            raise Refusal("wrong_length", "more bytes follow the announced end of the body")

    async def _goes_on(self) -> bool:
        try:
            async with asyncio.timeout(self._limits.close_s):
                return bool(await self._line.read(1))
        except (TimeoutError, Refusal):
            return False
