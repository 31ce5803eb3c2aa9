"""The commit protocol on a file system and a store: durable folders, one name at a time, errors that say what to do."""

import errno
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.disk import Fault, FaultyDisk, MemoryDisk
from fakes.s3 import S3, s3_disk, s3_store

from pipelines.engine.disk import Disk, Handle, LocalDisk, LocalHandle
from pipelines.engine.errors import CorruptionError, StorageError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import BUFFER_BYTES, STAGING, Storage, local_storage


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_store() as server:
        yield server


@pytest.fixture(params=["local", "memory", "s3"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, store: S3) -> Disk:
    disks = {"local": lambda: LocalDisk(tmp_path), "memory": MemoryDisk, "s3": lambda: s3_disk(store)}
    return disks[request.param]()


def committed(storage: Storage, content: bytes = b"content", stem: str = "a-00001") -> FileRef:
    staged = storage.create("stages/x@1")
    staged.write(content)
    return staged.commit(stem, "bin")


def test_a_file_has_no_name_until_it_is_committed(disk: Disk) -> None:
    staged = Storage(disk).create("stages/x@1")
    staged.write(b"content")
    assert [path for path in disk.list("stages") if STAGING not in path] == []
    ref = staged.commit("a-00001", "bin")
    assert disk.list("stages") == [ref.path] == [f"stages/x@1/a-00001-{sha256_bytes(b'content')[:16]}.bin"]
    assert bytes(Storage(disk).read(ref)) == b"content"


@pytest.mark.parametrize(
    "sizes", [[0], [1, 0, 2], [BUFFER_BYTES - 1, 1, 5], [BUFFER_BYTES, 3], [7] * 5, [3, 3 * BUFFER_BYTES]]
)
def test_pieces_of_any_size_arrive_in_order(disk: Disk, sizes: list[int]) -> None:
    pieces = [bytes([at + 1]) * size for at, size in enumerate(sizes)]
    staged = Storage(disk).create("stages/x@1")
    for piece in pieces:
        view = bytearray(piece)
        assert staged.write(view) == len(piece)
        view[:] = bytes(len(view))
    assert staged.tell() == sum(sizes)
    ref = staged.commit("a-00001", "bin")
    assert ref.size_bytes == sum(sizes)
    assert bytes(Storage(disk).read(ref)) == b"".join(pieces)


def test_committing_the_same_content_again_gives_the_same_file(disk: Disk) -> None:
    storage = Storage(disk)
    assert committed(storage) == committed(storage)
    assert len(disk.list("stages")) == 1


def test_the_first_publisher_wins_and_the_second_must_agree(disk: Disk) -> None:
    storage = Storage(disk)
    body = {"counts": (1, 2), "name": "µ"}
    storage.publish_sealed("stages/x@1/m.json", body)
    assert storage.publish_sealed("stages/x@1/m.json", {"name": "µ", "counts": [1, 2]}) == {
        "counts": [1, 2],
        "name": "µ",
    }
    with pytest.raises(CorruptionError, match=r"stages/x@1/m\.json: another content stands"):
        storage.publish_sealed("stages/x@1/m.json", {"name": "other"})
    assert storage.read_sealed("stages/x@1/m.json") == {"counts": [1, 2], "name": "µ"}
    assert disk.list("stages") == ["stages/x@1/m.json"]


def test_reading_names_what_is_missing_short_or_changed(disk: Disk) -> None:
    storage = Storage(disk)
    ref = committed(storage)
    for wrong, said in [
        (FileRef("stages/x@1/none", ref.sha256, 7), "missing"),
        (FileRef(ref.path, ref.sha256, 8), "7 bytes, but its manifest says 8"),
        (FileRef(ref.path, "0" * 64, 7), "but its manifest says 0000"),
    ]:
        with pytest.raises(CorruptionError, match=said) as caught:
            storage.read(wrong)
        assert wrong.path in str(caught.value)
        assert "restore it" in str(caught.value)
    assert storage.read_sealed("stages/x@1/none.json") is None


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EIO, "check the disk"),
        (errno.EPERM, "hard links"),
    ],
)
def test_every_error_of_the_disk_says_what_where_and_what_to_do(code: int, remedy: str) -> None:
    for at, what in enumerate(("creating", "writing", "syncing", "closing", "renaming"), 1):
        with pytest.raises(StorageError, match=f"{what} stages/x@1/.*{errno.errorcode[code]}.*{remedy}"):
            committed(Storage(FaultyDisk(MemoryDisk(), Fault(at, code))))


class FullDisk(LocalDisk):
    """Writes to the device that is always full."""

    def open_new(self, path: str) -> Handle:
        return LocalHandle(os.open("/dev/full", os.O_WRONLY))


def test_a_truly_full_device_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"writing .*No space left on device \(ENOSPC\); free some space"):
        committed(Storage(FullDisk(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"making the folder .*file/out failed"):
        local_storage(tmp_path / "file" / "out")


class WatchedDisk(LocalDisk):
    """Remembers which folders were synced."""

    synced: list[str] = []  # noqa: RUF012

    def _sync(self, folder: Path) -> None:  # type: ignore[override]
        self.synced.append(folder.relative_to(self.root).as_posix())
        LocalDisk._sync(folder)


def test_every_folder_made_on_the_way_is_made_durable(tmp_path: Path) -> None:
    disk = WatchedDisk(tmp_path)
    disk.synced = []
    Storage(disk).publish_sealed("stages/x@1/records/a.json", {})
    assert disk.synced == [".", "stages", "stages/x@1", "stages/x@1/records"]


def test_a_closed_handle_never_touches_the_next_file_of_its_number(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    first = disk.open_new("a")
    first.close()
    second = disk.open_new("b")
    first.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        first.write(b"stray")
    second.write(b"own")
    second.close()
    assert (tmp_path / "b").read_bytes() == b"own"


def test_a_parquet_writer_left_behind_writes_nowhere(tmp_path: Path) -> None:
    """Arrow ends a file when its writer is collected, long after the descriptor went to another file."""
    storage = Storage(LocalDisk(tmp_path))
    table = pa.table({"a": [1, 2, 3]})
    staged = storage.create("stages/x@1")
    writer = pq.ParquetWriter(pa.PythonFile(staged, mode="w"), table.schema)
    writer.write_table(table)
    staged.abandon()
    other = storage.create("stages/x@1")
    other.write(b"own")
    del writer
    gc.collect()
    ref = other.commit("b", "bin")
    assert bytes(storage.read(ref)) == b"own"
    assert storage.list("stages") == [ref.path]


def test_a_new_file_never_takes_an_existing_name(disk: Disk) -> None:
    disk.open_new("a/b").close()
    with pytest.raises(FileExistsError):
        disk.open_new("a/b")


def test_publish_keeps_the_standing_file_and_drops_the_staging_name(disk: Disk) -> None:
    for content in (b"first", b"second"):
        handle = disk.open_new("a/staged")
        handle.write(content)
        handle.close()
        assert disk.publish("a/staged", "a/final") is (content == b"first")
    assert disk.list("a") == ["a/final"]
    assert bytes(disk.read("a/final")) == b"first"


def test_an_absent_folder_is_empty_and_an_absent_file_has_no_size(disk: Disk) -> None:
    assert disk.list("none") == []
    assert disk.size("none") is None
    with pytest.raises(FileNotFoundError):
        disk.read("none")
    with pytest.raises(FileNotFoundError):
        disk.remove("none")
