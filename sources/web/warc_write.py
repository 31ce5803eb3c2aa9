"""WARC/1.1 records of one exchange: request, metadata, response, each a gzip member of its own (ISO 28500:2017).

What a listing said of a page, what robots and reservations say, and how we came there stand in a metadata record just
before the response, so that the WARC alone is enough to parse again. Bytes are as received; a transfer coding was
undone by the connection, and a coding that `sources.warc_body` does not undo is stored undone, its header renamed. The
same exchange gives the same bytes. Secrets in header values and addresses are redacted; bodies are never touched.
"""

import base64
import hashlib
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.engine.secrets import REDACTED, redact, redact_url
from sources.warc_fields import MEDIA_TYPE, to_block
from sources.web.exchange import Response, header

ERROR_BYTES = 4096
"""How much of the body of an answer other than 200 is kept."""
_REVISIT = "http://netpreserve.org/warc/1.1/revisit/"
_PLAIN_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_UNDONE = "X-Crawler-"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier response whose bytes still stand: WARC record id, address and date, and its payload's digest."""

    record: str
    url: str
    date: str
    payload: str


@dataclass(frozen=True, slots=True)
class Written:
    """The records as bytes, and what to find the response by."""

    data: bytes
    record: str
    payload: str
    date: str


def warcinfo(filename: str, fields: Pairs, started: datetime) -> bytes:
    """Return the record that opens a file: who made it, for which source and round."""
    headers = [
        ("WARC-Type", "warcinfo"),
        ("WARC-Record-ID", _identity("warcinfo", filename, started, "")),
        ("WARC-Date", warc_date(started)),
        ("WARC-Filename", filename),
        ("Content-Type", MEDIA_TYPE),
    ]
    return _record(headers, _lines(fields))


def exchange_records(
    got: Response, about: Pairs, earlier: Earlier | None = None, *, most_bytes: int | None = None
) -> Written:
    """Return the records of one exchange; with `earlier`, a revisit without the body stands for the response.

    At most `most_bytes` of the body are kept, of an answer other than 200 always few.
    """
    url, date = redact_url(got.url), warc_date(got.started)
    head, body = _http_head(got), _stored_body(got)
    kept = b"" if earlier else body[: most_bytes if got.status == 200 else ERROR_BYTES]
    payload = earlier.payload if earlier else digest(kept)
    record = _identity("response", url, got.started, digest(head + kept))
    common = [("WARC-Target-URI", url), ("WARC-Date", date)]
    headers = [
        ("WARC-Type", "revisit" if earlier else "response"),
        ("WARC-Record-ID", record),
        *common,
        ("WARC-IP-Address", got.address),
        ("Content-Type", "application/http;msgtype=response"),
        ("WARC-Payload-Digest", payload),
    ]
    if earlier:
        headers += _standing(earlier, "server-not-modified" if got.status == 304 else "identical-payload-digest")
    elif len(kept) < len(body):
        headers.append(("WARC-Truncated", "length"))
    data = _request(got, common, record) + _metadata(url, got.started, about, record)
    return Written(data + _record(headers, head + kept), record, payload, date)


def resource_records(got: Response, about: Pairs, earlier: Earlier | None = None) -> Written:
    """Return the records of a page that was made here out of answers, so that no exchange stands for it."""
    url, date = redact_url(got.url), warc_date(got.started)
    payload = earlier.payload if earlier else digest(got.body)
    record = _identity("resource", url, got.started, digest(got.body))
    headers = [
        ("WARC-Type", "revisit" if earlier else "resource"),
        ("WARC-Record-ID", record),
        ("WARC-Target-URI", url),
        ("WARC-Date", date),
        ("Content-Type", header(got, "content-type")),
        ("WARC-Payload-Digest", payload),
        *(_standing(earlier, "identical-payload-digest") if earlier else ()),
    ]
    data = _metadata(url, got.started, about, record) + _record(headers, b"" if earlier else got.body)
    return Written(data, record, payload, date)


def failure_record(url: str, started: datetime, about: Pairs) -> bytes:
    """Return the metadata record of an exchange that gave no response."""
    return _metadata(redact_url(url), started, about, None)


def digest(data: bytes) -> str:
    """Return `sha256:` and the digest in base32, as WARC files write it."""
    return "sha256:" + base64.b32encode(hashlib.sha256(data).digest()).decode()


def warc_date(moment: datetime) -> str:
    """Return a moment as WARC writes it, to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _standing(earlier: Earlier, profile: str) -> list[tuple[str, str]]:
    return [
        ("WARC-Profile", _REVISIT + profile),
        ("WARC-Refers-To", earlier.record),
        ("WARC-Refers-To-Target-URI", earlier.url),
        ("WARC-Refers-To-Date", earlier.date),
    ]


def _request(got: Response, common: list[tuple[str, str]], response: str) -> bytes:
    path = redact_url(got.url).partition("://")[2].partition("/")[2]
    sent = [(name, value if name == "User-Agent" else redact(value)) for name, value in got.sent]  # our contact stays
    block = f"GET /{path} {got.http_version}\r\n".encode() + _lines(sent) + b"\r\n"
    headers = [
        ("WARC-Type", "request"),
        ("WARC-Record-ID", _identity("request", got.url, got.started, digest(block))),
        *common,
        ("WARC-Concurrent-To", response),
        ("Content-Type", "application/http;msgtype=request"),
    ]
    return _record(headers, block)


def _metadata(url: str, started: datetime, about: Pairs, response: str | None) -> bytes:
    block = to_block((name, redact(value)) for name, value in about)
    headers = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", _identity("metadata", url, started, digest(block))),
        ("WARC-Target-URI", url),
        ("WARC-Date", warc_date(started)),
        *([("WARC-Refers-To", response)] if response else []),
        ("Content-Type", MEDIA_TYPE),
    ]
    return _record(headers, block)


def _http_head(got: Response) -> bytes:
    """Return status line and headers as received, but for secrets and codings that are undone."""
    undone = {"transfer-encoding"}
    if not _is_plain(got):
        undone.add("content-encoding")
    named = []
    for name, value in got.headers:
        shown = REDACTED if name.lower() == "set-cookie" else redact(value)
        named.append((f"{_UNDONE}{name}" if name.lower() in undone else name, shown))
    status = f"{got.http_version} {got.status} {got.reason}\r\n"
    return status.encode("latin-1", "backslashreplace") + _lines(named) + b"\r\n"


def _stored_body(got: Response) -> bytes:
    return got.raw if _is_plain(got) else got.body


def _is_plain(got: Response) -> bool:
    """Say whether the reader of these records undoes the content coding by itself."""
    codings = [value.strip().lower() for name, value in got.headers if name.lower() == "content-encoding"]
    return len(codings) <= 1 and all(coding in _PLAIN_CODINGS for coding in codings)


def _lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    cleaned = ((name, value.replace("\r", " ").replace("\n", " ")) for name, value in pairs)
    return "".join(f"{name}: {value}\r\n" for name, value in cleaned).encode("latin-1", "backslashreplace")


def _identity(kind: str, url: str, started: datetime, content: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url} {started.isoformat()} {content}')}>"


def _record(headers: list[tuple[str, str]], block: bytes) -> bytes:
    lengths = [("WARC-Block-Digest", digest(block)), ("Content-Length", str(len(block)))]
    data = b"WARC/1.1\r\n" + _lines([*headers, *lengths]) + b"\r\n" + block + b"\r\n\r\n"
    return zlib.compress(data, level=6, wbits=31)  # a gzip member whose header holds no time
