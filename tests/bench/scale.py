"""How large a plan may get: the order of a mixture of billions of tokens, with counts in the place of documents.

Run `python -m tests.bench.scale [--tokens 50e9] [--sequence-tokens 4096]`; `--tokens 1e12` needs some 20 GB of memory.
Five components with an anneal at the end; the schedule, a permutation for each component and epoch, and the columns
that a plan holds are made as `mixer.mixture` makes them. Seeking is the look-up of one batch of 24 rows and of the
counts before it, after the plan was opened; files are those of the shards at 4,096 sequences each.
"""

import argparse
import resource
import statistics
import time
from fractions import Fraction

import numpy as np
import pyarrow as pa

from mixer.assemble import SequenceBlock
from mixer.counts import RowCounts
from mixer.permutation import permutation
from mixer.schedule import Phase, assign
from tests.bench.meter import environment

NAMES = ("guidelines", "articles", "abstracts", "questions", "replay")
WEIGHTS = tuple(Fraction(n, 100) for n in (25, 45, 10, 3, 17))
ANNEALED = tuple(Fraction(n, 100) for n in (45, 15, 10, 13, 17))
BLOCK = 1 << 16
BATCH = 24


def order(sequences: int) -> pa.Table:
    """Return component, packed sequence and epoch of each place, for components of which three epochs are taken."""
    tenth = sequences // 10
    component = assign([Phase(sequences - tenth, WEIGHTS), Phase(tenth, WEIGHTS, ANNEALED)])
    packed, epoch = np.zeros(sequences, np.int64), np.zeros(sequences, np.int32)
    for index, name in enumerate(NAMES):
        places = np.flatnonzero(component == index)
        size = -(-len(places) // 3)
        epoch[places], position = np.divmod(np.arange(len(places)), size)
        for number in range(int(epoch[places[-1]]) + 1):
            mine = epoch[places] == number
            packed[places[mine]] = permutation(position[mine], size, 7, "epoch order", name, number)
    return pa.table({"component": component, "packed": packed, "epoch": epoch})


def seeks(plan: pa.Table, times: int = 300) -> list[float]:
    """Return the seconds that each of some look-ups takes, at rows drawn over the whole plan."""
    component, blocks = plan["component"].to_numpy(), []
    for first in range(0, plan.num_rows, BLOCK):
        blocks.append(np.bincount(component[first : first + BLOCK], minlength=len(NAMES)))
    counts = RowCounts.of(blocks, [np.zeros(len(NAMES), np.int64)] * len(blocks), len(NAMES), 4096)
    found = []
    for row in np.random.default_rng(3).integers(0, plan.num_rows - BATCH, times):
        start = time.perf_counter()
        plan.slice(int(row), BATCH).to_pydict()
        number, rest = divmod(int(row), BLOCK)
        here = component[row - rest : row].astype(np.int16)
        none = np.zeros(rest, np.int32)
        empty = np.zeros((0, 2), np.int32)
        counts.upto(number, SequenceBlock(np.zeros((rest, 0), np.uint32), none, none, none, here, empty, none))
        found.append(time.perf_counter() - start)
    return found


def main() -> None:
    """Print the figures of one plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=float, default=50e9)
    parser.add_argument("--sequence-tokens", type=int, default=4096)
    given = parser.parse_args()
    sequences = int(given.tokens) // given.sequence_tokens
    assign([Phase(99, WEIGHTS)])  # compile
    start = time.process_time()
    plan = order(sequences)
    made_s = time.process_time() - start
    seconds = seeks(plan)
    print(environment())
    print(f"{given.tokens:,.0f} tokens, {sequences:,} sequences of {given.sequence_tokens:,}")
    each_us, columns_mb = made_s / sequences * 1e6, plan.nbytes / 1e6
    print(f"plan: {made_s:.1f} CPU s ({each_us:.2f} us a sequence), {columns_mb:,.0f} MB of columns")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    print(f"files: {-(-sequences // 4096):,} shards, as many of lineage and of batches")
    print(
        f"seek: median {statistics.median(seconds) * 1e3:.2f} ms, worst {max(seconds) * 1e3:.2f} ms of {len(seconds)}"
    )


if __name__ == "__main__":
    main()
