"""Bring the data files of a release to the card, and write what stands beside them: card, licences, ...

`release/` of the run folder is then a whole repository: `load_dataset` takes it as it is. Not here: what the files say
(`pipelines.report.card`), and whether they may leave the house (`gate`).
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.storage import as_buffer
from pipelines.publish.layout import layout
from pipelines.publish.parts import HOME, Written, write_parts
from pipelines.report.card import HERE, card_files
from pipelines.report.card_facts import DataFile, Layout
from pipelines.result import Result


def written_layout(result: Result) -> Layout:
    """Return the data files of a release with their schemas, written if need be. Raises CorruptionError."""
    schemas: dict[str, pa.Schema] = {}
    files: list[DataFile] = []
    configs = layout(result)
    written = write_parts(result, configs)
    for config in configs:
        for part in written[config.name]:
            found = pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(part.ref))))
            schemas.setdefault(config.name, found.schema_arrow)
            files.append(_data_file(config.name, part, found))
    return Layout(schemas, tuple(files))


def _data_file(config: str, part: Written, found: pq.ParquetFile) -> DataFile:
    groups = (found.metadata.row_group(at) for at in range(found.metadata.num_row_groups))
    memory_bytes = sum(group.total_byte_size for group in groups)
    return DataFile(config, "train", part.path, part.ref.rows, part.ref.size_bytes, memory_bytes, part.ref.sha256)


def write_beside(result: Result, *, repo: str = HERE, previous: Result | None = None) -> Iterator[str]:
    """Write the files beside the data and yield their paths in the run folder. Raises ConfigError for a hole."""
    for path, content in card_files(result, written_layout(result), repo=repo, previous=previous):
        result.storage.replace_file(f"{HOME}/{path}", content)
        yield f"{HOME}/{path}"
