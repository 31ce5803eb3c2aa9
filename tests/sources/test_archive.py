"""Containers: every item once, every cut reported, every bomb stopped, no exception."""

import gzip
import io
import json
import os
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from sources.archive import Item, Limits, iter_range, open_items
from sources.parse.part import Fault

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
MEMBERS = [(f"a/PMC{n}.xml", (f"<article>{n} dose &lt; 5 mg " + "xyz "[n % 4] * (n * 37)).encode()) for n in range(12)]


def tar_bytes(members: list[tuple[str, bytes]], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def zip_bytes(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in members:
            archive.writestr(zipfile.ZipInfo(name), body, method)
    return out.getvalue()


def streamed_zip_bytes(members: list[tuple[str, bytes]]) -> bytes:
    """A zip written to a pipe: sizes and CRC follow the data."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, body in members:
            archive.writestr(name, body)
    return pipe.data


def warc_record(number: int, body: bytes, kind: str = "response", headers: str = "", http: str = "") -> bytes:
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\n{http}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
        f"WARC-Date: 2020-01-0{number}T00:00:00Z\r\n"
        f"WARC-Target-URI: https://example.org/{number}\r\n{headers}Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def read(path: Path, data: bytes, container: str = "auto", **limits: int) -> tuple[list[Item], list[Fault]]:
    path.write_bytes(data)
    found = list(open_items(path, path.name, container, Limits(**limits)))
    return [f for f in found if isinstance(f, Item)], [f for f in found if isinstance(f, Fault)]


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
        assert items == whole[: len(items)] or name.startswith("c.jsonl")
        assert len(items) >= whole_before(name, data[:cut], whole)
        assert len(faults) == 1 or (not faults and items == whole)
        assert {f.reason for f in faults} <= {"truncated_archive", "not_articles", "corrupt_archive"}
        text = b"".join(i.body for i in items)
        assert not name.startswith("c.jsonl") or (b"".join(rows).startswith(text) and text.endswith((b"\n", b"")))


def whole_before(name: str, data: bytes, whole: list[Item]) -> int:
    """How many members a cut prefix holds whole, found without the code under test."""
    if name.endswith(".gz") and not name.startswith("c.warc"):
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
    if name == "c.zip":
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


def test_a_plain_file_with_a_gz_name_and_many_gzip_members(tmp_path: Path) -> None:
    assert read(tmp_path / "p.html.gz", b"<p>plain</p>")[0][0].body == b"<p>plain</p>"
    both = gzip.compress(b"one ") + gzip.compress(b"two") + bytes(512)
    assert read(tmp_path / "m.txt.gz", both)[0][0].body == b"one two"
    assert [f.reason for f in read(tmp_path / "g.txt.gz", gzip.compress(b"x") + b"junk")[1]] == ["corrupt_archive"]
    assert [f.reason for f in read(tmp_path / "e.txt.gz", b"")[1]] == ["truncated_archive"]
    frames = zstandard.compress(b"one ") + zstandard.compress(b"two")
    assert read(tmp_path / "m.txt.zst", frames)[0][0].body == b"one two"


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
            assert all(f.reason for f in faults)


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
            assert item.body.splitlines(keepends=True)[0] == lines[int(item.key.rpartition("!L")[2]) - 1]
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
    assert [(f.reason, f.name) for f in faults] == [("too_large", "L2")]
    assert items[-1].key == "t.jsonl!L3"


def test_struct_sized_lies_in_tar_and_zip(tmp_path: Path) -> None:
    data = bytearray(tar_bytes(MEMBERS[:2]))
    data[124:136] = b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 60)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    items, faults = read(tmp_path / "lie.tar", bytes(data))
    assert not items
    assert [f.reason for f in faults] == ["truncated_archive"]


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
