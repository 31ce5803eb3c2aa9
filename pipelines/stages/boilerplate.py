"""Take out paragraphs that many documents of a source repeat and that look like boilerplate: licences, disclaimers.

Three steps: keys of the paragraphs of each document that may be boilerplate (`boilerplate_find`, which lets through
nothing clinical), a count over all documents that says which keys are repeated in how many documents of their source,
and the removal, as edits that name family and key (`remove_licence:0f3a...`), so that an auditor can `replay` them and
find each key with its counts in the list. A paragraph must be repeated and look like boilerplate and say nothing
clinical: repeated dosing advice is content. Headings stay. Not here: turns and questions; text within a line.
"""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipelines.engine.errors import StageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows, co_partitioned
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Batch, Rejected, ShardTask
from pipelines.stages.boilerplate_find import Paragraph, find, vocabularies
from pipelines.stages.edits import edit_entry
from pipelines.stages.exchange import DOCUMENTS, Resolve, RunFacts, Step
from pipelines.stages.offsets import OffsetMap, Replacement, apply_replacements, remap_sections
from sources.document import SCHEMA, estimate_tokens

NAME, KEYS, REPEATED = "boilerplate", "boilerplate_keys", "boilerplate_repeated"
FAILED = "attribute_failed"
PREFIX = "remove_"
PARAGRAPH = pa.struct([pa.field("key", pa.string()), pa.field("family", pa.string())])
KEYS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("tokens", pa.int64()),
        pa.field("paragraphs", pa.list_(PARAGRAPH)),
    ]
)
"""`paragraphs` are distinct and sorted; null where there is none."""
REPEATED_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("source", "key", "family")]
    + [(name, pa.int64()) for name in ("documents", "of")]
    + [("example", pa.string())]
)
"""A paragraph that is removed: in how many `of` so many documents of its source it stands, and the first by id."""
_CHANGED = ("text", "sections", "edits", "tokens")


class BoilerplateConfig(Settings):
    """In how many documents of a source a paragraph must stand. What may be boilerplate is told by the version."""

    min_documents: Annotated[int, Field(ge=2), BYTES] = 10
    min_share: Annotated[float, Field(ge=0, le=1), BYTES] = 0.01
    """Part of the documents of its source in which the paragraph must stand."""


class BoilerplateKeys:
    """The stage that writes for each document the keys of paragraphs that may be boilerplate."""

    name = KEYS
    version = "2"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def identity(self) -> dict[str, Any]:
        """Return the digests of the word lists."""
        return vocabularies()

    def apply(self, table: pa.Table) -> Batch:
        """Return `KEYS_SCHEMA`."""
        columns = {name: table[name] for name in ("id", "source", "tokens")}
        found = [sorted({(one.key, one.family) for one in find(text)}) for text in table["text"].to_pylist()]
        named = [[{"key": key, "family": family} for key, family in one] or None for one in found]
        columns["paragraphs"] = pa.array(named, KEYS_SCHEMA.field("paragraphs").type)
        return Batch(pa.table(columns, schema=KEYS_SCHEMA))


def resolve(keys: pa.Table, config: BoilerplateConfig) -> pa.Table:
    """Return `REPEATED_SCHEMA`, sorted; the order of `keys` and how it was batched do not matter."""
    sizes = dict(zip(*pc.value_counts(keys["source"].combine_chunks()).flatten(), strict=True))
    of = {source.as_py(): count.as_py() for source, count in sizes.items()}
    keys = keys.select(["id", "source", "paragraphs"]).combine_chunks()
    inside = keys["paragraphs"].combine_chunks()
    rows = keys.select(["id", "source"]).take(pc.list_parent_indices(inside))
    for name, column in zip(("key", "family"), pc.list_flatten(inside).flatten(), strict=True):
        rows = rows.append_column(name, column)
    counted = rows.group_by(["source", "key", "family"]).aggregate([("id", "count"), ("id", "min")]).to_pylist()
    told = [
        {"source": row["source"], "key": row["key"], "family": row["family"], "documents": row["id_count"],
         "of": of[row["source"]], "example": row["id_min"]}
        for row in counted
        if row["id_count"] >= max(config.min_documents, config.min_share * of[row["source"]])
    ]  # fmt: skip
    told.sort(key=lambda row: (row["source"], row["key"]))
    return pa.Table.from_pylist(told, schema=REPEATED_SCHEMA)


class RemoveBoilerplate:
    """Rewrite each document without the paragraphs that its source repeats."""

    name = NAME
    version = "2"
    reasons = frozenset({FAILED})

    def __init__(self, config: BoilerplateConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the digests of the word lists; what is repeated is an input."""
        return vocabularies()

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard of documents, with its keys and the whole list."""
        tasks = []
        for task in co_partitioned({role: inputs[role] for role in (DOCUMENTS, KEYS)}):
            tasks.append(ShardTask(task.shard, {**task.inputs, REPEATED: tuple(inputs[REPEATED].files())}))
        return tasks

    def run(self, shard: Shard) -> None:
        """Keep every document, changed or not; one whose keys could not be found is quarantined."""
        keys = pa.concat_tables([shard.table(ref) for ref in shard.inputs(KEYS)])
        repeated: dict[str, set[str]] = {}
        for table in shard.tables(REPEATED):
            for source, key in zip(table["source"].to_pylist(), table["key"].to_pylist(), strict=True):
                repeated.setdefault(source, set()).add(key)
        wrote = False
        for rows, table in shard.documents():
            beside = keys.slice(rows.start, len(rows))
            if not beside["id"].equals(table["id"]):
                raise StageError(f"{NAME}, shard {shard.task.shard}: the keys are not those of the documents")
            kept = pa.array([why is None for why in beside["failed"].to_pylist()], pa.bool_())
            for row, why in enumerate(beside["failed"].to_pylist()):
                if why is not None:
                    shard.reject_row(table.slice(row, 1), Rejected(FAILED, f"{KEYS}: {why}", quarantine=True))
            shard.kept(table.filter(kept))
            cleaned = self._cleaned(table.filter(kept), beside.filter(kept), repeated)
            shard.wrote(cleaned)
            if cleaned.num_rows:
                shard.write(cleaned)
                wrote = True
        if not wrote:
            shard.write(SCHEMA.empty_table())

    def _cleaned(self, table: pa.Table, keys: pa.Table, repeated: Mapping[str, set[str]]) -> pa.Table:
        """Return the documents without what is repeated; columns are made anew only where something goes."""
        known = zip(keys["source"].to_pylist(), keys["paragraphs"].to_pylist(), strict=True)
        wanted = [{one["key"] for one in found or ()} & repeated.get(source, set()) for source, found in known]
        if not any(wanted):
            return table
        rows = table.select(_CHANGED).to_pylist()
        for row, named in zip(rows, wanted, strict=True):
            if named:
                self._row(row, named)
        for name in _CHANGED:
            index = table.schema.get_field_index(name)
            field = table.schema.field(index)
            table = table.set_column(index, field, pa.array([row[name] for row in rows], field.type))
        return table

    def _row(self, row: dict[str, Any], named: set[str]) -> None:
        text, cuts, gone = without(row["text"], named)
        sections = [
            s for s in row["sections"] or [] if not any(c.start <= s["start"] and s["end"] <= c.end for c in cuts)
        ]
        row |= {"text": text, "tokens": estimate_tokens(text), "sections": remap_sections(sections, OffsetMap(cuts))}
        names = [f"{PREFIX}{one.family}:{one.key}" for one in gone]
        row["edits"] = [*(row["edits"] or []), edit_entry(NAME, self.version, self.config, names)]


def without(text: str, keys: Collection[str]) -> tuple[str, list[Replacement], list[Paragraph]]:
    """Return a text without the paragraphs that have one of `keys`, what was cut, and what it was.

    The blank lines after a paragraph go with it, before it at the end of the text.
    """
    gone = [one for one in find(text) if one.key in keys]
    cuts: list[Replacement] = []
    for one in gone:
        after = text[one.end :]
        start, end = one.start, one.end + len(after) - len(after.lstrip())
        end = text.rfind("\n", one.end - 1, end) + 1 if end < len(text) else end  # the indent of what follows stays
        if cuts and start <= cuts[-1].end:
            start = cuts.pop().start
        if end == len(text):
            start = len(text[:start].rstrip())
        cuts.append(Replacement(start, end, ""))
    return apply_replacements(text, cuts), cuts, gone


def replay(text: str, names: Collection[str]) -> str:
    """Return what the stage made of `text`, from the names of its edits. Raises KeyError for another name."""
    for name in names:
        if not (name.startswith(PREFIX) and ":" in name):
            raise KeyError(f"{name!r} is no edit of {NAME}; they read {PREFIX}FAMILY:KEY")
    return without(text, {name.partition(":")[2] for name in names})[0]


def boilerplate_steps(config: BoilerplateConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the three steps: keys beside the documents, what is repeated in all of them, and removal."""
    roles = {DOCUMENTS: DOCUMENTS, KEYS: KEYS, REPEATED: REPEATED}
    return (
        Step(Rows(BoilerplateKeys())),
        Step(Resolve(REPEATED, "1", partial(resolve, config=config), config.identity()), {"keys": KEYS}),
        Step(RemoveBoilerplate(config), roles, writes="documents"),
    )
