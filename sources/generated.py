"""Documents that `medmix generate` made, as a source of a run: read as they are, with all they know of themselves.

The files are those that the generation's manifests list, with size and sha256 checked, and their rows have the schema
of the record; so ids, parents, rights, teacher and turns pass through unchanged, and no parser is needed. A document
that was made from a removed one goes with it, as far as its id was named. Not here: which files (`pipelines.plan`),
duplicates and contamination (stages of every run).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipelines.engine.errors import InputError
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask
from sources.catalog import SourceConfig
from sources.document import SCHEMA, bare_name, names_of
from sources.removal import REASON

PARSER = "generated"


class ReadGenerated:
    """Reads the accepted documents of a generation; a shard is a file."""

    version = "1"
    reasons = frozenset({REASON})

    def __init__(self, config: SourceConfig, files: Sequence[tuple[str, FileRef]]) -> None:
        """`files` are names of shards and absolute paths."""
        self.config = config
        self.name = f"extract-{config.name}"
        self.left_out: frozenset[str] = frozenset()  # names of documents, which the plan learns last
        self._files = tuple(files)

    def identity(self) -> dict[str, Any]:
        """Return the source's declaration; the files are in each task."""
        return {"source": self.config.identity(), "removed": sorted(map(bare_name, self.left_out))}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a file."""
        return [ShardTask(f"{self.config.name}-{name}", {"made": (ref,)}) for name, ref in self._files]

    def run(self, shard: Shard) -> None:
        """Pass the rows on. Raises InputError for files of another source or schema."""
        shard.write(SCHEMA.empty_table())
        for ref in shard.inputs("made"):
            table = shard.table(ref)
            if not table.schema.equals(SCHEMA):
                raise InputError(f"{ref.path}: not the schema of this version's documents; generate them again")
            if others := sorted(set(table["source"].to_pylist()) - {self.config.name}):
                raise InputError(f"{ref.path}: holds documents of {others[0]!r}; give the source that name")
            shard.arrived(table)
            kept = self._without_removed(shard, table)
            shard.kept(kept)
            shard.wrote(kept)
            shard.write(kept)

    def _without_removed(self, shard: Shard, table: pa.Table) -> pa.Table:
        removed = frozenset(map(bare_name, self.left_out))
        keep = []
        for index, row in enumerate(table.select(["id", "key", "url", "identifiers", "parents"]).to_pylist()):
            names = names_of(row) | {bare_name(parent) for parent in row["parents"] or []}
            if removed.isdisjoint(names):
                keep.append(index)
            else:
                shard.reject_row(table.slice(index, 1), Rejected(REASON, "named in the run file"))
        return table.take(pa.array(keep, pa.int64()))
