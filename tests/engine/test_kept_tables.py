"""Tables that are kept are those that were made, whatever becomes of the file."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.engine.kept_tables import Table, kept_tables

MADE = (np.arange(7, dtype=np.uint16), np.array(["de", "en", "pt"]), np.ones((3, 5)), np.zeros(0, np.int32))


class Maker:
    """Makes the tables, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> tuple[Table, ...]:
        self.times += 1
        return MADE


@pytest.fixture
def module(tmp_path: Path) -> str:
    path = tmp_path / "module.py"
    path.write_text("# makes tables")
    return str(path)


def _same(found: tuple[Table, ...]) -> bool:
    pairs = zip(found, MADE, strict=True)
    return all(one.dtype == other.dtype and one.flags.aligned and np.array_equal(one, other) for one, other in pairs)


def test_tables_are_made_once_and_writing_to_them_changes_nothing(module: str) -> None:
    make = Maker()
    assert _same(kept_tables(module, [b"1"], make))
    again = kept_tables(module, [b"1"], make)
    assert _same(again)
    again[0][:] = 9
    assert _same(kept_tables(module, [b"1"], make))
    assert make.times == 1


def test_what_decides_them_decides_which_are_kept(tmp_path: Path, module: str) -> None:
    make = Maker()
    kept_tables(module, [b"1"], make)
    kept_tables(module, [b"2"], make)
    Path(module).write_text("# makes them otherwise")
    kept_tables(module, [b"2"], make)
    assert make.times == 3
    assert len(list(tmp_path.glob("__pycache__/*"))) == 1


@pytest.mark.parametrize("place", [0, 100, 200, -1])
def test_a_damaged_file_is_made_anew(tmp_path: Path, module: str, place: int) -> None:
    make = Maker()
    kept_tables(module, [b"1"], make)
    (kept,) = tmp_path.glob("__pycache__/*")
    body = bytearray(kept.read_bytes())
    body[place] ^= 1
    kept.write_bytes(body)
    assert _same(kept_tables(module, [b"1"], make))
    assert make.times == 2
    assert _same(kept_tables(module, [b"1"], make))
    assert make.times == 2


@pytest.mark.parametrize("size", [0, 1, 40, 300])
def test_half_a_file_is_made_anew(tmp_path: Path, module: str, size: int) -> None:
    make = Maker()
    kept_tables(module, [b"1"], make)
    (kept,) = tmp_path.glob("__pycache__/*")
    kept.write_bytes(kept.read_bytes()[:size])
    assert _same(kept_tables(module, [b"1"], make))


def test_where_nothing_can_be_written_they_are_made_each_time(tmp_path: Path, module: str) -> None:
    (tmp_path / "__pycache__").write_text("no folder")
    make = Maker()
    assert _same(kept_tables(module, [b"1"], make))
    assert _same(kept_tables(module, [b"1"], make))
    assert make.times == 2
