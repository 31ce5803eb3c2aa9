"""The funnel says what the manifests say, and loses no record on the way."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipelines.engine.ledger import Counts, Ledger
from pipelines.engine.manifest import Manifest, ShardRecord
from pipelines.report.funnel import SCHEMA, funnel_parquet, funnel_rows, funnel_table


def counts(kept: int, dropped: dict[str, int], quarantined: dict[str, int]) -> Counts:
    """Ten tokens a record; quarantined ones hold none."""
    arrived = kept + sum(dropped.values()) + sum(quarantined.values())
    tokens = 10 * (kept + sum(dropped.values()))
    return Counts(
        records_in=arrived,
        tokens_in=tokens,
        records_kept=kept,
        tokens_kept=10 * kept,
        records_out=kept,
        tokens_out=9 * kept,
        dropped=Counter(dropped),
        dropped_tokens=Counter({reason: 10 * n for reason, n in dropped.items()}),
        quarantined=Counter(quarantined),
        quarantined_tokens=Counter(dict.fromkeys(quarantined, 0)),
    )


def manifest(stage: str, *shards: dict[str, Counts]) -> Manifest:
    records = tuple(ShardRecord(f"{stage}-{at}", "k", {}, Ledger(dict(one)), {}) for at, one in enumerate(shards))
    return Manifest(stage, "1", "f", {}, {}, records, frozenset())


MANIFESTS = {
    "extract-a": manifest(
        "extract-a",
        {"a": counts(3, {}, {"no_text": 1})},
        {"a": counts(2, {}, {"no_text": 2, "truncated": 1}), "b": counts(1, {}, {})},
    ),
    "train-tokenizer": manifest("train-tokenizer", {}),
    "consolidate": manifest("consolidate", {"b": counts(1, {}, {}), "a": counts(2, {"duplicate": 3}, {})}),
}


def test_rows_add_up_over_shards_per_stage_and_source() -> None:
    rows = {row[:4]: row[4:] for row in funnel_rows(MANIFESTS)}
    assert rows["extract-a", "a", "in", ""] == (9, 50)
    assert rows["extract-a", "a", "kept", ""] == (5, 50)
    assert rows["extract-a", "a", "out", ""] == (5, 45)
    assert rows["extract-a", "a", "quarantined", "no_text"] == (3, 0)
    assert rows["consolidate", "a", "dropped", "duplicate"] == (3, 30)
    assert [row[1] for row in funnel_rows(MANIFESTS) if row[0] == "consolidate" and row[2] == "in"] == ["a", "b"]


def test_the_file_keeps_the_law_and_its_bytes() -> None:
    data = funnel_parquet(MANIFESTS)
    assert data == funnel_parquet(MANIFESTS)
    table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
    assert table.schema.equals(SCHEMA)
    balance: Counter[tuple[str, str, str]] = Counter()
    for row in table.to_pylist():
        sign = {"in": 1, "out": 0}.get(row["outcome"], -1)
        for name in ("records", "tokens"):
            balance[row["stage"], row["source"], name] += sign * row[name]
    assert set(balance.values()) == {0}


def test_a_run_without_manifests_has_an_empty_funnel() -> None:
    assert pq.read_table(pa.BufferReader(funnel_parquet({}))).num_rows == 0
    assert funnel_table({}).row_count == 0


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_names_every_reason_most_frequent_first(width: int) -> None:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(funnel_table(MANIFESTS))
    console.file.close()
    told = " ".join(console.export_text().replace("│", " ").split())
    assert "extract-a 10 6 0 4 no_text 3, truncated 1" in told
    assert "consolidate 6 3 3 0 duplicate 3" in told
    assert "train-tokenizer" not in told
