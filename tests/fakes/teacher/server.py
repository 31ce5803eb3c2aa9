"""A chat endpoint on loopback whose answers are a function of the prompt, with faults by seed and every call counted.

    with FakeTeacher(lambda body: "B", rate=0.3, seed=7) as fake:
        teacher = Teacher(TeacherSettings(url=fake.url, model="fake", revision="1"), journal)
        ...
        assert fake.completed == {key: 1, ...}       # by Idempotency-Key: answers that were computed, and so charged

`answer(body)` gets the request's JSON and returns the text, or a whole `Reply`; it runs in the server's thread. `rate`
is the share of tries that go wrong; `fault(key, tries)` chooses instead, and `on_request(count)` hears of each request
as it comes. Usage is a token for each four bytes. A look
at `/models` is answered and not counted. Nothing of the client is used here.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import orjson
from fakes.teacher.faults import FAULTS, Fault, draw

_DRIP_S = 30.0


@dataclass(frozen=True)
class Reply:
    """What the model says. `status` other than 200 makes `text` the message of an error."""

    text: str = ""
    finish_reason: str = "stop"
    reasoning: str = ""
    refusal: str | None = None
    model: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def key(self) -> str:
        """Return the key that the client sends with every try at a request."""
        return self.headers.get("idempotency-key", "")


Answering = Callable[[dict[str, Any]], str | Reply]
Choosing = Callable[[str, int], str | None]


class FakeTeacher:
    """The server, in a thread of its own within `with`. `latency_s` is how long each answer takes."""

    def __init__(
        self,
        answer: Answering,
        *,
        rate: float = 0.0,
        seed: int = 0,
        latency_s: float = 0.0,
        fault: Choosing | None = None,
        on_request: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._answer, self._latency_s, self._on_request = answer, latency_s, on_request
        self._fault: Choosing = fault or partial(draw, seed, rate)
        self.asked: list[Asked] = []
        self.tries: Counter[str] = Counter()
        self.completed: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.flying = self.most_flying = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """Return the base address for the settings."""
        return f"http://127.0.0.1:{self.port}/v1"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Hear one request and answer it; say whether the connection goes on."""
        asked = await _hear(reader)
        if asked.path.endswith("/models"):
            writer.write(_framed(200, b'{"object": "list", "data": []}', ()))
            return True
        self.asked.append(asked)
        self.tries[asked.key] += 1
        self._on_request(len(self.asked))
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            name = self._fault(asked.key, self.tries[asked.key])
            self.faults[name or ""] += 1
            goes_on = await self._reply(asked, FAULTS[name] if name else None, writer)
            return goes_on and asked.headers.get("connection") != "close"
        finally:
            self.flying -= 1

    async def _reply(self, asked: Asked, fault: Fault | None, writer: asyncio.StreamWriter) -> bool:
        if fault is not None and fault.how == "close":
            return False
        if fault is not None and fault.how == "status" and not fault.completed:
            writer.write(_framed(fault.status, _error(fault.text), fault.headers))
            return True
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        said = self._answer(asked.body)
        reply = said if isinstance(said, Reply) else Reply(said)
        if reply.status == 200:
            self.completed[asked.key] += 1
        body = _completion(asked.body, reply) if reply.status == 200 else _error(reply.text)
        if fault is None:
            writer.write(_framed(reply.status, body, tuple(reply.headers.items())))
            await writer.drain()
            return True
        return await self._spoil(asked, reply, fault, writer)

    async def _spoil(self, asked: Asked, reply: Reply, fault: Fault, writer: asyncio.StreamWriter) -> bool:
        """Send a computed answer wrongly."""
        body = _completion(asked.body, reply)
        if fault.how == "status":
            body = _error(fault.text)
        elif fault.how == "finish":
            cut = Reply(reply.text[: len(reply.text) // 2], finish_reason=fault.text)
            body = _completion(asked.body, cut)
        elif fault.how == "body":
            body = fault.text.encode() or _completion(asked.body, Reply(reply.text, model="another-model"))
        whole = _framed(fault.status, body, fault.headers)
        if fault.how in ("cut", "drip"):
            writer.write(whole[: len(whole) * 2 // 3])
            await writer.drain()
            if fault.how == "drip":
                await asyncio.sleep(_DRIP_S)
            return False
        writer.write(whole)
        await writer.drain()
        return True


async def _hear(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(head[0].split(" ")[1], headers, orjson.loads(body) if body else {})


def _framed(status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _error(text: str) -> bytes:
    return orjson.dumps({"error": {"message": text, "type": "fake"}})


def _completion(asked: dict[str, Any], reply: Reply) -> bytes:
    message = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    prompt_bytes = sum(len(one["content"].encode()) for one in asked["messages"])
    usage = {"prompt_tokens": -(-prompt_bytes // 4), "completion_tokens": -(-len(reply.text.encode()) // 4)}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    return orjson.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": reply.model or asked["model"],
            "choices": [choice],
            "usage": usage,
        }
    )
