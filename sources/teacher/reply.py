"""Reads one HTTP reply of a chat endpoint: an answer, a failed try, or the end of the run.

A pure function of status, headers and body. A failed try says whether it may have been charged: refusals at the door
(429, 500, 503 ...) were not; a gateway that lost its server (502, 504) may have been. Replies that ask for a person
(a wrong key, model or address, an empty account) raise. Reasons are short and hold no secret and no prompt. Not here:
waiting, trying again (`call`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from pipelines.engine.errors import TeacherError
from pipelines.engine.secrets import redact
from sources.teacher.request import Answer, Request

_UNPAID = frozenset({408, 409, 425, 429, 500, 503, 529})
_FATAL = {
    401: "check the key in the environment variable named by `key_env`",
    402: "the account there is empty",
    404: "check `url` and `model`",
}
_REFUSING = ("content_filter", "content_policy", "moderation", "responsibleai")
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Failed:
    """A try without an answer. `wait_s` is what the server asks for, `throttled` that it only asks to slow down."""

    reason: str
    paid: bool
    wait_s: float | None = None
    throttled: bool = False


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_reply(reply: HttpReply, request: Request) -> Answer | Failed:
    """Return what a reply means for a request. Raises TeacherError for what no retry and no other request mends."""
    if reply.status == 200:
        return _read_success(reply.body, request)
    read = _read_refusal(reply)
    if isinstance(read, Failed):
        return read
    refused = any(word in read.lower() for word in _REFUSING)
    return Answer(key=request.key, outcome="refused" if refused else "permanent", reason=read)


def read_probe(reply: HttpReply) -> dict[str, Any] | str | Failed:
    """Return the completion itself, or why the server refuses such a call, or a failed try; raises like `read_reply`.

    Before any call has gone through, 403 also means a wrong key; later it may mean one refused prompt.
    """
    if reply.status == 403:
        raise _fatal(reply, "check the key and what it may use")
    if reply.status != 200:
        return _read_refusal(reply)
    try:
        whole: dict[str, Any] = orjson.loads(reply.body)
        whole["choices"][0]["message"].get("content")
    except (ValueError, LookupError, TypeError, AttributeError):
        return Failed("no chat completion", paid=True)
    return whole


def _read_refusal(reply: HttpReply) -> Failed | str:
    """Return a failed try, or why the server will never take such a request."""
    status = reply.status
    if status in _UNPAID or status >= 500:
        wait_s = retry_after_s(reply.headers.get("retry-after"), reply.headers.get("date"))
        return Failed(_told(reply), status not in _UNPAID, wait_s, status == 429)
    if status in _FATAL or status < 400:
        raise _fatal(reply, _FATAL.get(status, "check `url`: redirects are not followed"))
    return _told(reply)


def _fatal(reply: HttpReply, remedy: str) -> TeacherError:
    return TeacherError(f"the teacher answered {_told(reply)}; {remedy}, then run again: no answer is lost")


def _told(reply: HttpReply) -> str:
    said = _error_text(reply.body)
    return f"HTTP {reply.status}{': ' + said if said else ''}"


def retry_after_s(value: str | None, date: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None when it is absent or unclear.

    A date is taken against the server's own `Date`, so that its clock need not be right.
    """
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _read_success(body: bytes, request: Request) -> Answer | Failed:
    try:
        reply = orjson.loads(body)
        if reply.get("error") and not reply.get("choices"):
            return Failed(f"an error under HTTP 200: {_error_text(body)}", paid=True)
        return _read_choice(reply, reply["choices"][0], request)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Answer(key=request.key, outcome="invalid", reason="no chat completion")


def _read_choice(reply: dict[str, Any], choice: dict[str, Any], request: Request) -> Answer:
    message, usage = choice["message"], reply.get("usage") or {}
    text = message.get("content") or ""
    finish, refusal = choice.get("finish_reason") or "", message.get("refusal")
    outcome, reason = _judge(text, finish, refusal, request)
    return Answer(
        key=request.key,
        outcome=outcome,
        text=_text(text or refusal or ""),
        reasoning=_text(message.get("reasoning_content") or message.get("reasoning") or ""),
        reason=reason,
        finish_reason=_text(finish),
        served=_text(reply.get("model") or ""),
        prompt_tokens=max(0, int(usage.get("prompt_tokens") or 0)),
        completion_tokens=max(0, int(usage.get("completion_tokens") or 0)),
    )


def _judge(text: str, finish: str, refusal: str | None, request: Request) -> tuple[Any, str]:
    if refusal or finish == "content_filter":
        return "refused", finish if finish == "content_filter" else "the model declined"
    if finish == "length":
        return "truncated", f"cut at {request.sampling.max_tokens} tokens"
    if not text.strip():
        return "invalid", "empty"
    if request.schema is not None and not _is_json(text):
        return "invalid", "no JSON"
    return "ok", ""


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _text(value: Any) -> str:
    """Return a text as it is; raises TypeError for anything else, which makes the reply invalid."""
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _error_text(body: bytes) -> str:
    """Return what an error body says, cut and without secrets: some servers repeat the key they were given."""
    try:
        reply = orjson.loads(body)
        error = reply.get("error", reply)
        said = f"{error.get('code') or ''} {error['message']}".strip() if isinstance(error, dict) else str(error)
    except (ValueError, LookupError, AttributeError):
        said = ""
    return " ".join(redact(said).split())[:_LONGEST_REASON]
