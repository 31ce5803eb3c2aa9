"""Padding and cuts of three ways to make sequences of 4,096 tokens of the documents of the real sample.

Run `python -m tests.bench.packing` with MEDMIX_REAL_RUN, the folder of a finished run of configs/runs/real-sample.yaml.
Ours is `mixer.pack` as the mixture stage calls it; concat-chunk lays documents end to end with EOS between and cuts
every 4,096 tokens; naive puts a document into the sequence at hand, truncates what is longer, and begins a new one when
the next does not fit. A cut is needless where the document would have fitted into a sequence. The first lines are all
documents as one component, then each kind alone.
"""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mixer.pack import Breaks, PackRule, pack
from mixer.target import Target, find_target
from tests.bench.meter import environment

SIZE = 4096
Ints = npt.NDArray[np.int64]
Figures = tuple[int, float, int, int, int]
"""Sequences, padding as a part of all places, documents cut, of them needlessly, tokens lost."""


def ours(table: pa.Table, lengths: Ints, target: Target) -> Figures:
    """Pack as the mixture stage does."""
    rule = PackRule(SIZE, target.bos, target.eos, target.continuation_bos)
    marked = table["marked"].to_numpy() if "marked" in table.column_names else None
    packed = pack(lengths, rule, *(Breaks.of(table[f"{name}_breaks"]) for name in ("section", "paragraph")), marked)
    pieces = np.bincount(packed.document, minlength=len(lengths))
    fits = lengths + target.bos + target.eos <= SIZE
    padding = packed.pad_tokens.sum() / (packed.sequences * SIZE)
    return packed.sequences, padding, int((pieces > 1).sum()), int((pieces[fits] > 1).sum()), 0


def concat_chunk(table: pa.Table, lengths: Ints, target: Target) -> Figures:
    """Lay documents end to end, cut every SIZE tokens; the last sequence is padded."""
    whole = lengths + target.bos + target.eos
    ends = np.cumsum(whole)
    cut = (ends - 1) // SIZE > (ends - whole) // SIZE
    sequences = int(-(-ends[-1] // SIZE))
    return (
        sequences,
        (sequences * SIZE - ends[-1]) / (sequences * SIZE),
        int(cut.sum()),
        int(cut[whole <= SIZE].sum()),
        0,
    )


def naive(table: pa.Table, lengths: Ints, target: Target) -> Figures:
    """Truncate what is longer than a sequence; a document that does not fit begins the next one."""
    whole = lengths + target.bos + target.eos
    kept = np.minimum(whole, SIZE)
    sequences, left = 0, 0
    for tokens in kept.tolist():
        if tokens > left:
            sequences, left = sequences + 1, SIZE
        left -= tokens
    padding = 1 - kept.sum() / (sequences * SIZE)
    return sequences, padding, int((whole > SIZE).sum()), 0, int((whole - kept).sum())


def main() -> None:
    """Print one table for each target."""
    run = os.environ.get("MEDMIX_REAL_RUN")
    if not run:
        print("packing: skipped, MEDMIX_REAL_RUN does not name a finished run of configs/runs/real-sample.yaml")
        return
    print(environment("pyarrow"))
    for name in ("qwen2.5", "llama-3.1"):
        files = sorted(Path(run, "stages").glob(f"tokenize-{name}@*/**/*.arrow"))
        tables = [pa.ipc.open_stream(pa.memory_map(str(file))).read_all() for file in files]
        table = pa.concat_tables(tables).combine_chunks()
        lengths = pc.list_value_length(table["ids"]).to_numpy().astype(np.int64)
        print(f"\n{name}: {table.num_rows:,} documents, {lengths.sum():,} tokens; sequences of {SIZE:,}")
        print(f"{'':<26}{'sequences':>11}{'padding':>10}{'documents cut':>15}{'needlessly':>12}{'tokens lost':>14}")
        kinds = table["kind"].to_numpy(zero_copy_only=False)
        for kind in ("all", *sorted(set(kinds))):
            rows = np.flatnonzero((kinds == kind) | (kind == "all"))
            for way in (ours, concat_chunk, naive):
                figures = way(table.take(rows), lengths[rows], find_target(name))
                sequences, padding, cut, needlessly, lost = figures
                print(
                    f"{kind:<12}{way.__name__:<14}{sequences:>11,}{padding:>10.3%}{cut:>15,}{needlessly:>12,}{lost:>14,}"
                )


if __name__ == "__main__":
    main()
