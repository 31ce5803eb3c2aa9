"""Look at a page in Debian's Chromium without a screen: what its scripts found, said and asked for.

A probe (JavaScript that returns a JSON value, perhaps as a promise) is put at the end of a copy of the page; the value,
errors of scripts and everything that the browser wanted to fetch come back.
"""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

OWN = (".google.com", ".googleapis.com", ".gstatic.com")
NAMES = ("chromium", "chromium-browser", "google-chrome")
PROBE = """
<script>
window.addEventListener("load", async () => {
  const probe = async () => { %s };
  let told;
  try { told = { value: await probe(), errors: window.probeErrors }; }
  catch (error) { told = { failed: String(error) }; }
  parent.postMessage(JSON.stringify(told), "*");
});
</script>
"""
FRAME = """<!doctype html><iframe src="%s" style="width:%dpx;height:900px;border:0"></iframe>
<pre id="probe"></pre><script>
window.addEventListener("message", (event) => { document.getElementById("probe").textContent = event.data; });
</script>"""
"""The browser has a least width of its own window, a frame within it has none."""
WATCH = """<script>
window.probeErrors = [];
window.addEventListener("error", (event) => window.probeErrors.push(String(event.message || event.target.src)), true);
window.addEventListener("securitypolicyviolation", (event) => window.probeErrors.push("blocked " + event.blockedURI));
</script>"""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the probe returned, errors of the page's scripts, and the addresses that were asked for."""

    value: Any
    errors: list[str]
    asked: list[str]


def chromium() -> str:
    """Return the browser, or skip the test."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium here (Debian: apt-get install chromium)")


def look(page: str, probe: str, folder: Path, width_px: int = 1280) -> Looked:
    """Open a page of HTML at a width and return what the probe found."""
    file, frame, log = (folder / f"{name}-{width_px}" for name in ("page", "frame", "net"))
    file, frame = file.with_suffix(".html"), frame.with_suffix(".html")
    watched = page.replace("<head>", "<head>" + WATCH, 1).replace("</body>", PROBE % probe + "</body>")
    file.write_text(watched, encoding="utf-8")
    frame.write_text(FRAME % (file.name, width_px), encoding="utf-8")
    line = [
        chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000",
        f"--log-net-log={log}", "--virtual-time-budget=4000", "--dump-dom", f"file://{frame}",
    ]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="probe">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the page never loaded: {done.stderr[-800:]}"
    told = json.loads(html.unescape(found[1]))
    assert "failed" not in told, told
    return Looked(told["value"], told["errors"], _asked(log, {f"file://{file}", f"file://{frame}"}))


def _asked(log: Path, own: set[str]) -> list[str]:
    """Return the addresses of requests but for the page's own file and for the browser's own, to its maker."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found = {json.loads(f'"{url}"') for url in re.findall(r'"url":"((?:[^"\\]|\\.)*)"', text)}
    others = (url for url in found - own if not url.startswith(("data:", "chrome")))
    return sorted(url for url in others if not (urlsplit(url).hostname or "").endswith(OWN))
