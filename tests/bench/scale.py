"""How large a plan may get: the order of a mixture of billions of tokens, with counts in the place of documents.

Run `python -m tests.bench.scale [--tokens 50e9] [--sequence-tokens 4096]`.
Five components with an anneal at the end; the order is the one that `mixer.mixture` writes, counts stand in the place
of packed documents, whose pieces take memory of their own. Seeking is the look-up of one batch of 24 rows and of the
counts before it, after the plan was opened; files are those of the shards at 4,096 sequences each.
"""

import argparse
import resource
import statistics
import time
from fractions import Fraction
from math import ceil
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from mixer.assemble import SequenceBlock
from mixer.counts import RowCounts
from mixer.mixture import order_of
from mixer.schedule import Phase, shares
from tests.bench.meter import environment

NAMES = ("guidelines", "articles", "abstracts", "questions", "replay")
WEIGHTS = tuple(Fraction(n, 100) for n in (25, 45, 10, 3, 17))
ANNEALED = tuple(Fraction(n, 100) for n in (45, 15, 10, 13, 17))
BLOCK = 1 << 16
BATCH = 24


def order(sequences: int) -> pa.Table:
    """Return the order that `mixer.mixture` writes, for components of which three epochs are taken."""
    tenth = sequences // 10
    phases = [Phase(sequences - tenth, WEIGHTS), Phase(tenth, WEIGHTS, ANNEALED)]
    return order_of(NAMES, [SimpleNamespace(sequences=ceil(share / 3)) for share in shares(phases)], phases, 7)


def seeks(plan: pa.Table, times: int = 300) -> list[tuple[float, float]]:
    """Return the wall and CPU seconds that each of some look-ups takes, at rows drawn over the whole plan."""
    component, blocks = plan["component"].to_numpy(), []
    for first in range(0, plan.num_rows, BLOCK):
        blocks.append(np.bincount(component[first : first + BLOCK], minlength=len(NAMES)))
    counts = RowCounts.of(blocks, [np.zeros(len(NAMES), np.int64)] * len(blocks), len(NAMES), 4096)
    found = []
    for row in np.random.default_rng(3).integers(0, plan.num_rows - BATCH, times):
        start, cpu = time.perf_counter(), time.thread_time()
        plan.slice(int(row), BATCH).to_pydict()
        number, rest = divmod(int(row), BLOCK)
        here = component[row - rest : row].astype(np.int16)
        none = np.zeros(rest, np.int32)
        empty = np.zeros((0, 2), np.int32)
        counts.upto(number, SequenceBlock(np.zeros((rest, 0), np.uint32), none, none, none, here, empty, none))
        found.append((time.perf_counter() - start, time.thread_time() - cpu))
    return found


def main() -> None:
    """Print the figures of one plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=float, default=50e9)
    parser.add_argument("--sequence-tokens", type=int, default=4096)
    given = parser.parse_args()
    sequences = int(given.tokens) // given.sequence_tokens
    order(999)  # compile
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
    for clock, each_s in zip(("wall", "CPU"), zip(*seconds, strict=True), strict=True):
        print(f"seek: median {statistics.median(each_s) * 1e3:.2f} ms, worst {max(each_s) * 1e3:.2f} ms of {clock}")


if __name__ == "__main__":
    main()
