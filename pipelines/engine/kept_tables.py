"""Keep tables on disk that are dear to make and always come out the same, beside Python's own cache of a module.

What every character is takes a third of a second to tell, a packed model half a second to unpack, and every process of
a run would do it anew. The tables of one module are one file, named by a digest of all that decides them and read by
mapping, so that processes share its memory. It ends with its own digest: a damaged file, or a folder that cannot be
written, costs the making and nothing else. Not here: what tables hold.
"""

import hashlib
import io
import mmap
import unicodedata
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.engine.hashing import digest

Table = npt.NDArray[Any]
_ALIGNED_BYTES = 64


def kept_tables(module: str, decided_by: Iterable[bytes], make: Callable[[], tuple[Table, ...]]) -> tuple[Table, ...]:
    """Return what `make` returns; `module` is the `__file__` beside which it is kept.

    `decided_by` are the contents of other files, and the versions, that decide it beside those of Unicode and numpy.
    """
    path = Path(module)
    contents = [path.read_bytes(), *decided_by]
    known = [unicodedata.unidata_version, np.__version__, *(hashlib.sha256(one).hexdigest() for one in contents)]
    kept = path.parent / "__pycache__" / f"{path.stem}.tables-{digest(known)[:12]}"
    found = _read(kept)
    if found is None:
        found = make()
        with suppress(OSError):
            _write(kept, found)
    return found


def _read(kept: Path) -> tuple[Table, ...] | None:
    """Return the tables in a file, mapped: what is written to them is not kept. None unless it is whole."""
    try:
        with kept.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):
        return None
    size = len(data) - hashlib.sha256().digest_size
    view = memoryview(data)
    if size < 0 or hashlib.sha256(view[:size]).digest() != view[size:]:
        return None
    tables = []
    while data.tell() < size:
        np.lib.format.read_magic(data)
        shape, _, kind = np.lib.format.read_array_header_1_0(data)
        tables.append(np.ndarray(shape, kind, data, data.tell()))
        data.seek(_aligned(data.tell() + tables[-1].nbytes))
    return tuple(tables)


def _write(kept: Path, tables: Iterable[Table]) -> None:
    """Write the tables in the format of numpy, one behind the other, in the place of an older file of the module."""
    out = io.BytesIO()
    for table in tables:
        np.lib.format.write_array(out, np.ascontiguousarray(table), (1, 0), allow_pickle=False)
        out.write(b"\0" * (_aligned(out.tell()) - out.tell()))
    body = out.getbuffer()
    kept.parent.mkdir(exist_ok=True)
    older = list(kept.parent.glob(f"{kept.name.rpartition('-')[0]}-*"))
    staged = kept.with_name(f".{uuid.uuid4().hex}")
    with staged.open("wb") as file:
        file.write(body)
        file.write(hashlib.sha256(body).digest())
    staged.replace(kept)
    for path in older:
        if path != kept:
            path.unlink(missing_ok=True)


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED_BYTES) * _ALIGNED_BYTES
