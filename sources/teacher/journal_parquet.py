"""Carries a journal's answers elsewhere as one Parquet file, and takes them in again: to publish, to move, to merge.

One row an answer, by key, so the same answers give the same bytes. What is in doubt stays behind: it belongs to the
money of a run, not to what was said. An imported answer never takes the place of one that is there, and costs nothing
to the account that imports it.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.errors import CorruptionError
from pipelines.engine.shard import PARQUET
from pipelines.engine.storage import local_storage
from sources.teacher.journal import Journal
from sources.teacher.request import FAILURES, OUTCOMES, Answer

FORMAT = b"1"
_NAME = b"medmix.teacher.answers"
IMPORTED = "(imported)"
"""The account that imported answers are booked on."""
_text = pa.string()
SCHEMA = pa.schema(
    [pa.field(name, _text, nullable=False) for name in ("key", "outcome", "text", "reasoning", "reason")]
    + [pa.field(name, _text, nullable=False) for name in ("finish_reason", "served")]
    + [pa.field(name, pa.int64(), nullable=False) for name in ("prompt_tokens", "completion_tokens")]
    + [pa.field("cost", pa.float64(), nullable=False), pa.field("tries", pa.int32(), nullable=False)],
    metadata={_NAME: FORMAT},
)


def export(journal: Journal, path: Path) -> int:
    """Write all answers to a Parquet file, replacing it; returns how many. Raises StorageError."""
    rows = [answer.to_json() for answer in journal.answers()]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **PARQUET)
    local_storage(path.parent).replace_file(path.name, sink.getvalue())
    return len(rows)


def take_in(journal: Journal, path: Path) -> int:
    """Add the answers of a Parquet file to those that the journal lacks; returns how many. Raises CorruptionError."""
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise CorruptionError(f"{path}: cannot be read as Parquet ({error}); restore it from a copy") from error
    if (table.schema.metadata or {}).get(_NAME) != FORMAT or not table.schema.equals(SCHEMA):
        raise CorruptionError(f"{path}: holds no answers as `export` writes them; give the file that it wrote")
    added = 0
    for row in table.to_pylist():
        known = journal.answer(row["key"])
        if row["outcome"] not in OUTCOMES:
            raise CorruptionError(f"{path}: {row['outcome']!r} is no outcome; give the file that `export` wrote")
        if known is None or (known.outcome in FAILURES and row["outcome"] not in FAILURES):
            journal.write_answer(Answer(**row), IMPORTED)
            added += 1
    journal.sync()
    return added
