"""A hostile item costs itself and nothing else: what came before it stays, what comes after it is unchanged."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.errors import StageError
from pipelines.engine.sandbox import FAULT_REASONS, Sandbox, SandboxLimits, attempt

TARGET = "sandbox_parsers:parse"
SMALL = SandboxLimits(cpu_s=1, wall_s=30, memory_bytes=256 << 20, output_bytes=20 << 20)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=SMALL) as box:
        yield box


def do(box: Sandbox, deed: str, body: bytes = b"body", **options: Any) -> list[dict[str, Any]]:
    return list(box.run(TARGET, body, "k", {"do": deed, **options}))


FAULTS = [
    ("segfault", "parser_crashed", "SIGSEGV"),
    ("spin", "parser_timeout", "more than 1 s of CPU"),
    ("one_allocation", "parser_memory", "MemoryError"),
    ("small_allocations", "parser_memory", "MemoryError"),
    ("native_allocation", "parser_memory", "SIGABRT"),
    ("leave", "parser_crashed", "exit 3"),
    ("leave_politely", "parser_crashed", "exit 4"),
    ("endless", "parser_output", "more than 20971520 bytes"),
    ("garble", "parser_crashed", "garbled frame"),
    ("killed", "parser_crashed", "SIGKILL"),
    ("recursion", "parser_error", "RecursionError"),
    ("deep_exception", "parser_error", "ValueError"),
    ("not_json", "parser_error", "TypeError"),
    ("not_a_number", "parser_error", "ValueError"),
    ("not_a_record", "parser_error", "TypeError"),
    ("fork", "parser_error", "PermissionError"),
    ("run_program", "parser_error", "PermissionError"),
    ("connect", "parser_error", "PermissionError"),
]


@pytest.mark.parametrize(("deed", "reason", "detail"), FAULTS)
def test_a_poison_item_ends_in_its_fault_and_harms_no_neighbour(
    sandbox: Sandbox, deed: str, reason: str, detail: str
) -> None:
    expected = [{"type": "Part", "text": "k:body", "spans": []}]
    assert do(sandbox, "nothing") == expected
    *records, fault = do(sandbox, deed)
    assert records[:1] == expected
    assert fault["type"] == "Fault"
    assert fault["reason"] == reason
    assert fault["reason"] in FAULT_REASONS
    assert fault["detail"].startswith(detail)
    assert "patient" not in str(fault)
    assert do(sandbox, "nothing") == expected


@pytest.mark.parametrize("deed", ["segfault", "spin", "leave", "killed"])
def test_what_was_yielded_before_a_death_stays(sandbox: Sandbox, deed: str) -> None:
    assert [r.get("text") for r in do(sandbox, deed)] == ["k:body", "before", None]


def test_a_sleeping_hang_ends_by_wall_time() -> None:
    limits = SandboxLimits(wall_s=2)
    with Sandbox(limits=limits) as box:
        assert do(box, "sleep")[-1]["reason"] == "parser_timeout"
        assert do(box, "nothing")[-1]["type"] == "Part"


def test_ten_gigabytes_are_refused_under_the_default_limits() -> None:
    with Sandbox(limits=SandboxLimits()) as box:
        assert do(box, "one_allocation")[-1]["reason"] == "parser_memory"


def test_an_exception_that_names_its_reason_is_unreadable(sandbox: Sandbox) -> None:
    assert do(sandbox, "unreadable")[-1] == {"type": "Unreadable", "reason": "html_cut_short", "detail": "line 3"}


def test_a_parser_that_fails_at_the_call_is_contained() -> None:
    with Sandbox(limits=SMALL) as box:
        [fault] = box.run("sandbox_parsers:at_call", b"", "k", {})
    assert (fault["reason"], fault["detail"][:8]) == ("parser_error", "KeyError")


def test_values_cross_unchanged(sandbox: Sandbox) -> None:
    part, own, usual, numbers = do(sandbox, "plain")[1:]
    assert part == {"type": "Part", "text": "5 µg \ud800 <200", "spans": [["a > b", 0, 4]]}
    assert own == {"type": "Own", "n": 1}
    assert usual == {"type": "Part", "text": "5 µg", "spans": [["a > b", 0, 4]]}
    assert numbers == {"type": "Own", "large": 2**80, "dose": 0.1, "whole": 1e16, "none": None}


def test_prints_do_not_reach_the_protocol(sandbox: Sandbox) -> None:
    assert [r["text"] for r in do(sandbox, "chatter")] == ["k:body", "after"]


def test_bodies_and_records_of_100_mb_pass_both_ways() -> None:
    with Sandbox(limits=SandboxLimits()) as box:
        records = do(box, "large", body=b"z" * (100 << 20))
        assert len(records[1]["text"]) == 100 << 20
        assert do(box, "leave", body=b"z" * (100 << 20))[-1]["reason"] == "parser_crashed"


def test_a_file_cannot_be_filled(sandbox: Sandbox, tmp_path: Path) -> None:
    assert do(sandbox, "write_file", path=str(tmp_path / "x"))[-1]["detail"].startswith("OSError")
    assert (tmp_path / "x").stat().st_size == 0


def test_one_kill_from_outside_is_not_held_against_the_item(sandbox: Sandbox, tmp_path: Path) -> None:
    records = do(sandbox, "killed", path=str(tmp_path / "was_killed"))
    assert [r["text"] for r in records] == ["k:body", "before", "after"]


@pytest.mark.parametrize("then", ["leave", "sleep"])
def test_processes_forked_by_native_code_go_with_the_child(then: str) -> None:
    with Sandbox(limits=SandboxLimits(wall_s=2)) as box:
        group = do(box, "who")[1]["pid"]
        assert do(box, "native_forks", then=then)[-1]["type"] == "Fault"
        assert not group_runs(group)


def test_a_child_serves_a_thousand_items_and_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    with Sandbox(limits=SMALL) as box:
        whos = [do(box, "who", body=str(n).encode()) for n in range(1000)]
    assert len({records[1]["pid"] for records in whos}) == 1
    assert {records[1]["secret"] for records in whos} == {None}
    assert [records[0]["text"] for records in whos] == [f"k:{n}" for n in range(1000)]


def test_the_child_is_replaced_after_a_number_of_items_or_growth() -> None:
    with Sandbox(limits=SandboxLimits(recycle_items=2)) as box:
        assert len({do(box, "who")[1]["pid"] for _ in range(4)}) == 2
    with Sandbox(limits=SandboxLimits(recycle_bytes=20 << 20)) as box:
        pids = [do(box, "leak")[1]["pid"] for _ in range(7)]
        assert 2 <= len(set(pids)) <= 4


def test_an_item_left_half_read_leaves_the_next_one_whole(sandbox: Sandbox) -> None:
    records = sandbox.run(TARGET, b"first", "k", {"do": "endless"})
    next(records)
    records.close()  # type: ignore[attr-defined]
    assert [r["text"] for r in do(sandbox, "nothing", body=b"second")] == ["k:second"]


def test_a_parser_that_cannot_be_imported_is_a_defect_and_says_so() -> None:
    with Sandbox(limits=SMALL) as box, pytest.raises(StageError, match="no_such_module"):
        list(box.run("no_such_module:parse", b"", "k", {}))


def test_one_child_serves_several_parsers(sandbox: Sandbox) -> None:
    [before, who] = do(sandbox, "who")
    [fault] = sandbox.run("sandbox_parsers:at_call", b"", "k", {})
    assert fault["reason"] == "parser_error"
    assert do(sandbox, "who") == [before, who]
    assert do(sandbox, "connect")[-1]["detail"].startswith("PermissionError")


def test_a_killed_parent_leaves_no_child() -> None:
    program = (
        "from pipelines.engine.sandbox import *\n"
        "box, parse = Sandbox(limits=SandboxLimits()), 'sandbox_parsers:parse'\n"
        "print(list(box.run(parse, b'', 'k', {'do': 'who'}))[1]['pid'], flush=True)\n"
        "list(box.run(parse, b'', 'k', {'do': 'sleep'}))\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    with parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert group_runs(child, looks=1)
        parent.send_signal(signal.SIGKILL)
    assert not group_runs(child)


def group_runs(group: int, looks: int = 50) -> bool:
    """Return whether a process of the group is still no zombie, giving the kernel some seconds to end it."""
    for _ in range(looks):
        states = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group_id = stat.read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            states.append(int(group_id) == group and state not in "ZX")
        if not any(states):
            return False
        time.sleep(0.1)
    return True


def fails(text: str) -> None:
    raise ValueError(text)


def recurses(depth: int) -> None:
    recurses(depth + 1)


def deeper(levels: int) -> str | None:
    return deeper(levels - 1) if levels else attempt(recurses, 0).error


def test_attempt_holds_the_value_or_a_digest_without_the_message() -> None:
    assert attempt(len, "abc").value == 3
    first, second = attempt(fails, "John Doe"), attempt(fails, "Jane Doe")
    assert first == second
    assert first.value is None
    assert first.error
    assert first.error.startswith("ValueError ")
    assert len(first.error) == len("ValueError ") + 12


def test_attempt_gives_one_digest_for_a_recursion_from_any_depth() -> None:
    assert deeper(0) == deeper(17)


def test_attempt_lets_interrupts_through_and_holds_memory_errors() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    def exhaust() -> None:
        raise MemoryError

    with pytest.raises(KeyboardInterrupt):
        attempt(interrupt)
    assert str(attempt(exhaust).error).startswith("MemoryError")
