"""One suite for every endpoint: the fake, and llama.cpp with random weights, started as a run starts its server.

With MEDMIX_TEACHER_URL (and MEDMIX_TEACHER_MODEL, MEDMIX_TEACHER_KEY) it runs on that endpoint too. A model of random
weights says nothing; what it shows is the protocol: schemas, truncation, refusals at the door, usage, seeds.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.disk import MemoryDisk
from fakes.teacher.gguf import write_tiny_llama
from fakes.teacher.server import FakeTeacher, Reply

from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from sources.teacher.client import Teacher
from sources.teacher.journal import Journal
from sources.teacher.request import Answer, Attempt, Request, make_request
from sources.teacher.serve import served
from sources.teacher.settings import TeacherSettings

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["A", "B", "C", "D"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
LONG_TOKENS = 40_000


def speak(body: dict[str, Any]) -> str | Reply:
    """Answer as a real server would: cut at the limit, refuse what is too long, keep to the schema."""
    asked = body["messages"][-1]["content"]
    if len(asked) > LONG_TOKENS:
        return Reply("the request exceeds the context", status=400)
    text = f"{body.get('seed', 0)} is what I think of {asked}, and it is a long story. " * 5
    if "response_format" in body:
        text = json.dumps({"answer": "ABCD"[len(asked) % 4]})
    limit = 4 * body["max_tokens"]
    return Reply(text[:limit], "length" if len(text) > limit else "stop")


@pytest.fixture(scope="module", params=["fake", "xllamacpp", "endpoint"])
def teacher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TeacherSettings]:
    limits = {"concurrency": 4, "timeout_s": 120, "backoff_s": 0.05}
    common: dict[str, Any] = {"model": "tiny", "revision": "1", "limits": limits}
    if request.param == "fake":
        with FakeTeacher(speak) as fake:
            yield TeacherSettings.model_validate({**common, "url": fake.url})
    elif request.param == "xllamacpp":
        pytest.importorskip("xllamacpp")
        folder = tmp_path_factory.mktemp("llama")
        write_tiny_llama(folder / "tiny.gguf")
        serve = {"engine": "xllamacpp", "model": str(folder / "tiny.gguf"), "start_s": 120}
        settings = TeacherSettings.model_validate({**common, "serve": serve})
        with served(settings, InlineRuntime(Storage(MemoryDisk())), folder / "server.log") as up:
            yield up
    else:
        url = os.environ.get("MEDMIX_TEACHER_URL")
        if not url:
            pytest.skip("MEDMIX_TEACHER_URL names no endpoint")
        key = "MEDMIX_TEACHER_KEY" if os.environ.get("MEDMIX_TEACHER_KEY") else None
        model = os.environ.get("MEDMIX_TEACHER_MODEL", "tiny")
        yield TeacherSettings.model_validate({**common, "url": url, "key_env": key, "model": model})


def sampled(settings: TeacherSettings, **sampling: Any) -> TeacherSettings:
    return settings.model_copy(update={"sampling": settings.sampling.model_copy(update=sampling)})


def requests_of(settings: TeacherSettings, count: int, schema: dict[str, Any] | None = None) -> list[Request]:
    return [
        make_request(settings, [("user", f"Say {n}.")], Attempt(3, str(n)), prompt="p@1:0", schema=schema)
        for n in range(count)
    ]


def ask(settings: TeacherSettings, path: Path, requests: list[Request]) -> list[Answer]:
    answers = Teacher(settings, Journal(path), account="run").answer_all(requests)
    assert [answer.key for answer in answers] == [request.key for request in requests]
    return answers


def test_answers_come_in_order_with_usage_and_are_kept(teacher: TeacherSettings, tmp_path: Path) -> None:
    settings = sampled(teacher, max_tokens=24)
    requests = requests_of(settings, 12)
    answers = ask(settings, tmp_path, requests)
    assert {answer.outcome for answer in answers} <= {"ok", "truncated", "invalid"}
    for answer in answers:
        assert answer.prompt_tokens > 0
        assert 0 < answer.completion_tokens <= 24 or answer.outcome == "invalid"
        assert answer.served
    assert ask(settings.model_copy(update={"url": None}), tmp_path, requests) == answers


def test_what_is_cut_is_told_as_truncated(teacher: TeacherSettings, tmp_path: Path) -> None:
    settings = sampled(teacher, max_tokens=3)
    answers = ask(settings, tmp_path, requests_of(settings, 6))
    assert Counter(answer.outcome for answer in answers)["truncated"] >= 4
    assert all(answer.finish_reason == "length" for answer in answers if answer.outcome == "truncated")


def test_with_a_schema_every_ok_is_json_of_that_schema(teacher: TeacherSettings, tmp_path: Path) -> None:
    settings = sampled(teacher, max_tokens=64, temperature=1.0)
    answers = ask(settings, tmp_path, requests_of(settings, 24, SCHEMA))
    assert Counter(answer.outcome for answer in answers)["ok"] >= 5
    assert {answer.outcome for answer in answers} <= {"ok", "truncated"}
    for answer in answers:
        if answer.outcome == "ok":
            assert json.loads(answer.text)["answer"] in "ABCD"
    known = Journal(tmp_path).probe(f"{settings.url} {settings.model} {settings.revision}")
    assert known is not None
    assert known["schema"] == "yes"


def test_what_is_too_long_is_permanent(teacher: TeacherSettings, tmp_path: Path) -> None:
    long = make_request(teacher, [("user", "word " * LONG_TOKENS)], Attempt(3, "long"), prompt="p@1:0")
    (answer,) = ask(teacher, tmp_path, [long])
    assert (answer.outcome, answer.tries, answer.cost) == ("permanent", 1, 0.0)
    assert answer.reason.startswith("HTTP 400")


def test_attempts_at_one_item_differ(teacher: TeacherSettings, tmp_path: Path) -> None:
    settings = sampled(teacher, max_tokens=16, temperature=1.0)
    requests = [
        make_request(settings, [("user", "Say it.")], Attempt(3, "one", sample), prompt="p@1:0") for sample in range(4)
    ]
    assert len({answer.text for answer in ask(settings, tmp_path, requests)}) > 1


def test_messages_of_all_roles_and_any_text_go_through(teacher: TeacherSettings, tmp_path: Path) -> None:
    settings = sampled(teacher, max_tokens=8)
    messages = [
        ("system", "Antworte kurz. 你好 \U0001f9ec"),
        ("user", "CD4 <200, 5 µg"),
        ("assistant", "Oui."),
        ("user", "10³?\n"),
    ]
    (answer,) = ask(settings, tmp_path, [make_request(settings, messages, Attempt(3, "x"), prompt="p@1:0")])
    assert answer.outcome in ("ok", "truncated")
