"""The documents that a report shows: a stratified sample of the kept ones, and a few of those that each reason took.

A stratum is a source with the first disease group and the first region that a document is about, and whether a model
generated it; strata take turns, within one the smallest hash of the id comes first, so the sample depends on nothing
but the run. The text as its source gave it is found again in the extraction, to be put beside what is kept. In a
report, which is a file that people send, a text is shown when its licence allows to pass it on; a reviewer sees all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.hashing import digest, sha256_bytes
from pipelines.engine.storage import as_buffer
from pipelines.report.census import kept_documents
from pipelines.report.edits_shown import SHOWN_CHARS, marked
from pipelines.report.slices import covered
from pipelines.result import Result, read_plan
from pipelines.stages.content import content
from pipelines.stages.coverage import AXES

SAMPLE = 200
A_REASON = 3
NOTHING = "none"
HIDDEN = "The text is not shown: its licence does not allow to pass it on."
EXCERPT_CHARS = 400
UNSHOWN = frozenset(("removal_requested", "rights", "reference_only", "held_out", "contaminated"))
"""Reasons for which no text is shown, whatever its licence: somebody asked, or it is of a test set."""
_LIGHT = ["id", "source", "key", "kind", "language", "title", "url", "published", "retrieved", "release", "rights",
          "edits", "teacher", "tokens", "parents"]  # fmt: skip
_WORDS = ["text", "messages", "mcq"]


class Stratum(NamedTuple):
    """What the sample is balanced over."""

    source: str
    disease: str
    region: str
    generated: bool


class Look(NamedTuple):
    """Who looks: of a file that people send only what its licence lets pass on, in the house everything, and more."""

    in_house: bool
    chars: int


SENT = Look(False, SHOWN_CHARS)
IN_HOUSE = Look(True, 20_000)


def sample(result: Result, size: int = SAMPLE, look: Look = SENT) -> list[dict[str, Any]]:
    """Return `size` kept documents as the page shows them. Raises CorruptionError."""
    found = _covered(result)
    strata: dict[Stratum, list[str]] = defaultdict(list)
    for table in kept_documents(result, ["id", "source", "teacher"]):
        for row in table.to_pylist():
            first = {axis: (found.get(row["id"], {}).get(axis) or [NOTHING])[0] for axis in ("disease", "region")}
            strata[Stratum(row["source"], **first, generated=row["teacher"] is not None)].append(row["id"])
    chosen = _chosen(strata, size)
    wanted = pa.array(chosen, pa.string())
    before = {row["id"]: _words(row) for name in result.manifests if name.startswith("extract-")
              for row in _among(result, name, wanted, ["id", *_WORDS])}  # fmt: skip
    rows = {row["id"]: row for name in result.documents for row in _among(result, name, wanted, [*_LIGHT, *_WORDS])}
    return [_told(rows[name], before.get(name), found.get(name), look) for name in chosen]


def _chosen(strata: Mapping[Stratum, list[str]], size: int) -> list[str]:
    """Return ids: sources take turns, and within each its strata."""
    of_source: dict[str, list[list[str]]] = defaultdict(list)
    for stratum in sorted(strata):
        of_source[stratum.source].append(sorted(strata[stratum], key=digest))
    return _in_turn([_in_turn(lists) for lists in of_source.values()])[:size]


def _in_turn(lists: list[list[str]]) -> list[str]:
    """Take one of each list in turn until nothing is left."""
    longest = max(map(len, lists), default=0)
    return [one[at] for at in range(longest) for one in lists if at < len(one)]


def _told(row: dict[str, Any], before: str | None, found: Mapping[str, Any] | None, look: Look) -> dict[str, Any]:
    rights = row["rights"]
    may = look.in_house or rights["redistribute"]
    cleaned = _words(row)
    told = {name: row[name] for name in _LIGHT if name not in ("rights", "edits", "teacher")}
    told |= {"licence": rights["spdx"], "attribution": rights["attribution"], "evidence": rights["evidence"]}
    told["edits"] = [f"{e['stage']}@{e['version']}: {', '.join(e['names'] or [])}" for e in row["edits"] or []]
    told["teacher"] = row["teacher"] and f"{row['teacher']['model']} {row['teacher']['revision'] or ''}".strip()
    told["slices"] = [f"{axis}:{one}" for axis in AXES for one in (found or {}).get(axis) or []]
    told["chars"], told["sha256"] = len(cleaned), sha256_bytes(cleaned.encode())
    original = before if before is not None else cleaned
    told["marks"] = marked(original, cleaned, look.chars) if may else [("=", HIDDEN)]
    told["whole"] = may and len(cleaned) <= look.chars
    told["made"] = "by a model" if row["teacher"] else "by people"
    told["compared"] = may and before is not None
    return told


def dropped(result: Result) -> list[dict[str, Any]]:
    """Return up to `A_REASON` rejected records of each stage and reason, with the beginning of the text if allowed."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for name, manifest in result.manifests.items():
        for ref in manifest.files("rejects"):
            for row in _read(result, ref, None).to_pylist():
                found[name, row["reason"]].append({**row, "stage": name})
    chosen = [
        row
        for rows in found.values()
        for row in sorted(rows, key=lambda row: digest([row["source"], row["key"]]))[:A_REASON]
    ]
    texts = _texts_of_dropped(result, chosen)
    for row in chosen:
        found_text = texts.get((row["stage"], row["source"], row["key"]), "There is no text: the record was not read.")
        row["text"] = f"The text is not shown: {row['reason']}." if row["reason"] in UNSHOWN else found_text
    return chosen


def _texts_of_dropped(result: Result, rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Return excerpts by stage, source and key, found in what the stage read."""
    plan = read_plan(result.storage) or {"stages": []}
    reads = {stage["name"]: stage["inputs"].get("documents", []) for stage in plan["stages"]}
    texts = {}
    for name in dict.fromkeys(row["stage"] for row in rows):
        keys = pa.array([row["key"] for row in rows if row["stage"] == name])
        for upstream in reads.get(name, []):
            for row in _among(result, upstream, keys, ["source", "key", "rights", *_WORDS], by="key"):
                words = " ".join(_words(row).split())
                shown = words[:EXCERPT_CHARS] + ("..." if len(words) > EXCERPT_CHARS else "")
                texts[name, row["source"], row["key"]] = shown if row["rights"]["redistribute"] else HIDDEN
    return texts


def _covered(result: Result) -> dict[str, dict[str, Any]]:
    table = covered(result.storage, result.manifests).select(["id", *AXES])
    return {row["id"]: row for row in table.to_pylist()}


def _among(
    result: Result, stage: str, wanted: pa.Array, columns: list[str], by: str = "id"
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a stage's documents whose `by` is wanted."""
    for ref in result.manifests[stage].files():
        if ref.rows:
            table = _read(result, ref, columns)
            yield from table.filter(pc.is_in(table[by], value_set=wanted)).to_pylist()


def _read(result: Result, ref: Any, columns: list[str] | None) -> pa.Table:
    reader = pa.BufferReader(as_buffer(result.storage.read(ref)))
    return pq.read_table(reader, columns=columns, page_checksum_verification=True)


def _words(row: Mapping[str, Any]) -> str:
    return content(row["text"], row["messages"], row["mcq"])
