"""Rows to parts: cases in JSON, conservation on any rows, and every real table."""

import contextlib
import dataclasses
import datetime
import decimal
import io
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.archive import Item, Limits, open_items
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.reasons import REASONS
from sources.parse.records import parse

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
CASES = json.loads((Path(__file__).parent / "cases" / "records.json").read_text())


def read(body: bytes, key: str, options: dict[str, Any]) -> tuple[list[Part], list[Fault]]:
    found = list(parse(body, key, options))
    return [f for f in found if isinstance(f, Part)], [f for f in found if isinstance(f, Fault)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_cases(case: dict[str, Any]) -> None:
    parts, faults = read(case["body"].encode(), case["key"], case["options"])
    got = [{name: dataclasses.asdict(p)[name] for name in want} for p, want in zip(parts, case["parts"], strict=True)]
    assert got == case["parts"]
    assert [[f.reason, f.name] for f in faults] == case.get("faults", [])


@pytest.mark.parametrize(
    ("body", "key", "options", "reason"),
    [
        (b"", "a.jsonl", {}, "empty_item"),
        (b" \n", "a.csv", {}, "empty_item"),
        (b"[1", "a.json", {}, "invalid_json"),
        (b"{}", "a.json", {"root": "rows"}, "no_rows_at_root"),
        (b"a: [", "a.yaml", {}, "invalid_yaml"),
        (b"a: 1\na: 2", "a.yaml", {}, "invalid_yaml"),
        (b"a,a\n1,2\n", "a.csv", {}, "duplicate_column"),
        (b'"a,b\n1,2\n', "a.csv", {}, "bad_header"),
        (b"PAR1 nonsense PAR1", "a.parquet", {}, "invalid_parquet"),
        (b"x", "a.bin", {}, "unknown_format"),
    ],
)
def test_items_that_cannot_be_read(body: bytes, key: str, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        list(parse(body, key, options))
    assert caught.value.reason == reason
    assert reason in REASONS


def test_a_field_name_that_is_no_field_is_told() -> None:
    with pytest.raises(ValueError, match="unknown field 'txt'"):
        list(parse(b"{}", "a.jsonl", {"fields": {"txt": "a"}}))


def test_bytes_that_are_not_utf8_cost_their_own_row() -> None:
    parts, faults = read(b"id,text\n1,good\n2,b\xe9d\n3,good\n", "a.csv", {"fields": {"text": "text"}})
    assert [p.name for p in parts] == ["1", "3"]
    assert [(f.reason, f.detail, f.name) for f in faults] == [
        ("invalid_encoding", "byte 0xe9 is not in the encoding", "2")
    ]
    parts, faults = read(b'{"text": "a"}\n{"text": "\xe9"}\n', "a.jsonl", {})
    assert (len(parts), [(f.reason, f.name) for f in faults]) == (1, [("invalid_json", "B14")])
    assert read("texte\né\n".encode("latin-1"), "a.csv", {"encoding": "latin-1", "fields": {"text": "texte"}})[0]


def parquet(columns: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=10, write_page_checksum=True, compression="none")
    return out.getvalue()


def test_parquet_rows_and_a_flipped_bit() -> None:
    columns = {
        "text": [f"row number {n} says 0.5 mg" for n in range(35)],
        "when": [datetime.date(2020, 1, 2)] * 35,
        "dose": [decimal.Decimal("0.50")] * 35,
    }
    data = parquet(columns)
    options = {"fields": {"text": "text", "published": "when", "extra": {"dose": "dose"}}}
    parts, faults = read(data, "a.parquet", options)
    assert not faults
    assert [p.text for p in parts] == columns["text"]
    assert (parts[34].name, parts[34].published, parts[34].extra) == ("35", "2020-01-02", {"dose": "0.50"})
    bad = bytearray(data)
    bad[bad.index(b"row number 15 ")] ^= 1
    parts, faults = read(bytes(bad), "a.parquet", options)
    assert [p.text for p in parts] == columns["text"][:10] + columns["text"][20:]
    assert [(f.reason, f.name) for f in faults] == [("invalid_parquet", "11")]
    assert faults[0].detail.endswith("rows 11 to 20")


def test_a_value_that_python_cannot_hold_costs_its_row() -> None:
    torn = pa.Array.from_buffers(pa.string(), 3, pa.array([b"\xff", b"ok 5 mg", b"end"], pa.binary()).buffers())
    parts, faults = read(parquet({"text": torn}), "a.parquet", {})
    assert [p.text for p in parts] == ["ok 5 mg", "end"]
    assert [(f.reason, f.detail, f.name) for f in faults] == [("invalid_parquet", "UnicodeDecodeError", "1")]
    days = pa.array([1, 2**30, None], pa.date32())
    parts, faults = read(parquet({"text": ["a", "b", "c"], "when": days}), "a.parquet", {})
    assert [p.position for p in parts] == ["1", "3"]
    assert [(f.reason, f.name) for f in faults] == [("invalid_parquet", "2")]


def test_numbers_of_a_table_are_the_shortest_that_stand_for_them() -> None:
    columns = {
        "text": ["x"] * 3,
        "dose": pa.array([0.1, 1.1, 1e-7], pa.float32()),
        "all": pa.array([[0.1], [2.2, None], []], pa.list_(pa.float32())),
        "in": pa.array([{"mg": 0.3}, None, {"mg": 7}], pa.struct([("mg", pa.float32())])),
    }
    options = {"fields": {"text": "{text} {dose} mg, {all.0?}, {in.mg?}"}}
    parts, faults = read(parquet(columns), "a.parquet", options)
    assert not faults
    assert [p.text for p in parts] == ["x 0.1 mg, 0.1, 0.3", "x 1.1 mg, 2.2,", "x 0.0000001 mg, , 7.0"]


def test_what_is_no_number_is_no_text() -> None:
    columns = {"text": ["x"] * 3, "dose": [float("nan"), 5.5, float("inf")]}
    parts, faults = read(parquet(columns), "a.parquet", {"fields": {"text": "{text} {dose} mg"}})
    assert [p.text for p in parts] == ["x 5.5 mg"]
    assert [(f.reason, f.detail) for f in faults] == [("wrong_type", "dose is nan"), ("wrong_type", "dose is inf")]


def test_two_columns_of_one_name_are_refused_in_parquet_as_in_csv() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"]), out)
    with pytest.raises(Unreadable, match="duplicate_column"):
        read(out.getvalue(), "a.parquet", {})


VALUES = st.none() | st.text() | st.integers() | st.lists(st.text())
ROWS = st.dictionaries(st.sampled_from(["text", "id", "x.y"]), VALUES)


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1))
def test_rows_in_are_parts_and_faults(rows: list[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    for body, key in ((lines, "a.jsonl"), (json.dumps(rows).encode(), "a.json")):
        parts, faults = read(body, key, {"fields": {"text": "text", "name": "id"}})
        assert len(parts) + len(faults) == len(rows)
        assert all(p.text.strip() for p in parts)

        assert len({p.position or p.name for p in parts}) == len(parts)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.json", "a.yaml", "a.parquet"]))
def test_noise_is_faults_or_unreadable(body: bytes, key: str) -> None:
    found: list[Part | Fault] = []
    with contextlib.suppress(Unreadable):
        found = list(parse(body, key, {}))
    assert {f.reason for f in found if isinstance(f, Fault)} <= REASONS.keys()


REAL = json.loads((Path(__file__).parent / "cases" / "real_tables.json").read_text())


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
@pytest.mark.parametrize("case", REAL, ids=lambda case: case["file"])
def test_real_tables(case: dict[str, Any]) -> None:
    parts: list[Part] = []
    faults: list[Fault] = []
    for item in open_items(DATA / case["file"], case["file"], "auto", Limits()):
        assert isinstance(item, Item)
        more, wrong = read(item.body, item.key, case["options"])
        parts, faults = parts + more, faults + wrong
    assert parts
    assert len({p.name for p in parts}) == len(parts)
    assert {f.reason for f in faults} <= {"empty_text"}
    assert case["rows"] in (None, len(parts) + len(faults))
