"""One exchange with real servers: right answers come whole and unchanged, and nothing is kept between two of them."""

import asyncio
import gzip
import socket
import ssl
from dataclasses import replace

import pytest
from fakes.web.ask import AGENT, HOST, SMALL, TEXT, fetch, fetcher, reason, whole
from fakes.web.conversation import Conversation, Handler
from fakes.web.scripts import (
    answer,
    chunked,
    compressed,
    drip,
    head,
    raw,
    redirect,
    silence,
    stall,
    until_close,
)
from fakes.web.server import Web
from fakes.web.wire import BLACKHOLE

from sources.web.clock import SystemClock
from sources.web.fetch import Fetcher, Refused, Response, tcp
from sources.web.resolve import SystemResolver
from sources.web.url import parse


def test_an_answer_comes_back_as_it_was_sent(web: Web) -> None:
    web.site(HOST).page("/a", TEXT, headers=[("ETag", '"1"'), ("X-Name", "Zürich"), ("Set-Cookie", "track=1")])
    got = whole(fetch(web, f"https://{HOST}/a?b=1", Accept="text/html"))
    assert (got.url, got.status, got.reason, got.http_version) == (f"https://{HOST}/a?b=1", 200, "OK", "HTTP/1.1")
    assert got.raw == got.body == TEXT
    assert got.headers == (
        ("Content-Type", "text/html"),
        ("ETag", '"1"'),
        ("X-Name", "Zürich"),
        ("Set-Cookie", "track=1"),
        ("Content-Length", str(len(TEXT))),
        ("Connection", "close"),
    )
    assert [got.address] == web.wire.answers[HOST][0]
    assert got.started.tzinfo is not None
    assert web.connect.attempts == [(got.address, 443)]
    assert web.requests[0].headers == {
        "host": HOST,
        "user-agent": AGENT,
        "accept-encoding": "gzip, deflate",
        "connection": "close",
        "accept": "text/html",
    }
    assert {name.lower(): value for name, value in got.sent} == web.requests[0].headers
    assert (web.requests[0].scheme, web.requests[0].sni, web.requests[0].path) == ("https", HOST, "/a?b=1")


def test_nothing_is_kept_between_exchanges(web: Web) -> None:
    web.site(HOST).page("/a", TEXT, headers=[("Set-Cookie", "track=1; Path=/"), ("ETag", '"1"')])

    async def thrice() -> list[Response | Refused]:
        one = fetcher(web)
        first = [await one.exchange(parse(f"https://{HOST}/a")) for _ in range(2)]
        return [*first, await one.exchange(parse(f"https://{HOST}/a"), {"If-None-Match": '"1"'})]

    answers = [whole(one) for one in asyncio.run(thrice())]
    assert [(one.status, len(one.body)) for one in answers] == [(200, len(TEXT)), (200, len(TEXT)), (304, 0)]
    assert all("cookie" not in one.headers for one in web.requests)
    assert len(web.connect.attempts) == len(web.resolver.asked) == 3


def test_redirects_and_errors_are_answers(web: Web) -> None:
    site = web.site(HOST)
    site.on("/old", redirect("https://127.0.0.1/x", 301))
    site.on("/busy", answer(b"later", status=503, headers=[("Retry-After", "7")]))
    moved, busy = whole(fetch(web, f"https://{HOST}/old")), whole(fetch(web, f"https://{HOST}/busy"))
    assert (moved.status, dict(moved.headers)["Location"]) == (301, "https://127.0.0.1/x")
    assert (busy.status, busy.body, dict(busy.headers)["Retry-After"]) == (503, b"later", "7")
    assert whole(fetch(web, f"https://{HOST}/none")).status == 404
    assert {address for address, _ in web.connect.attempts} == {moved.address}


def test_plain_http_goes_to_port_80(web: Web) -> None:
    web.site(HOST).page("/a", TEXT)
    got = whole(fetch(web, f"http://{HOST}/a"))
    assert (got.body, web.connect.attempts, web.requests[0].scheme) == (TEXT, [(got.address, 80)], "http")


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CHUNKED = head(200, [("Transfer-Encoding", "chunked")]) + b"2\r\nok\r\n0\r\n\r\n"


def sent_and_cut(data: bytes) -> Handler:
    def speak(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.cut()

    return speak


RIGHT: dict[str, tuple[Handler, bytes]] = {
    "length": (answer(TEXT), TEXT),
    "empty": (answer(b""), b""),
    "chunked": (chunked(TEXT[:7], TEXT[7:2000], TEXT[2000:]), TEXT),
    "chunked with trailer": (chunked(TEXT, end=b"0\r\nX-Sum: 1\r\n\r\n"), TEXT),
    "until the end of the connection": (until_close(TEXT), TEXT),
    "gzip": (compressed(TEXT, "gzip"), TEXT),
    "deflate": (compressed(TEXT, "deflate"), TEXT),
    "zstd": (compressed(TEXT, "zstd"), TEXT),
    "gzip twice": (compressed(TEXT, "gzip", "gzip"), TEXT),
    "gzip, chunked": (chunked(gzip.compress(TEXT), headers=[("Content-Encoding", "GZIP")]), TEXT),
    "early hints first": (raw(HINTS + head(200, [("Content-Length", "2")]) + b"ok"), b"ok"),
    "whole by its length, then cut": (sent_and_cut(head(200, [("Content-Length", "2")]) + b"ok"), b"ok"),
    "whole by its chunks, then cut": (sent_and_cut(CHUNKED), b"ok"),
    "HTTP/1.0": (raw(b"HTTP/1.0 200 OK\r\n\r\n" + TEXT), TEXT),
    "silent after the body": (stall(TEXT, len(TEXT)), TEXT),
    "slow but within the rate": (drip(b"0123456789", every_s=0.01), b"0123456789"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_come_whole(web: Web, name: str) -> None:
    handler, body = RIGHT[name]
    web.site(HOST).on("/a", handler)
    got = whole(fetch(web, f"https://{HOST}/a", replace(SMALL, ratio=10_000)))
    assert got.body == body
    encoded = any(name == "Content-Encoding" for name, _ in got.headers)
    assert (got.raw == got.body) != encoded


def test_the_next_address_is_tried_when_one_is_dead(web: Web) -> None:
    web.site(HOST, answers=[["93.184.216.201", "2606:2800:220:1::7"]]).page("/a", TEXT)
    del web.wire.ports["93.184.216.201:443"]
    assert whole(fetch(web, f"https://{HOST}/a")).address == "2606:2800:220:1::7"
    assert web.connect.attempts == [("93.184.216.201", 443), ("2606:2800:220:1::7", 443)]


def test_a_silent_address_leaves_time_for_the_next(web: Web) -> None:
    web.site(HOST, answers=[["93.184.216.202", "93.184.216.203"]]).page("/a", TEXT)
    web.wire.ports["93.184.216.202:443"] = BLACKHOLE
    assert whole(fetch(web, f"https://{HOST}/a")).address == "93.184.216.203"


def test_the_real_connector_takes_addresses_only(web: Web) -> None:
    """Behind the guard stands plain TCP; a name would be looked up a second time, unchecked."""

    async def connect(place: str) -> str:
        stream = await tcp(place, web.wire.ports[f"{web.wire.answers[HOST][0][0]}:80"])
        async with stream:
            await stream.send(f"GET /a HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            return (await stream.receive()).decode()

    web.site(HOST).page("/a", TEXT)
    assert asyncio.run(connect("127.0.0.1")).startswith("HTTP/1.1 200 OK")
    with pytest.raises(ValueError, match="localhost"):
        asyncio.run(connect("localhost"))


def test_an_address_in_the_url_is_not_looked_up(web: Web) -> None:
    web.site("93.184.216.99", answers=[["93.184.216.99"]]).page("/a", TEXT)
    assert whole(fetch(web, "http://93.184.216.99/a")).body == TEXT
    assert reason(fetch(web, "https://93.184.216.99/a")) == "tls_failed"
    assert (web.resolver.asked, web.connect.attempts) == ([], [("93.184.216.99", 80), ("93.184.216.99", 443)])


def test_the_system_is_asked_for_the_absolute_name() -> None:
    """A search domain of the machine must not complete the name: the fetcher asks with a dot at the end."""

    async def look_up() -> tuple[list[str], list[str]]:
        asked: list[str] = []

        async def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
            asked.append(host)
            six, four = socket.AF_INET6, socket.AF_INET
            found = [(six, ("2606:2800:220:1::7", 0, 0, 0)), (four, ("93.184.216.1", 0)), (four, ("93.184.216.1", 0))]
            return [(family, socket.SOCK_STREAM, 6, "", place) for family, place in found]

        asyncio.get_running_loop().getaddrinfo = getaddrinfo  # type: ignore[method-assign, assignment]
        return await SystemResolver().resolve(HOST), asked

    assert asyncio.run(look_up()) == (["93.184.216.1", "2606:2800:220:1::7"], [f"{HOST}."])


def test_proxies_and_stores_of_the_environment_are_ignored(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://93.184.216.250:3128")
    monkeypatch.setenv("NETRC", "/dev/null")
    web.site(HOST).page("/a", TEXT)
    assert whole(fetch(web, f"https://{HOST}/a")).body == TEXT
    assert whole(fetch(web, f"http://{HOST}/a")).body == TEXT
    assert {address for address, _ in web.connect.attempts} == set(web.wire.answers[HOST][0])


def test_a_context_that_does_not_verify_is_refused(web: Web) -> None:
    blind, nameless = ssl.create_default_context(), ssl.create_default_context()
    nameless.check_hostname = blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    for context in (blind, nameless):
        with pytest.raises(ValueError, match="must verify"):
            Fetcher(AGENT, resolver=web.resolver, clock=SystemClock(), ssl_context=context)


@pytest.mark.parametrize("agent", ["", "medmix\r\nX: y", "médmix"])
def test_an_agent_that_no_header_carries_is_refused(web: Web, agent: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        Fetcher(agent, resolver=web.resolver, clock=SystemClock())


@pytest.mark.parametrize("name", ["Host", "cookie", "User-Agent", "AUTHORIZATION", "Accept-Encoding"])
def test_headers_of_the_fetcher_cannot_be_set(web: Web, name: str) -> None:
    with pytest.raises(ValueError, match="fetcher alone"):
        fetch(web, f"https://{HOST}/", **{name: "x"})
    assert web.connect.attempts == []


def test_a_header_cannot_smuggle_another(web: Web) -> None:
    web.site(HOST).page("/a", TEXT)
    assert reason(fetch(web, f"https://{HOST}/a", Accept="a\r\nCookie: b")) == "protocol_error"
    assert web.requests == []


def test_a_cancelled_exchange_leaves_no_socket(web: Web) -> None:
    web.site(HOST).on("/a", silence())

    async def give_up() -> None:
        task = asyncio.create_task(fetcher(web).exchange(parse(f"https://{HOST}/a")))
        while not web.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
