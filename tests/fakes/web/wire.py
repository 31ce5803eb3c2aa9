"""What the fetcher is given instead of the world: a resolver, a connector and a trust store, all plain data.

The resolver answers scripted names with fake public addresses (93.184.216.1 and up); the connector maps a checked
(address, port) to a port on loopback. Both keep a log: `resolver.asked` and `connect.attempts`, so that a test can
assert that no connection was even tried. A `Wire` can be pickled or sent as JSON to a child process
(`Wire(**json.loads(...))`), which then talks to the servers of its parent; logs stay in the process that made them.
"""

import ssl
from dataclasses import asdict, dataclass, field
from typing import Any

import anyio
from anyio.abc import ByteStream

BLACKHOLE = -1
"""A port number: connecting never ends."""


@dataclass
class Wire:
    """Names, addresses and ports of a fixture web."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    """Per host the address lists that successive look-ups get; the last one stays."""
    ports: dict[str, int] = field(default_factory=dict)
    """Per "address:port" the port on loopback; what is missing refuses the connection."""
    pem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self)

    def ssl_context(self) -> ssl.SSLContext:
        """Return a verifying client context that trusts the fixture's authority alone."""
        return ssl.create_default_context(cadata=self.pem)


class WireResolver:
    """Answers from the wire; `asked` lists every look-up."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.asked: list[str] = []

    async def resolve(self, host: str) -> list[str]:
        """Return the scripted addresses; an unknown host fails like a real look-up (OSError)."""
        nth = self.asked.count(host)
        self.asked.append(host)
        script = self._wire.answers.get(host, [])
        if not script:
            raise OSError(f"{host}: name or service not known")
        return list(script[min(nth, len(script) - 1)])


class WireConnect:
    """Connects checked addresses to loopback; `attempts` lists every (address, port) that was tried."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.attempts: list[tuple[str, int]] = []

    async def __call__(self, address: str, port: int) -> ByteStream:
        """Return a connected stream, or raise OSError like a real connect."""
        self.attempts.append((address, port))
        local_port = self._wire.ports.get(f"{address}:{port}")
        if local_port is None:
            raise ConnectionRefusedError(f"nothing listens at {address}:{port}")
        if local_port == BLACKHOLE:
            await anyio.sleep_forever()
        return await anyio.connect_tcp("127.0.0.1", local_port)
