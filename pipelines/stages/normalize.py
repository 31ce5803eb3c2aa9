"""Normalise the text of documents by named, ordered, replayable edits that keep every clinical fact.

`normalize` says which edits changed something and where every offset went; `replay` makes the same text again
from those names alone, which is how an auditor checks an edit years later. A text that needs nothing costs one
scan. Chat turns and the fields of an MCQ are treated like the text. It does not judge, drop, fold case, touch
punctuation, markup or special tokens, and it never applies NFKC.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import pyarrow as pa

from pipelines.engine.settings import Settings
from pipelines.engine.stage import Batch
from pipelines.stages.edits import edit_entry
from pipelines.stages.normalize_edits import EDITS, needs_nothing
from pipelines.stages.offsets import OffsetMap, apply_replacements, remap_sections
from sources.document import estimate_tokens

REASONS: frozenset[str] = frozenset()
COLUMNS = ("text", "messages", "mcq", "sections", "edits", "tokens")


class NormalizeConfig(Settings):
    """Normalising has no settings: what it does is told by its version."""


class Normalized(NamedTuple):
    """A normalised text, the edits that changed something, and the way from old offsets to new ones."""

    text: str
    names: list[str]
    maps: list[OffsetMap]

    def sections(self, sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return `sections` of the old text at their offsets in the new one."""
        for offsets in self.maps:
            sections = remap_sections(sections, offsets)
        return sections


def _edit(text: str, names: Collection[str]) -> Normalized:
    changed: list[str] = []
    maps: list[OffsetMap] = []
    for name, find in EDITS.items():
        replacements = list(find(text)) if name in names else []
        if replacements:
            text = apply_replacements(text, replacements)
            changed.append(name)
            maps.append(OffsetMap(replacements))
    return Normalized(text, changed, maps)


def normalize(text: str) -> Normalized:
    """Return `text` after every edit of `EDITS`, in order. Idempotent."""
    return Normalized(text, [], []) if needs_nothing(text) else _edit(text, EDITS.keys())


def replay(text: str, names: Collection[str]) -> str:
    """Return what `normalize` made of `text`, from the names that it gave. Raises KeyError for an unknown name."""
    unknown = sorted(set(names) - EDITS.keys())
    if unknown:
        raise KeyError(f"no edit named {unknown[0]!r}; known: {', '.join(EDITS)}")
    return _edit(text, names).text


class Normalize:
    """The stage: rewrites `text`, `messages` and `mcq`, moves `sections`, notes the edits, counts tokens anew."""

    name = "normalize"
    version = "1"
    reasons = REASONS
    writes = "documents"

    def __init__(self, config: NormalizeConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes: none."""
        return self.config.identity()

    def apply(self, table: pa.Table) -> Batch:
        """Return every row, normalised; a row that needs nothing keeps its values."""
        columns = {name: table.column(name).to_pylist() for name in COLUMNS}
        changed = False
        for row in range(table.num_rows):
            changed |= self._row(columns, row)
        if changed:
            for name, values in columns.items():
                index = table.schema.get_field_index(name)
                field = table.schema.field(index)
                table = table.set_column(index, field, pa.array(values, type=field.type))
        return Batch(table)

    def _row(self, columns: dict[str, list[Any]], row: int) -> bool:
        names: set[str] = set()

        def fix(text: str) -> str:
            done = normalize(text)
            names.update(done.names)
            return done.text

        done = normalize(columns["text"][row])
        names.update(done.names)
        messages = _messages(columns["messages"][row], fix)
        mcq = _mcq(columns["mcq"][row], fix)
        if not names:
            return False
        if done.names:
            columns["text"][row] = done.text
            columns["sections"][row] = done.sections(columns["sections"][row] or [])
            columns["tokens"][row] = estimate_tokens(done.text)
        columns["messages"][row], columns["mcq"][row] = messages, mcq
        entry = edit_entry(self.name, self.version, self.config, [name for name in EDITS if name in names])
        columns["edits"][row] = [*(columns["edits"][row] or []), entry]
        return True


def _messages(messages: list[dict[str, Any]] | None, fix: Callable[[str], str]) -> list[dict[str, Any]] | None:
    return messages and [{**m, "content": fix(m["content"])} if m["content"] else m for m in messages]


def _mcq(mcq: dict[str, Any] | None, fix: Callable[[str], str]) -> dict[str, Any] | None:
    """Return the MCQ with question, options and explanation treated; labels (split, subject) are left alone."""
    if not mcq:
        return mcq
    options = mcq["options"] and [option and fix(option) for option in mcq["options"]]
    texts = {name: mcq[name] and fix(mcq[name]) for name in ("question", "explanation")}
    return {**mcq, **texts, "options": options}
