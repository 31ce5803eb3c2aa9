"""Each of the twelve faults by itself, then all together: what comes of the request, and what of the money."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fakes.teacher.faults import FAULTS, NAMES
from fakes.teacher.server import FakeTeacher, Reply

from pipelines.engine.errors import BudgetError, TeacherError
from sources.teacher.client import Teacher
from sources.teacher.journal import Journal
from sources.teacher.request import Attempt, Request, make_request
from sources.teacher.settings import TeacherSettings

ENDS = {"malformed": "invalid", "truncated": "truncated", "refused": "refused", "other_model": "invalid"}
"""What a fault comes to that spoils an answer for good; every other one is tried again."""


def settings_of(fake: FakeTeacher, **more: Any) -> TeacherSettings:
    limits = {"backoff_s": 0.002, "timeout_s": 1.0, "concurrency": 16, **more.pop("limits", {})}
    return TeacherSettings.model_validate({"url": fake.url, "model": "m", "revision": "1", "limits": limits, **more})


def requests_of(settings: TeacherSettings, count: int, schema: dict[str, Any] | None = None) -> list[Request]:
    return [
        make_request(settings, [("user", f"question {n}")], Attempt(1, f"doc-{n}"), prompt="p@1:0", schema=schema)
        for n in range(count)
    ]


def echo(body: dict[str, Any]) -> str:
    return f"an answer to {body['messages'][0]['content']}"


def after_probe(name: str, times: int) -> Any:
    return lambda key, tries: name if not key.startswith("probe") and tries <= times else None


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_that_passes(name: str, tmp_path: Path) -> None:
    with FakeTeacher(echo, fault=after_probe(name, 1)) as fake:
        settings = settings_of(fake)
        (request,) = requests_of(settings, 1)
        journal = Journal(tmp_path)
        (answer,) = Teacher(settings, journal).answer_all([request])
        fault = FAULTS[name]
        final = ENDS.get(name) or ("permanent" if fault.status == 400 else "ok")
        assert answer.outcome == final
        assert answer.tries == (2 if final == "ok" else 1)
        assert fake.completed[request.key] == (name != "bad_request") + (final == "ok" and fault.completed)
        in_doubt = [doubt.key for doubt in journal.doubts()]
        assert in_doubt == ([request.key] if final == "ok" and (fault.completed or fault.how == "close") else [])
        if final == "ok":
            assert answer.text == "an answer to question 0"


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(ENDS) - {"bad_request"}))
def test_a_fault_that_stays_ends_and_says_whether_it_may_have_cost(name: str, tmp_path: Path) -> None:
    with FakeTeacher(echo, fault=after_probe(name, 99)) as fake:
        settings = settings_of(fake, limits={"tries": 2, "timeout_s": 0.5})
        (answer,) = Teacher(settings, Journal(tmp_path)).answer_all(requests_of(settings, 1))
        paid = FAULTS[name].completed or FAULTS[name].how == "close"
        assert (answer.outcome, answer.tries) == ("ambiguous" if paid else "exhausted", 2)
        assert answer.reason


def test_what_failed_is_asked_again_only_when_told(tmp_path: Path) -> None:
    failing = True
    with FakeTeacher(echo, fault=lambda key, _: "overloaded" if failing and len(key) == 64 else None) as fake:
        settings = settings_of(fake, limits={"tries": 2})
        requests = requests_of(settings, 2)
        assert {one.outcome for one in Teacher(settings, Journal(tmp_path)).answer_all(requests)} == {"exhausted"}
        still = Teacher(settings, Journal(tmp_path), retry_failures=True).answer_all(requests)
        failing, heard = False, len(fake.asked)
        assert Teacher(settings, Journal(tmp_path)).answer_all(requests) == still
        assert {one.outcome for one in still} == {"exhausted"}
        assert len(fake.asked) == heard
        again = Teacher(settings, Journal(tmp_path), retry_failures=True).answer_all(requests)
        assert {one.outcome for one in again} == {"ok"}
        assert Teacher(settings, Journal(tmp_path)).answer_all(requests) == again


def test_many_calls_with_all_faults_end_once_each_and_never_again(tmp_path: Path) -> None:
    with FakeTeacher(echo, rate=0.3, seed=3) as fake:
        settings = settings_of(fake, limits={"timeout_s": 1.0})
        requests = requests_of(settings, 300)
        journal = Journal(tmp_path)
        answers = Teacher(settings, journal, account="run").answer_all(requests)
        assert [answer.key for answer in answers] == [request.key for request in requests]
        assert set(fake.faults) == {"", *NAMES}
        doubtful = {doubt.key for doubt in journal.doubts()}
        assert all(count == 1 for key, count in computed(fake).items() if key not in doubtful)
        assert Counter(answer.outcome for answer in answers)["ok"] > 200
        right = [a for a, r in zip(answers, requests, strict=True) if a.text == f"an answer to {r.messages[0][1]}"]
        assert len(right) >= sum(answer.outcome == "ok" for answer in answers)
        before = len(fake.asked)
        again = Teacher(settings, Journal(tmp_path), account="run").answer_all(requests)
        assert (again, len(fake.asked)) == (answers, before)


def test_the_same_bytes_for_any_order_and_number_of_workers(tmp_path: Path) -> None:
    """Given the journal, whoever asks in whatever order gets the same answers; equal requests are sent once."""
    with FakeTeacher(echo, rate=0.2, seed=9) as fake:
        settings = settings_of(fake, limits={"timeout_s": 1.0})
        requests = requests_of(settings, 60)

        async def race() -> None:
            writers = [Teacher(settings, Journal(tmp_path)) for _ in range(3)]
            await asyncio.gather(*(one.ask(requests[n::3] * 2) for n, one in enumerate(writers)))

        asyncio.run(race())
        before = len(fake.asked)
        inorder = Teacher(settings, Journal(tmp_path)).answer_all(requests)
        backward = Teacher(settings, Journal(tmp_path)).answer_all(requests[::-1])
        assert inorder == backward[::-1]
        assert len(fake.asked) == before
        assert len({answer.key for answer in inorder}) == 60


@pytest.mark.parametrize("budget", [{"tokens": 2_000}, {"money": 0.002}])
def test_the_budget_stops_the_run_cleanly_and_it_goes_on_with_a_larger_one(budget: Any, tmp_path: Path) -> None:
    with FakeTeacher(echo, latency_s=0.005) as fake:
        settings = settings_of(fake, budget=budget, price={"prompt": 1, "completion": 1}, limits={"concurrency": 4})
        requests = requests_of(settings, 500)
        for _ in range(2):  # the second time, what was spent before counts
            with pytest.raises(BudgetError, match=r"raise `teacher\.budget`"):
                Teacher(settings, Journal(tmp_path), account="run").answer_all(requests)
        spent = Journal(tmp_path).spent("run")
        a_call = max(answer.prompt_tokens + answer.completion_tokens for answer in Journal(tmp_path).answers())
        assert 2_000 <= spent.tokens <= 2_000 + 4 * a_call
        assert spent.money == pytest.approx(spent.tokens / 1_000_000)
        assert len(computed(fake)) == len(Journal(tmp_path)) < 500
        richer = settings.model_copy(update={"budget": settings.budget.model_copy(update={"tokens": None, "money": 9})})
        answers = Teacher(richer, Journal(tmp_path), account="run").answer_all(requests)
        assert {answer.outcome for answer in answers} == {"ok"}
        assert set(computed(fake).values()) == {1}


def computed(fake: FakeTeacher) -> dict[str, int]:
    """Return how often each request was answered in full, probes left out."""
    return {key: count for key, count in fake.completed.items() if not key.startswith("probe")}


@pytest.mark.parametrize(
    ("status", "told"), [(401, "check the key"), (404, "check `url` and `model`"), (402, "account there is empty")]
)
def test_what_a_person_must_mend_stops_the_run_and_leaves_no_doubt(status: int, told: str, tmp_path: Path) -> None:
    def revoked(body: dict[str, Any]) -> str | Reply:
        asked = body["messages"][0]["content"]
        return Reply("no", status=status) if asked == "question 40" else echo(body)

    with FakeTeacher(revoked) as fake:
        settings = settings_of(fake, limits={"concurrency": 4})
        journal = Journal(tmp_path)
        with pytest.raises(TeacherError, match=told):
            Teacher(settings, journal).answer_all(requests_of(settings, 300))
        assert 40 <= len(journal) < 60
        assert journal.doubts() == []


def test_nobody_at_home_is_told_at_once(tmp_path: Path) -> None:
    settings = TeacherSettings.model_validate(
        {"url": "http://127.0.0.1:9/v1", "model": "m", "revision": "1", "limits": {"backoff_s": 0.001}}
    )
    with pytest.raises(TeacherError, match=r"does not answer: no connection .*is it running at `teacher\.url`"):
        Teacher(settings, Journal(tmp_path)).answer_all(requests_of(settings, 3))


def test_without_an_address_the_journal_must_know_all(tmp_path: Path) -> None:
    with FakeTeacher(echo) as fake:
        settings = settings_of(fake)
        requests = requests_of(settings, 3)
        answers = Teacher(settings, Journal(tmp_path)).answer_all(requests)
    offline = settings.model_copy(update={"url": None})
    assert Teacher(offline, Journal(tmp_path)).answer_all(requests) == answers
    with pytest.raises(TeacherError, match=r"no teacher to ask; give `teacher\.url`"):
        Teacher(offline, Journal(tmp_path)).answer_all(requests_of(settings, 4))


def test_a_server_that_dies_stops_the_run_and_it_goes_on_when_it_is_back(tmp_path: Path) -> None:
    dead = False

    def choose(key: str, tries: int) -> str | None:
        return "overloaded" if dead else None

    def watch(count: int) -> None:
        nonlocal dead
        dead = dead or count == 60

    with FakeTeacher(echo, fault=choose, on_request=watch) as fake:
        limits = {"outage_failures": 5, "outage_s": 0.3, "longest_backoff_s": 0.05, "tries": 1000}
        settings = settings_of(fake, limits=limits)
        requests = requests_of(settings, 200)
        with pytest.raises(TeacherError, match="the teacher is down"):
            Teacher(settings, Journal(tmp_path)).answer_all(requests)
        assert len(fake.asked) < 120
        dead = False
        answers = Teacher(settings, Journal(tmp_path)).answer_all(requests)
        assert {answer.outcome for answer in answers} == {"ok"}
        assert set(computed(fake).values()) == {1}
