"""Decontamination beside datatrove's block and FullyOpenMeditron's method: CPU seconds on the same text, one run.

Run `python -m tests.bench.decontaminate [--megabytes N]` with MEDMIX_DATA set. Text is all plain text of a finished run
of the real sample (MEDMIX_REAL_RUN) or, without one, that of the JATS articles; nothing is repeated. Items of MedQA are
planted in one document of 50. datatrove runs in the environment of the peers, on the first `--peer-megabytes` of the
same texts, as it is far slower; FullyOpenMeditron's matching is written here by its description: 8-grams of tokens as
a filter, then matching blocks of 5 tokens or more over half of the item's length.
"""

import argparse
import difflib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.stages.contamination_evidence import Judge
from pipelines.stages.contamination_files import Reference, read_reference
from pipelines.stages.contamination_index import from_arrow, ordered, to_arrow
from pipelines.stages.contamination_items import STEM
from pipelines.stages.contamination_policy import ContaminationPolicy, counts
from pipelines.stages.decontaminate_match import MatchRows
from sources.document import Document, to_table
from tests.bench.meter import environment
from tests.bench.peers import peer_python, versions
from tests.bench.texts import first, read_texts

PLANT_EACH = 50
BATCH_ROWS = 512
PEER = """
import json, sys, time
import numpy as np
from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
from datatrove.utils.hashing import HashConfig
folder, texts, stems = sys.argv[1], json.load(open(sys.argv[2])), json.load(open(sys.argv[3]))
config = NGramsDecontConfig(n_grams=12, find_query_ngrams=True)
block = NGramsDecontFilter(folder, config=config)
from datatrove.utils.text import simplify_text
from datatrove.utils.word_tokenizers import load_word_tokenizer
words = load_word_tokenizer("en")
index = {}
for stem in stems:
    tokens = words.word_tokenize(simplify_text(stem, config.norm_config))
    for at in range(len(tokens) - 11):
        index[block.hash_func(" ".join(tokens[at : at + 12]))] = "medqa"
block._index_hashes = index
started = time.process_time()
flagged = [n for n, text in enumerate(texts) if block.filter(Document(text=text, id=str(n))) is not True]
print(json.dumps({"cpu_s": time.process_time() - started, "flagged": flagged}))
"""


def main() -> None:
    """Print throughput, planted documents found and peak memory of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1000, help="most text that is read")
    parser.add_argument("--peer-megabytes", type=float, default=2)
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("MEDMIX_DATA is not set; passed over")
        return
    path = Path(data, "mcq", "medqa", "phrases_no_exclude_test.jsonl")
    items = ordered(read_reference(Reference(path=str(path)), memoryview(path.read_bytes()), "0" * 64).items)
    stems = [part.text for item in items for part in item.parts if part.kind == STEM]
    texts, planted = plant(read_texts(data, args.megabytes * 1e6), stems)
    judge = Judge(from_arrow(to_arrow(items)))
    print(environment("numba", "pyarrow"), "|", versions("peers", "datatrove", "spacy"))
    ours(judge, texts[:8])
    show("medmix", *ours(judge, texts), texts, planted)
    few = first(texts, args.peer_megabytes * 1e6)
    own = show("medmix, same texts", *ours(judge, few), few, planted)
    stock = show("datatrove, 12-grams", *datatrove(few, stems), few, planted)
    earlier = show("FullyOpenMeditron's method", *fully_open(few, stems), few, planted)
    print(f"by CPU on the same texts: {own / stock:.0f}x datatrove, {own / earlier:.0f}x FullyOpenMeditron's method")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


def plant(texts: list[str], stems: list[str]) -> tuple[list[str], set[int]]:
    """Return the texts with a stem in one of `PLANT_EACH`, and which."""
    draw = random.Random(5)
    planted = set(range(0, len(texts), PLANT_EACH))
    return [f"{t}\n\n{draw.choice(stems)}" if n in planted else t for n, t in enumerate(texts)], planted


def ours(judge: Judge, texts: list[str]) -> tuple[float, set[int]]:
    """Return CPU seconds and the texts flagged."""
    fields = {"kind": "article", "source": "s"}
    table = to_table(Document(id=str(n), key=str(n), text=text, **fields) for n, text in enumerate(texts))
    stage, policy, flagged = MatchRows(judge), ContaminationPolicy(), set()
    started = time.process_time()
    for at in range(0, len(texts), BATCH_ROWS):
        found = stage.apply(table.slice(at, BATCH_ROWS)).table["findings"].to_pylist()
        flagged |= {at + n for n, row in enumerate(found) if any(counts({**f, "documents": 1}, policy) for f in row)}
    return time.process_time() - started, flagged


def datatrove(texts: list[str], stems: list[str]) -> tuple[float, set[int]]:
    """Return CPU seconds and the texts flagged by datatrove's filter over an index of the stems."""
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("texts.json", texts), ("stems.json", stems)):
            Path(folder, name).write_text(json.dumps(value))
        command = [peer_python("peers"), "-c", PEER, folder, f"{folder}/texts.json", f"{folder}/stems.json"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    return told["cpu_s"], set(told["flagged"])


def fully_open(texts: list[str], stems: list[str]) -> tuple[float, set[int]]:
    """Return CPU seconds and the texts flagged; whole documents, where the original looks at first turns only."""
    items = [stem.split() for stem in stems]
    index: dict[tuple[str, ...], set[int]] = {}
    for number, tokens in enumerate(items):
        for at in range(len(tokens) - 8):
            index.setdefault(tuple(tokens[at : at + 8]), set()).add(number)
    flagged = set()
    started = time.process_time()
    for number, text in enumerate(texts):
        tokens = text.split()
        grams = {tuple(tokens[at : at + 8]) for at in range(len(tokens) - 8)}
        for item in {one for gram in grams & index.keys() for one in index[gram]}:
            blocks = difflib.SequenceMatcher(None, tokens, items[item], autojunk=False).get_matching_blocks()
            if sum(block.size for block in blocks if block.size >= 5) >= 0.5 * len(items[item]):
                flagged.add(number)
    return time.process_time() - started, flagged


def show(name: str, cpu_s: float, flagged: set[int], texts: list[str], planted: set[int]) -> float:
    """Print one line; returns MB a CPU second."""
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    there = {n for n in planted if n < len(texts)}
    found = f"planted {len(there & flagged)} of {len(there)}, others flagged {len(flagged - there)}"
    print(f"{name:<28}{megabytes:8.1f} MB {cpu_s:8.2f} CPU s {megabytes / cpu_s:9.2f} MB/s   {found}", flush=True)
    return megabytes / cpu_s


if __name__ == "__main__":
    main()
