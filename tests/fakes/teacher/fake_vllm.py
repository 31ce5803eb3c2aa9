"""Stands in for the `vllm` command: lists its model after a while, writes how it was called, and misbehaves if told.

`--crash` ends before serving, `--never` never serves, `--deaf` ignores SIGTERM; each starts a child of its own.
"""

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    arguments = sys.argv[1:]
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    called = {"argv": arguments, "pids": [os.getpid(), child.pid], "python_path": os.environ.get("PYTHONPATH")}
    Path(__file__).with_name("called.json").write_text(json.dumps(called))
    print("loading weights with token=sk-canary1234567890abcd", flush=True)
    if "--deaf" in arguments:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--crash" in arguments:
        sys.exit("CUDA out of memory")
    if "--never" in arguments:
        time.sleep(600)
    time.sleep(0.3)
    HTTPServer(("127.0.0.1", int(arguments[arguments.index("--port") + 1])), Handler).serve_forever()


main()
