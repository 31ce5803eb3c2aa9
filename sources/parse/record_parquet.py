"""Read the rows of Parquet items by row group, so that a damaged group costs itself only.

An item is a file, or a window on one of its groups; a row is placed by its number in the file, so that it has one key
however the file is cut. Apart from the other formats, because importing Arrow costs a parser's child more than all
the rest.
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


def parquet_rows(body: bytes) -> Iterator[Row | Fault]:
    """Yield the rows of a Parquet item, named by number from 1. Raises Unreadable `invalid_parquet`."""
    try:
        window, source = unpack(body) if is_window(body) else (None, pa.BufferReader(body))
        table = pq.ParquetFile(source, page_checksum_verification=True)
        groups = range(table.num_row_groups) if window is None else [window.group]
        sizes = [table.metadata.row_group(group).num_rows for group in groups]
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:
        raise Unreadable("invalid_parquet", type(error).__name__) from error
    number = window.first_row - 1 if window else 0
    for group, size in zip(groups, sizes, strict=True):
        end = number + size
        try:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
                for row in batch.to_pylist():
                    number += 1
                    fields = {name: _json_value(value) for name, value in row.items()}
                    yield Row(fields, str(number), position=str(number))
        except (pa.ArrowException, OSError, ValueError) as error:
            detail = f"{type(error).__name__}, rows {number + 1} to {end}"
            yield Fault(reason="invalid_parquet", detail=detail, name=str(number + 1))
        number = end


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
