"""Look-ups of names: a protocol of one call, and the system's resolver.

The answer is a list of addresses as text, in the order in which they should be tried: IPv4 first, because a machine
without an IPv6 route is common. The system's resolver is asked for the absolute name (with a dot at the end), so that
no search domain of the machine can turn a public name into one of its own network. Not here: which addresses may be
connected to (`sources.web.address`); nothing is cached, the system does that.
"""

import asyncio
import socket
from typing import Protocol


class Resolver(Protocol):
    """Turns a name into addresses."""

    async def resolve(self, host: str) -> list[str]:
        """Return all addresses of `host`; raises OSError when there are none to be had."""
        ...


class SystemResolver:
    """Asks the system (getaddrinfo) in the loop's thread pool."""

    async def resolve(self, host: str) -> list[str]:
        """Return the addresses of `host`, IPv4 first; raises OSError."""
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
        ordered = sorted(answers, key=lambda answer: answer[0] != socket.AF_INET)
        return list(dict.fromkeys(str(answer[4][0]) for answer in ordered))
