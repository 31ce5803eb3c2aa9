"""Drive Debian's Chromium without a screen over its debugging pipe: go to an address, run scripts, take pictures.

The DevTools protocol in JSON over two file descriptors, so no port is opened and no library is needed. Kept while the
session lasts: every address that a page asked for, and every error that a script or the console told.
"""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fakes.browser import chromium

PATIENCE_S = 60.0


class Session:
    """One tab. `evaluate` takes JavaScript that returns a JSON value, perhaps as a promise."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self.asked: list[str] = []
        self.errors: list[str] = []
        self._to, self._from, self._rest, self._number = to_browser, from_browser, b"", 0
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._tab = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._in_tab(f"{domain}.enable")

    def open(self, url: str, width_px: int = 1280, height_px: int = 900, *, dark: bool = False) -> None:
        """Go to an address in a window of this size, and wait until it is loaded."""
        size = {"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": False}
        self._in_tab("Emulation.setDeviceMetricsOverride", **size)
        look = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._in_tab("Emulation.setEmulatedMedia", features=look)
        self._in_tab("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, script: str) -> Any:
        """Return the value of a function body. Raises AssertionError when it throws."""
        body = f"(async () => {{ {script} }})()"
        told = self._in_tab("Runtime.evaluate", expression=body, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true. Raises AssertionError when it never is."""
        end = time.monotonic() + PATIENCE_S
        while not self.evaluate(f"return Boolean({condition});"):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def see_as(self, deficiency: str) -> None:
        """Show the page as it is seen with a colour vision deficiency: deuteranopia, protanopia, achromatopsia, ..."""
        self._in_tab("Emulation.setEmulatedVisionDeficiency", type=deficiency)

    def picture(self, path: Path, *, top_px: int = 0, height_px: int = 0) -> None:
        """Write a picture of the page, the whole of it unless a height is given."""
        area = self._in_tab("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top_px, "width": area["width"], "height": height_px or area["height"], "scale": 1}
        told = self._in_tab("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def _in_tab(self, method: str, **params: Any) -> dict[str, Any]:
        return self._call(method, self._tab, **params)

    def _call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        self._number += 1
        order = {"id": self._number, "method": method, "params": params}
        if session:
            order["sessionId"] = session
        os.write(self._to, json.dumps(order).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return told["result"]  # type: ignore[no-any-return]
            self._note(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser ended"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)  # type: ignore[no-any-return]

    def _note(self, told: dict[str, Any]) -> None:
        params = told.get("params", {})
        if told.get("method") == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:500])
        elif told.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))


@contextmanager
def browser_session(folder: Path) -> Iterator[Session]:
    """Start a browser with a profile in `folder`, and end it; hosts but loopback are never found."""
    to_browser, from_browser = os.pipe(), os.pipe()
    line = [
        chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe",
    ]  # fmt: skip
    # the browser reads orders from descriptor 3 and writes to 4; a shell puts ours there
    given, taken = to_browser[0], from_browser[1]
    shell = ["bash", "-c", f'exec 3<&{given} 4>&{taken}; exec "$@"', "browser", *line]
    process = subprocess.Popen(shell, pass_fds=(given, taken), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for descriptor in (given, taken):
        os.close(descriptor)
    try:
        yield Session(to_browser[1], from_browser[0])
    finally:
        process.kill()
        process.wait()
        for descriptor in (to_browser[1], from_browser[0]):
            os.close(descriptor)
