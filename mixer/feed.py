"""The training feed: the same global batches in the same order under any number of ranks, workers and restarts.

Batch s of B sequences is rows [sB, (s+1)B) of the plan, and rank q of W takes a contiguous slice of it, so neither W
nor micro-batches, workers or prefetching change what is trained when. The state is a row number and the digest of what
was delivered so far: it is the same on all ranks, counts batches that were handed out and never those that were only
made ready, and may be loaded under another W or B, or after a plan was continued by another mixture. Nothing is shared
between ranks and nothing is written. Not here: reading rows (`stored`, `virtual`), labels and positions (`batch`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mixer.assemble import SequenceBlock
from mixer.batch import Batch, Labels
from mixer.counts import Counts
from pipelines.engine.errors import ConfigError, PlanError
from pipelines.engine.hashing import digest

if TYPE_CHECKING:
    import torch

VERSION = 1


class Rows(Protocol):
    """A mixture as rows in training order: `stored.StoredRows` or `virtual.VirtualRows`."""

    plan: str
    sequences: int
    sequence_tokens: int

    @property
    def components(self) -> list[dict[str, Any]]:
        """Return the name and ledger of each component, by `source_id`."""
        ...

    def block(self, first: int, stop: int) -> SequenceBlock:
        """Return the rows [first, stop)."""
        ...

    def window(self, first: int, stop: int) -> tuple[SequenceBlock, int, int]:
        """Return a block that holds the rows [first, stop), and which of its rows they are."""
        ...

    def counts(self, rows: int) -> Counts:
        """Return what the first `rows` rows hold of each component."""
        ...


@dataclass(frozen=True, slots=True)
class Fragment:
    """The first `sequences` rows of a mixture (all of them for None): a phase of a run may follow another."""

    rows: Rows
    sequences: int | None = None

    @property
    def length(self) -> int:
        """Return how many rows this fragment gives."""
        return self.rows.sequences if self.sequences is None else self.sequences


@dataclass(frozen=True, slots=True)
class Seen:
    """What training has seen of one source: sequences, tokens without padding, and epochs as an exact fraction."""

    sequences: int
    tokens: int
    epochs: Fraction


class Feed:
    """Batches for one rank. Iterating hands out the next ones; `state` and `load` move between runs."""

    def __init__(
        self,
        rows: Rows | Sequence[Fragment],
        batch_sequences: int,
        *,
        rank: int = 0,
        world: int = 1,
        uneven: bool = False,
        labels: Labels = "next",
    ) -> None:
        """Take a mixture, or fragments one after the other. With `uneven`, slices may differ by one row, and the last
        batch may be short: divide the loss by the targets of all ranks then.

        Raises ConfigError for a batch that the ranks cannot share, PlanError for fragments that do not fit together.
        """
        self._fragments = list(rows) if isinstance(rows, Sequence) else [Fragment(rows)]
        self._ends = [0, *accumulate(fragment.length for fragment in self._fragments)]
        self.batch_sequences, self.rank, self.world = batch_sequences, rank, world
        self._uneven, self._labels = uneven, labels
        self._window = self._fragments[0].rows.window if len(self._fragments) == 1 else self._joined
        self.next_row = 0
        """The first row that was not handed out yet."""
        _check_shares(batch_sequences, rank, world, uneven)
        _check_fragments(self._fragments)

    def __len__(self) -> int:
        """Return how many rows the plan has. A batch is `feed[row]`; see `loader` for several processes."""
        return self._ends[-1]

    def __getitem__(self, row: int) -> Batch:
        """Return this rank's slice of the global batch that begins at a row; what is handed out does not change."""
        first, stop = row, min(row + self.batch_sequences, self._ends[-1])
        if self.world > 1:
            share = stop - row
            first, stop = row + share * self.rank // self.world, row + share * (self.rank + 1) // self.world
        block, low, high = self._window(first, stop)
        return Batch(block, first, self._labels, (low, high))

    def starts(self) -> range:
        """Return the first rows of the batches that are left. Without `uneven`, rows short of a batch are left over."""
        left = len(self) - self.next_row
        whole = -(-left // self.batch_sequences) if self._uneven else left // self.batch_sequences
        return range(self.next_row, self.next_row + whole * self.batch_sequences, self.batch_sequences)

    def __iter__(self) -> Iterator[Batch]:
        """Hand out batch after batch; a state that is loaded meanwhile takes effect at the next one."""
        while starts := self.starts():
            batch = self[starts[0]]
            self.next_row = min(starts[0] + self.batch_sequences, len(self))
            yield batch

    def loader(self, workers: int = 0, **options: Any) -> "Iterator[dict[str, torch.Tensor]]":
        """Hand out batches as tensors made ready by a `torch` DataLoader; `options` are its own (`pin_memory`, ...).

        The state counts what this iterator has handed out, whatever the workers have made ready.
        """
        from torch.utils.data import DataLoader

        starts = self.starts()
        ready = DataLoader(
            self,
            batch_size=None,
            sampler=starts,
            num_workers=workers,
            collate_fn=tensors,
            **options,
        )
        for start, batch in zip(starts, ready, strict=True):
            if start != self.next_row:
                raise ConfigError("a state was loaded while a loader hands out batches; make a new loader after it")
            self.next_row = min(start + self.batch_sequences, len(self))
            yield batch

    def examples(self) -> Iterator[dict[str, Any]]:
        """Yield single rows of all ranks from the next one on, as the Trainer of `transformers` takes them.

        Its data loader gives rank q rows [sB + qB/W, ...) of them, which is the order of this feed too.
        """
        for row in range(self.next_row, len(self)):
            block, low, high = self._window(row, row + 1)
            batch = Batch(block, row, "same", (low, high))
            yield {"input_ids": batch.input_ids[0], "labels": batch.labels[0], "position_ids": batch.positions[0]}

    def state(self) -> dict[str, Any]:
        """Return what a later run needs to go on: below 1 kB, JSON values, equal on all ranks."""
        history = self._history(self.next_row)
        return {
            "version": VERSION,
            "next_row": self.next_row,
            "batch_sequences": self.batch_sequences,
            "history": digest(history),
            "plan": history[-1][0] if history else None,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on where a state was taken, under any number of ranks and any size of batch.

        Raises PlanError when the rows that were delivered are not the first ones of this plan.
        """
        if state.get("version") != VERSION:
            raise PlanError(f"the state has version {state.get('version')!r}, this feed reads {VERSION}")
        row = state["next_row"]
        history = self._history(row) if 0 <= row <= len(self) else None
        if history is None or digest(history) != state["history"]:
            have = [f"{fragment.length:,} rows of plan {fragment.rows.plan[:12]}" for fragment in self._fragments]
            raise PlanError(
                f"the state was taken after {row:,} rows, the last of them from plan {str(state['plan'])[:12]}; this "
                f"feed has {' and then '.join(have)}, which is another plan: open the mixture that the run began with, "
                "and append what is new as a further fragment"
            )
        self.next_row = row

    def seen(self, row: int | None = None) -> dict[str, Seen]:
        """Return what the first `row` rows (default: those handed out) hold of each component, by name.

        No rank asks another and no row is read but those of one block. A component's epochs add up over fragments.
        """
        until, seen = self.next_row if row is None else row, dict[str, Seen]()
        for fragment, first in zip(self._fragments, self._ends[:-1], strict=True):
            rows = max(0, min(until - first, fragment.length))
            counts = fragment.rows.counts(rows)
            for index, component in enumerate(fragment.rows.components):
                name, sequences, tokens = component["name"], int(counts.sequences[index]), int(counts.tokens[index])
                before = seen.get(name, Seen(0, 0, Fraction(0)))
                epochs = Fraction(sequences, component["unique_sequences"] or 1)
                seen[name] = Seen(before.sequences + sequences, before.tokens + tokens, before.epochs + epochs)
        return seen

    def _history(self, row: int) -> list[tuple[str, int]]:
        """Return what the first `row` rows are: so many of each plan, in order."""
        history: list[tuple[str, int]] = []
        for fragment, first in zip(self._fragments, self._ends[:-1], strict=True):
            rows = min(row - first, fragment.length)
            if rows > 0:
                history.append((fragment.rows.plan, rows))
        return history

    def _joined(self, first: int, stop: int) -> tuple[SequenceBlock, int, int]:
        """Return what `Rows.window` does, of several fragments."""
        blocks = []
        for fragment, begin in zip(self._fragments, self._ends[:-1], strict=True):
            low, high = max(first - begin, 0), min(stop - begin, fragment.length)
            if low < high:
                blocks.append(fragment.rows.block(low, high))
        return SequenceBlock.joined(blocks), 0, stop - first


def tensors(batch: Batch) -> "dict[str, torch.Tensor]":
    """Return a batch as PyTorch tensors that share its memory."""
    import torch

    found: dict[str, Any] = {name: getattr(batch, name) for name in ("input_ids", "labels", "positions", "cu_seqlens")}
    found["source_id"] = np.array(batch.source_id)  # a view of a file that may only be read
    return {name: torch.from_numpy(value) for name, value in found.items()}


def _check_shares(batch_sequences: int, rank: int, world: int, uneven: bool) -> None:
    if batch_sequences < 1 or not 0 <= rank < world:
        raise ConfigError(f"a feed needs a batch of at least 1 sequence and a rank below world; got {batch_sequences}, "
                          f"rank {rank} of {world}")  # fmt: skip
    if batch_sequences % world and not uneven:
        legal = [str(ranks) for ranks in range(1, batch_sequences + 1) if batch_sequences % ranks == 0]
        raise ConfigError(
            f"{world} ranks cannot share a batch of {batch_sequences} sequences evenly; use {', '.join(legal)} ranks, "
            "or set uneven=True and divide the loss by the targets of all ranks"
        )


def _check_fragments(fragments: Sequence[Fragment]) -> None:
    sizes = {fragment.rows.sequence_tokens for fragment in fragments}
    if len(sizes) != 1:
        raise PlanError(f"fragments need one sequence length, these have {sorted(sizes)}")
    for fragment in fragments:
        if not 0 <= fragment.length <= fragment.rows.sequences:
            raise PlanError(
                f"a fragment takes {fragment.length:,} rows of plan {fragment.rows.plan[:12]}, which has "
                f"{fragment.rows.sequences:,}"
            )
