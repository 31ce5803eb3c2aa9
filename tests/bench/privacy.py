"""Privacy beside datatrove's PIIFormatter, on all articles and guideline pages of the real sample: MB a CPU second.

Ours is the stage on an Arrow table with all its kinds; the peer replaces e-mail and IPv4 addresses in Python strings.
Both see every text once a round, in turns, nothing repeated. Needs MEDMIX_DATA. Run as `python -m tests.bench.privacy`.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from datatrove.pipeline.formatters import PIIFormatter

from pipelines.stages.privacy import Privacy, PrivacyConfig
from sources.document import Document, to_table
from sources.parse import html, jats
from sources.parse.part import Part, Unreadable
from tests.bench.meter import environment

PATTERNS = ("jats/*.xml", "jats/*.nxml", "guidelines_html/*/*.htm*")
ROUNDS = 5


def texts(folder: Path) -> list[str]:
    """The distinct texts of all files that can be read."""
    found: dict[str, None] = {}
    for path in sorted(path for pattern in PATTERNS for path in folder.glob(pattern)):
        parser = jats if path.suffix in (".xml", ".nxml") else html
        try:
            parts = [part for part in parser.parse(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        except Unreadable:
            continue
        found.update(dict.fromkeys(part.text for part in parts))
    return list(found)


def cpu_s(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> None:
    """Print both speeds and their ratio, the median of the rounds."""
    if "MEDMIX_DATA" not in os.environ:
        sys.exit("passed over: MEDMIX_DATA does not name the folder of real files")
    found = texts(Path(os.environ["MEDMIX_DATA"]))
    documents = [
        Document(id=str(at), kind="article", source="s", key=str(at), text=text) for at, text in enumerate(found)
    ]
    table, size_mb = to_table(documents), sum(len(text.encode()) for text in found) / 1e6
    stage, peer = Privacy(PrivacyConfig()), PIIFormatter()
    stage.apply(table.slice(0, 1))
    rounds = [
        (cpu_s(lambda: stage.apply(table)), cpu_s(lambda: [peer.format(text) for text in found])) for _ in range(ROUNDS)
    ]
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(b / a for a, b in rounds)
    print(environment("datatrove", "numba", "pyarrow"))
    print(f"{len(found)} texts, {size_mb:.1f} MB, median of {ROUNDS} rounds in turns")
    print(f"privacy, {len(stage.config.kinds)} kinds: {size_mb / ours:.0f} MB a CPU second")
    print(f"datatrove PIIFormatter, 2 kinds: {size_mb / theirs:.1f} MB a CPU second; ratio {ratio:.1f}x")


if __name__ == "__main__":
    main()
