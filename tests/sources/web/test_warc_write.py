"""WARC files of our crawls: valid to warcio, read back by our own reader, the same bytes for the same exchange."""

import gzip
import io
import zlib
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from sources.archive import Item, Limits, open_items
from sources.parse.part import Fault
from sources.web.exchange import Response
from sources.web.warc_write import Earlier, Written, exchange_records, failure_record, warcinfo

STARTED = datetime(2030, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
PAGE = "<html><p>Give 5 mg/kg, not 50 — twice daily.</p></html>".encode()
ITEM = (("role", "item"), ("key", "https://guide.example.org/a"), ("link-title", "A dose – for children"))


def answer(
    body: bytes = PAGE, raw: bytes | None = None, status: int = 200, headers: tuple = (), **other: Any
) -> Response:
    return Response(
        url=other.get("url", "https://guide.example.org/a"),
        status=status,
        reason="OK" if status == 200 else "Other",
        http_version="HTTP/1.1",
        headers=(("Content-Type", "text/html; charset=utf-8"), *headers),
        raw=body if raw is None else raw,
        body=body,
        address="93.184.216.34",
        started=STARTED,
        sent=other.get("sent", (("Host", "guide.example.org"), ("User-Agent", "medmix"))),
    )


def write(path: Path, *written: Written, extra: bytes = b"") -> Path:
    opening = warcinfo(path.name, (("software", "medmix"), ("isPartOf", "guide")), STARTED)
    path.write_bytes(opening + b"".join(one.data for one in written) + extra)
    return path


def check(path: Path) -> None:
    checker = Checker(Namespace(inputs=[str(path)], verbose=True))
    assert checker.process_all() == 0, f"warcio finds a wrong digest in {path.name}"


def read(path: Path) -> list[Item | Fault]:
    return list(open_items(path, path.name, "warc", Limits()))


def test_a_page_goes_through_with_what_the_listing_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", exchange_records(answer(), ITEM))
    check(path)
    [item] = read(path)
    assert isinstance(item, Item)
    assert (item.key, item.body, item.url) == ("https://guide.example.org/a", PAGE, "https://guide.example.org/a")
    assert (item.retrieved, item.media_type) == ("2030-05-06T07:08:09Z", "text/html; charset=utf-8")
    assert item.fields["link-title"] == "A dose – for children"


def test_records_stand_in_the_order_that_the_standard_asks_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", exchange_records(answer(), ITEM))
    with path.open("rb") as file:
        records = [(r.rec_type, r.rec_headers) for r in ArchiveIterator(file)]
    assert [kind for kind, _ in records] == ["warcinfo", "request", "metadata", "response"]
    response_id = records[3][1].get_header("WARC-Record-ID")
    assert records[1][1].get_header("WARC-Concurrent-To") == response_id
    assert records[2][1].get_header("WARC-Refers-To") == response_id
    assert records[3][1].get_header("WARC-IP-Address") == "93.184.216.34"


@pytest.mark.parametrize(
    ("coding", "raw"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("deflate", zlib.compress(PAGE)),
        ("gzip, gzip", gzip.compress(gzip.compress(PAGE))),
        ("zstd", b"\x28\xb5\x2f\xfd whatever"),
        ("identity", PAGE),
    ],
)
def test_every_content_coding_reads_back_as_the_page_that_was_meant(tmp_path: Path, coding: str, raw: bytes) -> None:
    got = answer(raw=raw, headers=(("Content-Encoding", coding), ("Transfer-Encoding", "chunked")))
    path = write(tmp_path / "a.warc.gz", exchange_records(got, ITEM))
    check(path)
    [item] = read(path)
    assert isinstance(item, Item)
    assert item.body == PAGE


def test_a_chunk_like_body_is_not_taken_for_chunks(tmp_path: Path) -> None:
    body = b"5\r\nmg of it\r\n0\r\n\r\n"
    got = answer(body, headers=(("Transfer-Encoding", "chunked"),))
    [item] = read(write(tmp_path / "a.warc.gz", exchange_records(got, ITEM)))
    assert isinstance(item, Item)
    assert item.body == body


def test_only_items_are_read_and_of_any_media(tmp_path: Path) -> None:
    index = (("role", "index"), ("key", "https://guide.example.org/list"))
    picture = Response(**{**_fields(answer()), "headers": (("Content-Type", "image/png"),)})
    untold = Response(**{**_fields(answer(b"%PDF-1.7")), "headers": ()})
    path = write(
        tmp_path / "a.warc.gz",
        exchange_records(answer(), index),
        exchange_records(picture, ITEM),
        exchange_records(untold, (*ITEM, ("link-media_type", "application/pdf"))),
        exchange_records(answer(status=404), ITEM),
        exchange_records(answer(), ()),
    )
    items = [(item.media_type, item.key) for item in read(path) if isinstance(item, Item)]
    key = "https://guide.example.org/a"
    assert items[:2] == [("image/png", key), ("application/pdf", f"{key}~2")]
    assert len(items) == 3, "a response that nobody calls an item is another crawler's, and read as one"
    assert items[2][1].startswith("a.warc.gz!urn:uuid:")


def _fields(got: Response) -> dict:
    return {name: getattr(got, name) for name in Response.__dataclass_fields__}


def test_a_revisit_refers_to_what_stands_and_is_no_item(tmp_path: Path) -> None:
    first = exchange_records(answer(), ITEM)
    earlier = Earlier(first.record, "https://guide.example.org/a", first.date, first.payload)
    again = exchange_records(answer(b"", status=304), ITEM, earlier)
    same = exchange_records(answer(), ITEM, earlier)
    path = write(tmp_path / "a.warc.gz", again, same)
    check(path)
    assert read(path) == []
    with path.open("rb") as file:
        revisits = [r.rec_headers for r in ArchiveIterator(file) if r.rec_type == "revisit"]
    profiles = [headers.get_header("WARC-Profile").rpartition("/")[2] for headers in revisits]
    assert profiles == ["server-not-modified", "identical-payload-digest"]
    assert {headers.get_header("WARC-Refers-To") for headers in revisits} == {first.record}
    assert {headers.get_header("WARC-Payload-Digest") for headers in revisits} == {first.payload}


def test_errors_are_kept_small_and_failures_in_words(tmp_path: Path) -> None:
    long = exchange_records(answer(b"x" * 100_000, status=500), (("role", "index"),))
    failed = failure_record("https://guide.example.org/b", STARTED, (("role", "item"), ("refused", "tls_failed")))
    path = write(tmp_path / "a.warc.gz", long, extra=failed)
    check(path)
    with path.open("rb") as file:
        records = [
            (r.rec_type, r.rec_headers.get_header("WARC-Truncated"), r.raw_stream.read()) for r in ArchiveIterator(file)
        ]
    response = next(one for one in records if one[0] == "response")
    assert response[1] == "length"
    assert len(response[2]) == 4096
    assert b"medmix-refused: tls_failed" in records[-1][2]


def test_the_same_exchange_gives_the_same_bytes_and_no_secret_is_in_them() -> None:
    key, cookie = "sk-1234567890abcdefghij", "session=Zm9vYmFyQmF6MTIz"
    got = answer(
        url=f"https://guide.example.org/a?api_key={key}&page=2",
        headers=(("Set-Cookie", cookie), ("Location", f"https://cdn.example.org/f?X-Amz-Signature={key}")),
    )
    one, two = (exchange_records(got, ITEM).data for _ in range(2))
    assert one == two
    plain = gzip.GzipFile(fileobj=io.BytesIO(one)).read()
    assert key.encode() not in plain
    assert cookie.encode() not in plain
    assert b"WARC-Target-URI: https://guide.example.org/a?page=2\r\n" in plain
    assert b"GET /a?page=2 HTTP/1.1" in plain


def test_the_request_holds_every_field_that_was_sent_but_no_secret(tmp_path: Path) -> None:
    token = "sk-1234567890abcdefghij"
    sent = (
        ("Host", "guide.example.org"),
        ("User-Agent", "medmix/1 (+mailto:crawl@example.org)"),
        ("Accept-Encoding", "gzip"),
        ("X-Api-Key", token),
        ("If-None-Match", '"7"'),
    )
    path = write(tmp_path / "a.warc.gz", exchange_records(answer(sent=sent), ITEM))
    check(path)
    told = (
        b"\r\n\r\nGET /a HTTP/1.1\r\nHost: guide.example.org\r\nUser-Agent: medmix/1 (+mailto:crawl@example.org)\r\n"
        b'Accept-Encoding: gzip\r\nX-Api-Key: [redacted]\r\nIf-None-Match: "7"\r\n\r\n\r\n\r\n'
    )
    assert told in gzip.decompress(path.read_bytes())


def test_no_value_can_begin_a_line_of_its_own(tmp_path: Path) -> None:
    got = answer(headers=(("X-Odd", "a\r\nWARC/1.1\r\nWARC-Type: response"),))
    told = (*ITEM, ("link-version", "1\r\nmedmix-role: index"))
    [item] = read(write(tmp_path / "a.warc.gz", exchange_records(got, told)))
    assert isinstance(item, Item)
    assert item.fields["role"] == "item"
    assert item.fields["link-version"] == "1 medmix-role: index"
