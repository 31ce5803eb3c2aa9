"""Running stages in order: what is done is never done again, and nothing but input and settings decides bytes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.child import ROWS, SHARDS
from fakes.disk import Fault, FaultyDisk, MemoryDisk, SimulatedExit
from fakes.runs import Shuffled, digests, run_inline
from fakes.stages import Events, Seeds, Shorten, toy_run

from pipelines.engine.driver import PlannedStage, look, run_stages
from pipelines.engine.errors import StageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.runtime import Failure, InlineRuntime, Runtime
from pipelines.engine.stage import ShardTask
from pipelines.engine.storage import Storage
from pipelines.engine.work import Order, Report, execute

TESTS = Path(__file__).parents[1]
PLANNED = toy_run(SHARDS, ROWS)


def never() -> Runtime:
    raise AssertionError("the runtime was started, though nothing has to run")


@pytest.fixture(scope="module")
def finished() -> MemoryDisk:
    disk = MemoryDisk()
    run_inline(disk, PLANNED)
    return disk


def test_a_second_run_starts_no_runtime_and_writes_nothing(finished: MemoryDisk) -> None:
    disk = FaultyDisk(finished)
    events = Events()
    run_stages(Storage(disk), PLANNED, never, events)
    assert {told.split()[0] for told in disk.operations} == {"size", "read"}
    assert [told["stage"] for told in events.of("stage_cached")] == [one.stage.name for one in PLANNED]


def test_a_changed_setting_reruns_what_depends_on_it_and_nothing_else(finished: MemoryDisk) -> None:
    events = Events()
    run_inline(finished, toy_run(SHARDS, ROWS, words=5), events)
    assert {told["stage"] for told in events.of("stage_cached")} == {"seeds_alpha", "seeds_beta"}
    again = Events()
    run_inline(finished, PLANNED, again)
    assert len(again.of("stage_cached")) == len(PLANNED), "going back to the first settings must cost nothing"


def test_resume_keeps_the_shards_that_are_done() -> None:
    disk = MemoryDisk()
    whole = FaultyDisk(MemoryDisk())
    run_inline(whole, PLANNED)
    records = [at for at, told in enumerate(whole.operations, 1) if told.startswith("publish stages/shorten@1/records")]
    with pytest.raises(SimulatedExit):
        run_inline(FaultyDisk(disk, Fault(records[1], after=True)), PLANNED)
    events = Events()
    run_inline(disk, PLANNED, events)
    assert events.of("stage_started")[0]["cached"] == 2
    assert [told["shard"] for told in events.of("shard_done") if told["stage"] == "shorten"] == ["beta-00000"]


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_work_decides_no_byte(seed: int, finished: MemoryDisk) -> None:
    disk = MemoryDisk()
    storage = Storage(disk)
    run_stages(storage, PLANNED, lambda: Shuffled(InlineRuntime(storage), seed), Events())
    assert digests(disk).items() <= digests(finished).items()


def in_another_environment(tmp_path: Path, **changed: str) -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", **changed}
    command = [sys.executable, "-m", "fakes.child", str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=True)
    return json.loads(done.stdout)


ENVIRONMENTS = [
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "3", "TZ": "UTC", "LC_ALL": "POSIX", "OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"},
]


@pytest.mark.parametrize("changed", ENVIRONMENTS, ids=lambda changed: changed["LC_ALL"])
def test_hash_seed_time_zone_locale_and_folder_decide_no_byte(tmp_path: Path, changed: dict[str, str]) -> None:
    disk = MemoryDisk()
    run_inline(disk, PLANNED)
    assert in_another_environment(tmp_path, **changed) == digests(disk)


def test_a_zombie_that_commits_after_all_is_done_changes_nothing(finished: MemoryDisk) -> None:
    """A worker thought dead wakes up and finishes its shard: same bytes, same names, nothing else."""
    before = finished.files()
    storage = Storage(finished)
    manifests: dict[str, Manifest] = {}
    for item in PLANNED:
        outlook = look(storage, item, manifests)
        manifests[item.stage.name] = outlook.manifest
        for task in outlook.tasks:
            execute(storage, Order(item.stage, task))
    assert finished.files() == before


@dataclass(frozen=True)
class Twins(Seeds):
    """Plans two shards of one name."""

    def tasks(self, inputs: dict[str, Manifest]) -> list[ShardTask]:
        return [*super().tasks(inputs), *super().tasks(inputs)]


def test_two_shards_of_one_name_are_refused() -> None:
    with pytest.raises(StageError, match=r"seeds_alpha: 1 shard names .* 'alpha-00000'"):
        run_inline(MemoryDisk(), [PlannedStage(Twins("alpha", 1, 5))])


def test_the_same_shard_name_from_two_sources_is_refused() -> None:
    """Joined inputs: one would silently take the other's place."""
    planned = [
        PlannedStage(Seeds("alpha", 1, 5)),
        PlannedStage(Rows(Shorten()), {"documents": ("seeds_alpha", "seeds_alpha")}),
    ]
    with pytest.raises(StageError, match="planned more than once"):
        run_inline(MemoryDisk(), planned)


def test_a_stage_is_planned_once_and_after_its_input() -> None:
    disk = MemoryDisk()
    with pytest.raises(StageError, match="seeds_alpha: planned more than once"):
        run_inline(disk, [PlannedStage(Seeds("alpha", 1, 5)), PlannedStage(Seeds("alpha", 1, 6))])
    with pytest.raises(StageError, match="shorten: its input 'seeds_beta' is no stage of this plan"):
        run_inline(disk, [PlannedStage(Rows(Shorten()), {"documents": ("seeds_beta",)})])


class Counting(InlineRuntime):
    """Keeps the stages of the orders that wait together."""

    slots = 2

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.together: list[set[str]] = []

    def wait(self) -> tuple[Order, Report | Failure]:
        self.together.append({order.stage.name for order in self._orders})
        return super().wait()


def test_stages_that_wait_for_none_are_worked_on_together_and_others_wait() -> None:
    storage, events = Storage(MemoryDisk()), Events()
    runtime = Counting(storage)
    planned = [
        PlannedStage(Seeds("alpha", 1, 5)),
        PlannedStage(Rows(Shorten()), {"documents": ("seeds_alpha", "seeds_beta")}),
        PlannedStage(Seeds("beta", 1, 5)),
    ]
    manifests = run_stages(storage, planned, lambda: runtime, events)
    assert runtime.together == [{"seeds_alpha", "seeds_beta"}, {"seeds_beta"}, {"shorten"}, {"shorten"}]
    assert list(manifests) == ["seeds_alpha", "shorten", "seeds_beta"], "as planned"
    ended = [told["stage"] for told in events.of("stage_done")]
    assert ended == ["seeds_alpha", "seeds_beta", "shorten"]


def test_what_decides_bytes_is_in_the_fingerprint_and_nothing_else_is() -> None:
    storage = Storage(MemoryDisk())
    base = look(storage, PlannedStage(Seeds("alpha", 2, 5)), {}).fingerprint
    changed = [Seeds("beta", 2, 5), Seeds("alpha", 3, 5), Seeds("alpha", 2, 6), Seeds("alpha", 2, 5, version="2")]
    assert len({base, *(look(storage, PlannedStage(one), {}).fingerprint for one in changed)}) == 5
    same = Seeds("alpha", 2, 5, reasons=frozenset({"empty", "other"}))
    assert look(storage, PlannedStage(same), {}).fingerprint == base


def test_an_empty_plan_and_a_stage_without_shards_are_fine() -> None:
    disk = MemoryDisk()
    assert run_inline(disk, []) == {}
    planned = [PlannedStage(Seeds("alpha", 0, 5)), PlannedStage(Rows(Shorten()), {"documents": ("seeds_alpha",)})]
    manifests = run_inline(disk, planned)
    assert manifests["shorten"].shards == ()
