"""Read what is whole of a zip without its table of contents, from the local headers.

The walk follows APPNOTE 6.3.10 section 4.3 from the first byte and stops at the first member that is not sound:
cut, encrypted, or stored in a way that does not tell where it ends. Sizes that follow the data (bit 3) are
found by inflating. It ends with one fault, because members after that point are lost.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from sources.archive_item import Item, Limits
from sources.archive_member import is_unsafe_name, member_item, printable, too_large
from sources.parse.part import Fault

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_NEXT_MAGICS = (_LOCAL_MAGIC, b"PK\x01\x02", b"PK\x05\x06")
_DESCRIPTOR_MAGIC = b"PK\x07\x08"
_DESCRIPTOR_BYTES = (12, 16, 20, 24)
_INPUT_BYTES = 64 << 10
_ENCRYPTED, _SIZES_LATER, _UTF8 = 0x1, 0x8, 0x800


class _Member(NamedTuple):
    """A member read from its local header: `body` is None when it is too large; `end` is where its data end."""

    name: str
    body: bytes | None
    crc: int
    end: int


def read_cut_zip(raw: BinaryIO, limits: Limits) -> Iterator[Item | Fault]:
    """Yield the whole members of a zip without a table of contents, then one fault that says where they end."""
    at = 0
    for _ in range(limits.max_members):
        member = _read_member(raw, at, limits)
        if member is None:
            break
        if not member.name.endswith("/"):
            yield _found(member, limits)
        at = member.end
    raw.seek(0)
    reason = "truncated_archive" if _LOCAL_MAGIC.startswith(raw.read(4)) else "corrupt_archive"
    yield Fault(reason=reason, detail=f"no table of contents; members are whole up to byte {at}")


def _found(member: _Member, limits: Limits) -> Item | Fault:
    name = printable(member.name.removeprefix("./"))
    if member.body is None:
        return too_large(name, limits)
    if is_unsafe_name(member.name):
        return Fault(reason="unsafe_member_name", name=name)
    if zlib.crc32(member.body) != member.crc:
        return Fault(reason="corrupt_archive", detail="wrong CRC", name=name)
    return member_item(name, member.body, limits)


def _read_member(raw: BinaryIO, at: int, limits: Limits) -> _Member | None:
    """Read the member whose local header is at byte `at`; None when there is none that is whole and readable."""
    raw.seek(at)
    head = raw.read(_LOCAL_HEADER.size)
    if len(head) < _LOCAL_HEADER.size or not head.startswith(_LOCAL_MAGIC):
        return None
    _, _, flags, method, _, _, crc, stored_bytes, _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(head)
    name = raw.read(name_bytes).decode("utf-8" if flags & _UTF8 else "cp437", "backslashreplace")
    start = at + _LOCAL_HEADER.size + name_bytes + extra_bytes
    raw.seek(start)
    if flags & _ENCRYPTED:
        return None
    if method == zipfile.ZIP_STORED and not flags & _SIZES_LATER:
        return _stored(raw, _Member(name, None, crc, start + stored_bytes), stored_bytes, limits)
    if method != zipfile.ZIP_DEFLATED:
        return None
    inflated = _inflate(raw, limits)
    if inflated is None:
        return None
    body, end = inflated
    if flags & _SIZES_LATER:
        descriptor = _descriptor(raw, end)
        return _Member(name, body, descriptor[0], descriptor[1]) if descriptor else None
    return _Member(name, body, crc, end)


def _stored(raw: BinaryIO, member: _Member, size: int, limits: Limits) -> _Member | None:
    if size > limits.max_item_bytes:
        return member if raw.seek(0, 2) >= member.end else None
    body = raw.read(size)
    return member._replace(body=body) if len(body) == size else None


def _inflate(raw: BinaryIO, limits: Limits) -> tuple[bytes | None, int] | None:
    """Return the inflated body (None when too large) and where the deflate data end; None when they do not end."""
    inflater = zlib.decompressobj(wbits=-15)
    body = bytearray()
    made_bytes = 0
    try:
        while not inflater.eof:
            pending = inflater.unconsumed_tail or raw.read(_INPUT_BYTES)
            made = inflater.decompress(pending, _INPUT_BYTES)
            if not made and not pending:
                return None
            made_bytes += len(made)
            if made_bytes <= limits.max_item_bytes:
                body += made
    except zlib.error:
        return None
    return (bytes(body) if made_bytes <= limits.max_item_bytes else None), raw.tell() - len(inflater.unused_data)


def _descriptor(raw: BinaryIO, end: int) -> tuple[int, int] | None:
    """Return the CRC in the data descriptor at `end` and where the next header begins; None when it is cut."""
    raw.seek(end)
    data = raw.read(max(_DESCRIPTOR_BYTES) + 4)
    crc_at = 4 if data.startswith(_DESCRIPTOR_MAGIC) else 0
    for size in _DESCRIPTOR_BYTES:
        if data[size : size + 4] in _NEXT_MAGICS:
            return int.from_bytes(data[crc_at : crc_at + 4], "little"), end + size
    is_last = len(data) >= crc_at + _DESCRIPTOR_BYTES[0]
    return (int.from_bytes(data[crc_at : crc_at + 4], "little"), end + len(data)) if is_last else None
