"""Containers: every item once under its key, and every cut reported after all that was whole."""

import gzip
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from fakes.archives import MEMBERS, read, streamed_zip_bytes, tar_bytes, warc_record, zip_bytes

from sources.archive import Item, Limits, iter_range, open_items

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))


@pytest.mark.parametrize(
    ("name", "pack"),
    [("x.tar", bytes), ("x.tar.gz", gzip.compress), ("x.tgz", gzip.compress), ("x.tar.zst", zstandard.compress)],
)
def test_tar_gives_every_member_under_its_name(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    items, faults = read(tmp_path / name, pack(tar_bytes(MEMBERS)))
    assert [(i.key, i.body) for i in items] == [(f"{name}!{n}", b) for n, b in MEMBERS]
    assert not faults
    assert {i.media_type for i in items} == {"application/xml"}


def test_long_and_foreign_member_names(tmp_path: Path) -> None:
    names = ["d/" + "é" * 150 + ".xml", "./leading.xml", "same.xml", "same.xml"]
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        items, faults = read(tmp_path / "n.tar", out.getvalue())
        assert [i.key for i in items] == ["n.tar!" + n for n in (names[0], "leading.xml", "same.xml", "same.xml~2")]
        assert not faults


@pytest.mark.parametrize(
    "name", ["c.tar", "c.tar.gz", "c.zip", "c2.zip", "c.warc.gz", "c.jsonl.gz", "c.xml.gz", "c.tar.zst"]
)
def test_a_cut_file_gives_all_whole_members_then_one_fault(tmp_path: Path, name: str) -> None:
    rows = [json.dumps({"n": n, "t": "abc" * n}).encode() + b"\n" for n in range(40)]
    data, container = {
        "c.tar": lambda: (tar_bytes(MEMBERS), "tar"),
        "c.tar.gz": lambda: (gzip.compress(tar_bytes(MEMBERS)), "tar"),
        "c.tar.zst": lambda: (zstandard.compress(tar_bytes(MEMBERS)), "tar"),
        "c.zip": lambda: (zip_bytes(MEMBERS), "zip"),
        "c2.zip": lambda: (streamed_zip_bytes(MEMBERS), "zip"),
        "c.warc.gz": lambda: (b"".join(gzip.compress(warc_record(n, b"page")) for n in range(1, 9)), "warc"),
        "c.jsonl.gz": lambda: (gzip.compress(b"".join(rows)), "jsonl"),
        "c.xml.gz": lambda: (gzip.compress(b"<articles>" + b"<article>x</article>" * 99 + b"</articles>"), "articles"),
    }[name]()  # fmt: skip
    whole, no_faults = read(tmp_path / name, data, container, block_bytes=100)
    assert whole
    assert not no_faults
    for cut in [*range(0, len(data), 100), len(data) - 1, len(data) - 5]:
        items, faults = read(tmp_path / name, data[:cut], container, block_bytes=100)
        assert items == whole[: len(items)] or name == "c.jsonl.gz"
        assert len(items) >= whole_before(name, data[:cut], whole)
        assert len(faults) == 1 or (not faults and items == whole)
        assert {f.reason for f in faults} <= {"truncated_archive", "not_articles", "corrupt_archive"}
        if name == "c.jsonl.gz":
            made = zlib.decompressobj(31).decompress(data[:cut])
            assert b"".join(i.body for i in items) == made[: made.rfind(b"\n") + 1]


def whole_before(name: str, data: bytes, whole: list[Item]) -> int:
    """How many members a cut prefix holds whole, found without the code under test."""
    if name.endswith(".gz") and name != "c.warc.gz":
        data = zlib.decompressobj(31).decompress(data)
    if name.startswith("c.tar") and not name.endswith("zst"):
        at, count = 0, 0
        for item in whole:
            at += 512 + len(item.body)
            count += at <= len(data)
            at += -len(item.body) % 512
        return count
    if name.startswith("c.warc"):
        ends = [i for i in range(len(data)) if data.startswith(b"\x1f\x8b\x08", i)]
        return max(0, len(ends) - 1)
    if name in ("c.zip", "c2.zip"):
        return max(0, data.count(b"PK\x03\x04") - 1)
    if name == "c.xml.gz":
        return data.count(b"</article>")
    return 0


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress])
def test_a_flipped_bit_is_a_fault_and_never_an_exception(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    good = pack(tar_bytes(MEMBERS))
    suffix = ".tar.gz" if pack is gzip.compress else ".tar.zst"
    for at in range(12 if pack is gzip.compress else 9, len(good) - 4, max(1, len(good) // 60)):
        bad = bytearray(good)
        bad[at] ^= 0x10
        items, faults = read(tmp_path / f"f{suffix}", bytes(bad))
        assert faults or [i.body for i in items] == [b for _, b in MEMBERS]


def test_wrong_crc_keeps_the_members_before_it(tmp_path: Path) -> None:
    data = gzip.compress(tar_bytes(MEMBERS))
    items, faults = read(tmp_path / "crc.tar.gz", data[:-8] + b"\0\0\0\0" + data[-4:])
    assert len(items) == len(MEMBERS)
    assert [f.reason for f in faults] == ["corrupt_archive"]


def test_a_bad_tar_header_costs_one_member(tmp_path: Path) -> None:
    data = bytearray(tar_bytes(MEMBERS))
    at = data.index(b"a/PMC5.xml")
    data[at + 100] ^= 0x3F
    items, faults = read(tmp_path / "h.tar", bytes(data))
    assert [i.key for i in items] == [f"h.tar!{n}" for n, _ in MEMBERS if n != "a/PMC5.xml"]
    assert [(f.reason, f.detail) for f in faults] == [("corrupt_archive", f"bad header at byte {at}")]


def test_a_plain_file_with_a_gz_name_and_many_gzip_members(tmp_path: Path) -> None:
    assert read(tmp_path / "p.html.gz", b"<p>plain</p>")[0][0].body == b"<p>plain</p>"
    both = gzip.compress(b"one ") + gzip.compress(b"two") + bytes(512)
    assert read(tmp_path / "m.txt.gz", both)[0][0].body == b"one two"
    assert [f.reason for f in read(tmp_path / "g.txt.gz", gzip.compress(b"x") + b"junk")[1]] == ["corrupt_archive"]
    for name in ("e.txt.gz", "e.txt.zst"):
        faults = read(tmp_path / name, b"")[1]
        assert [(f.reason, f.detail) for f in faults] == [("truncated_archive", "the file ends after 0 bytes")]
    frames = zstandard.compress(b"one ") + zstandard.compress(b"two")
    assert read(tmp_path / "m.txt.zst", frames)[0][0].body == b"one two"


def test_a_missing_file_and_a_wrong_container(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(open_items(tmp_path / "no.tar", "no.tar", "auto", Limits()))
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(ValueError, match="container 'rar'"):
        list(open_items(tmp_path / "a.txt", "a.txt", "rar", Limits()))


def test_lines_are_cut_into_blocks_and_ranges_that_lose_nothing(tmp_path: Path) -> None:
    lines = [b'{"n": %d, "t": "%s"}\n' % (n, b"x" * (n % 50)) for n in range(300)]
    lines[-1] = lines[-1].rstrip()
    data = b"".join(lines)
    path = tmp_path / "l.jsonl"
    for block_bytes in (1, 37, 1000, 1 << 20):
        items, faults = read(path, data, block_bytes=block_bytes)
        assert b"".join(i.body for i in items) == data
        assert not faults
        for item in items:
            assert data[int(item.key.rpartition("!B")[2]) :].startswith(item.body)
    for step in (1, 7, 100, 4096, 10**6):
        ranges = [(a, min(a + step, len(data))) for a in range(0, len(data), step)]
        found = [i for a, b in ranges[:4000] for i in iter_range(path, a, b, "l.jsonl", Limits(block_bytes=64))]
        got = b"".join(i.body for i in found if isinstance(i, Item))
        assert data.startswith(got)
        assert len(got) == len(data) or step == 1
        assert all(data[int(i.key.rpartition("!B")[2]) :].startswith(i.body) for i in found if isinstance(i, Item))


def test_a_line_above_the_limit_is_one_fault(tmp_path: Path) -> None:
    data = b"short\n" + b"x" * 5000 + b"\nafter\n"
    items, faults = read(tmp_path / "t.jsonl", data, max_item_bytes=1000, block_bytes=10)
    assert b"".join(i.body for i in items) == b"short\nafter\n"
    assert [(f.reason, f.name) for f in faults] == [("too_large", "#B6")]
    assert items[-1].key == "t.jsonl!B5007"


@pytest.mark.parametrize("name", ["0001", "0002"])
@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
def test_real_bundles_agree_with_tarfile(name: str) -> None:
    path = DATA / f"jats/bulk/oa_comm_like_{name}.tar.gz"
    with tarfile.open(path) as archive:
        expected = [(m.name, archive.extractfile(m).read()) for m in archive if m.isfile()]  # type: ignore[union-attr]
    found = list(open_items(path, "b.tar.gz", "auto", Limits()))
    got = [(i.key.removeprefix("b.tar.gz!"), i.body) for i in found if isinstance(i, Item)]
    assert [body for _, body in got] == [body for _, body in expected]
    assert len({name for name, _ in got}) == len(found) == len(expected)
    assert {name.partition("~")[0] for name, _ in got} == {name for name, _ in expected}
