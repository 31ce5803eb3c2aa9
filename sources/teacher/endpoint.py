"""One chat endpoint: how a request is written for it, and which of its replies are taken for answers.

Every try has the request's key as `Idempotency-Key`, for servers that know one. A reply under another model's name, or
one that repeats a secret of ours, is no answer, whatever it says. Not here: sockets (`lines`), trying again (`call`),
what replies mean (`reply`), what the endpoint can do (`capabilities`).
"""

from dataclasses import replace
from typing import Any

import orjson

from pipelines.engine.errors import TeacherError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.secrets import holds_secret_value
from sources.teacher.call import backoff_s
from sources.teacher.capabilities import Capabilities
from sources.teacher.lines import Lines
from sources.teacher.reply import Failed, read_probe, read_reply
from sources.teacher.request import Answer, Request
from sources.teacher.settings import TeacherSettings
from sources.web.clock import Clock


class Endpoint:
    """An endpoint, open within `async with`."""

    def __init__(self, settings: TeacherSettings, clock: Clock) -> None:
        """Raise TeacherError when there is no address, or no key in the variable that the settings name."""
        if settings.url is None:
            raise TeacherError(
                "a request has no answer in the journal and there is no teacher to ask; give `teacher.url`, or the "
                "journal that the run was made with"
            )
        self.name = f"{settings.url} {settings.model} {settings.revision}"
        self.capabilities = Capabilities(served="")
        self._limits, self._clock = settings.limits, clock
        self._lines = Lines(f"{settings.url}/chat/completions", settings.key_env, settings.limits.timeout_s)

    async def __aenter__(self) -> "Endpoint":
        """Nothing is opened before it is needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self._lines.close()

    async def send(self, request: Request) -> Answer | Failed:
        """Try a request once. Raises TeacherError for a reply that no retry mends."""
        reply = await self._lines.post(body_of(request, self.capabilities), request.key)
        if isinstance(reply, Failed):
            return reply
        answer = read_reply(reply, request)
        return answer if isinstance(answer, Failed) else self._checked(answer)

    async def post(self, body: dict[str, Any]) -> dict[str, Any] | str | Failed:
        """Send a body until the endpoint takes it or refuses it, or all tries failed."""
        data, failed = orjson.dumps(body), Failed("no try", paid=False)
        key = f"probe-{sha256_bytes(data)}"
        for tries in range(1, self._limits.tries + 1):
            reply = await self._lines.post(data, key)
            read = reply if isinstance(reply, Failed) else read_probe(reply)
            if not isinstance(read, Failed):
                return read
            failed = read
            await self._clock.sleep(backoff_s(self._limits, key, tries, failed))
        return failed

    def _checked(self, answer: Answer) -> Answer:
        """Return the answer, or an invalid one: another model's, or one that repeats a secret, which is thrown away."""
        if holds_secret_value(" ".join((answer.text, answer.reasoning, answer.served, answer.finish_reason))):
            reason = "the reply repeats a secret of ours"
            return replace(answer, outcome="invalid", reason=reason, text="", reasoning="", served="", finish_reason="")
        expected = self.capabilities.served
        if answer.served and expected and answer.served != expected:
            return replace(answer, outcome="invalid", reason=f"served by {answer.served}, not {expected}")
        return answer


def body_of(request: Request, capabilities: Capabilities) -> bytes:
    """Return the JSON body of a chat completion, without what the endpoint would refuse."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": role, "content": content} for role, content in request.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        capabilities.limit_field: sampling.max_tokens,
    }
    if capabilities.seed != "refused":
        body["seed"] = request.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.schema is not None and capabilities.schema != "refused":
        named = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return orjson.dumps(body)
