"""Extraction of main text beside its peers: quality, what is kept, and speed, with floors that must hold.

Run `python -m tests.bench.extraction [--only html|pdf] [--rounds N]` with MEDMIX_DATA set; ends with 1 and says which
floor broke. HTML is in `extraction_html`, PDF in `extraction_pdf`: each has `run(data, rounds)`, which prints its
figures and returns the floors that did not hold, one line each. CPU seconds are told but break no floor.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tests.bench.meter import environment

KINDS = ("html", "pdf")
Run = Callable[[Path, int], list[str]]


def main() -> None:
    """Run the kinds asked for; exit code 1 when a floor broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the race; 0 measures no speed")
    options = parser.parse_args()
    data = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
    if not data.is_dir():
        print("extraction: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    print(environment("lxml", "trafilatura", "datatrove", "pypdfium2"))
    broken: list[str] = []
    for kind in (options.only,) if options.only else KINDS:
        name = f"tests.bench.extraction_{kind}"
        if importlib.util.find_spec(name) is None:
            print(f"{kind}: no {name}, passed over")
            continue
        run: Run = import_module(name).run
        broken += [f"{kind}: {line}" for line in run(data, options.rounds)]
    if broken:
        sys.exit("floors broken:\n  " + "\n  ".join(broken))


if __name__ == "__main__":
    main()
