"""On a store too: a second driver is refused at once and told why, a dead one frees the run, a stale one loses it."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest
from fakes.s3 import ACCESS, S3, SECRET, s3_disk, s3_store

from pipelines.engine.bucket import Bucket
from pipelines.engine.errors import LockedError, StorageError
from pipelines.engine.lease import RunLease
from pipelines.engine.lock import OWNER

HOLDER = (
    "import sys, time; from pipelines.engine.bucket import Bucket; from pipelines.engine.lease import RunLease\n"
    "with RunLease(Bucket(sys.argv[1]), owner='medmix run a.yaml', machine=sys.argv[2] or None):\n"
    "    print('held', flush=True); time.sleep(600)\n"
)


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_store() as server:
        yield server


@pytest.fixture
def bucket(store: S3) -> Bucket:
    store.trouble = lambda method, key: None
    return s3_disk(store).bucket


@contextmanager
def holder(bucket: Bucket, machine: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lease, and is killed at the end."""
    command = [sys.executable, "-c", HOLDER, bucket.url, machine]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_driver_is_told_at_once_who_holds_the_run(bucket: Bucket) -> None:
    with holder(bucket) as process, pytest.raises(LockedError) as refusal, RunLease(bucket):
        pass
    for part in (bucket.url, f"pid {process.pid}", os.uname().nodename, "since 20", "medmix run a.yaml", "stop it"):
        assert part in str(refusal.value)


def test_a_killed_driver_of_this_machine_frees_the_run_at_once(bucket: Bucket) -> None:
    with holder(bucket) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with RunLease(bucket) as lease:
        assert f"took over a stale lease, was held by pid {process.pid}" in lease.notice
    assert bucket.keys("") == []


def test_a_killed_driver_elsewhere_is_taken_over_once_its_lease_is_stale(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holder(bucket, "another machine"):
        pass
    with pytest.raises(LockedError, match=r"if that machine is gone, run again 60 s after"):
        RunLease(bucket).__enter__()
    monkeypatch.setattr("pipelines.engine.lease.STALE_S", 1.0)
    time.sleep(2.1)  # the store tells times in whole seconds
    with RunLease(bucket) as lease:
        assert "another machine" not in lease.notice
        assert "medmix run a.yaml" in lease.notice


def test_of_many_that_start_together_one_gets_it(bucket: Bucket) -> None:
    got, refused, all_tried = [], [], threading.Barrier(5)

    def start() -> None:
        try:
            with RunLease(bucket) as lease:
                got.append(lease)
                all_tried.wait(30)
        except LockedError as error:
            refused.append(str(error))
            all_tried.wait(30)

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 4)
    assert bucket.keys("") == []


def test_two_that_find_the_same_stale_lease_do_not_both_take_it(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holder(bucket, "another machine"):
        pass
    monkeypatch.setattr("pipelines.engine.lease.STALE_S", -1.0)
    quicker, slower = RunLease(bucket, "quicker"), RunLease(bucket, "slower")
    found = slower._standing()
    assert found
    with quicker, pytest.raises(LockedError, match=r"quicker; it was quicker"):
        slower._take_over(found)


def test_a_driver_that_lost_its_lease_learns_it_and_leaves_the_new_owner_alone(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunLease(bucket, machine="one") as lease:
        lease.check()
        monkeypatch.setattr("pipelines.engine.lease.STALE_S", -1.0)
        other = RunLease(bucket, "the other", machine="two")
        other.__enter__()
        lease.beat()
        with pytest.raises(LockedError, match="the other"):
            lease.check()
    other.check()
    other.__exit__()
    assert bucket.keys("") == []


def test_a_lease_is_renewed_by_itself(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.engine.lease.HEARTBEAT_S", 0.05)
    with RunLease(bucket):
        time.sleep(2.5)
        assert bucket.get(OWNER).age_s <= 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_answer_that_was_lost_costs_nothing(bucket: Bucket, store: S3, method: str) -> None:
    """The store did it, said 500 and was asked again: the second answer says that something stands, which is ours."""
    lost = iter(["lost", None, None])
    store.trouble = lambda asked, key: next(lost, None) if asked == method else None
    with RunLease(bucket) as lease:
        assert lease.notice == ""
        lost = iter(["lost"])
        lease.beat()
        lease.beat()
        lease.check()
    assert bucket.keys("") == []


def test_a_torn_record_does_not_block_for_good(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put(OWNER, io.BytesIO(b"{"))
    monkeypatch.setattr("pipelines.engine.lease.STALE_S", -1.0)
    with RunLease(bucket) as lease:
        assert "not yet said who" in lease.notice


def test_the_record_holds_no_secret(bucket: Bucket) -> None:
    with RunLease(bucket, owner=f"medmix run --token hf_AbCdEfGhIjKl01234567 {ACCESS} {SECRET}"):
        body = bucket.get(OWNER).body.decode()
    assert json.loads(body)["command"].startswith("medmix run")
    assert not any(secret in body for secret in ("hf_", ACCESS, SECRET))


class Careless(Bucket):
    """A store that takes no notice of conditions, as old servers do."""

    def put(self, key: str, body: IO[bytes], **condition: str) -> str:
        return super().put(key, body)


def test_a_store_without_conditions_is_refused(bucket: Bucket) -> None:
    with pytest.raises(StorageError, match=r"ignores conditions .* choose another store or a folder"):
        RunLease(Careless(bucket.url)).__enter__()


def test_a_store_that_refuses_us_is_told(bucket: Bucket) -> None:
    class Refusing(Bucket):
        def put(self, key: str, body: IO[bytes], **condition: str) -> str:
            raise OSError(errno.EACCES, "the store says AccessDenied: no", key)

    with pytest.raises(StorageError, match=rf"locking {bucket.url} failed: the store says AccessDenied"):
        RunLease(Refusing(bucket.url)).__enter__()
