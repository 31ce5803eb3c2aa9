"""Serves a GGUF file with llama.cpp: `python serve_llama.py FILE NAME HOST PORT PARALLEL`, until it is killed.

Runs alone, in whichever environment has xllamacpp, and imports nothing of medmix. Each of the parallel calls has the
whole context that the model was trained for, up to 8,192 tokens. Half of the processors compute: their threads wait by
spinning, and are slow where others work too.
"""

import os
import signal
import sys

CONTEXT_TOKENS = 8192


def main() -> None:
    """Serve."""
    import xllamacpp

    path, name, host, port, parallel = sys.argv[1:]
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {name}
    params.hostnames = [host]
    params.port = int(port)
    params.n_parallel = int(parallel)
    params.n_ctx = CONTEXT_TOKENS * int(parallel)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, len(os.sched_getaffinity(0)) // 2)
    params.warmup = False
    params.verbosity = 1
    server = xllamacpp.Server(params)
    print(f"listening at {server.listening_address}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
