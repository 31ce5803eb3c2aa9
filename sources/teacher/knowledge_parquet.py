"""A knowledge base as three Parquet tables: the documented form for bases that somebody derives by other means.

`conditions.parquet`, `evidences.parquet` and `settings.parquet` have one row a condition, evidence or setting, with the
columns below; words by language are maps. A finding that a teacher drew from a guideline names in its citation the
title, the URL and, in `publisher`, whose guideline it is. Not here: the YAML of the same content (`knowledge_files`).
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sources.teacher.knowledge import Knowledge

_text = pa.string()
_words = pa.map_(_text, _text)
_finding = pa.struct(
    [("evidence", _text), ("value", _text), ("probability", pa.float64()), ("basis", _text), ("citation", _text)]
)
_citation = pa.struct([("title", _text), ("publisher", _text), ("year", pa.int32()), ("url", _text)])
TABLES: dict[str, pa.Schema] = {
    "conditions": pa.schema(
        [
            ("code", _text), ("name", _words), ("icd10", _text), ("severity", pa.int8()), ("sex", _text),
            ("age_years", pa.list_(pa.float64(), 2)), ("findings", pa.list_(_finding)),
            ("antecedents", pa.list_(_finding)), ("red_flags", pa.list_(_text)),
            ("next_tests", pa.list_(pa.struct([("name", _words), ("level", _text)]))),
            ("citations", pa.map_(_text, _citation)), ("clinician_reviewed", pa.bool_()),
        ]
    ),
    "evidences": pa.schema(
        [
            ("code", _text), ("type", _text), ("antecedent", pa.bool_()), ("question", _words), ("topic", _words),
            ("present", _words), ("absent", _words), ("first_person", pa.map_(_text, _words)),
            ("values", pa.map_(_text, _words)), ("unit", _text), ("default", _text), ("about", _text),
            ("terms", pa.map_(_text, pa.list_(_text))),
            ("sayings", pa.map_(_text, pa.list_(_text))),
        ]
    ),
    "settings": pa.schema(
        [
            ("code", _text), ("name", _words), ("level", _text), ("priors", pa.map_(_text, pa.float64())),
            ("region", _text), ("citation", _text), ("basis", _text),
        ]
    ),
}  # fmt: skip


def write_knowledge(knowledge: Knowledge, folder: Path) -> None:
    """Write a base as the three tables of `TABLES` into a folder that exists."""
    for name, schema in TABLES.items():
        rows = [one.model_dump() for one in getattr(knowledge, name).values()]
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}.parquet", compression="zstd")


def read_tables(folder: Path) -> dict[str, Any]:
    """Return the tables of a folder by name and code, as `Knowledge` takes them; a column may be missing, or empty.

    Raises OSError, pa.ArrowInvalid.
    """
    tables: dict[str, Any] = {}
    for name, schema in TABLES.items():
        rows = pq.read_table(folder / f"{name}.parquet", schema=schema).to_pylist(maps_as_pydicts="strict")
        told = ({field: value for field, value in row.items() if value is not None} for row in rows)
        tables[name] = {row["code"]: row for row in told}
    return tables
