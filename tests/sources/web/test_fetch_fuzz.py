"""Damaged answers: whatever bytes a server sends, an exchange ends in one of two outcomes, never in an exception."""

import asyncio
import gzip
import random

import pytest
from fakes.web.ask import HOST, SMALL, TEXT, fetcher
from fakes.web.conversation import Conversation
from fakes.web.scripts import head
from fakes.web.server import Web

from sources.web.fetch import FETCH_REASONS, Refused, Response
from sources.web.url import parse

PACKED = gzip.compress(TEXT, mtime=0)
WHOLE = [
    head(200, [("Content-Type", "text/html"), ("Content-Length", str(len(TEXT)))]) + TEXT,
    head(200, [("Content-Encoding", "gzip"), ("Content-Length", str(len(PACKED)))]) + PACKED,
    head(200, [("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\n",
    head(304, [("ETag", '"1"')]),
    b"HTTP/1.1 100 Continue\r\n\r\n" + head(200, [("Content-Length", "2")]) + b"ok",
]


def damaged(rng: random.Random) -> bytes:
    """Return a right answer with a few bytes changed, lost, doubled or inserted, mostly in its head."""
    data = bytearray(rng.choice(WHOLE))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(min(len(data), rng.choice([40, 120, 10_000])))
        change = rng.randrange(4)
        if change == 0:
            data[place] = rng.choice(b"\0\r\n :;,\x7f\xff0aA-")
        elif change == 1:
            del data[place : place + rng.randint(1, 30)]
        elif change == 2:
            data[place:place] = data[place : place + rng.randint(1, 30)]
        else:
            data[place:place] = rng.choice([b"\r\n", b"\n", b"\r\n\r\n", b"Content-Length: 7\r\n", b"\0", b"9" * 30])
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_answers_are_answers_or_refused(web: Web, seed: int) -> None:
    """Answers are made before they are asked for: on a busy machine a connection may time out, and is never heard."""
    rng = random.Random(seed)
    answers = [damaged(rng) for _ in range(150)]

    def speak(conversation: Conversation) -> None:
        conversation.send(answers[int(conversation.request.path.removeprefix("/"))])

    web.site(HOST).otherwise(speak)

    async def ask() -> list[Response | Refused]:
        one = fetcher(web, SMALL)
        return [await one.exchange(parse(f"http://{HOST}/{number}")) for number in range(len(answers))]

    outcomes = asyncio.run(ask())
    for outcome, data in zip(outcomes, answers, strict=True):
        if isinstance(outcome, Refused):
            assert outcome.reason in FETCH_REASONS, data
            assert len(outcome.detail) < 500
        else:
            assert outcome.raw in data or b"hunked" in data
    assert any(isinstance(outcome, Response) for outcome in outcomes)
    assert any(isinstance(outcome, Refused) for outcome in outcomes)
