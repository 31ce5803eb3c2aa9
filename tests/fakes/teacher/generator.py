"""A small generator to be killed: two attempts at each document, an end for each, one file of rows at the very end.

What it writes depends on the journal's answers alone. `answer` is the teacher that goes with it: it lies to some
questions at their first attempt and to some always.
"""

import json
from pathlib import Path
from typing import Any

from pipelines.engine.hashing import derive_seed
from sources.teacher.client import Teacher
from sources.teacher.journal import Journal
from sources.teacher.request import FAILURES, Answer, Attempt, Request, make_request
from sources.teacher.settings import TeacherSettings

ATTEMPTS = 2
CONCURRENCY = 16


def answer(body: dict[str, Any]) -> str:
    """Return the right letter for the question, or a wrong one."""
    question = body["messages"][0]["content"]
    lies = (question, body.get("seed", 0)) if derive_seed("always", question) % 10 else (question, 0)
    return right(question) if derive_seed("lie", *lies) % 4 else "wrong"


def right(question: str) -> str:
    return "ABCD"[derive_seed("right", question) % 4]


def settings_of(url: str) -> TeacherSettings:
    limits = {"concurrency": CONCURRENCY, "backoff_s": 0.002, "longest_backoff_s": 0.02, "timeout_s": 1.0}
    return TeacherSettings.model_validate({"url": url, "model": "m", "revision": "1", "limits": limits})


def generate(url: str, journal: str, out: str, documents: int) -> None:
    """Bring every document to its end, and write one row for each."""
    settings = settings_of(url)
    teacher = Teacher(settings, Journal(Path(journal)), account="run")
    questions = [f"question {n}" for n in range(documents)]
    ends: dict[str, str] = {}
    for sample in range(ATTEMPTS):
        left = [
            question for question in questions if not ends.get(question, "").startswith(("accepted", "quarantined"))
        ]
        answers = teacher.answer_all([request(settings, question, sample) for question in left])
        ends.update((question, _end(question, one)) for question, one in zip(left, answers, strict=True))
    Path(out).write_text("".join(json.dumps([question, ends[question]]) + "\n" for question in questions))


def request(settings: TeacherSettings, question: str, sample: int) -> Request:
    return make_request(settings, [("user", question)], Attempt(5, question, sample), prompt="p@1:0")


def _end(question: str, given: Answer) -> str:
    if given.outcome in FAILURES:
        return f"quarantined({given.outcome})"
    if given.outcome != "ok":
        return f"rejected({given.outcome})"
    return f"accepted({given.text})" if given.text == right(question) else "rejected(gold_mismatch)"
