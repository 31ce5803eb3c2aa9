"""Starts a model server from an environment of its own, waits until it is healthy, and stops it.

The server is a child process behind a small keeper (`serve_child`), here or inside a Ray actor that holds the GPUs
(`Runtime.service`), so medmix never shares an interpreter with an inference engine. Its output goes to a log file,
whose end is told when it fails.

    uv venv /opt/vllm && uv pip install --python /opt/vllm/bin/python vllm     # once, on each machine with GPUs

    teacher:
      model: med-teacher          # the name under which it is asked, in every record
      revision: 5f0b02c75b57c5855da9ae460ce51323ea669d8a
      serve: {engine: vllm, model: org/weights, environment: /opt/vllm, gpus: 1, options: [--max-model-len, "16384"]}

On one machine that is all. With `--address` of a Ray cluster the server starts on a node that has so many GPUs free, at
that node's address; `environment` must be there at the same path. For models that several nodes hold together, and for
several copies behind a router, start the servers yourself and give their `url` instead.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from pipelines.engine.errors import TeacherError
from pipelines.engine.runtime import Runtime
from pipelines.engine.secrets import redact
from sources.teacher.lines import is_up
from sources.teacher.settings import Serve, TeacherSettings

GRACE_S = 20.0
"""What a server has to end by itself."""
_LOOK_S = 0.2
_MOST_SLOTS = 8
"""llama.cpp shares its context among the calls that it computes side by side; others wait in its queue."""
_OURS = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})
"""What would lead the server's interpreter to our packages."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
LOOPBACK = "127.0.0.1"
_HERE = Path(__file__).parent
_TOLD_BYTES = 1500


@contextmanager
def served(
    settings: TeacherSettings, runtime: Runtime, log: Path, *, for_other_nodes: bool = False
) -> Iterator[TeacherSettings]:
    """Give the settings with the `url` of a server that is up; those without `serve` as they are.

    It listens at the loopback, or `for_other_nodes` at the address of the node where its GPUs are: anybody who reaches
    that may ask it, so keep clusters apart. Raises TeacherError when it does not come up in time.
    """
    if settings.serve is None:
        yield settings
        return
    gpus = settings.serve.gpus if settings.serve.engine == "vllm" else 0
    factory = partial(ModelServer, settings, log, for_other_nodes=for_other_nodes)
    service = runtime.service("teacher-server", factory, gpus=gpus)
    try:
        url = asyncio.run(service.call("start"))
        yield settings.model_copy(update={"url": url, "serve": None})
    finally:
        asyncio.run(service.call("stop"))


class ModelServer:
    """One server and its keeper; it lives where its GPUs are."""

    def __init__(self, settings: TeacherSettings, log: Path, *, for_other_nodes: bool) -> None:
        self._settings, self._log = settings, log
        self._host = _own_address() if for_other_nodes else LOOPBACK
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server and return its address once it answers. Raises TeacherError when it does not."""
        assert self._settings.serve is not None
        port = _free_port(self._host)
        command = command_of(self._settings, self._settings.serve, self._host, port)
        environment = {name: value for name, value in os.environ.items() if name not in _OURS}
        keeper = [sys.executable, "-P", str(_HERE / "serve_child.py"), str(GRACE_S), *command]
        with self._log.open("ab") as out:
            self._keeper = subprocess.Popen(
                keeper, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment, start_new_session=True
            )
        url = f"http://{self._host}:{port}/v1"
        self._wait(self._keeper, url, self._settings.serve.start_s)
        return url

    def stop(self) -> None:
        """End the server and all it started; returns when it is gone. Nothing to do when it was never started."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None and keeper.stdin is not None:
            with suppress(BrokenPipeError):
                keeper.stdin.close()
            keeper.wait()

    def _wait(self, keeper: "subprocess.Popen[bytes]", url: str, start_s: float) -> None:
        until = time.monotonic() + start_s
        while not is_up(url):
            code = keeper.poll()
            if code is not None:
                raise TeacherError(f"the model server ended with exit code {code}; {self._said()}")
            if time.monotonic() > until:
                self.stop()
                raise TeacherError(
                    f"the model server did not answer within {start_s:g} s (`teacher.serve.start_s`); {self._said()}"
                )
            time.sleep(_LOOK_S)

    def _said(self) -> str:
        """Return the end of what the server printed, without secrets."""
        end = self._log.read_bytes()[-_TOLD_BYTES:].decode(errors="replace")
        return f"its log is {self._log}, and ends so:\n{redact(end).strip()}"


def command_of(settings: TeacherSettings, serve: Serve, host: str, port: int) -> list[str]:
    """Return the command line that serves the model under the name `teacher.model`."""
    folder = f"{serve.environment}/bin/" if serve.environment else ""
    if serve.engine == "xllamacpp":
        python = f"{folder}python" if folder else sys.executable
        parallel = min(settings.limits.concurrency, _MOST_SLOTS)
        script = str(_HERE / "serve_llama.py")
        return [python, "-P", script, serve.model, settings.model, host, str(port), str(parallel)]
    pinned = ["--revision", settings.revision] if _COMMIT.fullmatch(settings.revision) else []
    named = ["--served-model-name", settings.model, "--tensor-parallel-size", str(max(1, serve.gpus))]
    return [f"{folder}vllm", "serve", serve.model, "--host", host, "--port", str(port), *named, *pinned, *serve.options]


def _own_address() -> str:
    """Return the address of this node on its way out; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
