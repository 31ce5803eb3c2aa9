"""Verdicts of reviewers as findings: a list of the documents that they judged, for `consolidate` and the report.

One task reads the files of verdicts that the run file names, and of all documents only what tells whom a verdict
concerns. A text that was made from a rejected one is rejected with it, however many steps lie between. Verdicts on
documents that are not in the run, and contradictions, are told as alarms. As the files are an input of this stage
alone, a new verdict runs this, `consolidate` and what follows, and nothing before. Not here: what a verdict may say
(`verdicts`), and dropping (`consolidate`).
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.manifest import Manifest
from pipelines.engine.settings import SPEED, Settings
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, ShardTask
from pipelines.stages.exchange import DOCUMENTS, RunFacts, Step
from pipelines.stages.verdicts import ACCEPTED, CORRECTED, Judged, judged, read_verdicts

NAME = "review"
ALL = "all"
GIVEN = pa.struct([(name, pa.string()) for name in ("reviewer", "date", "verdict", "reason", "text_sha256")])
REVIEWED = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("id", "source")]
    + [pa.field("generated", pa.bool_(), nullable=False), pa.field("rejected", pa.string(), nullable=False)]
    + [pa.field("corrections", pa.string(), nullable=False), pa.field("verdicts", pa.list_(GIVEN))]
)
"""`rejected` says why a document goes (empty: it stays); `corrections` is JSON, as in `Judged`. A text that goes only
because of what it was made from has no verdicts."""
_READ = ["id", "source", "teacher", "parents"]


class VerdictFile(Settings):
    """A file that `medmix review` wrote."""

    path: Annotated[str, Field(min_length=1), SPEED]
    """Relative to the run file; may name environment variables. The content counts, not the place."""
    optional: Annotated[bool, SPEED] = False
    """A file that is not there is left out, as nobody reviewed anything yet."""


class ReviewConfig(Settings):
    """Whose verdicts count. A rejection always decides: whoever wants a document back takes the verdict out."""

    verdicts: Annotated[tuple[VerdictFile, ...], Field(min_length=1), SPEED]


class Review:
    """Write `REVIEWED`, in order of id."""

    name = NAME
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, files: list[FileRef]) -> None:
        self._files = tuple(sorted(files, key=lambda one: one.sha256))

    def identity(self) -> dict[str, Any]:
        """Return nothing: the files are in the task."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the files, and whom they concern among all documents."""
        return [ShardTask("verdicts", {"verdicts": self._files, ALL: tuple(inputs[ALL].files())})]

    def run(self, shard: Shard) -> None:
        """Write `REVIEWED`; facts tell what a reader should know of the verdicts."""
        found = judged(read_verdicts(shard.read(ref), ref.path) for ref in shard.inputs("verdicts"))
        known = pa.concat_tables(shard.columns(ref, _READ) for ref in shard.inputs(ALL))
        own = {row["id"]: row for row in _among(known, "id", found)}
        rows = [_row(row, found[name]) for name, row in own.items()]
        made = list(_made_from(known, {row["id"]: row["rejected"] for row in rows if row["rejected"]}))
        at = {row["id"]: row for row in rows}
        for row in made:
            at.setdefault(row["id"], row)
            at[row["id"]]["rejected"] = at[row["id"]]["rejected"] or row["rejected"]
        shard.write(pa.Table.from_pylist([at[name] for name in sorted(at)], schema=REVIEWED))
        shard.facts["alarms"] = list(_alarms(found, own, len(at) - len(rows)))


def _among(known: pa.Table, column: str, names: Mapping[str, Any]) -> list[dict[str, Any]]:
    wanted = pa.array(sorted(names), pa.string())
    rows: list[dict[str, Any]] = known.filter(pc.is_in(known[column], value_set=wanted)).to_pylist()
    return rows


def _row(document: Mapping[str, Any], one: Judged | None, rejected: str = "") -> dict[str, Any]:
    return {
        "id": document["id"],
        "source": document["source"],
        "generated": document["teacher"] is not None,
        "rejected": one.rejected if one else rejected,
        "corrections": json.dumps(one.corrections if one else {}, sort_keys=True, ensure_ascii=False),
        "verdicts": [{name: getattr(v, name) for name in GIVEN.names} for v in one.verdicts] if one else [],
    }


def _made_from(known: pa.Table, rejected: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each document that was made from a rejected one, and for those made from them."""
    derived = known.filter(pc.greater(pc.fill_null(pc.list_value_length(known["parents"]), 0), 0)).to_pylist()
    gone, seen = dict(rejected), set[str]()
    while gone:
        more: dict[str, str] = {}
        for row in derived:
            parent = next((name for name in sorted(row["parents"]) if name in gone), None)
            if parent is not None and row["id"] not in seen:
                seen.add(row["id"])
                more[row["id"]] = f"made from {parent}: {gone[parent].rpartition(': ')[2]}"
                yield _row(row, None, more[row["id"]])
        gone = more


def _alarms(found: Mapping[str, Judged], own: Mapping[str, Any], made: int) -> Iterator[str]:
    if missing := len(found.keys() - own.keys()):
        yield f"review: {missing:,} of {len(found):,} reviewed documents are not in this run"
    at_odds = sum(bool(one.rejected) and any(v.verdict in (ACCEPTED, CORRECTED) for v in one.verdicts)
                  for one in found.values())  # fmt: skip
    if at_odds:
        yield f"review: {at_odds:,} documents were rejected by one reviewer and accepted by another: they go"
    if made:
        yield f"review: {made:,} documents go because they were made from rejected ones"


def locate_verdicts(files: tuple[VerdictFile, ...]) -> list[FileRef]:
    """Return the files that are there, digested. Raises ConfigError, InputError."""
    found = {}
    for one in files:
        expanded = os.path.expandvars(one.path)
        path = Path(expanded).expanduser().absolute()
        if one.optional and ("$" in expanded or not path.exists()):
            continue
        if "$" in expanded:
            raise ConfigError(f"review: verdicts {one.path!r} name a variable that is not set; export it")
        try:
            body = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"review: {path} cannot be read: {error.strerror}; `medmix review` writes it, or set `optional: true`"
            ) from error
        sha256 = hashlib.sha256(body).hexdigest()
        found[sha256] = FileRef(str(path), sha256, len(body))
    return list(found.values())


def review_steps(config: ReviewConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the one step. Raises ConfigError or InputError for a file that cannot be read."""
    return (Step(Review(locate_verdicts(config.verdicts)), {ALL: DOCUMENTS}, writes="list"),)
