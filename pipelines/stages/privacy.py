"""Replace what points to a person (identifiers, and names where a word announces them) by typed placeholders.

The same value gets the same placeholder within a document: `[EMAIL-1]`, `[NAME-2]`, numbered by kind in the order of
the text. Doses, dates that are no births, published numbers and eponyms stay. Edits tell kinds and counts
(`redact_email:2`), never a value, and `replay` makes the same text again from them. Title, chat turns, questions and
the paths of sections are treated like the text and share its numbers. Not here: what an identifier is (`privacy_kinds`,
`privacy_cued`, `privacy_names`); names that nothing announces; `extra`, references and URLs, which are bibliographic.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import field_validator

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.edits import edit_entry
from pipelines.stages.offsets import OffsetMap, remap_sections
from pipelines.stages.privacy_find import KIND_NAMES, Found, find, places
from pipelines.stages.privacy_names import words
from pipelines.stages.privacy_numbers import Bytes
from pipelines.stages.privacy_redact import PREFIX, Redaction
from sources.document import estimate_tokens

REASONS: frozenset[str] = frozenset()
COLUMNS = ("title", "text", "messages", "mcq", "sections", "edits", "tokens")


class PrivacyConfig(Settings):
    """Which kinds are replaced."""

    kinds: Annotated[tuple[str, ...], BYTES] = KIND_NAMES
    """Kinds of identifiers (email, phone, name, ...); the default is all."""

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if kind not in KIND_NAMES:
                near = get_close_matches(kind, KIND_NAMES, 1)
                raise ValueError(f"no kind of identifier {kind!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        return kinds


def redact(text: str, kinds: Collection[str] = KIND_NAMES) -> tuple[str, list[str]]:
    """Return `text` with placeholders, and the edits that made it. Idempotent."""
    redaction = Redaction(kinds)
    return redaction.of(text)[0], edit_names(redaction.counts)


def replay(text: str, names: Collection[str]) -> str:
    """Return what `redact` made of `text`, from the names that it gave. Raises KeyError for an unknown name."""
    kinds = [name.removeprefix(PREFIX).partition(":")[0] for name in names]
    unknown = sorted(set(kinds) - set(KIND_NAMES))
    if unknown:
        raise KeyError(f"no kind of identifier {unknown[0]!r}; known: {', '.join(KIND_NAMES)}")
    return redact(text, kinds)[0]


def edit_names(counts: Counter[str]) -> list[str]:
    """Return the names of edits with how many replacements each made, in the order of `KIND_NAMES`."""
    return [f"{PREFIX}{kind}:{counts[kind]}" for kind in KIND_NAMES if counts[kind]]


class Privacy:
    """The stage: rewrites the words of documents, moves `sections`, notes the edits, counts tokens anew."""

    name = "privacy"
    version = "3"
    reasons = REASONS
    writes = "documents"

    def __init__(self, config: PrivacyConfig) -> None:
        self.config = config
        self._edits = edit_entry(self.name, self.version, config, [])

    def identity(self) -> dict[str, Any]:
        """Return the settings and the digest of the words that announce people."""
        return {**self.config.identity(), "words": words().sha256}

    def apply(self, table: pa.Table) -> Batch:
        """Return every row with placeholders; a row that holds nothing keeps its values."""
        known, rows = _known(table, self.config.kinds), {}
        at_all = sorted(known)
        for at, row in zip(at_all, table.select(COLUMNS).take(pa.array(at_all, pa.int64())).to_pylist(), strict=True):
            if self._row(row, known[at]):
                rows[at] = row
        for name in COLUMNS if rows else ():
            index = table.schema.get_field_index(name)
            field = table.schema.field(index)
            table = table.set_column(index, field, _with_rows(table.column(index), name, rows, field.type))
        return Batch(table)

    def _row(self, row: dict[str, Any], known: list[Found]) -> bool:
        """Treat one row in place, its text first; says whether anything was replaced."""
        redaction = Redaction(self.config.kinds)
        text, maps = redaction.of(row["text"], known)

        def fix(value: str) -> str:
            return redaction.of(value)[0]

        messages = row["messages"] and [{**m, "content": m["content"] and fix(m["content"])} for m in row["messages"]]
        mcq, title = row["mcq"] and _mcq(row["mcq"], fix), row["title"] and fix(row["title"])
        if not redaction.counts:
            return False
        sections = [{**s, "path": s["path"] and fix(s["path"])} for s in row["sections"] or []]
        for replacements in maps:
            sections = remap_sections(sections, OffsetMap(replacements))
        if maps:
            row |= {"text": text, "tokens": estimate_tokens(text)}
        row |= {"title": title, "messages": messages, "mcq": mcq, "sections": sections}
        row["edits"] = [*(row["edits"] or []), {**self._edits, "names": edit_names(redaction.counts)}]
        return True


def _known(table: pa.Table, kinds: Collection[str]) -> dict[int, list[Found]]:
    """Return what was found in the text of each row that needs a look: by its text, its title, turns or questions."""
    known: dict[int, list[Found]] = {}
    for name in ("text", "title"):
        data, offsets = _bytes_of(table.column(name))
        for at, (start, end) in enumerate(itertools.pairwise(offsets)):
            seen = places(data[start:end])
            found = find(data[start:end].tobytes().decode(), kinds, seen=seen) if len(seen) else []
            if found:
                known.setdefault(at, found if name == "text" else [])
    for name in ("messages", "mcq"):
        column = table.column(name)
        if column.null_count < len(column):
            for at, is_there in enumerate(column.is_valid().to_pylist()):
                if is_there and at not in known:
                    known[at] = find(table.column("text")[at].as_py(), kinds)
    return known


def _bytes_of(column: pa.ChunkedArray) -> tuple[Bytes, list[int]]:
    """Return the bytes of a column of strings, and where each of them starts and the last one ends."""
    array = column.cast(pa.large_string()).combine_chunks()
    _, raw_offsets, raw = array.buffers()
    offsets = np.frombuffer(raw_offsets, np.int64)[array.offset : array.offset + len(array) + 1].tolist()
    data = np.frombuffer(raw, np.uint8) if raw is not None and raw.size else np.empty(0, np.uint8)
    data.flags.writeable = False  # one type of argument: compiled once
    return data, offsets


def _with_rows(
    column: pa.ChunkedArray, name: str, rows: Mapping[int, dict[str, Any]], kind: pa.DataType
) -> pa.ChunkedArray:
    """Return a column with the values of the changed rows; the stretches between them are not looked at."""
    pieces, done = [], 0
    for at, row in sorted(rows.items()):
        pieces += [*column.slice(done, at - done).chunks, pa.array([row[name]], kind)]
        done = at + 1
    return pa.chunked_array([*pieces, *column.slice(done).chunks], kind)


def _mcq(mcq: dict[str, Any], fix: Any) -> dict[str, Any]:
    options = mcq["options"] and [option and fix(option) for option in mcq["options"]]
    texts = {name: mcq[name] and fix(mcq[name]) for name in ("question", "explanation")}
    return {**mcq, **texts, "options": options}
