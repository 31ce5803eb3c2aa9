"""Read the members of a zip by its table of contents.

Output is measured against the size of the whole archive as well as member by member, because overlapping
entries (Fifield, 2019) keep each single ratio low. A zip keeps its table at the end, so a cut file has none:
what is whole of such a file comes from `sources.archive_zip_cut`. Not here: encryption, multi-disk.
"""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

from sources.archive_item import Item, Limits
from sources.archive_member import is_unsafe_name, member_item, printable, too_large
from sources.archive_zip_cut import read_cut_zip
from sources.parse.part import Fault

_CHUNK_BYTES = 1 << 20
_TABLE_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError, OSError)
_MEMBER_ERRORS = (*_TABLE_ERRORS, RuntimeError, zlib.error, lzma.LZMAError)
_ENCRYPTED = 0x1


def read_zip(raw: BinaryIO, limits: Limits) -> Iterator[Item | Fault]:
    """Yield every regular member of a seekable zip (key: its name), and a fault for each that cannot be given."""
    size_bytes = raw.seek(0, 2)
    try:
        archive = zipfile.ZipFile(raw)
        entries = archive.infolist()
    except _TABLE_ERRORS:
        yield from read_cut_zip(raw, limits)
        return
    made_bytes = 0
    for number, entry in enumerate(entries, 1):
        if number > limits.max_members:
            yield Fault(reason="too_many_members", detail=f"more than {limits.max_members}")
            return
        if entry.filename.endswith("/"):
            continue
        found = _entry(archive, entry, limits)
        made_bytes += len(found.body) if isinstance(found, Item) else 0
        if made_bytes > max(limits.ratio_floor_bytes, limits.max_ratio * size_bytes):
            yield Fault(reason="decompression_bomb", detail=f"over {made_bytes} bytes", name=printable(entry.filename))
            return
        yield found


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> Item | Fault:
    name = printable(entry.filename.removeprefix("./"))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return Fault(reason="not_a_regular_file", detail=f"mode {kind:o}", name=name)
    if is_unsafe_name(entry.filename):
        return Fault(reason="unsafe_member_name", name=name)
    if entry.flag_bits & _ENCRYPTED:
        return Fault(reason="encrypted_member", name=name)
    if entry.file_size > limits.max_item_bytes:
        return too_large(name, limits)
    try:
        with archive.open(entry) as member:
            return _bounded(member, name, entry.compress_size, limits)
    except NotImplementedError as error:
        return Fault(reason="unsupported_compression", detail=str(error), name=name)
    except _MEMBER_ERRORS as error:
        return Fault(reason="corrupt_archive", detail=type(error).__name__, name=name)


def _bounded(member: IO[bytes], name: str, stored_bytes: int, limits: Limits) -> Item | Fault:
    """Read a member whole, within the limits."""
    pieces: list[bytes] = []
    made_bytes = 0
    while piece := member.read(_CHUNK_BYTES):
        pieces.append(piece)
        made_bytes += len(piece)
        if made_bytes > limits.max_item_bytes:
            return too_large(name, limits)
        if made_bytes > max(limits.ratio_floor_bytes, limits.max_ratio * stored_bytes):
            return Fault(reason="decompression_bomb", detail=f"{stored_bytes} bytes stored", name=name)
    return member_item(name, b"".join(pieces), limits)
