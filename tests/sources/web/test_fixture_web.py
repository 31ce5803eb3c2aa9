"""The fixture web itself: names, addresses, certificates and logs, seen with a plain client."""

import asyncio
import json
import ssl

import pytest
from anyio.streams.tls import TLSStream
from fakes.web.scripts import redirect
from fakes.web.server import Web
from fakes.web.wire import Wire, WireConnect, WireResolver


async def ask(wire: Wire, host: str, path: str) -> bytes:
    (address,) = await WireResolver(wire).resolve(host)
    async with await WireConnect(wire)(address, 443) as stream:
        secure = await TLSStream.wrap(stream, hostname=host, ssl_context=wire.ssl_context())
        await secure.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return b"".join([data async for data in secure])


def test_pages_are_served_by_host_and_path_over_tls() -> None:
    with Web() as web:
        web.site("one.example.org").page("/a", b"first")
        web.site("two.example.org").on("/a", redirect("https://one.example.org/a"))
        first = asyncio.run(ask(web.wire, "one.example.org", "/a?x=1"))
        second = asyncio.run(ask(Wire(**json.loads(json.dumps(web.wire.as_json()))), "two.example.org", "/a"))
        seen = [(one.scheme, one.sni, one.host, one.path) for one in web.requests]
    assert first.endswith(b"\r\n\r\nfirst")
    assert second.startswith(b"HTTP/1.1 302 Found\r\nLocation: https://one.example.org/a\r\n")
    assert seen == [
        ("https", "one.example.org", "one.example.org", "/a?x=1"),
        ("https", "two.example.org", "two.example.org", "/a"),
    ]


@pytest.mark.parametrize("fault", ["expired", "not_yet_valid", "wrong_name", "self_signed", "garbage"])
def test_broken_certificates_are_seen_as_broken(fault: str) -> None:
    with Web() as web:
        web.site("bad.example.org", fault=fault)
        with pytest.raises(ssl.SSLError):
            asyncio.run(ask(web.wire, "bad.example.org", "/"))
        assert web.requests == []
