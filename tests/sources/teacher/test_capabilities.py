"""What an endpoint really does: taken, ignored, refused, broken; found once, and never asked again."""

from pathlib import Path
from typing import Any

import pytest
from fakes.teacher.server import FakeTeacher, Reply

from pipelines.engine.errors import TeacherError
from sources.teacher.client import Teacher
from sources.teacher.journal import Journal
from sources.teacher.request import Answer, Attempt, make_request
from sources.teacher.settings import TeacherSettings

FIELDS = ("response_format", "seed", "logprobs", "n")


def ask(fake: FakeTeacher, path: Path) -> tuple[Answer, dict[str, Any]]:
    limits = {"backoff_s": 0.001, "tries": 3}
    settings = TeacherSettings.model_validate({"url": fake.url, "model": "m", "revision": "1", "limits": limits})
    request = make_request(settings, [("user", "q")], Attempt(1, "x"), prompt="p", schema={"type": "object"})
    journal = Journal(path)
    (answer,) = Teacher(settings, journal).answer_all([request])
    found = journal.probe(f"{fake.url} m 1")
    assert found is not None
    return answer, found


def honest(body: dict[str, Any]) -> str:
    return '{"answer": "A"}' if "response_format" in body else f"Waves, {body.get('seed')}."


def test_what_is_honoured_and_what_is_silently_ignored(tmp_path: Path) -> None:
    with FakeTeacher(honest) as fake:
        _, found = ask(fake, tmp_path / "a")
    expected = {"schema": "yes", "seed": "yes", "logprobs": "ignored", "n": "ignored"}
    assert found == {"served": "m", "limit_field": "max_tokens", **expected}
    with FakeTeacher(lambda _: "Whatever you say.") as fake:
        answer, found = ask(fake, tmp_path / "b")
    assert (found["schema"], found["seed"]) == ("ignored", "ignored")
    assert (answer.outcome, answer.reason) == ("invalid", "no JSON")


@pytest.mark.parametrize("status", [400, 500])
def test_what_is_refused_or_breaks_the_server_is_not_sent(status: int, tmp_path: Path) -> None:
    def narrow(body: dict[str, Any]) -> str | Reply:
        unknown = [name for name in FIELDS if name in body]
        return Reply(f"unknown field {unknown[0]}", status=status) if unknown else "{}"

    with FakeTeacher(narrow) as fake:
        answer, found = ask(fake, tmp_path)
        assert [found[name] for name in ("schema", "seed", "logprobs", "n")] == ["refused"] * 4
        assert answer.outcome == "ok"
        assert not set(FIELDS) & set(fake.asked[-1].body)


def test_a_server_that_names_the_limit_otherwise(tmp_path: Path) -> None:
    def newer(body: dict[str, Any]) -> str | Reply:
        return Reply("use max_completion_tokens", status=400) if "max_tokens" in body else honest(body)

    with FakeTeacher(newer) as fake:
        answer, found = ask(fake, tmp_path)
        assert (answer.outcome, found["limit_field"], found["schema"]) == ("ok", "max_completion_tokens", "yes")
        assert fake.asked[-1].body["max_completion_tokens"] == 1024


def test_another_models_answer_is_none_of_ours(tmp_path: Path) -> None:
    """The name under which most probes were answered is the model's; one odd probe does not change it."""
    count = 0

    def fleet(body: dict[str, Any]) -> Reply:
        nonlocal count
        count += 1
        return Reply("{}", model="m-2026-01" if count != 2 else "m-mini")

    with FakeTeacher(fleet) as fake:
        answer, found = ask(fake, tmp_path / "a")
        assert (answer.outcome, answer.served, found["served"]) == ("ok", "m-2026-01", "m-2026-01")
    count = -6
    with FakeTeacher(fleet) as fake:
        answer, _ = ask(fake, tmp_path / "b")
        assert (answer.outcome, answer.reason) == ("invalid", "served by m-mini, not m-2026-01")


def test_a_model_that_does_nothing_is_told(tmp_path: Path) -> None:
    with (
        FakeTeacher(lambda _: Reply("no such model", status=400)) as fake,
        pytest.raises(
            TeacherError, match=r"refuses the simplest call: HTTP 400: no such model; check `teacher\.model`"
        ),
    ):
        ask(fake, tmp_path)


def test_an_endpoint_is_probed_once(tmp_path: Path) -> None:
    with FakeTeacher(honest) as fake:
        ask(fake, tmp_path)
        first = len(fake.asked)
        settings = TeacherSettings(url=fake.url, model="m", revision="1")
        Teacher(settings, Journal(tmp_path)).answer_all(
            [make_request(settings, [("user", "another")], Attempt(1, "y"), prompt="p")]
        )
        assert (first, len(fake.asked)) == (8, 9)
