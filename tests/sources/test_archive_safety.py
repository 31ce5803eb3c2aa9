"""Hostile containers: bombs, lies, links, odd names, noise: a fault each, within the limits, never an exception."""

import gzip
import io
import os
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import zstandard
from fakes.archives import MEMBERS, read, tar_bytes, warc_record, zip_bytes

from sources.archive import Item, Limits, open_items
from sources.parse.part import Fault
from sources.parse.reasons import REASONS


def test_links_devices_and_odd_names_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    names = ["../up.xml", "/abs.xml", "a/../../b.xml", "C:\\x.xml", "..\\w.xml", "nl\n.xml", "ok.xml"]
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("special")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
    items, faults = read(tmp_path / "evil.tar", out.getvalue())
    assert [i.key for i in items] == ["evil.tar!ok.xml"]
    assert [f.reason for f in faults] == ["not_a_regular_file"] * 5 + ["unsafe_member_name"] * 6
    items, faults = read(tmp_path / "evil.zip", zip_bytes([(n, b"abc") for n in names if "\\" not in n]))
    assert [i.key for i in items] == ["evil.zip!ok.xml"]
    assert [f.reason for f in faults] == ["unsafe_member_name"] * 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.tar", "evil.zip"]


def test_zip_link_encryption_and_crc(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("secret.xml", "abc")
        archive.writestr("torn.xml", "dose 5 mg")
        archive.writestr("good.xml", "<a/>")
    data = bytearray(out.getvalue().replace(b"dose 5 mg", b"dose 6 mg"))
    at = data.rindex(b"secret.xml") - 46
    data[at + 8] |= 1
    items, faults = read(tmp_path / "z.zip", bytes(data))
    assert [i.key for i in items] == ["z.zip!good.xml"]
    assert [(f.reason, f.name) for f in faults] == [
        ("not_a_regular_file", "link"), ("encrypted_member", "secret.xml"), ("corrupt_archive", "torn.xml"),
    ]  # fmt: skip


def test_one_container_is_opened_and_members_are_decompressed(tmp_path: Path) -> None:
    inner = gzip.compress(tar_bytes(MEMBERS[:1]))
    members = [("in.tar.gz", inner), ("in.zip", zip_bytes(MEMBERS[:1])), ("p.html.gz", gzip.compress(b"<p>5 mg</p>"))]
    members.append(("cut.html.gz", gzip.compress(b"<p>5 mg</p>")[:-9]))
    for name, data in (("o.tar", tar_bytes(members)), ("o.zip", zip_bytes(members))):
        items, faults = read(tmp_path / name, data)
        assert [(i.key, i.body, i.media_type) for i in items] == [(f"{name}!p.html.gz", b"<p>5 mg</p>", "text/html")]
        assert [(f.reason, f.name) for f in faults] == [
            ("nested_archive", "in.tar.gz"), ("nested_archive", "in.zip"), ("truncated_archive", "cut.html.gz"),
        ]  # fmt: skip


ZEROS = bytes(12 << 20)
SMALL = {"max_item_bytes": 4 << 20, "ratio_floor_bytes": 2 << 20}


@pytest.mark.parametrize(
    ("name", "data", "reasons"),
    [
        ("b.xml.gz", gzip.compress(ZEROS), {"decompression_bomb"}),
        ("b.xml.zst", zstandard.compress(ZEROS), {"decompression_bomb"}),
        ("b.jsonl.gz", gzip.compress(ZEROS), {"decompression_bomb"}),
        ("b.warc.gz", gzip.compress(ZEROS), {"decompression_bomb", "corrupt_archive"}),
        ("b.tar.gz", gzip.compress(tar_bytes([("z.xml", ZEROS)])), {"decompression_bomb", "too_large"}),
        ("b.zip", zip_bytes([("z.xml", ZEROS[: 3 << 20])]), {"decompression_bomb"}),
        ("large.zip", zip_bytes([("z.xml", ZEROS)]), {"too_large"}),
        ("large.tar", tar_bytes([("z.xml", ZEROS)]), {"too_large"}),
        ("nested.tar", tar_bytes([("z.xml.gz", gzip.compress(ZEROS))]), {"decompression_bomb"}),
    ],
)
def test_bombs_stop_within_the_limit(tmp_path: Path, name: str, data: bytes, reasons: set[str]) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    tracemalloc.start()
    found = list(open_items(path, name, "auto", Limits(**SMALL)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {f.reason for f in found if isinstance(f, Fault)} <= reasons
    assert found
    assert not any(isinstance(f, Item) for f in found)
    assert peak < 3 * SMALL["max_item_bytes"] + (4 << 20)


def test_overlapping_zip_entries_are_stopped_by_the_total(tmp_path: Path) -> None:
    data = zip_bytes([(f"{n}.xml", os.urandom(10) + bytes(20_000)) for n in range(300)])
    _, faults = read(tmp_path / "o.zip", data, ratio_floor_bytes=1 << 20, max_ratio=20)
    assert [f.reason for f in faults] == ["decompression_bomb"]


def test_too_many_members(tmp_path: Path) -> None:
    for name, data in (("m.tar", tar_bytes(MEMBERS)), ("m.zip", zip_bytes(MEMBERS))):
        items, faults = read(tmp_path / name, data, max_members=5)
        assert (len(items), [f.reason for f in faults]) == (5, ["too_many_members"])


def test_a_large_honest_bundle_passes_the_default_limits(tmp_path: Path) -> None:
    members = [(f"{n}.xml", b"<article/>") for n in range(12_000)]
    items, faults = read(tmp_path / "big.tar", tar_bytes(members))
    assert (len(items), faults) == (12_000, [])


@pytest.mark.parametrize("name", ["r.tar", "r.zip", "r.warc", "r.xml", "r.jsonl", "r.tar.gz", "r.pdf"])
def test_noise_never_raises(tmp_path: Path, name: str) -> None:
    seeds = [tar_bytes(MEMBERS[:3]), zip_bytes(MEMBERS[:3]), warc_record(1, b"x"), b"<articles><article>", bytes(3000)]
    for index, seed in enumerate(seeds):
        for step in range(40):
            data = bytearray(seed * (1 + step % 2))
            for at in range(step, len(data), 41 + step * 7):
                data[at] = (data[at] * 31 + step + index) % 256
            items, faults = read(tmp_path / name, bytes(data), max_item_bytes=1 << 20)
            assert all(i.key.startswith(name) for i in items)
            assert {f.reason for f in faults} <= REASONS.keys()


def test_struct_sized_lies_in_tar_and_zip(tmp_path: Path) -> None:
    data = bytearray(tar_bytes(MEMBERS[:2]))
    data[124:136] = b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 60)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    items, faults = read(tmp_path / "lie.tar", bytes(data))
    assert not items
    assert [f.reason for f in faults] == ["truncated_archive"]


def test_a_zip_entry_without_a_name(tmp_path: Path) -> None:
    data = zip_bytes([("zz.xml", b"abc"), ("ok.xml", b"<a/>")]).replace(b"zz.xml", b"\0z.xml")
    items, faults = read(tmp_path / "e.zip", data)
    assert [i.key for i in items] == ["e.zip!ok.xml"]
    assert [f.reason for f in faults] == ["unsafe_member_name"]
