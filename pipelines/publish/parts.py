"""Write the Parquet parts of a release below `release/` of the run folder, once, each named by its digest.

Sequences keep the types and the features that training shards have, so `load_dataset` gives what `load_from_disk`
gives; documents keep their columns. Pages carry checksums. A sealed list, written last, says what the parts are; while
it stands for the same layout nothing is written again. What no list names is removed, so a release after a removal
holds no file of the one before. Not here: which parts there are (`layout`), and everything beside the data (`release`).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.errors import CorruptionError
from pipelines.engine.hashing import digest, seal
from pipelines.engine.shard import PARQUET
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, as_buffer
from pipelines.publish.layout import Config, Part, documents_schema
from pipelines.result import Result

HOME = "release"
LIST = f"{HOME}/parts.json"
FORMAT = 1
BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """One file of a release: its path in the repository, and the file in the run folder that it is."""

    path: str
    ref: FileRef


def write_parts(result: Result, configs: tuple[Config, ...]) -> dict[str, list[Written]]:
    """Return the parts by config, written if need be. Raises CorruptionError and StorageError."""
    key = digest([FORMAT, [asdict(config) for config in configs]])
    standing = _standing(result.storage, key)
    if standing is None:
        standing = {c.name: [_write(result.storage, c, part) for part in c.parts] for c in configs}
        listed = {name: [asdict(ref) for ref in refs] for name, refs in standing.items()}
        result.storage.replace_file(LIST, seal({"format": FORMAT, "key": key, "parts": listed}))
    kept = {LIST, *(ref.path for refs in standing.values() for ref in refs)}
    for path in set(result.storage.list(f"{HOME}/data")) - kept:
        result.storage.remove(path)
    return {name: [Written(ref.path.removeprefix(f"{HOME}/"), ref) for ref in refs] for name, refs in standing.items()}


def _standing(storage: Storage, key: str) -> dict[str, list[FileRef]] | None:
    """Return the parts of the list that stands, None when it is of another layout or a file of it is gone."""
    try:
        body = storage.read_sealed(LIST)
    except CorruptionError:
        return None
    if body is None or body.get("key") != key:
        return None
    parts = {name: [FileRef(**ref) for ref in refs] for name, refs in body["parts"].items()}
    whole = all(storage.size(ref.path) == ref.size_bytes for refs in parts.values() for ref in refs)
    return parts if whole else None


def _write(storage: Storage, config: Config, part: Part) -> FileRef:
    """Write one part and return it."""
    staged = storage.create(f"{HOME}/{config.folder}")
    writer: pq.ParquetWriter | None = None
    for table in _tables(storage, config, part):
        if writer is None:
            writer = pq.ParquetWriter(pa.PythonFile(staged, mode="w"), table.schema, **PARQUET)
        writer.write_table(table, row_group_size=BATCH_ROWS)
    if writer is None:
        staged.abandon()
        raise CorruptionError(f"{part.shards[0].path}: holds no rows, but its manifest says {part.rows}; run again")
    writer.close()
    ref = staged.commit(part.stem, "parquet")
    return FileRef(ref.path, ref.sha256, ref.size_bytes, part.rows)


def _tables(storage: Storage, config: Config, part: Part) -> Iterator[pa.Table]:
    for ref in part.shards:
        source = pa.BufferReader(as_buffer(storage.read(ref)))
        if config.kind == "mixture":
            for batch in pa.ipc.open_stream(source):
                yield pa.Table.from_batches([batch])
        else:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield _documents(pa.Table.from_batches([batch]))


def _documents(table: pa.Table) -> pa.Table:
    """Return documents in the schema of their config."""
    schema = documents_schema()
    columns: dict[str, Any] = {name: table[name] for name in schema.names}
    pairs = [
        None if found is None else [{"name": name, "value": value} for name, value in found]
        for found in table["identifiers"].to_pylist()
    ]
    columns["identifiers"] = pa.array(pairs, schema.field("identifiers").type)
    return pa.table(columns, schema=schema)
