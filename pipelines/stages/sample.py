"""Sample sources by tokens: settings, and the key by which each document waits its turn.

Replay is a sample of a general corpus that is large beside it. Every document gets a number drawn from the run's seed
and its id alone; within a stratum (documents with one value of a declared field) those with the smallest numbers are
taken until the stratum's budget is full, those with the largest are held out to measure forgetting (priority sampling:
Duffield, Lund and Thorup, 2007, with equal weights). So neither shards nor workers nor batches matter, a larger sample
holds the smaller one, and what is held out stays so whatever is asked for. Not here: budgets (`sample_bounds`), and
taking (`sample_apply`).
"""

import json
import re
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import Field, field_validator

from pipelines.engine.hashing import derive_seed
from pipelines.engine.settings import BYTES, SPEED, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.exchange import TokenCount

FOLDER = "folder"
EXTRA = "extra."
COLUMNS = ("kind", "language", "release", "published")
KEYS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("stratum", pa.string()),
        pa.field("draw", pa.uint64()),
        pa.field("counted", pa.int64()),
        pa.field("tokens", pa.int64()),
    ]
)
"""`counted` are the tokens that the request is about, `tokens` the documents' own estimate, which the account keeps."""


class SourceSample(Settings):
    """What to take of one source, in tokens of the sample's `target`, else of the estimate."""

    tokens: Annotated[int | None, Field(gt=0), BYTES] = None
    """Tokens to train on; null takes all that is not held out."""
    by: Annotated[str | None, BYTES] = None
    """Field whose values keep their share: kind, language, release, published, extra.NAME, or `folder` of the file."""
    held_out: Annotated[Decimal, Field(ge=0), BYTES] = Decimal(0)
    """Tokens kept out of training beside those; below 1, a share of `tokens` (of all there is when that is null)."""

    @field_validator("by")
    @classmethod
    def _known(cls, by: str | None) -> str | None:
        if by not in (None, *COLUMNS, FOLDER) and not re.fullmatch(r"extra\..+", str(by)):
            raise ValueError(f"{by!r} is none of {', '.join((*COLUMNS, FOLDER))} and extra.NAME")
        return by

    @field_validator("held_out")
    @classmethod
    def _share_or_tokens(cls, value: Decimal) -> Decimal:
        if value >= 1 and value != value.to_integral_value():
            raise ValueError("from 1 on this is a number of tokens, so it must be whole; below 1 it is a share")
        return value


class SampleConfig(Settings):
    """Samples of sources; a source that is not named passes whole."""

    sources: Annotated[dict[str, SourceSample], Field(min_length=1), BYTES]
    target: Annotated[str | None, BYTES] = None
    """Count tokens of this target (a file of `configs/targets/` by name, or a path) instead of estimating them."""
    tokenizer: Annotated[str | None, SPEED] = None
    """Path of the target's tokenizer.json on this machine; its digest is part of the identity."""


class Estimate:
    """The documents' own estimate (`sources.document.estimate_tokens`)."""

    def identity(self) -> dict[str, Any]:
        """Return that nothing decides it but the documents."""
        return {"tokens": "estimate"}

    def __call__(self, table: pa.Table) -> pa.Array:
        """Return the column `tokens`."""
        return table["tokens"].combine_chunks()


class SampleKeys:
    """Write for each document what the budgets need to know of it: stratum, draw and tokens."""

    name = "sample_keys"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, config: SampleConfig, seed: int, count: TokenCount | None = None) -> None:
        self._strata = {name: sample.by for name, sample in config.sources.items()}
        self._seed = seed
        self._count = count or Estimate()

    def identity(self) -> dict[str, Any]:
        """Return the seed, the fields that make strata, and how tokens are counted."""
        return {"seed": self._seed, "by": self._strata, "count": self._count.identity()}

    def apply(self, table: pa.Table) -> Batch:
        """Return `KEYS`: for a source that is not sampled, draw and stratum are null and nothing is counted."""
        sources = table["source"].to_pylist()
        wanted = pa.array([source in self._strata for source in sources], pa.bool_())
        counted = self._count(table.filter(wanted))
        rows = pc.if_else(wanted, pc.subtract(pc.cumulative_sum(pc.cast(wanted, pa.int64())), 1), None)
        draws = [self._draw(*pair) for pair in zip(sources, table["id"].to_pylist(), strict=True)]
        columns = [
            table["id"],
            table["source"],
            pa.array(self._stratum_of(table, sources), pa.string()),
            pa.array(draws, pa.uint64()),
            pc.cast(counted, pa.int64()).take(rows),
            table["tokens"],
        ]
        return Batch(pa.table(columns, schema=KEYS))

    def _draw(self, source: str, document: str) -> int | None:
        if source not in self._strata:
            return None
        return xxhash.xxh3_64_intdigest(document.encode(), seed=source_seed(self._seed, source))

    def _stratum_of(self, table: pa.Table, sources: list[str]) -> list[str | None]:
        beside = {name: table[name].to_pylist() for name in ("key", "extra", *COLUMNS)}
        return [
            _value(self._strata[source], {name: values[row] for name, values in beside.items()})
            if source in self._strata
            else None
            for row, source in enumerate(sources)
        ]


def source_seed(seed: int, source: str) -> int:
    """Return the seed of a source's draws."""
    return derive_seed("sample", seed, source)


def _value(by: str | None, row: dict[str, Any]) -> str:
    """Return the stratum of a document; one that lacks the field is of the stratum without a name."""
    if by is None:
        return ""
    if by == FOLDER:
        return str(row["key"]).partition("#")[0].partition("!")[0].rpartition("/")[0]
    if by in COLUMNS:
        return row[by] or ""
    found = json.loads(row["extra"] or "{}").get(by.removeprefix(EXTRA), "")
    return found if isinstance(found, str) else json.dumps(found, sort_keys=True)
