"""The only file that opens sockets to a model: an asynchronous client of any OpenAI-compatible chat endpoint.

`ask` answers what the journal knows, sends the rest, and returns answers in the order of the requests, none before it
is durable. The key is read from the environment when a client is opened, and goes into one header and nowhere else.
Redirects are not followed, and proxies of the environment are not used. Not here: retries (`call`), limits (`gate`),
what replies mean (`reply`).
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import orjson

from pipelines.engine.errors import MedmixError, TeacherError
from sources.teacher.call import Caller, Entrance
from sources.teacher.gate import Gate
from sources.teacher.journal import Journal
from sources.teacher.reply import Failed, read_reply
from sources.teacher.request import Answer, Request
from sources.teacher.settings import TeacherSettings
from sources.web.clock import Clock, SystemClock

_LARGEST_REPLY_BYTES = 32 << 20


class Teacher:
    """Answers requests from the journal, and from the endpoint what the journal does not know."""

    def __init__(
        self,
        settings: TeacherSettings,
        journal: Journal,
        *,
        account: str = "",
        gate: Entrance | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`account` is what the budget is counted on, such as the run's name; `gate` one that is shared by workers."""
        self._settings, self._journal, self._account = settings, journal, account
        self._gate, self._clock = gate, clock or SystemClock()
        self._syncing: asyncio.Task[None] | None = None
        self._disk = asyncio.Lock()

    def answer_all(self, requests: Iterable[Request]) -> list[Answer]:
        """Do what `ask` does, from code that is not asynchronous."""
        return asyncio.run(self.ask(requests))

    async def ask(self, requests: Iterable[Request]) -> list[Answer]:
        """Return an answer for each request, in order; equal requests are one.

        Raises BudgetError or TeacherError when the run must stop; what was answered until then is in the journal.
        """
        asked = list(requests)
        self._journal.refresh()
        missing = {request.key: request for request in asked if request.key not in self._journal}
        fresh = await self._buy(missing) if missing else {}
        return [fresh.get(request.key) or self._known(request) for request in asked]

    def _known(self, request: Request) -> Answer:
        answer = self._journal.answer(request.key)
        assert answer is not None, "what was missing was bought"
        return answer

    async def _buy(self, missing: dict[str, Request]) -> dict[str, Answer]:
        fresh: dict[str, Answer] = {}
        queue = iter(missing.values())
        async with AsyncExitStack() as stack:
            endpoint = await stack.enter_async_context(Endpoint(self._settings))
            limits, price = self._settings.limits, self._settings.price
            caller = Caller(endpoint.send, self._entrance(), self._journal, limits, price, self._clock, self._account)
            count = min(len(missing), 2 * limits.concurrency)  # some wait for the disk while others are in flight
            workers = [asyncio.create_task(self._work(caller, queue, fresh)) for _ in range(count)]
            try:
                done = await asyncio.gather(*workers, return_exceptions=True)
            finally:
                for worker in workers:
                    worker.cancel()
        for error in done:
            if isinstance(error, BaseException):
                raise error
        return fresh

    async def _work(self, caller: Caller, queue: Iterator[Request], fresh: dict[str, Answer]) -> None:
        for request in queue:
            try:
                answer = await caller.settle(request)
            except MedmixError:
                deque(queue, maxlen=0)  # nobody begins another call; those in flight come to their end
                raise
            await self._synced()
            fresh[request.key] = answer

    async def _synced(self) -> None:
        """Return when all that is written is durable; calls that come meanwhile share the next sync."""
        if self._syncing is None:
            self._syncing = asyncio.create_task(self._sync_next())
        await asyncio.shield(self._syncing)

    async def _sync_next(self) -> None:
        async with self._disk:
            self._syncing = None
            await asyncio.to_thread(self._journal.sync)

    def _entrance(self) -> Entrance:
        if self._gate is not None:
            return self._gate
        spent = self._journal.spent(self._account)
        settings = self._settings
        return Gate(
            settings.limits, settings.budget, spent_tokens=spent.tokens, spent_money=spent.money, clock=self._clock
        )


class Endpoint:
    """One chat endpoint, open within `async with`."""

    def __init__(self, settings: TeacherSettings) -> None:
        """Raise TeacherError when there is no address, or no key in the variable that the settings name."""
        if settings.url is None:
            raise TeacherError(
                "a request has no answer in the journal and there is no teacher to ask; give `teacher.url`, or the "
                "journal that the run was made with"
            )
        self._url, self._timeout_s = f"{settings.url}/chat/completions", settings.limits.timeout_s
        self._secret = _secret(settings.key_env)
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {self._secret}"} if self._secret else {},
            timeout=settings.limits.timeout_s,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=settings.limits.concurrency),
            trust_env=False,
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
        try:
            async with asyncio.timeout(self._timeout_s):
                status, headers, body = await self._post(body_of(request), request.key)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return Failed(f"no connection ({type(error).__name__})", paid=False)
        except TimeoutError:
            return Failed(f"no whole answer in {self._timeout_s:.0f} s", paid=True)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:  # their texts may quote what was sent
            return Failed(f"the connection broke ({type(error).__name__})", paid=True)
        if self._secret and self._secret.encode() in body:
            return Answer(key=request.key, outcome="invalid", reason="the reply repeats our key")
        return read_reply(status, headers, body, request)

    async def _post(self, body: bytes, key: str) -> tuple[int, httpx2.Headers, bytes]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        async with self._client.stream("POST", self._url, content=body, headers=headers) as reply:
            received = bytearray()
            async for piece in reply.aiter_bytes():
                received += piece
                if len(received) > _LARGEST_REPLY_BYTES:
                    raise httpx2.DecodingError("too large")
            return reply.status_code, reply.headers, bytes(received)


def body_of(request: Request) -> bytes:
    """Return the JSON body of a chat completion."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": role, "content": content} for role, content in request.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": request.seed,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.schema is not None:
        named = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return orjson.dumps(body)


def _secret(name: str | None) -> str:
    if name is None:
        return ""
    secret = os.environ.get(name, "").strip()
    if not secret:
        raise TeacherError(f"the environment variable {name} (`teacher.key_env`) is not set; set it to your API key")
    return secret
