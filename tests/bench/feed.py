"""The training feed beside np.memmap, `datasets`, MosaicML streaming and litdata: batches of 8 sequences of 4,096.

Run `python -m tests.bench.feed [--rows N] [--rounds N]`. All read the same tokens from files in the page cache, in
order and in any order. Ours gives int64 ids and next-token labels that stop at documents, and once more with positions;
np.memmap gives what its users make of it, one slice a batch and labels shifted by one, and alone the ids; `datasets`
gives the ids of single rows and of slices as PyTorch tensors; the other two (`feed_peers`) run in a process of their
own. Contestants take turns stretch by stretch; figures are medians of rounds, by CPU seconds, which tell less of what
else the machine does, and ratios medians of the rounds' own. What is read for the first time is checked against its
checksum, once a process; that pass is told apart.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from datasets import load_from_disk

from mixer.batch import Batch
from mixer.feed import Feed
from mixer.stored import StoredRows
from mixer.virtual import VirtualRows
from tests.bench.meter import environment
from tests.bench.peers import peer_python, versions

sys.path.insert(0, str(Path(__file__).parents[1]))
from fakes.mixtures import ToyMixture

SIZE, BATCH = 4096, 8
STRETCH = 60
SLOW = {"datasets ds[i]": 20, "datasets ds[a:b]": 20, "ours, ids and labels, from plan": 10}


def contestants(toy: ToyMixture, flat: Path) -> dict[str, Callable[[int], object]]:
    """Return what makes the batch that begins at a row, by name."""
    feed = Feed(StoredRows(toy.folder), BATCH)
    virtual = Feed(VirtualRows(toy.storage, toy.plan, toy.token_files, toy.target), BATCH)
    values = np.memmap(flat, np.uint32, "r")
    rows = load_from_disk(str(toy.folder)).select_columns(["input_ids"]).with_format("torch")

    def ids(start: int) -> object:
        return values[start * SIZE : (start + BATCH) * SIZE].astype(np.int64)

    return {
        "ours, ids": lambda start: feed[start].input_ids,
        "np.memmap, ids": ids,
        "ours, ids and labels": lambda start: both(feed[start]),
        "np.memmap, ids and labels": lambda start: (
            ids(start),
            values[start * SIZE + 1 : (start + BATCH) * SIZE + 1].astype(np.int64),
        ),
        "ours, ids and labels, positions": lambda start: (*both(batch := feed[start]), batch.positions),
        "ours, ids and labels, from plan": lambda start: both(virtual[start]),
        "datasets ds[i]": lambda start: [rows[start + i] for i in range(BATCH)],
        "datasets ds[a:b]": lambda start: rows[start : start + BATCH],
    }


def both(batch: Batch) -> tuple[object, object]:
    """Return what is trained on."""
    return batch.input_ids, batch.labels


def first_pass(toy: ToyMixture, flat: Path, order: list[int]) -> dict[str, float]:
    """Return the tokens a CPU second of ids from files that were mapped just now, ours checked as they are read."""
    found = {}
    for name in ("ours, ids", "np.memmap, ids"):
        batch, begun = contestants(toy, flat)[name], time.process_time()
        for start in order:
            batch(start)
        found[f"{name}, first pass"] = len(order) * BATCH * SIZE / (time.process_time() - begun)
    return found


def main() -> None:
    """Print tokens a second of each contestant, and ours as a multiple."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    if find_spec("torch") is None:
        sys.exit("this benchmark needs PyTorch, which is what `datasets` hands out there: pip install -e '.[train]'")
    with tempfile.TemporaryDirectory() as folder:
        toy = ToyMixture(
            Path(folder), documents=wanted.rows * SIZE // 9000, longest=6000, vocabulary=128_256, sequence_tokens=SIZE
        )
        rows = StoredRows(toy.folder)
        flat = Path(folder) / "flat.bin"
        with flat.open("wb") as out:
            for row in range(0, rows.sequences, 500):
                out.write(np.ascontiguousarray(rows.block(row, min(row + 500, rows.sequences)).input_ids).tobytes())
        race(toy, flat, rows.sequences, wanted.rounds)


def race(toy: ToyMixture, flat: Path, sequences: int, rounds: int) -> None:
    """Let the contestants make the same batches in turn."""
    starts = list(range(0, sequences - BATCH - 1, BATCH))
    shuffled = np.random.default_rng(0).permutation(starts).tolist()
    runners = contestants(toy, flat)
    print(environment("numpy", "datasets", "torch", "pyarrow"))
    print(f"peers: {versions('training', 'mosaicml-streaming', 'litdata', 'torch', 'numpy')}")
    print(f"{sequences:,} sequences of {SIZE:,} tokens, batches of {BATCH}; million tokens a CPU second")
    others = {peer: elsewhere(peer, flat, sequences, rounds) for peer in ("streaming", "litdata")}
    for title, order in (("in order", starts), ("in any order", shuffled)):
        rates = in_turns(runners, order, rounds)
        rates |= {peer: told[title] for peer, told in others.items()}
        passes = [first_pass(toy, flat, order) for _ in range(rounds)]
        rates |= {name: [one[name] for one in passes] for name in passes[0]}
        print(f"{title}:")
        for name, mine in rates.items():
            more = next((word for word in (" and labels", ", first pass") if word in name), "")
            peer = f"np.memmap, ids{more}"
            ratio = statistics.median(one / other for one, other in zip(mine, rates[peer], strict=True))
            print(f"  {name:<32}{statistics.median(mine) / 1e6:>10,.0f}   {ratio:.2f}x {peer}", flush=True)
        for name in ("datasets ds[i]", *others):
            ratio = statistics.median(one / other for one, other in zip(rates["ours, ids"], rates[name], strict=True))
            print(f"  our ids are {ratio:.0f}x those of {name}")


def in_turns(runners: dict[str, Callable[[int], object]], order: list[int], rounds: int) -> dict[str, list[float]]:
    """Return the tokens a CPU second of each contestant and round; the slow ones take a twentieth of the batches."""
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds + 1):
        spent = dict.fromkeys(runners, 0.0)
        stretches = [order[first : first + STRETCH] for first in range(0, len(order), STRETCH)]
        for turn, stretch in enumerate(stretches):
            for name in list(runners) if turn % 2 == number % 2 else list(runners)[::-1]:
                begun = time.process_time()
                for start in stretch[:: SLOW.get(name, 1)]:
                    runners[name](start)
                spent[name] += time.process_time() - begun
        if number:  # what comes before the first round compiles, maps and checks
            for name, seconds in spent.items():
                batches = sum(len(stretch[:: SLOW.get(name, 1)]) for stretch in stretches)
                rates[name].append(batches * BATCH * SIZE / seconds)
    return rates


def elsewhere(peer: str, flat: Path, sequences: int, rounds: int) -> dict[str, list[float]]:
    """Return what a peer tells that runs in an environment of its own."""
    sizes = map(str, (sequences, SIZE, BATCH, rounds))
    words = [peer_python("training"), str(Path(__file__).with_name("feed_peers.py")), peer, str(flat.parent), *sizes]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{peer}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
