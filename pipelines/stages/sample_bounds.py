"""Turn requests in tokens into bounds: which draws of each stratum are trained on, and which are held out.

All keys meet in one task. A stratum's budget is its share of the request by its tokens (exact fractions); it is filled
in order of the draws without going over, and then strata take one more document each, by largest remainder, as long as
that brings the sum nearer to the request. So the sum is within one document of the request, and each stratum within
one document of its share. A source that holds less than was asked ends the run: a smaller sample would be another
experiment. Not here: the draws (`sample`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.errors import PlanError
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.exchange import over_all_keys
from pipelines.stages.sample import SampleConfig, SourceSample

BOUNDS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("stratum", pa.string(), nullable=False),
        pa.field("last", pa.uint64()),
        pa.field("first_held_out", pa.uint64()),
    ]
)
"""Documents whose draw is at most `last` are trained on, those from `first_held_out` on are held out; null: none."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Distinct draws in ascending order, and the tokens of each."""

    name: str
    draws: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """Return the tokens of all its documents."""
        return int(self.tokens.sum())


class SampleBounds:
    """Find the bounds of every stratum of every sampled source."""

    name = "sample_bounds"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: SampleConfig) -> None:
        self._samples = config.sources

    def identity(self) -> dict[str, Any]:
        """Return the requests."""
        return {name: sample.identity() for name, sample in self._samples.items()}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the keys of every shard."""
        return over_all_keys("bounds", inputs)

    def run(self, shard: Shard) -> None:
        """Write `BOUNDS`. Raises PlanError when a source holds less than was asked of it."""
        tables = []
        for _, table in shard.documents():
            shard.kept(table)
            drawn = table.filter(pc.is_valid(table["draw"])).select(["source", "stratum", "draw", "counted"])
            tables.append(drawn)
        keys = pa.concat_tables(tables)
        shard.write(BOUNDS.empty_table())
        for name, sample in self._samples.items():
            strata = strata_of(keys.filter(pc.equal(keys["source"], name)))
            shard.write(bounds(name, sample, strata, shard.facts))


def strata_of(keys: pa.Table) -> list[Stratum]:
    """Return the strata of one source by name. Equal draws count as one document, as nothing could part them."""
    keys = keys.group_by(["stratum", "draw"]).aggregate([("counted", "sum")])
    keys = keys.take(pc.sort_indices(keys, [("stratum", "ascending"), ("draw", "ascending")]))
    names = keys["stratum"].combine_chunks()
    found = []
    for name in pc.unique(names).to_pylist():
        mine = keys.filter(pc.equal(names, name))
        found.append(Stratum(name, mine["draw"].to_numpy(), mine["counted_sum"].to_numpy()))
    return found


def bounds(source: str, sample: SourceSample, strata: list[Stratum], facts: dict[str, Any]) -> pa.Table:
    """Return `BOUNDS` of one source, and put what was asked and found into `facts`. Raises PlanError."""
    total = sum(stratum.total for stratum in strata)
    held_out = int(sample.held_out * (sample.tokens or total if sample.held_out < 1 else 1))
    asked = sample.tokens if sample.tokens is not None else max(0, total - held_out)
    if asked + held_out > total:
        raise PlanError(
            f"sample: {asked:,} tokens and {held_out:,} held out were asked of source {source}, which holds {total:,} "
            "after all other stages; ask for less, bring more of it, or drop less of it"
        )
    weights = [stratum.total for stratum in strata]
    last_ones = fill([stratum.tokens[::-1] for stratum in strata], weights, held_out)
    rest = [s.tokens[: len(s.tokens) - n] for s, n in zip(strata, last_ones, strict=True)]
    first_ones = fill(rest, weights, min(asked, sum(int(tokens.sum()) for tokens in rest)))
    facts[source] = {"asked": asked, "held_out": held_out, "strata": {}}
    rows = []
    for stratum, taken, kept_out in zip(strata, first_ones, last_ones, strict=True):
        last = int(stratum.draws[taken - 1]) if taken else None
        first = int(stratum.draws[-kept_out]) if kept_out else None
        rows.append({"source": source, "stratum": stratum.name, "last": last, "first_held_out": first})
        after = len(stratum.tokens) - kept_out
        facts[source]["strata"][stratum.name] = {
            "tokens": stratum.total,
            "sampled": int(stratum.tokens[:taken].sum()),
            "held_out": int(stratum.tokens[after:].sum()),
        }
    return pa.Table.from_pylist(rows, schema=BOUNDS)


def fill(strata: Sequence[npt.NDArray[np.int64]], weights: Sequence[int], wanted: int) -> list[int]:
    """Return how many of its first documents each stratum gives, for `wanted` tokens in all (at most what is there).

    `strata` are tokens of documents in order, `weights` decide their shares. The sum is within one document of
    `wanted`, and each stratum within one document of its share.
    """
    budgets = shares(wanted, weights, [int(tokens.sum()) for tokens in strata])
    ends = [np.cumsum(tokens) for tokens in strata]
    counts = [int(np.searchsorted(end, int(budget), "right")) for end, budget in zip(ends, budgets, strict=True)]
    sums = [int(end[n - 1]) if n else 0 for end, n in zip(ends, counts, strict=True)]
    reached = sum(sums)
    more = [at for at in range(len(strata)) if counts[at] < len(strata[at])]
    remainder = {at: (budgets[at] - sums[at]) / int(strata[at][counts[at]]) for at in more}
    for at in sorted(more, key=lambda at: (-remainder[at], at)):
        after = reached + int(strata[at][counts[at]])
        if abs(after - wanted) < abs(reached - wanted):
            counts[at] += 1
            reached = after
    return counts


def shares(wanted: int, weights: Sequence[int], limits: Sequence[int]) -> list[Fraction]:
    """Divide `wanted` by `weights`; a part above its limit gives that, and the others share what it lacks.

    `wanted` is at most the sum of the limits, and a part without weight has a limit of 0.
    """
    found = [Fraction(0)] * len(weights)
    open_ones = [at for at, weight in enumerate(weights) if weight]
    left = Fraction(wanted)
    while open_ones:
        whole = sum(weights[at] for at in open_ones)
        over = [at for at in open_ones if left * weights[at] > limits[at] * whole]
        if not over:
            for at in open_ones:
                found[at] = left * weights[at] / whole
            break
        for at in over:
            found[at] = Fraction(limits[at])
        left -= sum(limits[at] for at in over)
        open_ones = [at for at in open_ones if at not in over]
    return found
