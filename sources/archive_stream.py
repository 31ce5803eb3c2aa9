"""Read a plain, gzip or zstd file forward, within limits, and never lose what was whole before damage.

The standard readers raise in the middle of a buffered read and take good bytes with them. Here the end of the
bytes and the reason for it are apart: `read` gives what there is, `damage` says why there is no more (None at a
healthy end). A checksum is known at the end of a member only, so bytes before a checksum fault have been handed
out: whoever reads must pass the fault on. Follows RFC 1952 (multi-member) and RFC 8878. Not here: containers.
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from sources.archive_item import Limits
from sources.parse.part import Fault

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SUFFIXES = (".gz", ".tgz", ".zst", ".tzst")
_INPUT_BYTES = 64 << 10
_OUTPUT_BYTES = 1 << 20
_ZSTD_INPUT_BYTES = 2 << 10
"""One zstd input piece can grow 32,768-fold, and the library has no bound on output: 64 MiB at most like this."""
_MEMBER_START = GZIP_MAGIC + b"\x08"
_MEMBER_BYTES = 4 << 10
"""More than the first bytes of a gzip member take: its header, names included, and a table of codes."""


class _DamagedError(Exception):
    """Internal: (reason, detail) of where decompression must stop; for a corrupt member, its place and bytes given."""


class Stream:
    """Decompressed bytes of `raw`, read forward. `offset` counts the bytes given; `damage` tells an early end."""

    def __init__(self, raw: BinaryIO, limits: Limits, *, packed: bool = True) -> None:
        """`packed`: look for gzip or zstd at the start; a file cut inside its magic number counts as packed."""
        self.offset = 0
        self.damage: Fault | None = None
        self._raw = raw
        self._limits = limits
        self._piece = b""
        self._at = 0
        self._made_bytes = 0
        self._broken_at: int | None = None
        self.torn_from = 0
        """At damage: bytes from here on may be wrong, as they are of a gzip member that turned out corrupt."""
        self._pieces = _pieces(raw) if packed else _plain(raw, b"")

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end of the bytes or before damage."""
        taken: list[bytes] = []
        while size > 0 and (piece := self._take(size)):
            taken.append(piece)
            size -= len(piece)
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def read_some(self) -> bytes:
        """Return the next piece of any size; empty at the end."""
        return self._take(_OUTPUT_BYTES)

    def readline(self, most: int) -> bytes:
        """Return bytes up to and with the next newline, `most` at the longest; no newline at the end."""
        taken: list[bytes] = []
        while most > 0 and (self._at < len(self._piece) or self._load()):
            end = self._piece.find(b"\n", self._at, self._at + most) + 1
            line = self._take(end - self._at if end else most)
            taken.append(line)
            most = 0 if end else most - len(line)
        return b"".join(taken)

    def skip(self, size: int) -> int:
        """Pass over `size` bytes without keeping them; return how many there were."""
        left = size
        while left > 0 and (piece := self._take(left)):
            left -= len(piece)
        return size - left

    def push_back(self, data: bytes) -> None:
        """Give back bytes that were read, so that they are read again."""
        self._piece, self._at = data + self._piece[self._at :], 0
        self.offset -= len(data)

    def resume(self, mark: bytes) -> bool:
        """Forget the damage of a corrupt gzip member, and go on at the next that begins with `mark`; False without."""
        broken, self._broken_at = self._broken_at, None
        start = None if broken is None else _next_member(self._raw, broken + 1, mark)
        if start is None:
            return False
        self._raw.seek(start)
        self._pieces, self._piece, self._at, self.damage = _pieces(self._raw), b"", 0, None
        return True

    def _take(self, most: int) -> bytes:
        if self._at >= len(self._piece) and not self._load():
            return b""
        taken = self._piece[self._at : self._at + most]
        self._at += len(taken)
        self.offset += len(taken)
        return taken

    def _load(self) -> bool:
        """Fetch the next decompressed piece; False at the end or at damage."""
        if self.damage:
            return False
        try:
            self._piece, self._at = next(self._pieces, b""), 0
            self._made_bytes += len(self._piece)
            self._check_ratio()
        except _DamagedError as error:
            reason, detail, *broken = error.args
            self._broken_at, torn_bytes = broken or (None, 0)
            self.torn_from = self._made_bytes - torn_bytes
            self._piece = b""
            self.damage = Fault(reason=reason, detail=f"{detail} after {self._made_bytes} bytes")
        return bool(self._piece)

    def _check_ratio(self) -> None:
        made, limits = self._made_bytes, self._limits
        if made > limits.ratio_floor_bytes and made > limits.max_ratio * max(1, self._raw.tell()):
            raise _DamagedError("decompression_bomb", f"more than {limits.max_ratio} bytes for each one stored")


def is_packed_name(name: str) -> bool:
    """Tell whether a file name ends in a compression suffix that can be read here."""
    return name.lower().endswith(SUFFIXES)


def _pieces(raw: BinaryIO) -> Iterator[bytes]:
    """Give the bytes of a file, decompressed when its first bytes (as many as there are) say so."""
    head = raw.read(4)
    if GZIP_MAGIC.startswith(head[:2]):
        return _gunzip(raw, head)
    if ZSTD_MAGIC.startswith(head):
        return _unzstd(raw, head)
    return _plain(raw, head)


def _plain(raw: BinaryIO, head: bytes) -> Iterator[bytes]:
    if head:
        yield head
    while piece := raw.read(_OUTPUT_BYTES):
        yield piece


def _gunzip(raw: BinaryIO, pending: bytes) -> Iterator[bytes]:
    """Inflate every member; zero padding after a member is legal (tapes), anything else is damage."""
    while True:
        start = raw.tell() - len(pending)
        inflater = zlib.decompressobj(wbits=31)
        made, made_bytes = b"", 0
        while not inflater.eof:
            if not pending and len(made) < _OUTPUT_BYTES:
                pending = raw.read(_INPUT_BYTES)
                if not pending:
                    raise _DamagedError("truncated_archive", "gzip data end early" if raw.tell() else "the file ends")
            before = inflater.copy()
            try:
                made = inflater.decompress(pending, _OUTPUT_BYTES)
            except zlib.error as error:
                if made := _until_error(before, pending):
                    yield made
                raise _DamagedError("corrupt_archive", str(error), start, made_bytes + len(made)) from error
            pending = inflater.unconsumed_tail
            made_bytes += len(made)
            if made:
                yield made
        pending = inflater.unused_data.lstrip(b"\0")
        while not pending:
            more = raw.read(_INPUT_BYTES)
            if not more:
                return
            pending = more.lstrip(b"\0")


def _next_member(raw: BinaryIO, at: int, mark: bytes) -> int | None:
    """Return where, from `at` on, the next gzip member begins whose content begins with `mark`."""
    data = b""
    raw.seek(at)
    while piece := raw.read(_OUTPUT_BYTES):
        data += piece
        is_last = len(piece) < _OUTPUT_BYTES
        found = data.find(_MEMBER_START)
        while found >= 0 and (is_last or len(data) - found >= _MEMBER_BYTES):
            if _begins_with(mark, data[found : found + _MEMBER_BYTES]):
                return at + found
            found = data.find(_MEMBER_START, found + 1)
        passed = found if found >= 0 else max(0, len(data) - len(_MEMBER_START) + 1)
        at, data = at + passed, data[passed:]
    return None


def _begins_with(mark: bytes, member: bytes) -> bool:
    try:
        return zlib.decompressobj(wbits=31).decompress(member, len(mark)) == mark
    except zlib.error:
        return False


def _until_error(inflater: "zlib._Decompress", data: bytes) -> bytes:
    """Return what comes out before the error: zlib keeps the good output of the failing call to itself."""
    made = []
    try:
        for index in range(len(data)):
            made.append(inflater.decompress(data[index : index + 1]))
    except zlib.error:
        pass
    return b"".join(made)


def _unzstd(raw: BinaryIO, pending: bytes) -> Iterator[bytes]:
    while pending or (pending := raw.read(_ZSTD_INPUT_BYTES)):
        inflater = zstandard.ZstdDecompressor().decompressobj()
        while not inflater.eof:
            if not pending and not (pending := raw.read(_ZSTD_INPUT_BYTES)):
                raise _DamagedError("truncated_archive", "zstd data end early")
            try:
                made = inflater.decompress(pending)
            except zstandard.ZstdError as error:
                raise _DamagedError("corrupt_archive", str(error)) from error
            pending = inflater.unused_data if inflater.eof else b""
            if made:
                yield made
