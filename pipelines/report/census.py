"""Count the kept documents of a run, source by source: documents, words, tokens, languages, ages, licences, teachers.

Everything that a card or a report says about documents comes from here, and here from committed files alone, verified
as they are read: so no figure can drift from what is on disk. Words are runs of characters between white space, of the
words that stages judge (`pipelines.stages.content`). Not here: the order of training, which the mixture's own manifests
tell (`pipelines.report.mixed`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.storage import as_buffer
from pipelines.result import Result
from pipelines.stages.content import contents
from pipelines.stages.privacy_redact import PREFIX as REDACT
from sources.rights import Rights, may_release

READ = [
    "source",
    "kind",
    "language",
    "published",
    "text",
    "messages",
    "mcq",
    "rights",
    "teacher",
    "edits",
    "tokens",
    "url",
]
UNKNOWN = "unknown"
LENGTH_BOUNDS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
"""Upper bounds of the classes of length, in estimated tokens; the last class has none."""


class Terms(NamedTuple):
    """The licence of a document, whether it may leave the house, and whether its owner reserves mining."""

    spdx: str
    released: bool
    tdm_reserved: bool


class Teacher(NamedTuple):
    """What generated a text."""

    model: str
    revision: str
    prompt: str


@dataclass(slots=True)
class Tally:
    """Counts over documents; `tokens` are estimates, which a target's own counts replace where there is a mixture."""

    documents: int = 0
    words: int = 0
    tokens: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    terms: Counter[Terms] = field(default_factory=Counter)
    attributions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By licence, attribution and evidence."""
    teachers: Counter[Teacher] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    """Documents that a stage edited, by stage."""
    redactions: Counter[str] = field(default_factory=Counter)
    """Identifiers of persons that were replaced, by kind."""
    without_url: int = 0

    @property
    def released(self) -> int:
        """Return how many documents may be published."""
        return sum(count for terms, count in self.terms.items() if terms.released)

    def add(self, other: "Tally") -> None:
        """Add the counts of another tally."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, name, mine + theirs)


def census(result: Result) -> dict[str, Tally]:
    """Return the counts of the kept documents by source, sources sorted. Raises CorruptionError."""
    tallies: dict[str, Tally] = {}
    for table in kept_documents(result, READ):
        for row in _rows(table):
            _count(tallies.setdefault(row["source"], Tally()), row, result.config["profile"])
    return dict(sorted(tallies.items()))


def total(tallies: dict[str, Tally]) -> Tally:
    """Return the sum over all sources."""
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    return whole


def kept_documents(result: Result, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield the kept documents of a run, file by file, verified."""
    for stage in result.documents:
        for ref in result.manifests[stage].files():
            reader = pa.BufferReader(as_buffer(result.storage.read(ref)))
            yield pq.read_table(reader, columns=columns, page_checksum_verification=True)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    words = [len(text.split()) for text in contents(table)]
    light = table.drop_columns(["text", "messages", "mcq"])
    for row, count in zip(light.to_pylist(), words, strict=True):
        yield row | {"words": count}


def _count(tally: Tally, row: dict[str, Any], profile: Any) -> None:
    tally.documents += 1
    tally.words += row["words"]
    tally.tokens += row["tokens"]
    tally.kinds[row["kind"]] += 1
    tally.languages[row["language"] or UNKNOWN] += 1
    tally.years[(row["published"] or "")[:4] or UNKNOWN] += 1
    tally.lengths[length_class(row["tokens"])] += 1
    rights = Rights(**row["rights"])
    tally.terms[Terms(rights.spdx, may_release(rights, profile), rights.tdm_reserved)] += 1
    tally.attributions[rights.spdx, rights.attribution, rights.evidence] += 1
    if row["teacher"]:
        tally.teachers[Teacher(*(row["teacher"][name] or UNKNOWN for name in Teacher._fields))] += 1
    tally.edits.update({edit["stage"] for edit in row["edits"] or []})
    for name in (name for edit in row["edits"] or [] for name in edit["names"] or []):
        kind, colon, count = name.removeprefix(REDACT).partition(":")
        if name.startswith(REDACT) and colon:
            tally.redactions[kind] += int(count)
    tally.without_url += not row["url"]


def length_class(tokens: int) -> int:
    """Return the number of the class of length: that of the first bound that is not passed."""
    return next((at for at, bound in enumerate(LENGTH_BOUNDS) if tokens <= bound), len(LENGTH_BOUNDS))
