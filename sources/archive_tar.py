"""Walk a tar stream forward: ustar, pax and GNU long names, one member at a time.

`tarfile` ends a damaged archive without a word when the damage is not at its very start, so the walk is ours
and only the header block is read by `tarfile`. After a bad header the walk goes on at the next good one. Zero
blocks are passed over, so archives that were concatenated are read to their end; an archive without the end
marker of POSIX 1003.1 may have been cut between two members, and is reported. Not here: writing files.
"""

import re
import tarfile
from collections.abc import Iterator

from sources.archive_item import Item, Limits
from sources.archive_member import is_unsafe_name, member_item, printable, too_large
from sources.archive_stream import Stream
from sources.parse.part import Fault

_BLOCK_BYTES = 512
_MAX_HEADER_BYTES = 1 << 20
_NAME_TYPES = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME)
_OTHER_EXTENSIONS = (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK)
_NO_DATA = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
_PAX_RECORD = re.compile(rb"(\d{1,20}) ([^=]+)=")


def read_tar(stream: Stream, limits: Limits) -> Iterator[Item | Fault]:
    """Yield every regular member (key: its name), and a fault for each that cannot be given."""
    members, in_step, ended = 0, True, False
    attributes: dict[str, str] = {}
    while len(block := stream.read(_BLOCK_BYTES)) == _BLOCK_BYTES:
        if not any(block):
            ended, in_step = True, True
            continue
        header = _header(block)
        if header is None:
            if in_step:
                yield Fault(reason="corrupt_archive", detail=f"bad header at byte {stream.offset - _BLOCK_BYTES}")
            in_step = False
            continue
        in_step, ended = True, False
        if header.type in _NAME_TYPES + _OTHER_EXTENSIONS:
            attributes |= _extension(stream, header)
            continue
        members += 1
        if members > limits.max_members:
            yield Fault(reason="too_many_members", detail=f"more than {limits.max_members}")
            return
        found, is_whole = _member(stream, _apply(header, attributes), limits)
        if found:
            yield found
        if not is_whole:
            return
        attributes = {}
    if stream.damage or block or not ended:
        yield _cut(stream, "no end marker")


def _header(block: bytes) -> tarfile.TarInfo | None:
    """Read a header block; None when its checksum or a number in it is wrong."""
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "backslashreplace")
    except (tarfile.HeaderError, ValueError):
        return None
    return header if header.size >= 0 else None


def _cut(stream: Stream, what: str, name: str = "") -> Fault:
    """Return the fault for an early end: the stream's own damage where it has one."""
    if stream.damage:
        return Fault(reason=stream.damage.reason, detail=stream.damage.detail, name=name)
    return Fault(reason="truncated_archive", detail=f"{what}, ends after {stream.offset} bytes", name=name)


def _extension(stream: Stream, header: tarfile.TarInfo) -> dict[str, str]:
    """Read the data of an extension header and return what it says of the next member."""
    data = stream.read(min(header.size, _MAX_HEADER_BYTES))
    stream.skip(header.size - len(data) + -header.size % _BLOCK_BYTES)
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.rstrip(b"\0").decode("utf-8", "backslashreplace")}
    return _pax(data) if header.type in _NAME_TYPES else {}


def _pax(data: bytes) -> dict[str, str]:
    records = {}
    at = 0
    while match := _PAX_RECORD.match(data, at):
        length = int(match.group(1))
        value = data[match.end() : max(match.end(), at + length - 1)]
        records[match.group(2).decode("utf-8", "backslashreplace")] = value.decode("utf-8", "backslashreplace")
        at += max(length, 1)
    return records


def _apply(header: tarfile.TarInfo, attributes: dict[str, str]) -> tarfile.TarInfo:
    header.name = attributes.get("path", header.name)
    if re.fullmatch(r"[0-9]{1,20}", attributes.get("size", "")):
        header.size = int(attributes["size"])
    if any(name.startswith("GNU.sparse") for name in attributes):
        header.type = tarfile.GNUTYPE_SPARSE
    return header


def _member(stream: Stream, header: tarfile.TarInfo, limits: Limits) -> tuple[Item | Fault | None, bool]:
    """Read one member: what it gives (nothing for a folder), and whether the archive goes on after it."""
    name = printable(header.name.removeprefix("./"))
    size = 0 if header.type in _NO_DATA else header.size
    found: Item | Fault | None = _refusal(header, name, limits)
    if found or header.isdir():
        is_whole = stream.skip(size) == size
    else:
        body = stream.read(size)
        is_whole = len(body) == size
        found = member_item(name, body, limits) if is_whole else None
    stream.skip(-size % _BLOCK_BYTES)
    return (found, True) if is_whole else (_cut(stream, f"{size} bytes promised", name), False)


def _refusal(header: tarfile.TarInfo, name: str, limits: Limits) -> Fault | None:
    if header.isdir():
        return None
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE):
        return Fault(reason="not_a_regular_file", detail=f"type {header.type!r}", name=name)
    if is_unsafe_name(header.name):
        return Fault(reason="unsafe_member_name", name=name)
    if header.size > limits.max_item_bytes:
        return too_large(name, limits)
    return None
