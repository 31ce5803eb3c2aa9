"""Near duplicates beside datatrove's four stages and rensa: CPU seconds of the whole job on the same texts, one run.

Run `python -m tests.bench.near [--megabytes N]` with MEDMIX_DATA set. Texts are those of the real sample, none
repeated, and near copies of one in seven. Ours is the line `dedup_near` through the engine, with everything that goes
with it: files of every step committed, each pair verified, clinical twins kept. Beside it what datatrove does too:
signatures, buckets and clusters alone, on datatrove's settings (14 bands of 8). The removed sets are compared before
verification on the words that datatrove's normaliser makes, for which our own is not fit: it makes all numbers equal.
Which pairs near the threshold become candidates is chance, decided by the permutations: so they are compared with ours
and, on its shingles, with its very own. What the job costs at whatever size is told by a run on a few texts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pipelines.engine.compiled import compiled
from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import run_stages
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from pipelines.stages.dedup_near import NearConfig
from pipelines.stages.exchange import RunFacts
from pipelines.stages.near_letters import Hashes
from pipelines.stages.near_pairs import Ranks, buckets
from pipelines.stages.near_signature import SHINGLE, band_hashes, sign
from pipelines.stages.near_steps import near_steps
from sources.document import Document
from tests.bench.meter import environment, measure
from tests.bench.peers import peer_python, versions
from tests.bench.texts import near_copies, spread_texts
from tests.fakes.given import Given, planned
from tests.fakes.stages import Events

BANDS, ROWS = 14, 8
MERSENNE = np.uint64((1 << 61) - 1)
FEW = 20
Signed = tuple[np.ndarray, np.ndarray]
"""Band hashes of texts, shape (texts, bands), and which texts those are."""
RENSA = """
import json, re, sys, time
from rensa import RMinHash, RMinHashLSH
texts = json.load(open(sys.argv[1]))
def once():
    words = [re.findall(r"\\w+", text.lower()) for text in texts]
    sets = [[" ".join(w[at : at + 5]) for at in range(max(1, len(w) - 4))] for w in words]
    index = RMinHashLSH(0.72, 112, 14)
    return sum(index.query_duplicate_flags_matrix_one_shot(RMinHash.digest_matrix_from_token_sets(sets, 112, 42)))
began = time.process_time()
flagged = once()
print(json.dumps([time.process_time() - began, flagged]))
"""


def main() -> None:
    """Print CPU seconds, documents a CPU second, and what each removes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=12, help="text without the near copies")
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("MEDMIX_DATA is not set; passed over")
        return
    found = spread_texts(data, args.megabytes * 1e6)
    texts = found + near_copies(found, 1 / 7)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(environment("numba", "pyarrow"), "|", versions("peers", "datatrove", "spacy"), versions("rensa", "rensa"))
    print(f"{len(texts):,} texts, {size:.1f} MB, the last {len(texts) - len(found):,} near copies")
    few = [*texts[:FEW], *near_copies(texts[:FEW], 1)]
    through_the_engine(few)  # compiled before anything is measured
    show("medmix, a few texts", *through_the_engine(few), len(few))
    whole = show("medmix dedup_near, verified", *through_the_engine(texts), len(texts))
    part = timed(lambda: int(clustered(*signed(texts), len(texts)).sum()))
    kernel = show("medmix, datatrove's part of it", *part, len(texts))
    stages, kept, words, hashes = datatrove(texts)
    stock = show("datatrove, four stages", sum(stages.values()), len(texts) - len(kept), len(texts))
    print("  " + ", ".join(f"{name} {cpu:.1f} CPU s" for name, cpu in stages.items()) + " (processes' start in)")
    peer = show("rensa, words split in Python", *rensa(texts), len(texts))
    print(
        f"by CPU: whole job {whole / stock:.0f}x datatrove, {whole / peer:.1f}x rensa; same part {kernel / stock:.0f}x"
    )
    compare("our permutations", clustered(*signed(words), len(texts)), kept)
    compare("its permutations", clustered(*signed_as_datatrove(**hashes), len(texts)), kept)


def timed(work: Callable[[], int]) -> tuple[float, int]:
    """Return CPU seconds of this process and the result."""
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found


def through_the_engine(texts: list[str]) -> tuple[float, int]:
    """Return CPU seconds of the line on documents that lie in a run folder, and how many are removed."""
    documents = tuple(
        Document(id=f"{at:09}", kind="article", source="s", key=str(at), text=text) for at, text in enumerate(texts)
    )
    given = Given(documents, 512)
    line = planned(given, {"dedup_near": near_steps(NearConfig(), RunFacts())})
    with tempfile.TemporaryDirectory(prefix="bench-near-") as folder:
        storage, events = Storage(LocalDisk(Path(folder))), Events()
        run_stages(storage, line[:1], lambda: InlineRuntime(storage), events)

        def job() -> int:
            found = run_stages(storage, line, lambda: InlineRuntime(storage), events)
            return sum(ref.rows for ref in found["dedup_near"].files())

        return timed(job)


def signed(texts: list[str]) -> Signed:
    """Return the bands of the texts that have a shingle: datatrove has none of shorter ones."""
    bands, tokens = sign(pa.array(texts, pa.large_string()), BANDS, ROWS)
    rows = np.flatnonzero(tokens >= SHINGLE)
    return bands[rows], rows


def signed_as_datatrove(shingles: np.ndarray, counts: np.ndarray, factors: np.ndarray, terms: np.ndarray) -> Signed:
    """Return the same from datatrove's shingles, by its permutations modulo 2^61 - 1."""
    rows = np.flatnonzero(counts)
    bands = np.zeros((len(rows), BANDS), np.uint64)
    their_bands(shingles, np.cumsum(counts[rows]), factors, terms, bands)
    return bands, rows


@compiled
def their_bands(shingles: Hashes, ends: Ranks, factors: Hashes, terms: Hashes, out: Hashes) -> None:
    """Fill the band hashes of every text."""
    minima, begin = np.empty(len(factors), np.uint64), 0
    for row in range(len(ends)):
        minima[:] = MERSENNE
        for shingle in shingles[begin : ends[row]]:
            for at in range(len(factors)):
                minima[at] = min(minima[at], (shingle * factors[at] + terms[at]) % MERSENNE)
        band_hashes(minima, out[row])
        begin = ends[row]


def clustered(bands: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Return for each text whether it is removed when of each cluster of candidates the first stays."""
    links = [np.stack([one[1:], np.full(len(one) - 1, one[0])]) for one in buckets(bands.ravel(), rows.repeat(BANDS))]
    pairs = np.concatenate(links, axis=1) if links else np.empty((2, 0), np.int64)
    graph = coo_matrix((np.ones(pairs.shape[1], np.int8), (pairs[0], pairs[1])), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    firsts = np.unique(labels, return_index=True)[1]
    removed = np.ones(count, bool)
    removed[firsts] = False
    return removed


def datatrove(texts: list[str]) -> tuple[dict[str, float], list[int], list[str], dict[str, np.ndarray]]:
    """Return CPU seconds of the peer's stages, the rows it kept, and the texts as it sees them: words and hashes."""
    with tempfile.TemporaryDirectory(prefix="bench-near-") as folder:
        Path(folder, "input").mkdir()
        Path(folder, "words").mkdir()
        half = len(texts) // 2
        for part, rows in enumerate((range(half), range(half, len(texts)))):
            with Path(folder, "input", f"{part}.jsonl").open("w") as out:
                out.writelines(json.dumps({"text": texts[at], "id": str(at)}) + "\n" for at in rows)
        script = str(Path(__file__).with_name("near_peer.py"))
        log = Path(folder, "log")
        readings = measure([peer_python("peers"), script, folder, "2"], log)
        if readings.exit_code:
            sys.exit(log.read_text()[-2000:])
        told = json.loads(Path(folder, "told.json").read_text())
        words = json.loads(Path(folder, "words/texts.json").read_text())
        hashes = dict(np.load(Path(folder, "words/hashes.npz")))
    cpu_s = {name: readings.cpu_between(*window) for name, window in told["stages"].items()}
    return cpu_s, told["kept"], words, hashes


def rensa(texts: list[str]) -> tuple[float, int]:
    """Return CPU seconds and how many texts have a candidate."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        done = subprocess.run(
            [peer_python("rensa"), "-c", RENSA, file.name], capture_output=True, text=True, check=True
        )
    cpu_s, flagged = json.loads(done.stdout)
    return cpu_s, flagged


def show(name: str, cpu_s: float, removed: int, count: int) -> float:
    """Print one line; returns documents a CPU second."""
    print(f"{name:<32}{cpu_s:8.2f} CPU s {count / cpu_s:9.0f} documents/s   {removed:,} removed or flagged", flush=True)
    return count / cpu_s


def compare(how: str, ours: np.ndarray, kept: list[int]) -> None:
    """Print how far the removed sets agree, before verification and on the same words."""
    theirs = np.ones(len(ours), bool)
    theirs[np.array(kept, np.int64)] = False
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    print(
        f"on datatrove's words, {how}, before verification: {int(ours.sum()):,} and {int(theirs.sum()):,} removed "
        f"({abs(int(ours.sum()) - int(theirs.sum())) / max(1, int(theirs.sum())):.2%} apart), "
        f"{only_ours} by ours alone, {only_theirs} by datatrove alone"
    )


if __name__ == "__main__":
    main()
