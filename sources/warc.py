"""Read web pages out of WARC files: responses with status 200 in a format that holds text.

Record framing is ours, because a cut or wrongly compressed file must still give every whole record; header
blocks are read by warcio. A body that was cut short is a fault, not a shorter text (`sources.warc_body`).
`conversion` records (WET) and `resource` records of http addresses count as responses. Follows ISO 28500:2017.
What our own crawls say of a page just before it (`sources.warc_fields`) goes on with the item, and decides: every
page that they call an item is one, of whatever media, and no other page is. Not here: requests, revisits, other
statuses, and for other crawls other media: they are no items at all.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser, StatusAndHeadersParserException

from sources.archive_item import Item, Limits
from sources.archive_member import printable, too_large
from sources.archive_stream import Stream
from sources.parse.part import Fault, Unreadable
from sources.warc_body import decoded
from sources.warc_fields import ITEM, KEY, LINK, ROLE, from_block
from sources.warc_fields import MEDIA_TYPE as FIELDS_TYPE

_RECORD_START_BYTES = len("\nWARC/1.1\r\n")
_WRONG_LENGTH = "wrong_record_length"
_LINE_BYTES = 64 << 10
_HEADER_LINES = 1000
_TEXT_TYPES = re.compile(r"text/|application/(xhtml\+xml|xml|pdf|json|[\w.+-]+\+xml)$")
_KNOWN_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]+)", re.IGNORECASE)
_NOT_TEXT = re.compile(r"text/(css|javascript|ecmascript|x-javascript)$|image/")
_UNTOLD = ("", "application/octet-stream", "unknown/unknown")
_STATUS_200 = re.compile(rb"HTTP/[0-9.]+[ \t]+200\b", re.IGNORECASE)
_NEXT_RECORD = re.compile(rb"\nWARC/[01]\.[0-9]+\r?\n")
_HEADER_ERRORS = (StatusAndHeadersParserException, EOFError)
Told = dict[str, Mapping[str, str]]
"""What the last metadata record said, by the record that it is about."""


def read_warc(stream: Stream, limits: Limits) -> Iterator[Item | Fault]:
    """Yield the pages of a WARC stream (key: record id), and a fault for each record that cannot be given.

    Each record of a packed WARC is a gzip member of its own, so one that is corrupt costs none of those behind it.
    """
    yield from _checked(stream, _records(stream, limits))
    while stream.damage and stream.resume(b"WARC/"):
        yield from _checked(stream, _records(stream, limits))


def _checked(stream: Stream, records: Iterator[Item | Fault]) -> Iterator[Item | Fault]:
    """Hold each page back until more is found: only then is the checksum of its gzip member known."""
    held, end = None, 0
    for found in records:
        if held and stream.damage and end > stream.torn_from and isinstance(found, Fault) and not found.name:
            found = replace(found, name=held.key)
        elif held:
            yield held
        held, end = (found, stream.offset) if isinstance(found, Item) else (None, 0)
        if not held:
            yield found
    if held:
        yield held


def _records(stream: Stream, limits: Limits) -> Iterator[Item | Fault]:
    """Read records up to the end or damage, for which there is one fault."""
    in_step = True
    told: Told = {}
    while line := stream.readline(_LINE_BYTES):
        if not line.strip():
            continue
        start = stream.offset - len(line)
        head = _head(stream, line) if line.startswith(b"WARC/") else b""
        if head is None:
            yield _cut(stream, "a record header")
            return
        headers = _headers(head, "WARC/")
        size = _length(headers) if headers else None
        if headers is None or size is None:
            if in_step:
                yield Fault(reason="corrupt_archive", detail=f"no record at byte {start}")
            in_step = False
            continue
        found, is_whole = _record(stream, headers, size, limits, told)
        in_step = not (isinstance(found, Fault) and found.reason == _WRONG_LENGTH)
        if found:
            yield found
        if not is_whole:
            return
    if stream.damage:
        yield stream.damage


def _record(
    stream: Stream, headers: StatusAndHeaders, size: int, limits: Limits, told: Told
) -> tuple[Item | Fault | None, bool]:
    """Read one record: the page in it, if any, and whether the file goes on after it."""
    name = _name(headers)
    fields = told.pop(name, {})
    if size > limits.max_item_bytes:
        is_whole = stream.skip(size) == size
        unread = fields.get(ROLE, ITEM) != ITEM
        found: Item | Fault | None = None if unread else too_large(fields.get(KEY, name), limits)
    else:
        block = stream.read(size)
        is_whole = len(block) == size
        found = _page(headers, fields, block, limits) if is_whole else None
        _listen(headers, block, told)
        if not _ends_well(stream):
            resume = _NEXT_RECORD.search(block)
            stream.push_back(block[resume.start() + 1 :] if resume else block[-_RECORD_START_BYTES:])
            return Fault(reason=_WRONG_LENGTH, detail="does not end where its length says", name=name), True
    return (found, True) if is_whole else (_cut(stream, f"{size} bytes promised", name), False)


def _ends_well(stream: Stream) -> bool:
    """Tell whether a blank line or the end of the file follows, as it must after the promised length."""
    line = stream.readline(_LINE_BYTES)
    if line.strip():
        stream.push_back(line)
    return not line.strip()


def _cut(stream: Stream, where: str, name: str = "") -> Fault:
    if stream.damage:
        return Fault(reason=stream.damage.reason, detail=stream.damage.detail, name=name)
    return Fault(reason="truncated_archive", detail=f"{where}, ends after {stream.offset} bytes", name=name)


def _length(headers: StatusAndHeaders) -> int | None:
    length = headers.get_header("Content-Length", "").strip()
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _head(stream: Stream, first: bytes) -> bytes | None:
    """Read a header block up to its blank line; None when the file ends before it, empty when it is endless."""
    lines = [first]
    while lines[-1].strip():
        if len(lines) > _HEADER_LINES:
            return b""
        line = stream.readline(_LINE_BYTES)
        if not line.endswith(b"\n"):
            return None if len(line) < _LINE_BYTES else b""
        lines.append(line)
    return b"".join(lines)


def _headers(head: bytes, prefix: str) -> StatusAndHeaders | None:
    try:
        return StatusAndHeadersParser([prefix]).parse(io.BytesIO(head)) if head else None
    except _HEADER_ERRORS:
        return None


def _name(headers: StatusAndHeaders) -> str:
    """Return the record id without its brackets, or a digest of the address for want of one."""
    record_id = headers.get_header("WARC-Record-ID", "").strip("<> ")
    target = f"{headers.get_header('WARC-Target-URI', '')} {headers.get_header('WARC-Date', '')}"
    return printable(record_id) or hashlib.sha256(target.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _listen(headers: StatusAndHeaders, block: bytes, told: Told) -> None:
    """Note what our own crawl says of the record that comes next."""
    if headers.get_header("WARC-Type", "").lower() != "metadata":
        return
    told.clear()
    subject = headers.get_header("WARC-Refers-To", "").strip("<> ")
    fields = from_block(block) if headers.get_header("Content-Type", "") == FIELDS_TYPE else {}
    if subject and ROLE in fields:
        told[subject] = fields


def _page(headers: StatusAndHeaders, fields: Mapping[str, str], block: bytes, limits: Limits) -> Item | Fault | None:
    """Return the page that a record holds, None when it holds none."""
    kind = headers.get_header("WARC-Type", "").lower()
    url = headers.get_header("WARC-Target-URI", "").strip("<> ")
    name = fields.get(KEY) or _name(headers)
    if fields and fields.get(ROLE) != ITEM:
        return None
    http, body = headers, block
    if kind == "response":
        head, body = _split_head(block)
        response = _headers(head, "HTTP/")
        if response is None:
            return Fault(reason="corrupt_record", detail="no HTTP header", name=name)
        if not _STATUS_200.match(head):
            return None
        http = response
    elif kind not in ("conversion", "resource") or not url.lower().startswith(("http://", "https://")):
        return None
    identified = headers.get_header("WARC-Identified-Payload-Type", "") or fields.get(f"{LINK}media_type", "")
    media = _media_type(http.get_header("Content-Type", ""), identified)
    if media and not _is_text(media) and not fields:
        return None
    if cut := headers.get_header("WARC-Truncated"):
        return Fault(reason="truncated_record", detail=printable(cut), name=name)
    try:
        if kind == "response":
            coding = (http.get_header("Transfer-Encoding", ""), http.get_header("Content-Encoding", ""))
            body = decoded(body, *coding, limits.max_item_bytes)
    except Unreadable as error:
        return Fault(reason=error.reason, detail=error.detail, name=name)
    return Item(name, body, url or None, headers.get_header("WARC-Date") or None, media, fields)


def _is_text(media: str) -> bool:
    kind = media.partition(";")[0]
    return _TEXT_TYPES.match(kind) is not None and _NOT_TEXT.match(kind) is None


def _split_head(block: bytes) -> tuple[bytes, bytes]:
    """Return the HTTP header block, empty when it has no end, and the body."""
    match = re.search(rb"\r?\n\r?\n", block[: 1 << 20])
    return (block[: match.end()], block[match.end() :]) if match else (b"", block)


def _media_type(declared: str, identified: str) -> str | None:
    """Return `type` or `type; charset=x` in lower case: what the server said, or the crawler found."""
    match = _KNOWN_TYPE.match(declared.strip().lower())
    kind = match.group() if match else ""
    if kind in _UNTOLD:
        kind = identified.strip().lower()
    charset = _CHARSET.search(declared)
    return (f"{kind}; charset={charset.group(1).lower()}" if charset else kind) if kind else None
