"""Finds out, with seven small calls, what an endpoint really does: some take a schema or a seed and ignore it.

What was found is kept in the journal and never asked again. It decides only what is sent along; an answer is checked
whatever the server promised. `served` is the name under which the endpoint answers: an answer under another one is
another model's. The calls come one after another and before all others, so they pass no gate. Not here: sockets.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipelines.engine.errors import TeacherError
from sources.teacher.reply import Failed

Support = Literal["yes", "ignored", "refused"]
Post = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | str | Failed]]
"""Sends a body, again if need be; returns the reply, why the server will not take such a body, or how it fails."""

_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["A", "B"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
_QUESTION = "Write one short sentence about the sea."
_MOST_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What was seen. `limit_field` is how the server calls the largest number of tokens."""

    served: str
    limit_field: str = "max_tokens"
    schema: Support = "yes"
    seed: Support = "yes"
    logprobs: Support = "yes"
    n: Support = "yes"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


async def probe(post: Post, model: str) -> Capabilities:
    """Return what the endpoint does with this model. Raises TeacherError when it does not do the simplest call.

    A server that breaks over a feature (HTTP 500 for two choices) refuses it.
    """
    probing = _Probing(post, model)
    plain = await probing.ask()
    if isinstance(plain, str):
        probing.limit_field = "max_completion_tokens"
        other = await probing.ask()
        plain = plain if isinstance(other, str) else other
    if isinstance(plain, str):
        raise TeacherError(f"the teacher refuses the simplest call: {plain}; check `teacher.model`")
    if isinstance(plain, Failed):
        raise TeacherError(f"the teacher does not answer: {plain.reason}; is it running at `teacher.url`?")
    named = {"name": "answer", "strict": True, "schema": _SCHEMA}
    structured = await probing.ask(response_format={"type": "json_schema", "json_schema": named})
    drawn = [await probing.ask(seed=seed) for seed in (7, 7, 8)]
    texts = [_content(one) if isinstance(one, dict) else None for one in drawn]
    logprobs = await probing.ask(logprobs=True)
    several = await probing.ask(n=2)
    return Capabilities(
        served=Counter(probing.served).most_common(1)[0][0],
        limit_field=probing.limit_field,
        schema=_support(structured, lambda reply: _content(reply).lstrip().startswith("{")),
        seed=_support(drawn[0], lambda _: texts[0] == texts[1] != texts[2]),
        logprobs=_support(logprobs, lambda reply: bool(reply["choices"][0].get("logprobs"))),
        n=_support(several, lambda reply: len(reply["choices"]) == 2),
    )


class _Probing:
    def __init__(self, post: Post, model: str) -> None:
        self._post, self._model = post, model
        self.limit_field = "max_tokens"
        self.served: list[str] = []

    async def ask(self, **more: Any) -> dict[str, Any] | str | Failed:
        """Return the reply to a small call with these fields, or why there is none."""
        messages = [{"role": "user", "content": _QUESTION}]
        body = {"model": self._model, "messages": messages, "temperature": 1.0, self.limit_field: _MOST_TOKENS}
        reply = await self._post({**body, **more})
        if isinstance(reply, dict):
            self.served.append(str(reply.get("model") or ""))
        return reply


def _support(reply: dict[str, Any] | str | Failed, is_honoured: Callable[[dict[str, Any]], bool]) -> Support:
    if not isinstance(reply, dict):
        return "refused"
    return "yes" if is_honoured(reply) else "ignored"


def _content(reply: dict[str, Any]) -> str:
    return str(reply["choices"][0]["message"].get("content") or "")
