"""An interrupt in the midst of a call waits for its end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.engine.interrupts import held_interrupts, undisturbed

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Hear interrupts also where the tests themselves were started in the background, which a shell makes deaf."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def work(done: list[str]) -> str:
    interrupt()
    interrupt()
    done.append("all of it")
    return "result"


def test_a_call_is_finished_before_the_interrupt_is_raised() -> None:
    done: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        undisturbed(work, done)
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGINT) is before
    assert undisturbed(len, "abc") == 3
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_a_failure_of_the_call_comes_first() -> None:
    def fails() -> None:
        interrupt()
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        undisturbed(fails)


def test_interrupts_while_closing_are_told_and_not_raised() -> None:
    with held_interrupts() as came:
        interrupt()
    assert came == [signal.SIGINT]


def test_another_thread_and_an_ignored_signal_are_left_alone() -> None:
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(undisturbed(str, 5)))
    thread.start()
    thread.join()
    assert results == ["5"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert undisturbed(work, []) == "result"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.nightly
@pytest.mark.ray
@pytest.mark.parametrize("event", ["run_started", "stage_started", "stage_done"])
def test_ctrl_c_during_a_run_under_ray_is_told_in_one_line(tmp_path: Path, event: str) -> None:
    words = ["run", "configs/demo.yaml", "-s", f"out={tmp_path}/out", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines", *words],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as run:  # fmt: skip
        assert run.stderr
        seen = next((line for line in run.stderr if f'"{event}"' in line), "")
        os.killpg(run.pid, signal.SIGINT)
        rest = [line for line in run.stderr if not line.startswith("{")]
    assert seen
    assert (run.returncode, rest) == (130, ["medmix: stopped; what was finished is kept, run again to go on\n"])
