"""The fused pass of `quality` beside datatrove's Gopher, C4 and FineWeb filters: CPU seconds and verdicts, one run.

Run `python -m tests.bench.filters [--megabytes N]` with MEDMIX_DATA set, on texts of the real sample, none repeated.
The peer runs each filter alone and all four in sequence, which share their words through datatrove's cache; ours gives
the statistics behind all of them, and verdicts by the papers' thresholds. Where verdicts differ the shares of texts are
told for each filter: words are split by the same general rules, but spaCy's contractions and abbreviations are left
out, so texts at a threshold fall to either side, and datatrove counts an n-gram that occurs once as repeated, which
makes it drop short texts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.stages.quality_scan import STATISTICS, scan
from tests.bench.meter import environment
from tests.bench.peers import peer_python, versions
from tests.bench.texts import spread_texts
from tests.stages.quality_papers import papers_verdicts

JUDGED_WORDS = 50
"""Gopher drops what is shorter, and in a short text an n-gram that occurs once is a large part of it."""
PEER = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline import filters
texts = json.load(open(sys.argv[1]))
names = ["GopherRepetitionFilter", "GopherQualityFilter", "C4QualityFilter", "FineWebQualityFilter"]
blocks = {name: getattr(filters, name)() for name in names}
for block in blocks.values():
    block.filter(Document(text=texts[0], id="0"))
def run(used):
    started = time.process_time()
    dropped = [[block.filter(Document(text=text, id=str(at))) is not True for block in used]
               for at, text in enumerate(texts)]
    return time.process_time() - started, dropped
told = {name: run([block])[0] for name, block in blocks.items()}
cpu_s, dropped = run(list(blocks.values()))
print(json.dumps({"alone": told, "sequence": cpu_s, "dropped": dropped, "names": names}))
"""


def main() -> None:
    """Print CPU seconds of both, and how far verdicts agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=6)
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("MEDMIX_DATA is not set; passed over")
        return
    texts = spread_texts(data, args.megabytes * 1e6)
    size = sum(len(text.encode()) for text in texts) / 1e6
    table = pa.array(texts, pa.large_string())
    scan(table.slice(0, 2))
    started = time.process_time()
    statistics = scan(table)
    ours_s = time.process_time() - started
    verdicts = papers_verdicts(dict(zip(STATISTICS, statistics.T, strict=True)))
    told = peer(texts)
    print(environment("numba", "pyarrow"), "|", versions("peers", "datatrove", "spacy"))
    print(f"{len(texts):,} texts, {size:.1f} MB")
    print(f"medmix, all statistics in one pass: {ours_s:.2f} CPU s, {size / ours_s:.0f} MB/s")
    for name, cpu_s in told["alone"].items():
        print(f"datatrove {name} alone: {cpu_s:.1f} CPU s, {cpu_s / ours_s:.0f} times ours")
    print(f"datatrove, the four in sequence: {told['sequence']:.1f} CPU s, {told['sequence'] / ours_s:.0f} times ours")
    dropped = np.array(told["dropped"])
    judged = statistics[:, STATISTICS.index("words")] >= JUDGED_WORDS
    print(f"equal verdicts, all texts | the {int(judged.sum()):,} of {JUDGED_WORDS} words or more | dropped")
    for at, name in enumerate(told["names"]):
        same = verdicts[name] == dropped[:, at]
        counts = f"ours {int(verdicts[name].sum()):,}, datatrove's {int(dropped[:, at].sum()):,}"
        print(f"{name:<24}{np.mean(same):.4f} | {np.mean(same[judged]):.4f} | {counts}")


def peer(texts: list[str]) -> dict[str, dict[str, float]]:
    """Return what the peer tells: seconds, and for each text which filters drop it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "texts.json")
        path.write_text(json.dumps(texts))
        done = subprocess.run([peer_python("peers"), "-c", PEER, str(path)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
