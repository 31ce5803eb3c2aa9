"""Bits flip and files are cut, lost, swapped, doubled and added: each is seen before use, and named."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fakes.disk import Inode, MemoryDisk
from fakes.runs import run_inline
from fakes.stages import Seeds, toy_run

from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import CorruptionError
from pipelines.engine.hashing import seal, unseal
from pipelines.engine.manifest import Manifest, read_manifest, read_record
from pipelines.engine.stage import ShardTask
from pipelines.engine.storage import Storage
from pipelines.engine.verify import Verdict, sweep, verify

PLANNED = toy_run(shards=2, rows=24)


@pytest.fixture(scope="module")
def committed() -> dict[str, bytes]:
    disk = MemoryDisk()
    run_inline(disk, PLANNED)
    return disk.files()


def disk_of(files: dict[str, bytes]) -> MemoryDisk:
    disk = MemoryDisk()
    disk.names = {path: Inode(bytearray(content), content) for path, content in files.items()}
    disk.durable = dict(disk.names)
    return disk


def named(files: dict[str, bytes], path: str, current: list[str] | None = None) -> bool:
    return any(path in problem for problem in verify(Storage(disk_of(files)), current).problems)


def flips(committed: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, int, bytes]]:
    draw = random.Random(seed)
    paths = sorted(committed)
    for at in range(count):
        path = paths[at % len(paths)]
        content = bytearray(committed[path])
        bit = draw.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        yield path, bit, bytes(content)


def open_for_use(disk: MemoryDisk, path: str, lists: dict[str, bytes]) -> None:
    """Open a committed file as the engine does when it needs it."""
    storage = Storage(disk)
    if "/manifest-" in path:
        manifest = Manifest.from_json(unseal(lists[path], path))
        read_manifest(storage, manifest.folder, manifest.fingerprint)
    elif "/records/" in path:
        body = unseal(lists[path], path)
        read_record(storage, path.partition("/records/")[0], body["shard"], body["key"])
    else:
        every = [unseal(data, name) for name, data in lists.items() if "/manifest-" in name]
        refs = [ref for body in every for one in Manifest.from_json(body).shards for ref in one.files.values()]
        storage.read(next(ref for ref in refs if ref.path == path))


def check_flips(committed: dict[str, bytes], count: int, seed: int) -> None:
    for path, bit, content in flips(committed, count, seed):
        files = {**committed, path: content}
        assert named(files, path), f"verify misses bit {bit} of {path}"
        with pytest.raises(CorruptionError, match=path.rpartition("/")[2]):
            open_for_use(disk_of(files), path, committed)


def test_the_undisturbed_run_is_sound(committed: dict[str, bytes]) -> None:
    verdict = verify(Storage(disk_of(committed)))
    assert (verdict.problems, verdict.orphans, verdict.superseded) == ([], [], [])
    assert verdict.checked_files == len(committed)
    assert verdict.checked_bytes == sum(map(len, committed.values()))


def test_200_flipped_bits_are_seen_before_use_and_by_verify(committed: dict[str, bytes]) -> None:
    check_flips(committed, 200, seed=7)


@pytest.mark.nightly
def test_2000_flipped_bits(committed: dict[str, bytes]) -> None:
    check_flips(committed, 2000, seed=11)


def test_truncated_and_missing_files_are_named(committed: dict[str, bytes]) -> None:
    draw = random.Random(3)
    for path, content in committed.items():
        for files in (
            {**committed, path: content[: draw.randrange(len(content))]},
            {**committed, path: content + b"\n"},
            {name: data for name, data in committed.items() if name != path},
        ):
            assert named(files, path, [path for path in committed if "/manifest-" in path])


def test_swapped_files_are_named_both(committed: dict[str, bytes]) -> None:
    draw = random.Random(5)
    paths = sorted(committed)
    for _ in range(60):
        first, second = draw.sample(paths, 2)
        if committed[first] == committed[second]:
            continue
        files = {**committed, first: committed[second], second: committed[first]}
        assert named(files, first)
        assert named(files, second)


def test_extra_files_are_named_and_never_read_or_swept(committed: dict[str, bytes]) -> None:
    shard = next(path for path in committed if path.startswith("stages/shorten@1/alpha-00000-"))
    extra = shard.replace("alpha-00000", "alpha-00009")
    disk = disk_of({**committed, extra: committed[shard], "stages/shorten@1/notes.txt": b"x", "stages/y": b""})
    verdict = verify(Storage(disk))
    assert [problem.partition(":")[0] for problem in verdict.problems] == [extra, "stages/shorten@1/notes.txt"]
    assert verdict.orphans == ["stages/y"]
    sweep(Storage(disk), Verdict(orphans=[], superseded=verdict.superseded))
    assert extra in disk.names


@dataclass(frozen=True)
class Elsewhere(Seeds):
    """Writes its files where people look for results."""

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return [replace(task, folder="mixtures/demo/data") for task in super().tasks(inputs)]


def test_results_outside_stages_are_checked_and_strangers_there_are_named() -> None:
    disk = MemoryDisk()
    run_inline(disk, [PlannedStage(Elsewhere("alpha", 2, 9))])
    homes = [path for path in disk.names if path.startswith("mixtures/demo/data/alpha-00001-")]
    assert len(homes) == 1
    committed = disk.files()
    assert verify(Storage(disk)).problems == []
    assert named({**committed, homes[0]: committed[homes[0]][:-1]}, homes[0])
    strangers = ["mixtures/demo/data/a.txt", "mixtures/demo/data/x.parquet", "mixtures/else/y.arrow"]
    begun = ["mixtures/demo-0123456789ab/z.arrow", "mixtures/demo/data/.stage-1"]
    added = [*strangers, *begun, "mixtures/demo/data/README.md", "elsewhere/notes.txt"]
    verdict = verify(Storage(disk_of(committed | dict.fromkeys(added, b"x"))))
    assert [problem.partition(":")[0] for problem in verdict.problems] == strangers
    assert sorted(verdict.orphans) == sorted(begun)


def test_a_swapped_record_is_refused_on_resume(committed: dict[str, bytes]) -> None:
    """A sealed and sound record under the name of another shard must not pass for it."""
    records = [path for path in committed if path.startswith("stages/shorten@1/records/alpha-")]
    swapped = {**committed, records[0]: committed[records[1]]}
    swapped = {path: data for path, data in swapped.items() if "shorten@1/manifest-" not in path}
    with pytest.raises(CorruptionError, match=records[0]):
        run_inline(disk_of(swapped), PLANNED)


def test_a_corrupt_input_stops_the_stage_that_reads_it(committed: dict[str, bytes]) -> None:
    shard = next(path for path in committed if path.startswith("stages/shorten@1/alpha-00001-"))
    flipped = bytearray(committed[shard])
    flipped[len(flipped) // 2] ^= 4
    files = {path: data for path, data in committed.items() if not path.startswith("stages/unite@1")}
    with pytest.raises(CorruptionError, match=shard):
        run_inline(disk_of({**files, shard: bytes(flipped)}), PLANNED)


def test_a_lost_shard_of_a_finished_run_is_told_without_running_anything(committed: dict[str, bytes]) -> None:
    shard = next(path for path in committed if path.startswith("stages/unite@1/beta"))
    files = {path: data for path, data in committed.items() if path != shard}
    with pytest.raises(CorruptionError, match=f"{shard}.*missing"):
        run_inline(disk_of(files), PLANNED)


def forged(committed: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> tuple[str, dict[str, bytes]]:
    """Return the run with one manifest changed and sealed again, as a defect of ours would leave it."""
    path = next(path for path in committed if path.startswith("stages/unite@1/manifest-"))
    body = unseal(committed[path], path)
    change(body)
    return path, {**committed, path: seal(body)}


@pytest.mark.parametrize("field", ["records_in", "tokens_kept", "records_out"])
def test_a_ledger_that_is_not_the_sum_is_named(committed: dict[str, bytes], field: str) -> None:
    def change(body: dict[str, Any]) -> None:
        body["ledger"]["sources"]["alpha"][field] += 1

    path, files = forged(committed, change)
    assert named(files, f"{path}: its ledger")


def test_a_row_count_that_is_not_the_files_is_named(committed: dict[str, bytes]) -> None:
    def change(body: dict[str, Any]) -> None:
        body["shards"][0]["files"]["main"]["rows"] += 1

    _, files = forged(committed, change)
    assert named(files, "its record says")


def test_records_lost_between_stages_are_named(committed: dict[str, bytes]) -> None:
    def change(body: dict[str, Any]) -> None:
        shard = next(one for one in body["shards"] if one["ledger"]["sources"]["alpha"]["records_kept"])
        for ledger in (shard["ledger"], body["ledger"]):
            for field in ("records_in", "records_kept"):
                ledger["sources"]["alpha"][field] -= 1

    path, files = forged(committed, change)
    assert named(files, f"{path}: unite: of source 'alpha'")


def test_superseded_files_are_swept_and_nothing_else(committed: dict[str, bytes]) -> None:
    disk = disk_of(committed)
    old = set(disk.names)
    run_inline(disk, toy_run(shards=2, rows=24, words=5))
    manifests = {path for path in disk.names if "/manifest-" in path}
    current = manifests - {path for path in old if "/shorten@1/" in path or "/unite@1/" in path}
    assert verify(Storage(disk)).superseded == []
    verdict = verify(Storage(disk), current | {path for path in manifests if "seeds" in path})
    assert verdict.problems == []
    assert verdict.superseded
    sweep(Storage(disk), verdict)
    again = verify(Storage(disk))
    assert (again.orphans, again.superseded) == ([], [])
    fresh = MemoryDisk()
    run_inline(fresh, toy_run(shards=2, rows=24, words=5))
    assert set(fresh.names) <= set(disk.names)
