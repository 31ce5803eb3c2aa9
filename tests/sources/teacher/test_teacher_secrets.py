"""Eight canary secrets, a server that repeats all of them in every way it can, each call failed once in turn: no hit.

Searched are the journal, the rows, what is printed and logged, answers, and exceptions with all that they hang on.
"""

import base64
import io
import json
import logging
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fakes.disk import MemoryDisk
from fakes.teacher.server import FakeTeacher, Reply

from pipelines.engine.errors import MedmixError
from pipelines.engine.runtime import RayRuntime, Resources
from pipelines.engine.storage import Storage
from sources.teacher.client import Teacher, gate_of
from sources.teacher.gate import SharedGate
from sources.teacher.journal import Journal
from sources.teacher.request import Answer, Attempt, make_request, teacher_column
from sources.teacher.settings import TeacherSettings

CANARIES = {
    "TEACHER_API_KEY": "canary/of+the=teacher-0001",
    "HF_TOKEN": "hf_canaryOfTheHub0002",
    "OPENAI_API_KEY": "sk-canary0003abcdefgh12",
    "AWS_SECRET_ACCESS_KEY": "canary/of+the/store0004",
    "AWS_ACCESS_KEY_ID": "AKIACANARY0005ABCDEF",
    "GITHUB_TOKEN": "ghp_canary0006abcdefghij",
    "NCBI_API_KEY": "canary0007abcdef0123456789",
    "DATABASE_PASSWORD": "canary of the database 0008",
}
CALLS, PROBES = 3, 7
LEAK = " and ".join([*CANARIES.values(), *map(quote, CANARIES.values())])
ENCODED = " ".join(base64.b64encode(f"user:{value}".encode()).decode() for value in CANARIES.values())
REPLIES: dict[str, Reply] = {
    "a wrong key": Reply(f"Incorrect API key provided: {LEAK}", status=401),
    "no access": Reply(f"denied for {LEAK}", status=403),
    "a bad request": Reply(f"headers were {LEAK} {ENCODED}", status=400),
    "slow down": Reply(f"too many calls of {LEAK}", status=429),
    "an error": Reply(f"Authorization: Bearer {LEAK}", status=500),
    "a redirect": Reply("", status=307, headers={"Location": f"/v1?key={quote(LEAK)}"}),
    "an answer that repeats them": Reply(LEAK),
    "an answer that repeats them encoded": Reply(ENCODED),
    "reasoning that repeats them": Reply("B", reasoning=LEAK),
    "a model of that name": Reply("B", model=LEAK),
    "a finish of that name": Reply("B", finish_reason=LEAK),
    "a refusal": Reply("", refusal=LEAK),
}


def forms(value: str) -> set[bytes]:
    """Return the ways in which a secret may be written: plain, URL-encoded, in JSON, and in base64 at any alignment."""
    data = value.encode()
    encoded = [base64.b64encode(b"\0" * lead + data)[4 * bool(lead) : -4] for lead in range(3)]
    return {data, quote(value).encode(), quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), *encoded}


def hits(found: bytes) -> list[str]:
    return [name for name, value in CANARIES.items() if any(form in found for form in forms(value))]


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)


def run(settings: TeacherSettings, path: Path, make: Callable[[Journal], Teacher]) -> bytes:
    """Ask a few questions, and return everything that the run wrote, printed, logged and raised."""
    out, written = io.StringIO(), []
    path.mkdir()
    handler = logging.StreamHandler(out)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            asked = [make_request(settings, [("user", f"q{n}")], Attempt(1, str(n)), prompt="p") for n in range(CALLS)]
            journal = Journal(path)
            try:
                answers: list[Answer] = make(journal).answer_all(asked)
                rows = [[one.to_json(), teacher_column(request)] for one, request in zip(answers, asked, strict=True)]
                written.append(json.dumps(rows, ensure_ascii=False) + repr(answers))
            except MedmixError as error:
                written.append(told(error))
            written.append(repr(settings) + settings.model_dump_json() + repr(journal.doubts()))
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    files = b"".join(file.read_bytes() for file in sorted(path.iterdir()))
    return files + "".join([*written, out.getvalue()]).encode()


@pytest.fixture(autouse=True)
def canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)


def failing(at: int, reply: Reply) -> Callable[[dict[str, Any]], str | Reply]:
    """Return a teacher whose call number `at` goes wrong, and every other one right."""
    count = 0

    def answer(body: dict[str, Any]) -> str | Reply:
        nonlocal count
        count += 1
        return reply if count == at else "B"

    return answer


def settings_of(url: str) -> TeacherSettings:
    limits = {"backoff_s": 0.001, "timeout_s": 10, "concurrency": 1}
    whole = {"url": url, "model": "m", "revision": "1", "key_env": "TEACHER_API_KEY", "limits": limits}
    return TeacherSettings.model_validate(whole)


@pytest.mark.parametrize("name", REPLIES)
def test_no_secret_stays_when_any_one_call_goes_wrong(name: str, tmp_path: Path) -> None:
    for at in range(1, PROBES + CALLS + 1):
        with FakeTeacher(failing(at, REPLIES[name])) as fake:
            settings = settings_of(fake.url)
            found = run(settings, tmp_path / str(at), partial(Teacher, settings))
            assert len(fake.asked) >= at
            assert fake.asked[0].headers["authorization"] == f"Bearer {CANARIES['TEACHER_API_KEY']}"
            assert hits(found) == [], f"call {at}"
            assert b'"outcome"' in found or b"Error" in found


def test_the_search_finds_what_is_there() -> None:
    for name, value in CANARIES.items():
        for form in forms(value):
            assert name in hits(b"x" + form + b"y")
    assert hits(ENCODED.encode()) == list(CANARIES)


def test_a_mistake_in_the_settings_is_told_without_the_secret() -> None:
    secret = CANARIES["OPENAI_API_KEY"]
    for mistake in ({"url": f"https://user:{secret}@host/v1"}, {"url": f"https://host/v1?api_key={secret}"}):
        with pytest.raises(ValueError, match="plain address") as caught:
            TeacherSettings.model_validate({"model": "m", "revision": "1", **mistake})
        (error,) = caught.value.errors()  # type: ignore[attr-defined]
        assert hits(error["msg"].encode()) == []


@pytest.mark.nightly
@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_no_secret_stays_in_the_session_folder_of_ray(tmp_path: Path) -> None:
    """The gate lives in an actor; its arguments, logs and metadata are files of the session."""
    runtime = RayRuntime(Storage(MemoryDisk()), workers=1, address=None, resources=Resources())
    try:
        session = Path(runtime._ray._private.worker._global_node.get_session_dir_path())
        for at, reply in enumerate(REPLIES.values(), 1):
            with FakeTeacher(failing(at, reply)) as fake:
                settings = settings_of(fake.url)
                made = gate_of(settings, Journal(tmp_path / "none"), "run")
                gate = SharedGate(runtime.service(f"gate-{at}", made))
                assert hits(run(settings, tmp_path / str(at), partial(Teacher, settings, gate=gate))) == []
        files = [file for file in session.rglob("*") if file.is_file()]
        assert len(files) > 10
        assert {file.name: found for file in files if (found := hits(file.read_bytes()))} == {}
    finally:
        runtime.close()
