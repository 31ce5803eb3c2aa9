"""What a bucket adds to the contract of a disk: faults of the way to it, parts, other processes, secrets in errors."""

import errno
import hashlib
import itertools
import os
import pickle
import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.disk import MemoryDisk
from fakes.runs import digests, run_inline
from fakes.s3 import ACCESS, S3, SECRET, s3_disk, s3_store
from fakes.stages import tiny_run

from pipelines.engine.bucket import Bucket
from pipelines.engine.errors import StorageError
from pipelines.engine.s3_disk import IN_MEMORY_BYTES, S3Disk
from pipelines.engine.storage import Storage

MIB = 1 << 20


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_store() as server:
        yield server


@pytest.fixture
def disk(store: S3) -> S3Disk:
    store.trouble = lambda method, key: None
    return s3_disk(store)


def test_a_way_that_loses_questions_and_answers_changes_no_byte(disk: S3Disk, store: S3) -> None:
    """Errors before and after the effect, and bodies cut in half, at one request in seven."""
    expected = MemoryDisk()
    run_inline(expected, tiny_run())
    asked, met = itertools.count(1), Counter[str]()
    faults = {"GET": itertools.cycle(("cut", "error")), "PUT": itertools.cycle(("lost", "error"))}

    def trouble(method: str, key: str) -> str | None:
        if next(asked) % 7 or method not in faults:
            return None
        fault = next(faults[method])
        met[f"{method} {fault}"] += 1
        return fault

    store.trouble = trouble
    run_inline(disk, tiny_run())
    assert digests(disk) == digests(expected)
    assert min(met[kind] for kind in ("GET cut", "GET error", "PUT lost", "PUT error")) >= 1, met


def test_a_store_that_stays_down_is_told(disk: S3Disk, store: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *_: 0)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    staged = Storage(disk).create("stages/x@1")
    staged.write(b"content")
    store.trouble = lambda method, key: "error"
    with pytest.raises(StorageError, match=r"renaming stages/x@1/a-.* failed: the store says InternalError.*run again"):
        staged.commit("a", "bin")


def content(size_bytes: int) -> bytes:
    return random.Random(size_bytes).randbytes(size_bytes)


@pytest.mark.parametrize("extra", [0, 1, 5 * MIB])
def test_a_large_file_goes_and_comes_in_parts(disk: S3Disk, monkeypatch: pytest.MonkeyPatch, extra: int) -> None:
    monkeypatch.setattr("pipelines.engine.bucket.PART_BYTES", 5 * MIB)
    body = content(10 * MIB + extra)
    staged = Storage(disk).create("a")
    for at in range(0, len(body), MIB):
        staged.write(body[at : at + MIB])
    ref = staged.commit("large", "bin")
    assert ref.size_bytes == len(body)
    assert hashlib.sha256(Storage(disk).read(ref)).hexdigest() == ref.sha256


def test_a_large_file_is_published_on_the_same_condition(disk: S3Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.engine.bucket.PART_BYTES", 5 * MIB)
    for seed in (1, 2):
        handle = disk.open_new("a/staged")
        handle.write(content(5 * MIB + seed))
        assert disk.publish("a/staged", "a/final") is (seed == 1)
    assert disk.size("a/final") == 5 * MIB + 1
    assert disk.list("a") == ["a/final"]


def test_memory_stays_bounded_whatever_the_size(disk: S3Disk) -> None:
    """What is read is mapped from the scratch folder, and what is written waits there."""
    piece, peaks = content(MIB), []
    for _ in range(3):  # the store's threads may still be at the test before: what they take is counted too
        handle = disk.open_new("a/staged")
        tracemalloc.start()
        for _ in range(24):
            handle.write(piece)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        disk.rename("a/staged", "a/final")
    assert min(peaks) < 2 * IN_MEMORY_BYTES
    found = disk.read("a/final")
    assert found.nbytes == 24 * MIB
    assert not isinstance(found.obj, bytes)


def test_a_transfer_that_breaks_goes_on_where_it_was(disk: S3Disk, store: S3) -> None:
    body = content(6 * MIB)
    Storage(disk).replace_file("plan.json", body)
    key = f"{disk.bucket.url.rpartition('/')[2]}/plan.json"
    store.faults[key] = ["cut", "cut", None]
    assert bytes(disk.read("plan.json")) == body
    assert store.asked[key] == 3


def test_it_goes_to_another_process_without_what_is_being_written(disk: S3Disk) -> None:
    disk.open_new("a/staged").write(b"mine")
    Storage(disk).replace_file("plan.json", b"plan")
    other = pickle.loads(pickle.dumps(Storage(disk))).disk
    assert bytes(other.read("plan.json")) == b"plan"
    with pytest.raises(FileNotFoundError):
        other.rename("a/staged", "a/final")


def test_workers_go_to_the_store_of_their_driver(disk: S3Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    Storage(disk).replace_file("plan.json", b"plan")
    sent = pickle.dumps(disk)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert bytes(pickle.loads(sent).read("plan.json")) == b"plan"


def test_a_full_scratch_folder_is_told(disk: S3Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("pipelines.engine.s3_disk._scratch_file", lambda: full)
        with pytest.raises(
            StorageError, match=r"No space left on device in the scratch folder .*TMPDIR.*free some space"
        ):
            Storage(disk).replace_file("plan.json", b"plan")


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [("http://127.0.0.1:9", "127.0.0.1:9.*AWS_ENDPOINT_URL"), ("no url", "AWS_ENDPOINT_URL: Invalid endpoint")],
)
def test_a_store_that_is_not_there_is_told(
    store: S3, monkeypatch: pytest.MonkeyPatch, endpoint: str, said: str
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StorageError, match=said):
        Storage(S3Disk(Bucket("s3://runs/x"))).list("stages")


def test_errors_hold_no_secret(disk: S3Disk, store: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = f"<Error><Code>InvalidAccessKeyId</Code><Message>{ACCESS} with {SECRET} is not known</Message></Error>"
    monkeypatch.setattr("fakes.s3.ERROR", answer.encode())
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    store.trouble = lambda method, key: "error"
    with pytest.raises(OSError, match=r"InvalidAccessKeyId") as caught:
        disk.read("plan.json")
    assert caught.value.errno == errno.EIO
    assert ACCESS not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_bucket_that_is_not_there(store: S3) -> None:
    with pytest.raises(FileNotFoundError):
        Bucket("s3://elsewhere/x").check()
    assert os.environ["AWS_ENDPOINT_URL"] == store.url
