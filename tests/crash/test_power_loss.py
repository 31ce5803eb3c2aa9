"""The power goes at every operation: unsynced content and names are lost, or survive by a coin and out of order."""

import random

import pytest
from fakes.disk import Fault, FaultyDisk, MemoryDisk, SimulatedExit
from fakes.runs import digests, run_inline
from fakes.stages import tiny_run, toy_run

from pipelines.engine.driver import PlannedStage
from pipelines.engine.storage import Storage
from pipelines.engine.verify import verify

SMALL = tiny_run()


def lose_power(planned: list[PlannedStage], coins: int) -> None:
    """At each operation: lose everything unsynced, or what `coins` seeded coins say; then resume."""
    whole = FaultyDisk(MemoryDisk())
    run_inline(whole, planned)
    expected = digests(whole.disk)
    for at in range(1, len(whole.operations) + 1):
        disk = MemoryDisk()
        with pytest.raises(SimulatedExit):
            run_inline(FaultyDisk(disk, Fault(at)), planned)
        for coin in [None, *(random.Random(1000 * at + seed) for seed in range(coins))]:
            after = disk.power_loss(coin)
            where = f"{whole.operations[at - 1]} ({at}), coin {coin and 'seeded'}"
            assert verify(Storage(after)).problems == [], where
            assert digests(after).items() <= expected.items(), f"torn by {where}"
            run_inline(after, planned)
            assert digests(after) == expected, f"resume differs after {where}"


def test_power_loss_at_every_operation_leaves_old_or_new() -> None:
    lose_power(SMALL, coins=1)


@pytest.mark.nightly
def test_power_loss_at_every_operation_with_many_coins() -> None:
    lose_power(toy_run(shards=2, rows=12), coins=5)


def test_what_was_committed_survives_the_loss_of_all_that_is_unsynced() -> None:
    disk = MemoryDisk()
    run_inline(disk, SMALL)
    assert digests(disk.power_loss()) == digests(disk)


@pytest.mark.parametrize("seed", range(20))
def test_a_replaced_file_is_old_or_new_and_never_torn(seed: int) -> None:
    old, new = b"old plan", b"a new and longer plan"
    steps = ("open_new", "write", "sync", "close", "rename", "sync_folder")
    for at in range(1, len(steps) + 1):
        disk = MemoryDisk()
        Storage(disk).replace_file("plan.json", old)
        faulty = FaultyDisk(disk, Fault(at))
        with pytest.raises(SimulatedExit):
            Storage(faulty).replace_file("plan.json", new)
        found = bytes(disk.power_loss(random.Random(seed)).read("plan.json"))
        assert found == old or (found == new and at > steps.index("rename") + 1)


def test_the_model_loses_what_a_careless_writer_leaves_unsynced() -> None:
    """The harness itself: rename without syncing the folder, and content without sync, do not survive."""
    disk = MemoryDisk()
    handle = disk.open_new("a/.stage-1")
    handle.write(b"content")
    disk.sync_folder("a")
    disk.rename("a/.stage-1", "a/final")
    assert disk.power_loss().files() == {"a/.stage-1": b""}
    handle.sync()
    assert disk.power_loss().files() == {"a/.stage-1": b"content"}
    disk.sync_folder("a")
    assert disk.power_loss().files() == {"a/final": b"content"}
