"""The log of an experiment: one JSON line for each thing that was asked and answered, and none is ever taken out.

A line holds the question, the digests of the design and of the results, the seeds, the figures and the verdict, also
(above all) when it is bad news. Each carries the digest of the line before it, so a line that was changed or removed is
seen. The same result told again adds nothing, so a second run leaves the same bytes.
"""

import json
from typing import Any

from pipelines.engine.errors import CorruptionError
from pipelines.engine.hashing import canonical_json, sha256_bytes

FILE = "log.jsonl"
FIRST = "0" * 64


def appended(log: bytes, record: dict[str, Any]) -> bytes:
    """Return the log with a record at its end, unchanged when its last record says the same.

    Raises CorruptionError when a line does not follow from the one before.
    """
    lines = read_log(log)
    if lines and {**lines[-1], "before": ""} == {**record, "before": ""}:
        return log
    last = log.splitlines()[-1] if lines else b""
    before = sha256_bytes(last) if last else FIRST
    return log + canonical_json({**record, "before": before}) + b"\n"


def read_log(log: bytes) -> list[dict[str, Any]]:
    """Return the records of a log, oldest first. Raises CorruptionError."""
    records, before = [], FIRST
    for number, line in enumerate(log.splitlines(), 1):
        try:
            record = json.loads(line)
            follows = record["before"] == before
        except (ValueError, KeyError, TypeError):
            follows = False
        if not follows:
            raise CorruptionError(
                f"{FILE}: line {number} does not follow from the one before it: a line was changed or taken out; "
                "restore the log from a copy, or move it away to begin a new one"
            )
        records.append(record)
        before = sha256_bytes(line)
    return records
