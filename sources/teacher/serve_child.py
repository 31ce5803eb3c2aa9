"""Keeps a model server for as long as its standard input is open: `python serve_child.py GRACE_S COMMAND ...`.

When the input ends, because we asked for it or because we were killed, the server's whole process group gets SIGTERM,
and SIGKILL after the grace: no GPU stays taken by a server whose run is gone. Ends as the server ends. This file runs
alone, and imports nothing of medmix.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main() -> int:
    """Run the command until it ends or the input does."""
    grace_s, command = float(sys.argv[1]), sys.argv[2:]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_with_input, args=(server, grace_s), daemon=True).start()
    code = server.wait()
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)  # what it left behind
    return code


def _end_with_input(server: "subprocess.Popen[bytes]", grace_s: float) -> None:
    while os.read(0, 1024):
        pass
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(grace_s)
        return
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
