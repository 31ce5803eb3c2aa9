"""Servers that misbehave, each in one way: every one ends within its limit, with its reason and without a text."""

import asyncio
import gzip
from dataclasses import replace

import pytest
from fakes.web.ask import HOST, SMALL, TEXT, fetch, fetcher, reason
from fakes.web.conversation import Handler
from fakes.web.scripts import (
    answer,
    bomb,
    chunked,
    compressed,
    drip,
    drip_head,
    endless,
    head,
    header_flood,
    interim_flood,
    raw,
    reset,
    silence,
    stall,
    until_close,
    wrong_length,
)
from fakes.web.server import Web

from sources.web.fetch import FETCH_REASONS, FetchLimits, Refused, Response
from sources.web.url import parse

LENGTH = ("Content-Length", str(len(TEXT)))


def chunks(framed: bytes) -> Handler:
    return raw(head(200, [("Transfer-Encoding", "chunked")]) + framed)


def encoded(body: bytes, *fields: str) -> Handler:
    return answer(body, headers=[("Content-Encoding", field) for field in fields])


WRONG_LENGTHS: dict[str, tuple[Handler, str]] = {
    "shorter than announced": (wrong_length(TEXT, len(TEXT) + 1), "wrong_length"),
    "longer than announced": (wrong_length(TEXT, len(TEXT) - 1), "wrong_length"),
    "announced as empty": (wrong_length(TEXT, 0), "wrong_length"),
    "reset inside the body": (reset(after=head(200, [LENGTH]) + TEXT[:50]), "reset"),
    "cut inside the body": (raw(head(200, [LENGTH]) + TEXT[:50]), "wrong_length"),
    "cut where no length is": (until_close(TEXT, cut=True), "wrong_length"),
    "two lengths": (raw(head(200, [LENGTH, ("Content-Length", "5")]) + TEXT), "protocol_error"),
    "no number": (raw(head(200, [("Content-Length", "many")]) + TEXT), "protocol_error"),
    "negative": (raw(head(200, [("Content-Length", "-5")]) + TEXT), "protocol_error"),
    "a number of many digits": (raw(head(200, [("Content-Length", "9" * 5000)]) + TEXT), "protocol_error"),
    "announced too large": (raw(head(200, [("Content-Length", "100001")])), "too_large"),
    "chunks without end": (chunked(TEXT, end=b""), "wrong_length"),
    "chunks cut": (chunked(TEXT, end=b"ff\r\nhalf"), "wrong_length"),
    "chunks with surplus": (chunked(TEXT, end=b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "wrong_length"),
    "chunk size is no number": (chunks(b"xyz\r\nabc\r\n0\r\n\r\n"), "protocol_error"),
    "chunk longer than its size": (chunks(b"3\r\nabcdef\r\n0\r\n\r\n"), "protocol_error"),
    "unknown transfer coding": (raw(head(200, [("Transfer-Encoding", "gzip")]) + TEXT), "protocol_error"),
}
ENCODINGS: dict[str, tuple[Handler, str]] = {
    "gzip cut": (compressed(TEXT, "gzip", cut_bytes=3), "bad_encoding"),
    "deflate cut": (compressed(TEXT, "deflate", cut_bytes=1), "bad_encoding"),
    "zstd cut": (compressed(TEXT, "zstd", cut_bytes=1), "bad_encoding"),
    "gzip only in name": (encoded(TEXT, "gzip"), "bad_encoding"),
    "brotli": (encoded(TEXT, "br"), "bad_encoding"),
    "three encodings": (compressed(TEXT, "gzip", "gzip", "gzip"), "bad_encoding"),
    "encodings over two fields": (encoded(TEXT, "gzip", "gzip, gzip"), "bad_encoding"),
    "gzip bomb": (bomb(400_000, "gzip"), "ratio"),
    "bomb in a bomb": (bomb(100 << 20, "zstd", "gzip"), "too_large_decoded"),
    "swells within the ratio": (compressed(bytes(range(256)) * 4000, "deflate"), "too_large_decoded"),
    "endless": (endless(), "too_large"),
    "endless and compressed": (endless(gzip.compress(bytes(5000)), [("Content-Encoding", "gzip")]), "too_large"),
}
TALK: dict[str, tuple[Handler, str]] = {
    "dripping body": (drip(TEXT, every_s=0.05), "too_slow"),
    "dripping head": (drip_head(every_s=0.05), "too_slow"),
    "stalled": (stall(TEXT, 2000), "too_slow"),
    "silent": (silence(), "total_timeout"),
    "many fields": (header_flood(30), "header_flood"),
    "large fields": (header_flood(3, 9000), "header_flood"),
    "one endless field": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000), "header_flood"),
    "interim answers without end": (interim_flood(), "header_flood"),
    "reset at once": (reset(), "reset"),
    "closed at once": (raw(b""), "no_response"),
    "closed inside the head": (raw(b"HTTP/1.1 200 OK\r\nContent-"), "no_response"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "protocol_error"),
    "HTTP/0.9": (raw(b"<p>old</p>\r\n\r\n"), "protocol_error"),
    "protocol switch": (
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "protocol_error",
    ),
    "NUL in a field": (raw(head(200, [("X", "a\0b"), ("Content-Length", "0")])), "protocol_error"),
}
BAD = WRONG_LENGTHS | ENCODINGS | TALK


@pytest.mark.parametrize("name", BAD)
def test_bad_servers_end_with_their_reason(web: Web, name: str) -> None:
    handler, expected = BAD[name]
    web.site(HOST).on("/a", handler)
    limits = replace(SMALL, total_s=0.4) if expected == "total_timeout" else SMALL
    assert reason(fetch(web, f"https://{HOST}/a", limits)) == expected


@pytest.mark.parametrize("name", ["shorter than announced", "chunks without end", "gzip cut", "reset inside the body"])
def test_plain_http_is_measured_alike(web: Web, name: str) -> None:
    handler, expected = BAD[name]
    web.site(HOST).on("/a", handler)
    assert reason(fetch(web, f"http://{HOST}/a")) == expected


def test_every_reason_of_the_closed_set_is_shown() -> None:
    shown = {expected for _, expected in BAD.values()} | set(LINKS.values())
    assert shown | {"address_not_global", "dns_failed"} == FETCH_REASONS


LINKS = {
    "expired": "tls_failed",
    "not_yet_valid": "tls_failed",
    "wrong_name": "tls_failed",
    "self_signed": "tls_failed",
    "garbage": "tls_failed",
    "hang_up": "tls_failed",
    "silent": "connect_timeout",
    "blackhole": "connect_timeout",
    "refused": "connect_failed",
}


@pytest.mark.parametrize("fault", LINKS)
def test_broken_links_and_certificates(web: Web, fault: str) -> None:
    web.site(HOST, fault=fault).page("/a", TEXT)  # type: ignore[arg-type]
    limits = replace(SMALL, connect_s=0.3) if LINKS[fault] == "connect_timeout" else SMALL
    assert reason(fetch(web, f"https://{HOST}/a", limits)) == LINKS[fault]
    assert web.requests == []


@pytest.mark.nightly
def test_the_limits_of_production_end_the_same_servers(web: Web) -> None:
    """All at once, a minute in all: the clock of the machine is the only judge of these."""
    patient = {name: TALK[name] for name in ("dripping body", "dripping head", "stalled", "silent")}
    patient |= {"endless": ENCODINGS["endless"], "interim": TALK["interim answers without end"]}
    expected = {f"host{number}.example.org": reason for number, (_, reason) in enumerate(patient.values())}
    for host, (handler, _) in zip(expected, patient.values(), strict=True):
        web.site(host).on("/a", handler)
    for fault in ("silent", "blackhole"):
        expected[f"{fault}.example.org"] = LINKS[fault]
        web.site(f"{fault}.example.org", fault=fault)  # type: ignore[arg-type]

    async def ask() -> list[Response | Refused]:
        one = fetcher(web, FetchLimits())
        return await asyncio.gather(*(one.exchange(parse(f"https://{host}/a")) for host in expected))

    outcomes = asyncio.run(ask())
    assert {host: reason(outcome) for host, outcome in zip(expected, outcomes, strict=True)} == expected


def test_names_without_address(web: Web) -> None:
    web.wire.answers["empty.example.org"] = [[]]
    assert reason(fetch(web, "https://empty.example.org/")) == "dns_failed"
    assert reason(fetch(web, "https://nowhere.example.org/")) == "dns_failed"
    assert web.connect.attempts == []
