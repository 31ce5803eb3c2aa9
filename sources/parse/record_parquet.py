"""Read the rows of Parquet items by row group, so that a damaged group costs itself only, and an odd row no other.

A float of 32 bits is read as the shortest number that it stands for: its 0.1 is no 0.10000000149011612. An item is a
file, or a window on one of its groups; a row is placed by its number in the file, so that it has one key however the
file is cut. Apart from the other formats, because importing Arrow costs a parser's child more than all the rest.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sources.parse.parquet_window import is_window, unpack
from sources.parse.part import Fault, Unreadable
from sources.parse.record_fields import Row

_BATCH_ROWS = 256
_NO_VALUES = (ValueError, OverflowError)
"""What Arrow raises for bytes that are no text, and for dates that no calendar of Python's holds."""


def parquet_rows(body: bytes) -> Iterator[Row | Fault]:
    """Yield the rows of a Parquet item, named by number from 1.

    Raises Unreadable: `invalid_parquet`, `duplicate_column`.
    """
    try:
        window, source = unpack(body) if is_window(body) else (None, pa.BufferReader(body))
        table = pq.ParquetFile(source, page_checksum_verification=True)
        groups = range(table.num_row_groups) if window is None else [window.group]
        sizes = [table.metadata.row_group(group).num_rows for group in groups]
        names = table.schema_arrow.names
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:
        raise Unreadable("invalid_parquet", type(error).__name__) from error
    if twice := len(names) - len(set(names)):
        raise Unreadable("duplicate_column", f"{twice} names occur twice")
    number = window.first_row - 1 if window else 0
    for group, size in zip(groups, sizes, strict=True):
        end = number + size
        try:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
                for row in _rows(_shortest(batch)):
                    number += 1
                    if isinstance(row, str):
                        yield Fault(reason="invalid_parquet", detail=row, name=str(number))
                    else:
                        fields = {name: _json_value(value) for name, value in row.items()}
                        yield Row(fields, str(number), position=str(number))
        except (pa.ArrowException, OSError, ValueError) as error:
            detail = f"{type(error).__name__}, rows {number + 1} to {end}"
            yield Fault(reason="invalid_parquet", detail=detail, name=str(number + 1))
        number = end


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of a batch; for one with a value that Python cannot hold, why."""
    try:
        yield from batch.to_pylist()
    except _NO_VALUES as error:
        if batch.num_rows == 1:
            yield type(error).__name__
        else:
            for at in range(batch.num_rows):
                yield from _rows(batch.slice(at, 1))


def _shortest(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with floats of 32 bits as the doubles nearest to their shortest decimals."""
    columns = list(batch.columns)
    for at, column in enumerate(columns):
        if (wide := _with_leaf(column.type, pa.float64())) != column.type:
            columns[at] = column.cast(_with_leaf(column.type, pa.string())).cast(wide)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _with_leaf(kind: pa.DataType, leaf: pa.DataType) -> pa.DataType:
    """Return a type with `leaf` in place of float32, also within lists and structs."""
    if pa.types.is_float32(kind):
        return leaf
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_with_leaf(kind.value_type, leaf)))
    if pa.types.is_struct(kind):
        return pa.struct([part.with_type(_with_leaf(part.type, leaf)) for part in kind.fields])
    return kind


def _json_value(value: Any) -> Any:
    """Return a value as JSON knows it: dates in ISO 8601, decimals in their digits, bytes as nothing of use."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {str(name): _json_value(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_json_value(part) for part in value]
    return value
