"""WARC records: which are pages, how bodies are decoded, and what cut or lying records cost."""

import gzip
import os
import zlib
from pathlib import Path

import pytest

from sources.archive import Item, Limits, open_items
from sources.parse.part import Fault

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
PAGE = b"<html><p>dose &lt; 5 mg</p></html>"


def record(number: int, block: bytes, kind: str = "response", extra: str = "", length: int | None = None) -> bytes:
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Date: 2020-01-02T03:04:05Z\r\n"
        f"WARC-Target-URI: https://example.org/{number}\r\n{extra}Content-Length: {length or len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def http(
    body: bytes, headers: str = "Content-Type: Text/HTML; Charset=Windows-1251\r\n", status: str = "200 OK"
) -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body


def read(path: Path, data: bytes) -> tuple[list[Item], list[Fault]]:
    path.write_bytes(data)
    found = list(open_items(path, path.name, "auto", Limits(max_item_bytes=1 << 20)))
    return [f for f in found if isinstance(f, Item)], [f for f in found if isinstance(f, Fault)]


def test_a_page_keeps_url_date_and_declared_charset(tmp_path: Path) -> None:
    [item], faults = read(tmp_path / "a.warc", record(7, http(PAGE)))
    media = "text/html; charset=windows-1251"
    assert item == Item("a.warc!urn:uuid:7", PAGE, "https://example.org/7", "2020-01-02T03:04:05Z", media)
    assert not faults


def test_what_is_a_page(tmp_path: Path) -> None:
    plain = "Content-Type: text/plain\r\n"
    data = b"".join(
        [
            record(1, http(PAGE, status="404 Not Found")),
            record(2, http(b"\x89PNG", "Content-Type: image/png\r\n")),
            record(3, http(b"%PDF-", "Content-Type: application/pdf\r\n")),
            record(4, b"GET / HTTP/1.1\r\n\r\n", "request"),
            record(5, http(PAGE), "revisit"),
            record(6, http(b"x{}", "Content-Type: text/css\r\n")),
            record(7, "texte é".encode(), "conversion", plain),
            record(8, http(PAGE, "")),
            record(9, http(PAGE, ""), extra="WARC-Identified-Payload-Type: application/xhtml+xml\r\n"),
            record(10, http(PAGE, status="200")),
        ]
    )
    items, faults = read(tmp_path / "a.warc.gz", gzip.compress(data))
    assert [(i.key.rpartition(":")[2], i.media_type) for i in items] == [
        ("3", "application/pdf"), ("7", "text/plain"), ("8", None), ("9", "application/xhtml+xml"),
        ("10", "text/html; charset=windows-1251"),
    ]  # fmt: skip
    assert not faults


CHUNKED = b"5;x=y\r\n<html\r\n1d\r\n" + PAGE[5:] + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Encoding: gzip\r\n", gzip.compress(PAGE)),
        ("Content-Encoding: gzip\r\n", PAGE),
        ("Content-Encoding: deflate\r\n", zlib.compress(PAGE)),
        ("Content-Encoding: deflate\r\n", zlib.compress(PAGE)[2:-4]),
        ("Transfer-Encoding: chunked\r\n", CHUNKED.replace(b"1d", b"%x" % len(PAGE[5:]))),
        ("Transfer-Encoding: chunked\r\n", PAGE),
        ("Content-Encoding: br\r\n", PAGE),
    ],
)
def test_bodies_are_decoded_once(tmp_path: Path, headers: str, body: bytes) -> None:
    [item], faults = read(tmp_path / "a.warc", record(1, http(body, f"Content-Type: text/html\r\n{headers}")))
    assert item.body == PAGE
    assert not faults


@pytest.mark.parametrize(
    ("block", "extra", "reason"),
    [
        (http(gzip.compress(PAGE)[:-9], "Content-Type: text/html\r\nContent-Encoding: gzip\r\n"), "", "corrupt_record"),
        (http(zlib.compress(PAGE)[:-9], "Content-Encoding: deflate\r\n"), "", "corrupt_record"),
        (http(b"ff\r\n<html>", "Transfer-Encoding: chunked\r\n"), "", "corrupt_record"),
        (http(b"2\r\nab\r\n", "Transfer-Encoding: chunked\r\n"), "", "corrupt_record"),
        (http(b"\x0b\x02\x80", "Content-Encoding: br\r\n"), "", "unsupported_content_encoding"),
        (http(gzip.compress(bytes(2 << 20)), "Content-Encoding: gzip\r\n"), "", "too_large"),
        (http(zlib.compress(bytes(2 << 20)), "Content-Encoding: deflate\r\n"), "", "too_large"),
        (http(PAGE), "WARC-Truncated: length\r\n", "truncated_record"),
        (b"no header at all", "", "corrupt_record"),
        (bytes(2 << 20), "", "too_large"),
    ],
)  # fmt: skip
def test_a_body_cut_short_is_one_fault(tmp_path: Path, block: bytes, extra: str, reason: str) -> None:
    data = record(1, http(PAGE)) + record(2, block, extra=extra) + record(3, http(PAGE))
    items, faults = read(tmp_path / "a.warc", data)
    assert [i.key for i in items] == ["a.warc!urn:uuid:1", "a.warc!urn:uuid:3"]
    assert [(f.reason, f.name) for f in faults] == [(reason, "urn:uuid:2")]


@pytest.mark.parametrize("lie", [-7, 9, 60])
def test_a_lying_length_costs_one_record(tmp_path: Path, lie: int) -> None:
    block = http(PAGE)
    data = record(1, http(PAGE)) + record(2, block, length=len(block) + lie) + record(3, http(PAGE))
    items, faults = read(tmp_path / "a.warc", data)
    assert [i.key for i in items] == ["a.warc!urn:uuid:1", "a.warc!urn:uuid:3"]
    assert [(f.reason, f.name) for f in faults] == [("wrong_record_length", "urn:uuid:2")]


def test_junk_between_records_is_reported_once(tmp_path: Path) -> None:
    data = record(1, http(PAGE)) + b"junk\n" * 50 + record(2, http(PAGE))
    items, faults = read(tmp_path / "a.warc", data)
    assert len(items) == 2
    assert [f.reason for f in faults] == ["corrupt_archive"]


def test_a_corrupt_member_costs_no_other(tmp_path: Path) -> None:
    members = [gzip.compress(record(number, http(PAGE)), mtime=0) for number in (1, 2, 3)]
    for at in range(len(members[1])):
        torn = bytearray(members[1])
        torn[at] ^= 0xFF
        items, faults = read(tmp_path / "a.warc.gz", members[0] + bytes(torn) + members[2])
        assert [i.key for i in items if i.key[-1] != "2"] == ["a.warc.gz!urn:uuid:1", "a.warc.gz!urn:uuid:3"]
        assert faults or len(items) == 3
        assert {i.body for i in items} == {PAGE}


def test_junk_between_members_and_a_large_one_cost_no_other(tmp_path: Path) -> None:
    first, last = (gzip.compress(record(number, http(PAGE))) for number in (1, 3))
    large = bytearray(gzip.compress(record(2, http(os.urandom(900_000)))))
    large[300_000] ^= 0xFF
    for torn in (b"junk" * 400_000, bytes(large), first[:-9]):
        items, faults = read(tmp_path / "a.warc.gz", first + torn + last + last[:-8] + bytes(8))
        assert [i.key.rpartition(":")[2] for i in items if not i.key.endswith("2")][:2] == ["1", "3"]
        assert {f.reason for f in faults} == {"corrupt_archive"}


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
def test_real_records_and_bad_ones() -> None:
    def count(name: str) -> tuple[int, list[str]]:
        found = list(open_items(DATA / name, "x.warc", "warc", Limits()))
        return sum(isinstance(f, Item) for f in found), [f.reason for f in found if isinstance(f, Fault)]

    assert count("replay/warc/sample-0000.warc.gz") == (22, [])
    assert count("bad_inputs/warc/example.warc.gz") == (1, [])
    assert count("bad_inputs/warc/example-bad-non-chunked.warc.gz") == (1, [])
    assert count("bad_inputs/warc/example-trunc.warc") == (0, ["wrong_record_length"])
