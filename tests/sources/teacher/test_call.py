"""One call in virtual time: how long it waits, when it gives up, and what it tells the journal and the gate."""

import asyncio
from pathlib import Path

import pytest
from fakes.web.clock import FakeClock

from pipelines.engine.errors import BudgetError, TeacherError
from sources.teacher.call import Caller, backoff_s, most_tokens
from sources.teacher.gate import Gate
from sources.teacher.journal import Journal, Spent
from sources.teacher.reply import Failed
from sources.teacher.request import Answer, Attempt, Request, make_request
from sources.teacher.settings import Budget, Limits, Price, TeacherSettings

TEACHER = TeacherSettings(model="m", revision="1")
REQUEST = make_request(TEACHER, [("user", "é" * 150)], Attempt(1, "doc"), prompt="p")


class Script:
    """Answers each try with the next of its lines, and notes when it was asked."""

    def __init__(self, clock: FakeClock, *lines: Answer | Failed | Exception) -> None:
        self._clock, self._lines = clock, list(lines)
        self.times: list[float] = []

    async def __call__(self, request: Request) -> Answer | Failed:
        self.times.append(self._clock.monotonic())
        line = self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]
        if isinstance(line, Exception):
            raise line
        return line


def settle(path: Path, script: Script, clock: FakeClock, limits: Limits, budget: Budget | None = None) -> Answer:
    journal = Journal(path)
    gate = Gate(limits, budget or Budget(), journal.spent("run"), clock)
    caller = Caller(script, gate, journal, limits, Price(prompt=2, completion=8), clock, "run")
    answer = asyncio.run(caller.settle(REQUEST))
    assert journal.answer(REQUEST.key) == answer
    return answer


def test_waits_double_and_are_drawn_from_the_key(tmp_path: Path) -> None:
    clock = FakeClock()
    script = Script(clock, Failed("HTTP 500", paid=False))
    answer = settle(tmp_path, script, clock, Limits(tries=8, backoff_s=1, longest_backoff_s=20, deadline_s=9999))
    assert (answer.outcome, answer.tries, answer.reason) == ("exhausted", 8, "HTTP 500")
    waits = [later - earlier for earlier, later in zip(script.times, script.times[1:], strict=False)]
    assert all(wait <= bound for wait, bound in zip(waits, [1, 2, 4, 8, 16, 20, 20], strict=True))
    limits = Limits(longest_backoff_s=20)
    assert waits == pytest.approx([backoff_s(limits, REQUEST.key, n, Failed("", paid=False)) for n in range(1, 8)])
    spread = [backoff_s(limits, str(n), 1, Failed("", paid=False)) for n in range(2_000)]
    assert 0.48 < sum(spread) / len(spread) < 0.52
    assert 0 <= min(spread) < 0.01 < 0.99 < max(spread) < 1


def test_what_the_server_asks_for_is_waited(tmp_path: Path) -> None:
    clock = FakeClock()
    right = Answer(key=REQUEST.key, outcome="ok", text="a", prompt_tokens=100, completion_tokens=50)
    script = Script(clock, Failed("HTTP 429", paid=False, wait_s=90, throttled=True), right)
    answer = settle(tmp_path, script, clock, Limits())
    assert (answer.outcome, answer.tries) == ("ok", 2)
    assert script.times == [0, 90]
    assert answer.cost == pytest.approx((100 * 2 + 50 * 8) / 1e6)
    assert Journal(tmp_path).spent("run") == Spent(150, answer.cost)


def test_no_wait_goes_beyond_the_deadline(tmp_path: Path) -> None:
    clock = FakeClock()
    script = Script(clock, Failed("the connection broke", paid=True, wait_s=40))
    answer = settle(tmp_path, script, clock, Limits(deadline_s=100))
    assert (answer.outcome, answer.tries, script.times) == ("ambiguous", 3, [0, 40, 80])
    assert clock.monotonic() <= 100
    journal = Journal(tmp_path)
    assert [doubt.reason for doubt in journal.doubts()] == ["the connection broke"] * 3
    assert journal.spent("run").tokens == 3 * most_tokens(REQUEST)


def test_one_doubtful_try_makes_a_failure_ambiguous(tmp_path: Path) -> None:
    clock = FakeClock()
    script = Script(clock, Failed("no whole answer", paid=True), Failed("HTTP 503", paid=False))
    answer = settle(tmp_path, script, clock, Limits(tries=3))
    assert (answer.outcome, answer.reason) == ("ambiguous", "HTTP 503")


def test_a_stop_leaves_no_end_and_nothing_in_doubt(tmp_path: Path) -> None:
    clock = FakeClock()
    with pytest.raises(TeacherError, match="401"):
        settle(tmp_path, Script(clock, TeacherError("HTTP 401")), clock, Limits())
    with pytest.raises(BudgetError):
        settle(tmp_path, Script(clock, TeacherError("never sent")), clock, Limits(), Budget(tokens=0))
    journal = Journal(tmp_path)
    assert (len(journal), journal.doubts()) == (0, [])


def test_the_most_that_a_call_may_use() -> None:
    assert most_tokens(REQUEST) == 300 // 3 + 1 + 1024
