"""The same stages under Ray: the same bytes with any number of workers, and through every way a worker can die.

One local Ray of four workers serves the whole module; "one worker" means tasks that ask for all four CPUs.
"""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fakes.counting import Counting
from fakes.disk import Fault, FaultyDisk, MemoryDisk
from fakes.poison import Broken, Poison, PoisonReader, poison_run
from fakes.runs import Shuffled, digests, run_inline
from fakes.stages import Events, Seeds, Shorten, lot, toy_run

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ResourcesError, StageError, StorageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import RayRuntime, Resources, Runtime, _start
from pipelines.engine.stage import KILLED
from pipelines.engine.storage import Storage
from sources.teacher.gate import Done, Gate, SharedGate
from sources.teacher.journal import Spent
from sources.teacher.settings import Budget, Limits

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
TESTS = Path(__file__).parents[1]
PLANNED = toy_run(shards=3, rows=24)


@pytest.fixture(scope="module", autouse=True)
def ray_of_four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start the Ray that every runtime of this module joins; its workers must find the fakes."""
    environment = pytest.MonkeyPatch()
    environment.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")])))
    storage = Storage(LocalDisk(tmp_path_factory.mktemp("ray")))
    runtime = RayRuntime(storage, workers=4, address=None, resources=Resources())
    yield
    runtime.close()
    environment.undo()


def ray_runtime(disk: LocalDisk, **resources: float) -> RayRuntime:
    return RayRuntime(Storage(disk), workers=4, address=None, resources=Resources(**resources))


def run_ray(
    disk: LocalDisk, planned: list[PlannedStage], runtime: Runtime, events: Events | None = None
) -> dict[str, Manifest]:
    return run_stages(Storage(disk), planned, lambda: runtime, events or Events())


def expected(planned: list[PlannedStage]) -> dict[str, str]:
    disk = MemoryDisk()
    run_inline(disk, planned)
    return digests(disk)


@pytest.mark.parametrize(("cpus", "seed"), [(4, 1), (2, 2), (1, 3)])
def test_any_number_of_workers_in_any_order_gives_the_bytes_of_the_inline_runtime(
    tmp_path: Path, cpus: int, seed: int
) -> None:
    disk = LocalDisk(tmp_path)
    run_ray(disk, PLANNED, Shuffled(ray_runtime(disk, cpus=cpus), seed))
    assert digests(disk) == expected(PLANNED)


def test_a_killed_worker_costs_a_retry_and_no_byte(tmp_path: Path) -> None:
    key = next(key for key in (f"alpha/{n:06}.txt" for n in range(99)) if lot(key, 7))
    events = Events()
    disk = LocalDisk(tmp_path / "out")
    dying = Poison({key: "kill"}, marker=str(tmp_path / "met"))
    run_ray(disk, poison_run(dying, 3, 12), ray_runtime(disk), events)
    assert digests(disk) == expected(poison_run(Poison(), 3, 12))
    assert {told["reason"] for told in events.of("shard_retried")} == {"died"}


@pytest.mark.parametrize(
    ("form", "hows", "shards"),
    [
        (Poison, ["segv"], 1),
        pytest.param(Poison, ["segv", "kill"], 3, marks=pytest.mark.nightly),
        pytest.param(PoisonReader, ["kill", "segv"], 3, marks=pytest.mark.nightly),
    ],
)
def test_rows_that_kill_are_set_apart_and_everything_else_is_kept(
    tmp_path: Path, form: type[Poison | PoisonReader], hows: list[str], shards: int
) -> None:
    """A row may end its worker by a segfault, or as the out-of-memory killer does."""
    keys = [key for key in (f"alpha/{n:06}.txt" for n in range(4 * shards)) if lot(key, 7)]
    deaths = dict(zip(keys[1::5], hows, strict=False))
    disk = LocalDisk(tmp_path)
    manifest = run_ray(disk, poison_run(form(deaths), shards, 4), ray_runtime(disk))["poison"]
    total = manifest.ledger.total()
    assert total.quarantined == {KILLED: len(hows)}
    assert total.records_kept == total.records_in - len(hows)
    rejects = [row for ref in manifest.files("rejects") for row in pq.read_table(disk.root / ref.path).to_pylist()]
    assert [(row["key"], row["reason"]) for row in rejects] == [(key, KILLED) for key in deaths]


def test_a_shard_past_its_time_is_killed_and_tried_again(tmp_path: Path) -> None:
    key = next(key for key in (f"alpha/{n:06}.txt" for n in range(99)) if lot(key, 7))
    disk = LocalDisk(tmp_path / "out")
    events = Events()
    hanging = Poison({key: "hang"}, marker=str(tmp_path / "met"))
    run_ray(disk, poison_run(hanging, 2, 6), ray_runtime(disk, timeout_s=10), events)
    assert digests(disk) == expected(poison_run(Poison(), 2, 6))
    assert "timeout" in {told["reason"] for told in events.of("shard_retried")}


@pytest.mark.parametrize("asked", [{"cpus": 5}, {"memory_bytes": 1 << 50}])
def test_what_no_node_can_give_is_refused_at_once(tmp_path: Path, asked: dict[str, float]) -> None:
    with pytest.raises(ResourcesError, match=r"a task asks for .* but the largest node has .*lower `resources`"):
        ray_runtime(LocalDisk(tmp_path), **asked)


def test_a_defect_of_a_stage_is_told_without_the_text_of_the_record(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    planned = [PlannedStage(Seeds("alpha", 2, 5)), PlannedStage(Broken(Shorten()), {"documents": ("seeds_alpha",)})]
    with pytest.raises(StageError, match=r"shorten, shard alpha-0000\d: LookupError at .*poison\.py") as caught:
        run_ray(disk, planned, ray_runtime(disk))
    assert "patient" not in str(caught.value)


def test_a_full_disk_in_a_worker_is_a_storage_error_here_and_resume_gives_the_same(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    full = Storage(FaultyDisk(disk, Fault(3, errno.ENOSPC, persistent=True)))
    runtime = RayRuntime(full, workers=4, address=None, resources=Resources())
    with pytest.raises(StorageError, match=r"stages/seeds_alpha@1/.*ENOSPC.*free some space"):
        run_ray(disk, PLANNED, runtime)
    run_ray(disk, PLANNED, ray_runtime(disk))
    assert digests(disk) == expected(PLANNED)


@pytest.mark.nightly
def test_a_killed_job_leaves_nothing_torn_and_resumes(tmp_path: Path) -> None:
    """SIGKILL to a whole job, driver and Ray, once its first records stand; then resume without Ray."""
    for at in (1, 6, 12):
        out = tmp_path / str(at)
        environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
        command = [sys.executable, "-m", "fakes.child", str(out), "--ray"]
        job = subprocess.Popen(command, start_new_session=True, env=environment)
        while job.poll() is None and len(list(out.glob("stages/*/records/*.json"))) < at:
            time.sleep(0.05)
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
        disk = LocalDisk(out)
        planned = toy_run()
        run_inline(disk, planned)
        assert digests(disk) == expected(planned)


def test_a_ray_that_does_not_come_up_is_told_without_a_trace() -> None:
    class Busy:
        """Ray's own answer when its node is not up after 30 s: a bare Exception."""

        def init(self, *_: object, **__: object) -> None:
            raise Exception("The current node timed out during startup.")

    with pytest.raises(ResourcesError, match=r"a local Ray could not be used: The current node timed out.*--inline"):
        _start(Busy(), workers=2, address=None)


def test_a_service_is_one_object_for_all(tmp_path: Path) -> None:
    """Its calls run side by side, it lives in another process, and whoever asks by its name finds the same one."""
    runtime = ray_runtime(LocalDisk(tmp_path))
    one, same, other = (runtime.service(name, Counting) for name in ("sum", "sum", "another"))

    async def run() -> list[int]:
        waiting = asyncio.create_task(one.call("wait_for", 20))
        await asyncio.gather(*(same.call("add", 2) for _ in range(10)))
        return [await waiting, await one.call("total"), await other.call("total"), await one.call("where")]

    *totals, where = asyncio.run(run())
    assert totals == [20, 20, 0]
    assert where != os.getpid()
    with pytest.raises(ValueError, match="negative"):
        asyncio.run(one.call("add", -1))


def test_a_service_whose_process_died_is_told(tmp_path: Path) -> None:
    service = ray_runtime(LocalDisk(tmp_path)).service("doomed", Counting)

    async def run() -> None:
        os.kill(await service.call("where"), signal.SIGKILL)
        await service.call("total")

    with pytest.raises(ResourcesError, match="gone"):
        asyncio.run(run())


def test_a_gate_on_ray_holds_the_limit_of_all_workers(tmp_path: Path) -> None:
    limits = Limits(concurrency=2)
    gate = SharedGate(ray_runtime(LocalDisk(tmp_path)).service("gate", partial(Gate, limits, Budget(), Spent())))
    flying = most = 0

    async def call() -> None:
        nonlocal flying, most
        permit = await gate.enter(10)
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.01)
        flying -= 1
        await gate.leave(permit.number, Done("answered", 10))

    async def run() -> Spent:
        await asyncio.gather(*(call() for _ in range(10)))
        return await gate.service.call("spent")

    assert asyncio.run(run()) == Spent(100, 0.0)
    assert most == 2
