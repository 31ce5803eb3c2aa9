"""Gather the items of all benchmarks of a run, and commit them as one reference index.

Two steps: the items that documents for reference hold are written beside every shard; one task joins them with the
items of the files that the run file names, and builds the index. Names and contents of the files decide its bytes;
their order in the run file does not, nor where they lie. A file without an item ends the run with its name.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.manifest import Manifest
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Batch, FileRef, ShardTask
from pipelines.stages.contamination_files import Read, Reference, read_reference
from pipelines.stages.contamination_index import ordered, to_arrow
from pipelines.stages.contamination_items import Item, Part, item_of

INDEX = "index"
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("tokens", pa.int64()),
        pa.field("key", pa.string()),
        pa.field("ids", pa.list_(pa.string())),
        pa.field("parts", pa.list_(pa.struct([("kind", pa.string()), ("text", pa.string())]))),
    ]
)
_READ = ("id", "source", "tokens", "key", "identifiers", "extra", "text", "messages", "mcq")


class DecontaminateConfig(Settings):
    """Which benchmarks must not be trained on, beside the documents of the run that are for reference only."""

    references: Annotated[tuple[Reference, ...], BYTES] = ()


class ReferenceFile(NamedTuple):
    """A file of a benchmark, digested."""

    reference: Reference
    file: FileRef


class ItemRows:
    """The stage that writes for each document for reference the parts of its item."""

    name = "decontaminate_items"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def identity(self) -> dict[str, Any]:
        """Return nothing: what is for reference is told by the documents."""
        return {}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`, one row a document; documents to train on have no parts."""
        return Batch(pa.Table.from_pylist([_row(row) for row in table.select(_READ).to_pylist()], schema=SCHEMA))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: row[name] for name in ("id", "source", "tokens", "key")}
    item = item_of(row)
    return given | ({"ids": item.ids, "parts": [part._asdict() for part in item.parts]} if item else {})


class BuildIndex:
    """Build the reference index from the items of all documents and of the files."""

    name = "decontaminate_index"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, files: list[ReferenceFile], left_out: list[str]) -> None:
        self._files = sorted(files, key=lambda one: (one.reference.benchmark, one.file.sha256))
        self._left_out = sorted(left_out)

    def identity(self) -> dict[str, Any]:
        """Return nothing: the files and how they are read are in the task."""
        return {}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the items of every shard and all files."""
        how = [_how(one.reference) for one in self._files]
        files = {"items": tuple(inputs["items"].files()), "files": tuple(one.file for one in self._files)}
        return [ShardTask(INDEX, files, {"references": how, "left_out": self._left_out})]

    def run(self, shard: Shard) -> None:
        """Write the index as one uncompressed Arrow file, and the number of items of each benchmark as a fact."""
        items = [item for table in shard.tables("items") for item in _items(table)]
        alarms = [f"reference {name!r} is optional and was left out: the file is not there" for name in self._left_out]
        for one in self._files:
            read = read_reference(one.reference, shard.read(one.file), one.file.sha256)
            items += read.items
            alarms += _told(one.reference, read)
        if not items:
            raise InputError(
                "decontaminate: there is nothing to look for: no document is for reference only and no file is named; "
                "add test sets to the sources with `reference_only: true`, or files under `references`"
            )
        found = ordered(items)
        table = to_arrow(found)
        sink = shard.sink("main", "arrow")
        with pa.ipc.new_file(pa.PythonFile(sink, mode="w"), table.schema) as writer:
            writer.write_table(table)
        shard.sized("main", len(found))
        counts: dict[tuple[str, str], int] = {}
        for item in found:
            counts[item.benchmark, item.reference] = counts.get((item.benchmark, item.reference), 0) + 1
        shard.facts |= {"benchmarks": [[*names, count] for names, count in sorted(counts.items())], "alarms": alarms}


def _items(table: pa.Table) -> list[Item]:
    rows = table.filter(pa.compute.is_valid(table.column("parts"))).to_pylist()
    return [
        Item(row["source"], "", row["key"], tuple(row["ids"]), tuple(Part(p["kind"], p["text"]) for p in row["parts"]))
        for row in rows
    ]


def _how(reference: Reference) -> dict[str, Any]:
    return {**reference.identity(), "name": reference.benchmark}


def _told(reference: Reference, read: Read) -> list[str]:
    if not read.without:
        return []
    rows = f"{len(read.without)} of {len(read.items) + len(read.without)} rows hold no item"
    return [f"reference {reference.benchmark!r}: {rows}, the first is row {read.without[0]}"]


def locate(references: tuple[Reference, ...]) -> tuple[list[ReferenceFile], list[str]]:
    """Return the files of references, digested, and the names of optional ones that are not there.

    Raises ConfigError for a path with a variable that is not set, InputError for a file that cannot be read.
    """
    files: dict[tuple[str, str], ReferenceFile] = {}
    left_out = []
    for reference in references:
        expanded = os.path.expandvars(reference.path)
        path = Path(expanded).expanduser().absolute()
        if reference.optional and ("$" in expanded or not path.exists()):
            left_out.append(reference.benchmark)
            continue
        if "$" in expanded:
            raise ConfigError(f"reference {reference.path!r} names a variable that is not set; export it")
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(
                f"reference {reference.benchmark!r}: {path} cannot be read: {error.strerror}; correct `path`, or set "
                "`optional: true`"
            ) from error
        one = ReferenceFile(reference, FileRef(str(path), sha256, path.stat().st_size))
        files[reference.benchmark, f"{sha256} {_how(reference)}"] = one
    return list(files.values()), left_out
