"""The only file that opens sockets to a model: one try at one call of an OpenAI-compatible chat endpoint.

The key is read from the environment when an endpoint is made, and goes into one header and nowhere else. Redirects are
not followed, proxies of the environment are not used, and a reply that repeats a secret is thrown away. Every try has
the request's key as `Idempotency-Key`, for servers that know one. Not here: trying again (`call`), what replies mean
(`reply`).
"""

import asyncio
import logging
import os
from dataclasses import replace
from typing import Any

import httpx2
import orjson

from pipelines.engine.errors import TeacherError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.secrets import holds_secret_value
from sources.teacher.call import backoff_s
from sources.teacher.capabilities import Capabilities
from sources.teacher.reply import Failed, HttpReply, read_probe, read_reply
from sources.teacher.request import Answer, Request
from sources.teacher.settings import TeacherSettings
from sources.web.clock import Clock

_LARGEST_REPLY_BYTES = 32 << 20
_LOOK_S = 5.0
logging.getLogger("httpcore2").setLevel(logging.INFO)
"""At DEBUG it writes the headers of replies, in which a server may repeat our key."""


class Endpoint:
    """One chat endpoint, open within `async with`."""

    def __init__(self, settings: TeacherSettings, clock: Clock) -> None:
        """Raise TeacherError when there is no address, or no key in the variable that the settings name."""
        if settings.url is None:
            raise TeacherError(
                "a request has no answer in the journal and there is no teacher to ask; give `teacher.url`, or the "
                "journal that the run was made with"
            )
        self.name = f"{settings.url} {settings.model} {settings.revision}"
        self.capabilities = Capabilities(served="")
        self._url, self._limits, self._clock = f"{settings.url}/chat/completions", settings.limits, clock
        secret = _secret(settings.key_env)
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {secret}"} if secret else {},
            timeout=settings.limits.timeout_s,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=settings.limits.concurrency),
            trust_env=False,
            verify=settings.url.startswith("https:"),  # loading the certificates takes 30 ms of CPU
        )

    async def __aenter__(self) -> "Endpoint":
        """Open."""
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, request: Request) -> Answer | Failed:
        """Try a request once. Raises TeacherError for a reply that no retry mends."""
        reply = await self._exchange(body_of(request, self.capabilities), request.key)
        if isinstance(reply, Failed):
            return reply
        answer = read_reply(reply, request)
        return answer if isinstance(answer, Failed) else self._checked(answer)

    def _checked(self, answer: Answer) -> Answer:
        """Return the answer, or an invalid one: another model's, or one that repeats a secret, which is thrown away."""
        if holds_secret_value(" ".join((answer.text, answer.reasoning, answer.served, answer.finish_reason))):
            reason = "the reply repeats a secret of ours"
            return replace(answer, outcome="invalid", reason=reason, text="", reasoning="", served="", finish_reason="")
        expected = self.capabilities.served
        if answer.served and expected and answer.served != expected:
            return replace(answer, outcome="invalid", reason=f"served by {answer.served}, not {expected}")
        return answer

    async def post(self, body: dict[str, Any]) -> dict[str, Any] | str:
        """Send a body until the endpoint takes it or refuses it. Raises TeacherError when it does neither."""
        data, failed = orjson.dumps(body), Failed("no try", paid=False)
        key = f"probe-{sha256_bytes(data)}"
        for tries in range(1, self._limits.tries + 1):
            reply = await self._exchange(data, key)
            read = reply if isinstance(reply, Failed) else read_probe(reply)
            if not isinstance(read, Failed):
                return read
            failed = read
            await self._clock.sleep(backoff_s(self._limits, key, tries, failed))
        raise TeacherError(f"the teacher at {self._url} does not answer: {failed.reason}; is it running?")

    async def _exchange(self, body: bytes, key: str) -> HttpReply | Failed:
        timeout_s = self._limits.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await self._post(body, {"Content-Type": "application/json", "Idempotency-Key": key})
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return Failed(f"no connection ({type(error).__name__})", paid=False)
        except (TimeoutError, httpx2.TimeoutException):
            return Failed(f"no whole answer in {timeout_s:g} s", paid=True)
        except httpx2.RequestError as error:  # its text may quote what was sent
            return Failed(f"the connection broke ({type(error).__name__})", paid=True)

    async def _post(self, body: bytes, headers: dict[str, str]) -> HttpReply:
        async with self._client.stream("POST", self._url, content=body, headers=headers) as reply:
            received = bytearray()
            async for piece in reply.aiter_bytes():
                received += piece
                if len(received) > _LARGEST_REPLY_BYTES:
                    raise httpx2.DecodingError("too large")
            return HttpReply(reply.status_code, reply.headers, bytes(received))


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


def is_up(url: str) -> bool:
    """Say whether a server lists its models, which it does once they are loaded."""
    try:
        return httpx2.get(f"{url}/models", timeout=_LOOK_S, trust_env=False).status_code == 200
    except httpx2.RequestError:
        return False


def _secret(name: str | None) -> str:
    if name is None:
        return ""
    secret = os.environ.get(name, "").strip()
    if not secret:
        raise TeacherError(f"the environment variable {name} (`teacher.key_env`) is not set; set it to your API key")
    return secret
