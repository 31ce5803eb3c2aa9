"""From a URL to a connected stream: look up once, check every address, connect to one of them, verify TLS.

The name is looked up once and the connection goes to an address of that answer, so a name that changes its mind between
check and connect (DNS rebinding) gains nothing. One address that is not public condemns the whole answer, because the
order of the others is not ours. This file opens no socket: it is given `connect`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

from anyio import BrokenResourceError, EndOfStream
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from sources.web.address import refusal as address_refusal
from sources.web.exchange import FetchLimits, Refusal
from sources.web.resolve import Resolver
from sources.web.url import Url

Connect = Callable[[str, int], Awaitable[ByteStream]]
"""Connects to (address, port), an address that was checked; raises OSError. Tests map it to loopback."""


def verifying(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return `context`, made to report cut connections; raises ValueError when it does not verify certificates."""
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("the TLS context must verify certificates and host names")
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


@dataclass(frozen=True, slots=True)
class Dialer:
    """Connects to public addresses only; every method raises Refusal with one of `FETCH_REASONS`."""

    resolver: Resolver
    connect: Connect
    ssl_context: ssl.SSLContext
    limits: FetchLimits

    async def dial(self, url: Url) -> tuple[str, ByteStream]:
        """Return the address that was connected to and the bare connection; the caller closes it."""
        return await self._connected(await self._public_addresses(url.host), url.port)

    async def secured(self, line: ByteStream, url: Url) -> ByteStream:
        """Return the stream to talk on: `line` itself for http, TLS verified for the name for https."""
        if url.scheme == "http":
            return line
        try:
            async with asyncio.timeout(self.limits.connect_s):
                return await TLSStream.wrap(line, hostname=url.host, ssl_context=self.ssl_context)
        except TimeoutError as exc:
            raise Refusal("connect_timeout", f"{url.host}: no TLS handshake in {self.limits.connect_s} s") from exc
        except ssl.SSLError as exc:
            raise Refusal("tls_failed", f"{url.host}: {exc}") from exc
        except (OSError, BrokenResourceError, EndOfStream) as exc:
            raise Refusal("tls_failed", f"{url.host}: the connection ended in the TLS handshake") from exc

    async def _public_addresses(self, host: str) -> list[str]:
        addresses = [host] if _is_address(host) else await self._looked_up(host)
        for address in addresses:
            why = address_refusal(address)
            if why is not None:
                raise Refusal("address_not_global", f"{host}: {why}")
        return addresses

    async def _looked_up(self, host: str) -> list[str]:
        try:
            async with asyncio.timeout(self.limits.connect_s):
                addresses = await self.resolver.resolve(host)
        except (OSError, UnicodeError) as exc:
            raise Refusal("dns_failed", f"{host}: {str(exc) or 'no answer in time'}") from exc
        if not addresses:
            raise Refusal("dns_failed", f"{host} has no address")
        return addresses

    async def _connected(self, addresses: list[str], port: int) -> tuple[str, ByteStream]:
        """Connect to the first address that answers; each gets its share of the time that is left."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self.limits.connect_s
        failure = Refusal("connect_failed", "no address to try")
        for tried, address in enumerate(addresses):
            share_s = (deadline_s - loop.time()) / (len(addresses) - tried)
            try:
                async with asyncio.timeout(share_s):
                    return address, await self.connect(address, port)
            except TimeoutError:
                failure = Refusal("connect_timeout", f"{address} port {port} did not answer")
            except OSError as exc:
                failure = Refusal("connect_failed", f"{address} port {port}: {exc}")
        raise failure


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
