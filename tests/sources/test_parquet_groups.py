"""A Parquet file gives the same rows whole or cut by row group, and a damaged part costs itself only."""

import io
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.runs import run_inline
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage
from pipelines.engine.manifest import Manifest
from sources.archive_item import Item, Limits
from sources.catalog import SourceConfig
from sources.digests import DigestCache
from sources.extract import Extract
from sources.files import into_shards, list_files
from sources.parquet_groups import file_reader, iter_windows, read_footer
from sources.parse.parquet_window import Window, pack, unpack
from sources.parse.record_parquet import parquet_rows
from sources.parse.records import parse

ROWS = 400
GROUP = 37
OPTIONS = {"fields": {"text": "text", "name": "key", "extra": {"part": "part"}}}


def table(rows: int = ROWS) -> pa.Table:
    dice = random.Random(3)
    words = ["5 mg", "<90%", "µg", "dose", "不"]
    texts = [f"{number} " + " ".join(dice.choice(words) for _ in range(dice.randint(3, 90))) for number in range(rows)]
    parts = [["a", "b"][number % 2] for number in range(rows)]
    return pa.table({"key": [f"k{number % 150}" for number in range(rows)], "text": texts, "part": parts})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    options: dict[str, Any] = {"row_group_size": GROUP, "compression": "zstd", "write_page_checksum": True}
    pq.write_table(table(), tmp_path / "in" / "a.parquet", **options)
    return tmp_path / "in"


def extracted(folder: Path, out: Path, shard_bytes: int, **settings: Any) -> tuple[Manifest, list[dict[str, Any]]]:
    values = {"name": "src", "kind": "replay", "path": str(folder), "parser": "records", "options": OPTIONS}
    config = SourceConfig(**{**values, **settings})
    stage = Extract(config, folder, list_files(config, folder, DigestCache(out / "cache")), shard_bytes)
    manifest = run_inline(LocalDisk(out), [PlannedStage(stage)])[stage.name]
    return manifest, [row for ref in manifest.files() for row in pq.read_table(out / ref.path).to_pylist()]


def test_cut_or_whole_the_documents_are_the_same(folder: Path, tmp_path: Path) -> None:
    one, whole = extracted(folder, tmp_path / "a", 1 << 30)
    many, cut = extracted(folder, tmp_path / "b", 2_500)
    assert len(one.shards) == 1
    assert len(many.shards) > 4
    assert len(whole) == ROWS
    shown = ("id", "key", "text", "identifiers", "extra")
    assert [[row[name] for name in shown] for row in cut] == [[row[name] for name in shown] for row in whole]
    assert [row["key"] for row in cut[:2]] == ["a.parquet#1", "a.parquet#2"]
    assert dict(cut[151]["identifiers"])["native_key"] == "a.parquet#k1"
    assert len({row["id"] for row in cut}) == ROWS


def test_a_damaged_page_costs_its_group_only(folder: Path, tmp_path: Path) -> None:
    path = folder / "a.parquet"
    column = pq.read_metadata(path).row_group(3).column(1)
    body = bytearray(path.read_bytes())
    body[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 5] ^= 1
    path.write_bytes(bytes(body))
    manifest, rows = extracted(folder, tmp_path / "out", 2_500)
    assert dict(manifest.ledger.total().quarantined) == {"invalid_parquet": 1}
    lost = {str(number) for number in range(3 * GROUP + 1, 4 * GROUP + 1)}
    assert {row["key"].partition("#")[2] for row in rows} == {str(n) for n in range(1, ROWS + 1)} - lost


def test_a_footer_that_cannot_be_read_is_quarantined_as_one_file(folder: Path, tmp_path: Path) -> None:
    path = folder / "a.parquet"
    path.write_bytes(path.read_bytes()[:-200] + b"x" * 192 + path.read_bytes()[-8:])
    manifest, rows = extracted(folder, tmp_path / "out", 2_500)
    assert rows == []
    assert dict(manifest.ledger.total().quarantined) == {"invalid_parquet": 1}


def test_a_group_beyond_the_limit_is_left_out(folder: Path, tmp_path: Path) -> None:
    manifest, rows = extracted(folder, tmp_path / "out", 2_500, max_item_bytes=100)
    assert rows == []
    assert dict(manifest.ledger.total().quarantined) == {"too_large": -(-ROWS // GROUP)}


def test_ranges_of_groups_touch_and_cover_the_file(folder: Path) -> None:
    config = SourceConfig(name="src", kind="replay", path=str(folder))
    files = list_files(config, folder, DigestCache(Path("/nonexistent")))
    for shard_bytes in (1, 1_000, 2_500, 9_000):
        slices = [one for shard in into_shards(files, shard_bytes) for one in shard]
        assert [one.start for one in slices] == [0, *(one.end for one in slices[:-1])]
        assert slices[-1].end == -(-ROWS // GROUP)


def test_windows_read_as_the_file_does(folder: Path) -> None:
    path = folder / "a.parquet"
    whole = [(row.name, row.fields) for row in parquet_rows(path.read_bytes())]
    found = []
    for item in iter_windows(path, 0, 99, "a.parquet", Limits()):
        assert isinstance(item, Item)
        assert len(item.body) < path.stat().st_size
        found += [(row.name, row.fields) for row in parquet_rows(item.body)]
    assert found == whole
    parts = list(parse(item.body, item.key, {**OPTIONS, "format": "parquet"}))
    assert [part.position for part in parts][-1] == str(ROWS)


@pytest.mark.parametrize("version", ["1.0", "2.6"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
def test_nested_columns_of_any_compression(tmp_path: Path, version: str, compression: str) -> None:
    rows = [{"messages": [{"role": "user", "content": f"{n}"}] * (n % 3), "n": n, "x": None} for n in range(50)]
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("messages", pa.list_(turn)), ("n", pa.int64()), ("x", pa.float64())])
    path = tmp_path / "n.parquet"
    options: Mapping[str, Any] = {"row_group_size": 20, "compression": compression, "version": version}
    pq.write_table(pa.Table.from_pylist(rows, schema), path, write_page_index=True, **options)
    items = list(iter_windows(path, 1, 3, "n.parquet", Limits()))
    assert [row.fields for item in items for row in parquet_rows(item.body)] == rows[20:]


def test_a_file_without_groups_or_columns(tmp_path: Path) -> None:
    for number, empty in enumerate((pa.table({"text": pa.array([], pa.string())}), pa.table({}))):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(empty, path)
        footer = read_footer(file_reader(path), path.stat().st_size)
        assert footer is not None
        assert list(iter_windows(path, 0, 9, "a", Limits())) == [] or footer.windows


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_make_the_footer_raise(body: bytes, marked: bool) -> None:
    body += b"PAR1" if marked else b""
    assert read_footer(lambda start, end: body[start:end], len(body)) is None


@given(st.integers(0, 400), st.integers(0, 255), st.booleans())
def test_a_damaged_window_is_refused_or_read_with_its_faults(at: int, value: int, cut: bool) -> None:
    sink = io.BytesIO()
    pq.write_table(table(20), sink, write_page_checksum=True)
    body = sink.getvalue()
    footer = read_footer(lambda start, end: body[start:end], len(body))
    assert footer is not None
    window = footer.windows[0]
    item = bytearray(pack(window, body[window.start_byte : window.end_byte], footer.data))
    item[-1 - 8 - at if at < len(item) - 9 else 0] = value
    damaged = bytes(item[at:] if cut else item)
    try:
        found, sparse = unpack(damaged)
    except ValueError:
        return
    assert isinstance(found, Window)
    assert sparse.read(4) is not None


def test_pieces_of_the_wrong_length_are_no_window() -> None:
    with pytest.raises(ValueError, match="the window is of"):
        pack(Window(0, 1, 1, 4, 8, 8, 10), b"123", b"45")
