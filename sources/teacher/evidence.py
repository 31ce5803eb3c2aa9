"""The evidence of a generation: passages of those kept documents of a run that a teacher may be shown.

One shard for each shard of kept documents. Documents of other kinds do not come in; those that may not be shown are
dropped with the reason, and so are those of which no passage is left. What a kept document supersedes is listed
beside, so that an older version is no evidence anywhere, whichever shard it lies in. Reading it back gives one index
for a process, whatever the number of shards that need it. Not here: cutting (`passages`) and finding (`retrieve`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from pipelines.engine.manifest import Manifest, ShardRecord
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask
from sources.derived_rights import conflict
from sources.document import RIGHTS_TYPE, estimate_tokens
from sources.rights import Profile, Rights, conjunction
from sources.teacher import eligible
from sources.teacher.injection import WORDINGS
from sources.teacher.passages import Passage, cut
from sources.teacher.retrieve import Index

NAME = "evidence"
OLDER = "superseded"
NO_PASSAGE = "no_passage"
_READ = (
    "id",
    "source",
    "key",
    "kind",
    "title",
    "text",
    "sections",
    "rights",
    "retracted",
    "supersedes",
    "mcq",
    "extra",
)
_PASSAGES = pa.schema(
    [
        *((name, pa.string()) for name in ("document", "title", "path", "text")),
        *((name, pa.int32()) for name in ("start", "end")),
        ("rights", RIGHTS_TYPE),
    ]
)
_OLDER = pa.schema([("document", pa.string())])
_CANDIDATES = 4
"""How many passages are looked at for each that is wanted, as some may not stand beside the others by their terms."""


class GatherEvidence:
    """Writes the passages of each shard of kept documents."""

    name = NAME
    version = "1"
    reasons = frozenset({*eligible.REASONS, NO_PASSAGE})

    def __init__(self, kept: Sequence[ShardRecord], root: str, kinds: Sequence[str], profile: Profile) -> None:
        """`kept` are shards of the run at `root`."""
        self._kept, self._root, self._kinds, self._profile = kept, root, tuple(kinds), profile

    def identity(self) -> dict[str, Any]:
        """Return what decides which documents may be shown."""
        return {"kinds": list(self._kinds), "profile": self._profile, "wordings": WORDINGS}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of kept documents."""
        return [ShardTask(one.shard, {"kept": (kept_file(one, self._root),)}) for one in self._kept]

    def run(self, shard: Shard) -> None:
        """Cut the documents of a shard."""
        shard.write(_PASSAGES.empty_table())
        for row in rows_of(shard, "kept", _READ):
            if row["supersedes"]:
                shard.write_aside(pa.Table.from_pylist([{"document": row["supersedes"]}], schema=_OLDER), OLDER)
            if row["kind"] in self._kinds:
                self._cut(shard, row)

    def _cut(self, shard: Shard, row: Mapping[str, Any]) -> None:
        counts, tokens = shard.count(row["source"]), estimate_tokens(row["text"])
        counts.records_in += 1
        counts.tokens_in += tokens
        found = cut(row)
        for family, number in found.left_out.items():
            shard.ledger.counters[f"passages left out: {family}"] += number
        why = eligible.why_not_shown(row, self._profile) or (None if found.passages else NO_PASSAGE)
        if why:
            shard.reject(row["source"], row["key"], tokens, Rejected(why))
            return
        counts.records_kept += 1
        counts.tokens_kept += tokens
        rows = [
            {name: getattr(one, name) for name in Passage.__slots__} | {"rights": row["rights"]}
            for one in found.passages
        ]
        counts.records_out += len(rows)
        counts.tokens_out += sum(estimate_tokens(one.text) for one in found.passages)
        shard.write(pa.Table.from_pylist(rows, schema=_PASSAGES))


@dataclass(frozen=True)
class Evidence:
    """Passages that can be found, the rights of their documents, and the ids of documents that newer ones supersede."""

    index: Index
    rights: Mapping[str, Rights]
    superseded: frozenset[str]

    def bears_on(self, question: str, own: Rights, count: int) -> list[Passage]:
        """Return the best passages that may stand beside the question in one derived text."""
        chosen: list[Passage] = []
        for passage in self.index.find(question, count * _CANDIDATES):
            terms = {own.spdx, *(self.rights[one.document].spdx for one in (*chosen, passage))}
            if len(chosen) < count and not _clash(tuple(sorted(terms))):
                chosen.append(passage)
        return chosen


@lru_cache(maxsize=4096)
def _clash(terms: tuple[str, ...]) -> str:
    return conflict(conjunction(terms))


_built: dict[tuple[str, ...], Evidence] = {}


def read_evidence(shard: Shard) -> Evidence:
    """Return the evidence that a task is given, built once for each process."""
    key = tuple(ref.sha256 for role in (NAME, OLDER) for ref in shard.inputs(role))
    if key not in _built:
        _built.clear()
        older = frozenset(row["document"] for ref in shard.inputs(OLDER) for row in shard.table(ref).to_pylist())
        rows = [
            row for ref in shard.inputs(NAME) for row in shard.table(ref).to_pylist() if row["document"] not in older
        ]
        rights = {row["document"]: Rights(**row["rights"]) for row in rows}
        passages = [Passage(**{name: row[name] for name in Passage.__slots__}) for row in rows]
        _built[key] = Evidence(Index(passages), rights, older)
    return _built[key]


def kept_file(record: ShardRecord, root: str) -> FileRef:
    """Return the file of a shard of the run at `root`, as any folder's storage can read it."""
    ref = record.main
    return FileRef(f"{root}/{ref.path}", ref.sha256, ref.size_bytes, ref.rows, ref.tokens)


def rows_of(shard: Shard, role: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a role's files, with the named columns."""
    for ref in shard.inputs(role):
        yield from shard.columns(ref, list(names)).to_pylist()
