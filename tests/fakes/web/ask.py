"""Asking the fixture web through the real fetcher, with limits small enough for tests."""

import asyncio

from fakes.web.server import Web

from sources.web.clock import SystemClock
from sources.web.fetch import FETCH_REASONS, Fetcher, FetchLimits, Refused, Response
from sources.web.url import parse

HOST = "guide.example.org"
TEXT = b"<p>Give 0.5 mg/kg, never 5 mg/kg.</p>" * 100
AGENT = "medmix-test/0 (+https://example.org/bot)"
SMALL = FetchLimits(
    connect_s=5,  # a busy machine takes its time over a handshake
    total_s=5,
    window_s=0.3,
    least_rate_bytes_s=1000,
    close_s=0.1,
    header_count=20,
    header_bytes=20_000,
    wire_bytes=100_000,
    decoded_bytes=500_000,
    ratio_after_bytes=1000,
)


def fetcher(web: Web, limits: FetchLimits = SMALL) -> Fetcher:
    """Return a fetcher that reaches nothing but `web`."""
    trust = web.ssl_context()
    return Fetcher(
        AGENT, resolver=web.resolver, clock=SystemClock(), limits=limits, connect=web.connect, ssl_context=trust
    )


def fetch(web: Web, url: str, limits: FetchLimits = SMALL, **headers: str) -> Response | Refused:
    """Make one exchange; header names are written with underscores."""

    async def once() -> Response | Refused:
        one = fetcher(web, limits)
        try:
            return await one.exchange(parse(url), {name.replace("_", "-"): value for name, value in headers.items()})
        finally:
            await one.close()

    return asyncio.run(once())


def whole(outcome: Response | Refused) -> Response:
    """Return the answer, or fail with the refusal."""
    assert isinstance(outcome, Response), outcome
    return outcome


def reason(outcome: Response | Refused) -> str:
    """Return why it was refused, or fail with the answer."""
    assert isinstance(outcome, Refused), outcome
    assert outcome.detail
    assert outcome.reason in FETCH_REASONS
    return outcome.reason
