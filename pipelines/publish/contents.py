"""What stands in a file, as text, however it is stored: for searching every file of a folder for given words.

The bytes as they are, and beside them: the strings of Parquet and Arrow files (in lists, structures and maps too), what
gzip and zstd files hold, and token ids turned back into words by the tokenizer of their mixture. Not here: what is
searched for (`takedown`). A file that cannot be unpacked is searched as bytes; whether it is sound is `medmix verify`'s
to say.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

Decode = Callable[[list[int]], str]
TOKENS = frozenset({"ids", "input_ids"})
_BATCH_ROWS = 1000


def texts_of(path: Path, decode: Decode | None) -> Iterator[str]:
    """Yield the content of a file as texts; `decode` turns token ids into words, None where there is no tokenizer."""
    body = path.read_bytes()
    yield body.decode("utf-8", "replace")
    try:
        for batch in _batches(path, body):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                yield from _tokens(column, decode) if name in TOKENS else _strings(column)
        yield from _unpacked(path, body)
    except (pa.ArrowException, OSError, EOFError, zlib.error, zstandard.ZstdError):
        return


def _batches(path: Path, body: bytes) -> Iterator[pa.RecordBatch]:
    if path.suffix == ".parquet":
        yield from pq.ParquetFile(pa.BufferReader(body)).iter_batches(batch_size=_BATCH_ROWS)
    elif path.suffix == ".arrow":
        yield from pa.ipc.open_stream(body)


def _unpacked(path: Path, body: bytes) -> Iterator[str]:
    if path.suffix == ".gz":
        yield gzip.decompress(body).decode("utf-8", "replace")
    elif body.startswith(zstandard.FRAME_HEADER):
        yield zstandard.ZstdDecompressor().decompressobj().decompress(body).decode("utf-8", "replace")


def _strings(array: pa.Array) -> Iterator[str]:
    """Yield all strings in a column, however deep, a column at a time."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _strings(array.dictionary)
    elif pa.types.is_struct(kind):
        for field in array.flatten():
            yield from _strings(field)
    elif pa.types.is_map(kind):
        yield from _strings(array.keys)
        yield from _strings(array.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _strings(pc.list_flatten(array))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield "\n".join(filter(None, array.to_pylist()))
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield "\n".join(value.decode("utf-8", "replace") for value in array.to_pylist() if value)


def _tokens(array: pa.Array, decode: Decode | None) -> Iterator[str]:
    """Yield the words of all rows as one text, as a document goes on from one row of a shard to the next."""
    if decode is not None:
        yield decode(pc.list_flatten(array).to_pylist())
