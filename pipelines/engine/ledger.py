"""The conservation law: what goes into a stage is kept, dropped or quarantined, for records and for tokens.

Counts are kept per source, added up from shards to stages, and checked at every commit: a stage that forgets a
record cannot commit. `tokens` on the input side are the input's own counts, so the law holds for stages that
rewrite text too; `records_out` and `tokens_out` say what was written and are what the next stage must find.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine.errors import StageError


@dataclass(slots=True)
class Counts:
    """Counts of one source in one shard or stage; reasons are those the stage declared."""

    records_in: int = 0
    tokens_in: int = 0
    records_kept: int = 0
    tokens_kept: int = 0
    records_out: int = 0
    tokens_out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_tokens: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    quarantined_tokens: Counter[str] = field(default_factory=Counter)

    def imbalance(self) -> tuple[int, int]:
        """Return (records, tokens) that went in and came out as none of the three outcomes."""
        records = self.records_in - self.records_kept - self.dropped.total() - self.quarantined.total()
        tokens = self.tokens_in - self.tokens_kept - self.dropped_tokens.total() - self.quarantined_tokens.total()
        return records, tokens

    def add(self, other: "Counts") -> None:
        """Add `other` to these counts."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(theirs)  # `+` would lose reasons whose records hold no tokens
            else:
                setattr(self, name, mine + theirs)

    def reasons(self) -> set[str]:
        """Return every reason given."""
        return {*self.dropped, *self.dropped_tokens, *self.quarantined, *self.quarantined_tokens}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, reasons sorted."""
        return {n: dict(sorted(v.items())) if isinstance(v := getattr(self, n), Counter) else v for n in self.__slots__}


@dataclass(slots=True)
class Ledger:
    """Counts per source, and free counters that a stage adds for the reader (never part of the law)."""

    sources: dict[str, Counts] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)

    def of(self, source: str) -> Counts:
        """Return the counts of `source`, made on first use."""
        return self.sources.setdefault(source, Counts())

    def add(self, other: "Ledger") -> None:
        """Add the counts of another shard."""
        for source, counts in other.sources.items():
            self.of(source).add(counts)
        self.counters.update(other.counters)

    def total(self) -> Counts:
        """Return the sum over all sources."""
        total = Counts()
        for counts in self.sources.values():
            total.add(counts)
        return total

    def check(self, where: str, reasons: frozenset[str]) -> None:
        """Raise StageError when the law does not hold or a reason was not declared."""
        for source, counts in self.sources.items():
            records, tokens = counts.imbalance()
            if records or tokens:
                raise StageError(
                    f"{where}: conservation does not hold for source {source!r}: {records} records and {tokens} tokens "
                    "are neither kept, dropped nor quarantined; this is a defect of the stage, please report it"
                )
            for reason in sorted(counts.reasons() - reasons):
                raise StageError(
                    f"{where}: reason {reason!r} is not declared by the stage (declared: {sorted(reasons)})"
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values in sorted order."""
        return {
            "sources": {source: self.sources[source].to_json() for source in sorted(self.sources)},
            "counters": dict(sorted(self.counters.items())),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Ledger":
        """Return the ledger that `to_json` wrote."""
        sources = {}
        for source, counts in value["sources"].items():
            plain: dict[str, Any] = {n: Counter(v) if isinstance(v, dict) else v for n, v in counts.items()}
            sources[source] = Counts(**plain)
        return cls(sources, Counter(value["counters"]))
