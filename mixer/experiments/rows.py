"""A proxy's training rows: a mixture of weights over tokenised components, made in memory and written nowhere.

The rows are those that `mixer.mixture` and `mixer.virtual` would give for the same weights and seed. A component that
the target run repeats must be repeated as often by its proxy (arXiv 2606.07597: mixture error .05 with matched
repetition, .75 without), so each component is thinned to `proxy / target` of its sequences, drawn by a hash from all of
its documents: the same ones in every proxy. Not here: training (`proxy`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mixer.assemble import SequenceBlock, TokenShards, assemble
from mixer.counts import Counts, RowCounts
from mixer.experiments.settings import ExperimentConfig
from mixer.mixture import members, order_of
from mixer.pack import Packed, PackRule, pack
from mixer.permutation import permutation
from mixer.schedule import Phase, exact
from mixer.target import Target
from mixer.virtual import COUNTED_ROWS, parts_of, row_counts
from pipelines.engine.errors import PlanError
from pipelines.engine.hashing import digest

Ints = npt.NDArray[np.int64]
LIGHT = ["document", "source", "kind", "language", "evidence"]
AHEAD = 64
"""Rows that are made at a time: batches of proxies are so small that each alone would cost as much as its tokens."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What proxies may see, packed by component; `kept` is the part of each component's sequences."""

    names: tuple[str, ...]
    packed: tuple[Packed, ...]
    tokens: TokenShards
    target: Target
    kept: tuple[float, ...]
    digest: str


def stock_of(tables: Sequence[pa.Table], config: ExperimentConfig, target: Target, sizes: Sequence[int]) -> Stock:
    """Return what there is to train on, thinned to repeat as the target will; `sizes` are estimated tokens.

    `tables` are shards of `tokens_schema`. Raises PlanError for a component without a document.
    """
    light = pa.concat_tables([table.select(LIGHT) for table in tables]).combine_chunks()
    lengths = np.concatenate([pc.list_value_length(table["ids"]).to_numpy() for table in tables]).astype(np.int64)
    marked = np.concatenate([table["marked"].to_numpy() for table in tables])
    member = members(light, config.components)
    rule = PackRule(config.proxy.sequence_tokens, target.bos, target.eos, target.continuation_bos)
    packed: list[Packed] = []
    kept: list[float] = []
    told: list[Any] = []
    for index, component in enumerate(config.components):
        rows = np.flatnonzero(member == index)
        whole = int(lengths[rows].sum())
        if not whole:
            raise PlanError(f"component {component.name!r} has no document to train on; check its sources and kinds")
        part = config.proxy.tokens / config.target_tokens * sizes[index] / whole
        all_of_it = _renumbered(pack(lengths[rows], rule, marked=marked[rows]), rows)
        packed.append(_thinned(all_of_it, part, (config.seed, "thin", component.name)))
        kept.append(packed[-1].sequences / all_of_it.sequences)
        told.append([component.name, packed[-1].sequences])
    names = tuple(component.name for component in config.components)
    tokens = TokenShards.of(tables)
    told += [light["document"].to_pylist(), config.proxy.sequence_tokens, config.seed]
    return Stock(names, tuple(packed), tokens, target, tuple(kept), digest(told))


def _thinned(packed: Packed, part: float, key: tuple[int, str, str]) -> Packed:
    """Return so large a part of the sequences, at least one, drawn by the key."""
    total = packed.sequences
    count = max(1, ceil(part * total))
    if count >= total:
        return packed
    chosen = np.sort(permutation(np.arange(count), total, *key))
    sizes = np.diff(packed.offsets)[chosen]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    pieces = np.arange(offsets[-1]) + np.repeat(packed.offsets[chosen] - offsets[:-1], sizes)
    columns = [getattr(packed, name)[pieces] for name in ("document", "start", "tokens", "bos", "eos")]
    return Packed(packed.sequence_tokens, offsets, *columns)


def _renumbered(packed: Packed, rows: Ints) -> Packed:
    """Return a packing of some documents with their numbers over all shards of tokens."""
    rest = packed.start, packed.tokens, packed.bos, packed.eos
    return Packed(packed.sequence_tokens, packed.offsets, rows[packed.document], *rest)


class ProxyRows:
    """The first `sequences` rows of a mixture of a stock; takes part in a `Feed` like any other mixture."""

    def __init__(self, stock: Stock, weights: Sequence[float], sequences: int, seed: int) -> None:
        shares = tuple(exact(repr(float(weight))) for weight in weights)
        self._stock = stock
        self._order = order_of(stock.names, stock.packed, [Phase(sequences, shares)], seed)
        self.plan = digest([stock.digest, [str(share) for share in shares], sequences, seed])
        self.sequences = sequences
        self.sequence_tokens = stock.packed[0].sequence_tokens
        self._made: tuple[int, SequenceBlock] | None = None

    @property
    def components(self) -> list[dict[str, Any]]:
        """Return name and packed sequences of each component, by `source_id`."""
        return [
            {"name": name, "unique_sequences": packed.sequences}
            for name, packed in zip(self._stock.names, self._stock.packed, strict=True)
        ]

    def block(self, first: int, stop: int) -> SequenceBlock:
        """Return the rows [first, stop), every token copied once."""
        order = self._order.slice(first, stop - first)
        return assemble(parts_of(order, self._stock.packed), self._stock.tokens, self._stock.target)

    def window(self, first: int, stop: int) -> tuple[SequenceBlock, int, int]:
        """Return a block that holds the rows [first, stop), and which of its rows they are."""
        if self._made is None or not self._made[0] <= first <= stop <= self._made[0] + len(self._made[1].pad_len):
            self._made = first, self.block(first, max(stop, min(first + AHEAD, self.sequences)))
        low, block = self._made
        return block, first - low, stop - low

    def counts(self, rows: int) -> Counts:
        """Return what the first `rows` rows hold of each component."""
        blocks, rest = divmod(rows, COUNTED_ROWS)
        return self._counts.upto(blocks, self.block(rows - rest, rows) if rest else None)

    def epochs(self) -> dict[str, Fraction]:
        """Return how often each component is seen."""
        count = np.bincount(self._order["component"].to_numpy(), minlength=len(self._stock.names))
        packed = self._stock.packed
        pairs = zip(self._stock.names, count, packed, strict=True)
        return {name: Fraction(int(n), one.sequences) for name, n, one in pairs}

    @cached_property
    def _counts(self) -> RowCounts:
        return row_counts(self._order, self._stock.packed, self.sequence_tokens)
