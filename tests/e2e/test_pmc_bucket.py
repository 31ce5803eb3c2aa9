"""Line 5 of the publications: the connector against a real S3 server with faults, kills, and a second inventory."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_runs import REPOSITORY, call_medmix, environment
from fakes.pmc import BUCKET, Bucket
from fakes.pmc_runs import decided, documents, fetched, reasons, releases, run_file
from fakes.s3 import S3, s3_server

from pipelines.engine.errors import InputError

ROOT = f"s3://{BUCKET}"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3_server(BUCKET) as running:
        yield running


@pytest.fixture
def bucket() -> Bucket:
    made = Bucket()
    for number in range(1, 13):
        made.put(number)
    return made


def serve(server: S3, bucket: Bucket, date: str = "2026-11-01") -> dict[str, str]:
    """Serve a bucket with an inventory of its own; return what a source needs to read it."""
    bucket.inventory(date)
    server.faults.clear()
    server.hold(bucket.objects)
    return {"endpoint": server.url}


def article_requests(server: S3) -> Counter[str]:
    return Counter({key: n for key, n in server.asked.items() if "PMC" in key})


def test_faults_are_retried_or_quarantined_with_a_reason(server: S3, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put(1, md5="0" * 32)
    told = serve(server, bucket)
    whole = bucket.objects["PMC2.1/PMC2.1.xml"]
    server.hold({**bucket.objects, "PMC2.1/PMC2.1.xml": whole[: len(whole) // 2]})
    server.faults = {
        "PMC3.1/PMC3.1.xml": ["error"],
        "metadata/PMC4.1.json": ["error"],
        "PMC5.1/PMC5.1.xml": ["cut"],
        "PMC6.1/PMC6.1.xml": ["slow"],
        "PMC7.1/PMC7.1.xml": ["slow"] * 9,
    }
    path = run_file(tmp_path, ROOT, "r1", timeout_s=0.7, packs=2, **told)
    fetched(path)
    (release,) = releases(tmp_path)
    assert reasons(decided(tmp_path, release).values()) == {
        "PMC1.1": "quarantined md5_mismatch",
        "PMC2.1": "quarantined md5_mismatch",
        "PMC7.1": "quarantined unreachable",
    }
    asked = {key: n for key, n in article_requests(server).items() if n > 1}
    assert asked == {
        "PMC1.1/PMC1.1.xml": 2,
        "PMC2.1/PMC2.1.xml": 2,
        "PMC3.1/PMC3.1.xml": 2,
        "metadata/PMC4.1.json": 2,
        "PMC5.1/PMC5.1.xml": 2,
        "PMC6.1/PMC6.1.xml": 2,
        "PMC7.1/PMC7.1.xml": 5,
    }
    assert [one.key for one in documents(path)] == sorted(f"PMC{n}.1" for n in range(1, 13) if n not in (1, 2, 7))


def test_a_second_inventory_asks_only_for_its_difference(server: S3, bucket: Bucket, tmp_path: Path) -> None:
    told = serve(server, bucket)
    fetched(run_file(tmp_path, ROOT, "r1", **told))
    assert set(article_requests(server).values()) == {1}
    bucket.put(2, sentence="Corrected: twelve were seen.")
    bucket.put(3, retracted=True)
    bucket.put(50)
    bucket.remove("PMC4.1")
    serve(server, bucket, "2026-11-02")
    (froze,) = fetched(run_file(tmp_path, ROOT, "r2", **told)).frozen
    assert froze.release.changes == {"changed": 1, "gone": 1, "new": 1, "retracted": 1, "unchanged": 9}
    assert article_requests(server) == {
        "metadata/PMC2.1.json": 1,
        "metadata/PMC3.1.json": 1,
        "metadata/PMC50.1.json": 1,
        "PMC2.1/PMC2.1.xml": 1,
        "PMC50.1/PMC50.1.xml": 1,
    }


def test_a_bucket_that_is_gone_stops_the_fetch_and_seals_nothing(
    server: S3, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.engine.objects.FIRST_PAUSE_S", 0.0)
    told = serve(server, bucket)
    path = run_file(tmp_path, ROOT, "r1", packs=1, **told)
    server.faults = {key: ["error"] * 5 for key in bucket.objects if key.endswith((".xml", ".json"))}
    with pytest.raises(InputError, match="cannot be read"):
        fetched(path)
    for key in list(server.faults):  # the inventory was frozen, then the network went
        if "inventory" in key:
            server.faults[key] = [None] * (1 if "manifest" in key else 9) + ["error"] * 5
    with pytest.raises(InputError, match="does not answer any more"):
        fetched(path)
    assert releases(tmp_path) == []
    server.faults.clear()
    fetched(path)
    assert len(releases(tmp_path)) == 1


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.nightly) for n in range(2, 12))])
def test_kill_and_resume_fetch_nothing_twice(server: S3, bucket: Bucket, tmp_path: Path, seed: int) -> None:
    told = serve(server, bucket)
    path = run_file(tmp_path, ROOT, "r1", packs=2, connections=2, **told)
    slow = [key for key in bucket.objects if key.endswith("xml")]
    server.faults = {key: ["slow"] for key in random.Random(seed).sample(slow, 6)}
    arguments = [sys.executable, "-m", "pipelines", "sources", "fetch", str(path), "--inline"]
    worker = subprocess.Popen(arguments, cwd=REPOSITORY, env=environment(), start_new_session=True)
    until = random.Random(seed).randrange(4, 14)
    deadline = time.monotonic() + 60
    while article_requests(server).total() < until and worker.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    assert releases(tmp_path) == []
    at_kill = article_requests(server)
    server.faults.clear()
    said = call_medmix("sources", "fetch", str(path), "--inline")
    assert said.returncode == 0, said.stderr
    twice = {key for key, n in article_requests(server).items() if n > 1}
    assert len(twice) <= 2  # the two that were under way, one for each connection
    assert twice <= at_kill.keys()
    (tmp_path / "other").mkdir()
    fetched(run_file(tmp_path / "other", ROOT, "r1", packs=2, **told))
    assert releases(tmp_path) == releases(tmp_path / "other")
    assert not list((tmp_path / "store/pmc/begun").rglob("*.*"))
    assert call_medmix("verify", str(tmp_path / "store")).returncode == 0
