"""The training feed beside np.memmap and `datasets`: batches of 8 sequences of 4,096 tokens, as trainers take them.

Run `python -m tests.bench.feed [--rows N] [--rounds N]`. All read the same tokens from files in the page cache, in
order and in any order. Ours gives int64 ids and next-token labels that stop at documents, and once more with positions;
np.memmap gives what its users make of it, ids and labels shifted by one, and alone the ids; `datasets` gives the ids of
single rows and of slices as PyTorch tensors. Contestants alternate (A B C, C B A, ...); figures are medians, by CPU
seconds, which tell less of what else the machine does.
"""

import argparse
import statistics
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

sys.path.insert(0, str(Path(__file__).parents[1]))
from fakes.mixtures import ToyMixture

SIZE, BATCH = 4096, 8


def contestants(toy: ToyMixture, flat: Path) -> dict[str, Callable[[list[int]], None]]:
    """Return what reads the batches that begin at given rows, by name."""
    feed = Feed(StoredRows(toy.folder), BATCH)
    virtual = Feed(VirtualRows(toy.storage, toy.plan, toy.token_files, toy.target), BATCH)
    values = np.memmap(flat, np.uint32, "r")
    rows = load_from_disk(str(toy.folder)).select_columns(["input_ids"]).with_format("torch")

    def memmap(starts: list[int], labels: bool) -> None:
        for start in starts:
            at = start * SIZE
            values[at : at + BATCH * SIZE].astype(np.int64)
            if labels:
                values[at + 1 : at + 1 + BATCH * SIZE].astype(np.int64)

    return {
        "ours, ids": lambda starts: take(starts, lambda start: feed[start].input_ids),
        "ours, ids and labels": lambda starts: take(starts, lambda start: both(feed[start])),
        "ours, positions too": lambda starts: take(
            starts, lambda start: (*both(batch := feed[start]), batch.positions)
        ),
        "ours, from the plan": lambda starts: take(starts, lambda start: both(virtual[start])),
        "np.memmap, ids and labels": lambda starts: memmap(starts, True),
        "np.memmap, ids": lambda starts: memmap(starts, False),
        "datasets ds[i]": lambda starts: take(starts[:40], lambda start: [rows[start + i] for i in range(BATCH)]),
        "datasets ds[a:b]": lambda starts: take(starts[:100], lambda start: rows[start : start + BATCH]),
    }


def both(batch: Batch) -> tuple[object, object]:
    """Return what is trained on."""
    return batch.input_ids, batch.labels


def take(starts: list[int], batch: Callable[[int], object]) -> None:
    """Make each batch and let it go."""
    for start in starts:
        batch(start)


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
    """Let the contestants read the same batches in turn."""
    starts = list(range(0, sequences - BATCH - 1, BATCH))
    shuffled = np.random.default_rng(0).permutation(starts).tolist()
    runners = contestants(toy, flat)
    limits = {"datasets ds[i]": 40, "datasets ds[a:b]": 100}
    print(environment("numpy", "datasets", "torch", "pyarrow"))
    print(f"{sequences:,} sequences of {SIZE:,} tokens, batches of {BATCH}; million tokens a CPU second")
    for title, order in (("in order", starts), ("in any order", shuffled)):
        rates: dict[str, list[float]] = {name: [] for name in runners}
        for number in range(rounds):
            for name in list(runners) if number % 2 == 0 else list(runners)[::-1]:
                begun = time.process_time()
                runners[name](order)
                tokens = min(len(order), limits.get(name, len(order))) * BATCH * SIZE
                rates[name].append(tokens / (time.process_time() - begun) / 1e6)
        medians = {name: statistics.median(found) for name, found in rates.items()}
        print(f"{title}:")
        for name, middle in medians.items():
            peer = (
                "np.memmap, ids and labels"
                if name.endswith("labels") or name.startswith("ours, p")
                else "np.memmap, ids"
            )
            print(f"  {name:<28}{middle:>10,.0f}   {middle / medians[peer]:.2f}x {peer}")
        print(f"  our ids are {medians['ours, ids'] / medians['datasets ds[i]']:.0f}x those of datasets ds[i]")


if __name__ == "__main__":
    main()
