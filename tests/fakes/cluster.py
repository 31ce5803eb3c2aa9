"""A Ray cluster of two nodes on this machine, each a process tree of its own with one CPU, one raylet and workers.

The second node lives in a mount namespace of its own, in which the driver's folder is empty, where the machine allows
that: it can share no file of a run. What each node asks a store for carries its name (AWS_SDK_UA_APP_ID).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]

QUICK = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 10}
"""A dead node is noticed within ten seconds, not within Ray's half minute."""
ADDRESSES = {"node-1": "127.0.0.2", "node-2": "127.0.0.3"}
"""Of loopback, but not 127.0.0.1, which Ray takes for the machine's address in the network."""
PATIENT = {"RAY_raylet_start_wait_time_s": "120"}
"""A busy machine is given the time to start a node."""


class Node:
    """One node; `kill` ends all of its processes at once, as a machine that loses its power does."""

    def __init__(self, name: str, port: int, *, without: Path | None = None) -> None:
        start = [sys.executable, "-m", "fakes.cluster", name, str(port)]
        if without is not None:
            start = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none "{without}" && exec "$@"', "node", *start]
        paths = os.pathsep.join(str(TESTS / part) for part in ("", ".."))
        own = {"PYTHONPATH": paths, "AWS_SDK_UA_APP_ID": name, "OMP_NUM_THREADS": "1", **PATIENT}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(start, env={**os.environ, **own}, stdout=pipe, start_new_session=True)
        assert self._process.stdout
        if self._process.stdout.readline() != b"up\n":
            self.kill()
            raise AssertionError(f"{name} did not start")

    def kill(self) -> None:
        for pid in _session(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


@contextmanager
def two_nodes(hidden: Path) -> Iterator[tuple[str, Node]]:
    """Give the address of the cluster and its second node, which finds nothing in `hidden`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ExitStack() as until_end:
        until_end.callback(Node("node-1", port).kill)
        second = Node("node-2", port, without=hidden if may_unshare(hidden) else None)
        until_end.callback(second.kill)
        yield f"{ADDRESSES['node-1']}:{port}", second


def may_unshare(folder: Path) -> bool:
    """Say whether this machine gives a process a file system of its own."""
    trial = ["unshare", "-m", "mount", "-t", "tmpfs", "none", str(folder)]
    return shutil.which("unshare") is not None and subprocess.run(trial, capture_output=True).returncode == 0


def _session(leader: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[3] == str(leader):
                found.append(int(stat.parent.name))
    return found


def serve(name: str, port: int) -> None:
    """Be a node, until killed: the head of the cluster at a port of loopback, or one that joins it."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray._private.node import Node as RayNode
    from ray._private.parameter import RayParams

    head = {"gcs_server_port": port, "include_dashboard": False, "_system_config": QUICK}
    own: dict[str, Any] = head if name == "node-1" else {"gcs_address": f"{ADDRESSES['node-1']}:{port}"}
    own["include_log_monitor"] = False
    own |= {"num_cpus": 1, "object_store_memory": 100 << 20, "min_worker_port": 0, "max_worker_port": 0}
    params = RayParams(node_ip_address=ADDRESSES[name], **own)
    RayNode(params, head=name == "node-1", shutdown_at_exit=False, spawn_reaper=False)
    print("up", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
