"""Rendering with a real Chromium: scripts run, and a page that tries every way out reaches no socket.

Needs the extra `render` and a `chromium` on the path. The browser is started without its own sandbox, because tests may
run as root; production always asks for it (`sources.web.render.chromium`).
"""

import asyncio
import contextlib
import shutil
import socket
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.web.exchange import Refused, Response
from sources.web.render import WALLS, rendered
from sources.web.url import Url, parse

pytestmark = pytest.mark.nightly
CHROMIUM = shutil.which("chromium")
ESCAPES = """
<html><body><p id=dose>empty</p><img src="{out}/img"><iframe src="{out}/frame"></iframe>
<link rel=prefetch href="{out}/prefetch"><link rel=preconnect href="{out}">
<script src="https://cdn.example.org/s.js"></script>
<script>
fetch('/api').then(r => r.json()).then(d => {{ document.getElementById('dose').textContent = d.dose + ' \\u00b5g'; }});
fetch('/moved').catch(e => document.body.append('[not moved]'));
fetch('{out}/fetch').catch(e => document.body.append('[not fetched]'));
navigator.sendBeacon('{out}/beacon', 'x');
window.open('{out}/popup');
try {{ new WebSocket('{out}/socket'.replace('http', 'ws')); }} catch (e) {{}}
try {{ new WebTransport('https://{place}/transport').ready.catch(e => 0); }} catch (e) {{}}
new EventSource('{out}/events');
const work = "fetch('{out}/worker'); new WebTransport('https://{place}/w').ready.catch(e => 0)";
new Worker(URL.createObjectURL(new Blob([work])));
const peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:{place}'}}]}});
peer.createDataChannel('x');
peer.createOffer().then(offer => peer.setLocalDescription(offer));
</script></body></html>
"""


class Trap:
    """A listener on loopback that remembers every connection and every datagram."""

    def __init__(self) -> None:
        self.caught: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(self._listener.getsockname())
        self._datagrams.setblocking(False)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.caught.append(connection.recv(200))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        with self._datagrams, contextlib.suppress(BlockingIOError):
            self.caught.append(self._datagrams.recv(200))


def answer(url: Url, body: str, media_type: str, status: int = 200) -> Response:
    data = body.encode()
    headers = (("Content-Type", media_type), ("Location", "https://app.example.org/api"))
    return Response(
        url=str(url),
        status=status,
        reason="",
        http_version="HTTP/1.1",
        headers=headers,
        raw=data,
        body=data,
        address="93.184.216.1",
        started=datetime(2030, 1, 1, tzinfo=UTC),
    )


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")
@pytest.mark.parametrize("walls", [WALLS, {}], ids=["walls", "control"])
def test_a_page_runs_its_scripts_and_finds_no_way_out(walls: dict[str, Any]) -> None:
    """The control shows that routes alone are not enough: early connections and WebRTC pass beside them."""
    playwright = pytest.importorskip("playwright.async_api", reason="the extra `render` is not installed")
    trap = Trap()
    asked: list[str] = []
    site = {
        "https://app.example.org/": (ESCAPES.format(out=f"http://{trap.place}", place=trap.place), "text/html", 200),
        "https://cdn.example.org/s.js": ("document.body.append('[script ran]')", "text/javascript", 200),
        "https://app.example.org/api": ('{"dose": 5}', "application/json", 200),
        "https://app.example.org/moved": ("", "text/html", 302),
    }

    async def ask(url: Url) -> Response | Refused:
        asked.append(str(url))
        found = site.get(str(url))
        return answer(url, *found) if found else Refused(str(url), "off_list", "not listed")

    async def render() -> str:
        async with playwright.async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=CHROMIUM, **walls)
            html = await rendered(browser, parse("https://app.example.org/"), "medmix-test", ask)
            await browser.close()
            return html.decode("utf-8")

    try:
        html = asyncio.run(render())
    finally:
        trap.close()
    assert '<p id="dose">5 µg</p>' in html
    for said in ("[script ran]", "[not moved]", "[not fetched]"):
        assert said in html.rpartition("</script>")[2] or f"</script>{said}" in html, said
    assert sorted(asked) == sorted(site)
    assert (trap.caught == []) == (walls is WALLS)
