"""What each kind of reply means, case by case, and that no reply at all can raise anything but a TeacherError."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.errors import TeacherError
from sources.teacher.reply import Failed, HttpReply, read_probe, read_reply
from sources.teacher.request import OUTCOMES, Answer, Request
from sources.teacher.settings import Sampling

CASES = json.loads(Path(__file__).with_name("reply_cases.json").read_text())


def request(schema: dict[str, Any] | None = None) -> Request:
    messages = (("user", "q"),)
    return Request(model="m", revision="1", messages=messages, sampling=Sampling(), seed=0, prompt="p", schema=schema)


def reply_of(case: dict[str, Any]) -> HttpReply:
    body = case["raw"] if "raw" in case else json.dumps(case["reply"])
    return HttpReply(case["status"], case.get("headers", {}), body.encode())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_reply_means(case: dict[str, Any]) -> None:
    asked = request({"type": "object"} if case.get("schema") else None)
    if "raises" in case:
        with pytest.raises(TeacherError, match=case["raises"]):
            read_reply(reply_of(case), asked)
        return
    read = read_reply(reply_of(case), asked)
    assert isinstance(read, Answer if "is" in case else Failed)
    expected = case.get("is") or case["fails"]
    assert {name: asdict(read)[name] for name in expected} == expected


def test_before_the_first_answer_a_403_stops_the_run() -> None:
    with pytest.raises(TeacherError, match="what it may use"):
        read_probe(HttpReply(403, {}, b"{}"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "prompt_tokens", "error", "model", "refusal", "code"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([200, 200, 200, 400, 403, 429, 500, 504]), JSON | st.binary(max_size=40))
def test_whatever_comes_is_an_answer_or_a_failure(status: int, content: Any) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    read = read_reply(HttpReply(status, {}, body), request())
    assert isinstance(read, Failed) or read.outcome in OUTCOMES
    if isinstance(read, Answer):
        json.dumps(asdict(read), ensure_ascii=False).encode()
