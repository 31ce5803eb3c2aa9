"""A fixture web: real TCP and TLS servers on loopback, reached through fake names and fake public addresses.

    with Web() as web:
        site = web.site("guide.example.org")            # https and http, address 93.184.216.1
        site.page("/robots.txt", b"User-agent: *\\n", "text/plain")
        site.page("/a.html", b"<p>Give 5 mg.</p>", headers=[("ETag", '"1"')])
        site.on("/old", redirect("https://guide.example.org/a.html"))
        site.on("/drip", drip(b"x" * 100, every_s=0.05))   # fakes.web.scripts has the misbehaving ones
        web.site("rebind.example.org", answers=[["93.184.216.77"], ["127.0.0.1"]])
        web.site("old-cert.example.org", fault="expired")

        fetcher = Fetcher("medmix-test", resolver=web.resolver, clock=SystemClock(),
                          connect=web.connect, ssl_context=web.ssl_context())
        answer = asyncio.run(fetcher.exchange(parse("https://guide.example.org/a.html")))

        assert [(one.host, one.path) for one in web.requests] == [("guide.example.org", "/a.html")]
        assert web.connect.attempts == [("93.184.216.1", 443)]

`web.requests` is the servers' log (time, host, path, headers), `web.connect.attempts` and `web.resolver.asked` are the
client's. `Web(now=clock.monotonic)` stamps requests with a fake clock. For a child process, hand over `web.wire`
(`as_json`) and build `WireResolver(wire)`, `WireConnect(wire)`, `wire.ssl_context()` there.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import count
from typing import Literal, Self, get_args

from fakes.web.certificates import CertificateFault, authority
from fakes.web.conversation import Conversation, Handler, Request
from fakes.web.scripts import answer, page
from fakes.web.wire import BLACKHOLE, Wire, WireConnect, WireResolver

LinkFault = Literal["refused", "blackhole", "silent", "garbage", "hang_up"]
"""No listener; connect never ends; no handshake comes; plain bytes where TLS belongs; closed at once."""


class Site:
    """One host: handlers by path; the longest key wins: path with query before path alone."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._handlers: dict[str, Handler] = {}
        self._otherwise = answer(b"no such page", status=404, headers=[("Content-Type", "text/plain")])

    def on(self, path: str, handler: Handler) -> None:
        """Let `handler` speak for `path` (with or without query)."""
        self._handlers[path] = handler

    def page(
        self, path: str, body: bytes, media_type: str = "text/html", headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Serve `body`; a matching If-None-Match is answered with 304 when `headers` has an ETag."""
        self._handlers[path] = page(body, [("Content-Type", media_type), *headers])

    def otherwise(self, handler: Handler) -> None:
        """Let `handler` speak for every other path; 404 unless set."""
        self._otherwise = handler

    def handler(self, path: str) -> Handler:
        """Return who speaks for `path`."""
        return self._handlers.get(path) or self._handlers.get(path.partition("?")[0]) or self._otherwise


class Web:
    """All sites of one test, behind one wire; a context manager that leaves no thread and no socket."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.wire = Wire(pem=authority().pem)
        self.resolver, self.connect = WireResolver(self.wire), WireConnect(self.wire)
        self.requests: list[Request] = []
        self._now = now
        self._sites: dict[str, Site] = {}
        self._contexts: dict[str, Callable[[], ssl.SSLContext]] = {}
        self._nobody = authority().server_context("nobody.invalid")
        self._nobody.sni_callback = self._choose  # type: ignore[assignment]
        self._numbers = count(1)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listeners: list[socket.socket] = []
        self._open: set[socket.socket] = set()
        self._plain_port = self._listen(lambda connection: self._converse(connection))
        self._tls_port = self._listen(self._converse_tls)
        self._raw_ports = {
            "silent": self._listen(lambda connection: Conversation(connection, self._stopping).wait(60)),
            "garbage": self._listen(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nplain text")),
            "hang_up": self._listen(lambda connection: None),
        }

    def site(
        self,
        host: str,
        *,
        answers: Sequence[Sequence[str]] = (),
        fault: CertificateFault | LinkFault | None = None,
    ) -> Site:
        """Open a site. `answers` scripts its look-ups (default: one fresh fake public address, always the same)."""
        number = next(self._numbers)
        script = [list(one) for one in answers] or [[f"93.184.{216 + number // 250}.{number % 250 + 1}"]]
        self.wire.answers[host] = script
        raw = {**self._raw_ports, "blackhole": BLACKHOLE}
        for address in {address for one in script for address in one}:
            if fault != "refused":
                self.wire.ports[f"{address}:443"] = raw.get(fault or "", self._tls_port)
                self.wire.ports[f"{address}:80"] = raw.get(fault or "", self._plain_port)
        certificate_fault = fault if fault in get_args(CertificateFault) else None
        self._contexts[host] = cache(partial(authority().server_context, host, certificate_fault))  # type: ignore[arg-type]
        return self._sites.setdefault(host, Site(host))

    def ssl_context(self) -> ssl.SSLContext:
        """Return the client's trust store."""
        return self.wire.ssl_context()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for one in (*self._listeners, *list(self._open)):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)
        for one in self._listeners:
            one.close()

    def _listen(self, serve: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listeners.append(listener)
        self._start(self._accept, listener, serve)
        return int(listener.getsockname()[1])

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, connection, serve)

    def _serve(self, connection: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        """Serve one connection; a client that leaves, or a web that stops, is no failure of the fixture."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        watched = connection.dup()
        self._open.add(watched)
        try:
            with contextlib.suppress(OSError, ssl.SSLError):
                serve(connection)
        finally:
            self._open.discard(watched)
            watched.close()
            connection.close()

    def _converse_tls(self, connection: socket.socket) -> None:
        secure = self._nobody.wrap_socket(connection, server_side=True)
        try:
            self._converse(secure)
        finally:
            secure.close()

    def _choose(self, secure: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        secure.sni = name  # type: ignore[union-attr]
        if name in self._contexts:
            secure.context = self._contexts[name]()

    def _converse(self, connection: socket.socket) -> None:
        conversation = Conversation(connection, self._stopping)
        request = conversation.read_request(self._now)
        if request is None:
            return
        self.requests.append(request)
        site = self._sites.get(request.host.partition(":")[0])
        try:
            (site.handler(request.path) if site else answer(b"unknown host", status=421))(conversation)
        finally:
            request.ended = self._now()
            conversation.close()
