"""Every benchmark, one after another: `python -m tests.bench [NAME ...]`, or `make bench`.

Each prints its figures beside a peer's, with the machine and its load; none asserts a time. They run in processes of
their own, never two at once. Those that need the real sample say so and pass over when MEDMIX_DATA is not set.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.peers import ROOT

BENCHES = {
    "feed": ["-m", "tests.bench.feed"],
    "proxy-feed": ["-m", "tests.bench.proxy_feed"],
    "tokenizing": ["-m", "tests.bench.tokenizing"],
    "packing": ["-m", "tests.bench.packing"],
    "scale": ["-m", "tests.bench.scale"],
    "packed-write": [str(Path(__file__).with_name("bench_packed_write.py"))],
    "jats": ["-m", "tests.bench.jats"],
    "publications": ["-m", "tests.bench.publications"],
    "parsers": ["-m", "tests.bench.parsers"],
    "extraction": ["-m", "tests.bench.extraction"],
    "end-to-end": ["-m", "tests.bench.end_to_end"],
    "ray-overhead": ["-m", "tests.bench.ray_overhead"],
    "memory": ["-m", "tests.bench.memory"],
    "privacy": ["-m", "tests.bench.privacy"],
    "regmix": ["-m", "tests.bench.regmix"],
    "teacher": ["-m", "tests.bench.teacher"],
    "decontaminate": ["-m", "tests.bench.decontaminate"],
    "near": ["-m", "tests.bench.near"],
    "filters": ["-m", "tests.bench.filters"],
    "language": ["-m", "tests.bench.language"],
    "text": ["-m", "tests.bench.text"],
}


def main() -> None:
    """Run the named benchmarks, or all; ends with 1 when one failed."""
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; known: {', '.join(BENCHES)}")
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, *BENCHES[name]], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        failed += [name] if done.returncode else []
        print(flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
