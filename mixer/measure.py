"""What a mixture's feed delivers on this machine: time to open, time to seek, tokens a second.

Beside it numpy reads the ids of the same files through `np.memmap` and widens them to int64, which is as fast as a feed
can be that makes no labels. Both are read once before they are timed, so the figures are those of a warm page cache.
They are for people, and no test depends on them. Not here: peers (`tests/bench`).
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from mixer.feed import Feed
from mixer.stored import StoredRows

T = TypeVar("T")
ROUNDS = 3
MOST_BATCHES = 2000


def measure(folder: Path, batch_sequences: int) -> Iterator[tuple[str, str]]:
    """Yield what was measured and its figure. Raises InputError and CorruptionError as the feed does."""
    seconds, rows = _timed(lambda: StoredRows(folder))
    yield "opening the index", f"{seconds * 1000:.1f} ms for {rows.sequences:,} sequences"
    feed = Feed(rows, min(batch_sequences, rows.sequences))
    starts = list(feed.starts())[:MOST_BATCHES]
    shuffled = np.random.default_rng(0).permutation(starts).tolist()
    first, _ = _timed(lambda: [feed[start] for start in starts])
    tokens = len(starts) * feed.batch_sequences * rows.sequence_tokens
    yield "first pass, checksums included", _rate(tokens, first)
    for name, order in (("in order", starts), ("in any order", shuffled)):
        ours = min(_timed(lambda order=order: [feed[start] for start in order])[0] for _ in range(ROUNDS))  # type: ignore[misc]
        yield f"ids, labels, positions {name}", _rate(tokens, ours)
    plain = min(_timed(lambda: _by_memmap(folder, rows, starts, feed.batch_sequences))[0] for _ in range(ROUNDS))
    yield "np.memmap to int64 ids alone, in order", _rate(tokens, plain)
    there, _ = _timed(lambda: feed[starts[len(starts) // 2]])
    yield "one batch from the middle", f"{there * 1000:.2f} ms"


def _by_memmap(folder: Path, rows: StoredRows, starts: list[int], batch_sequences: int) -> None:
    """Read as many tokens as the batches have from the raw bytes of the shards."""
    kind, wanted = rows.block(0, 1).input_ids.dtype, batch_sequences * rows.sequence_tokens
    left = len(starts)
    for file in rows.facts["files"]:
        values = np.memmap(folder / file["name"], dtype=kind, mode="r")
        for at in range(0, len(values) - wanted, wanted):
            values[at : at + wanted].astype(np.int64)
            left -= 1
            if left <= 0:
                return


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _rate(tokens: int, seconds: float) -> str:
    return f"{tokens / seconds / 1e6:,.0f} million tokens a second"
