"""The command `medmix`, which is also `python -m pipelines`: do one verb, then end the process at once.

Threads of native libraries (Ray, Arrow) that are still at work when those are unloaded abort the process now and then,
after a run that went well, with "terminate called without an active exception" and an exit code of 134. So Python's own
exit functions are run, what was printed is written out, and nothing is unloaded. Not here: the verbs (`pipelines.cli`).
"""

import atexit
import os
import sys
from typing import NoReturn

from pipelines.cli import main


def run() -> NoReturn:
    """Do one verb and leave with its exit code."""
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            code = 1
    os._exit(code)


if __name__ == "__main__":
    run()
