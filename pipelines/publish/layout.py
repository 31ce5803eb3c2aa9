"""Which files a release of a run holds: one config for each mixture, and one for the documents.

A config is what `load_dataset(repo, NAME)` names: `data/NAME/train-00000-of-000NN-<digest>.parquet`. That of a mixture
has its name and holds the packed sequences in training order; `documents` holds the kept documents with provenance and
rights. Parts follow the shards of the run, small ones grouped, so they depend on nothing but the run. What stands here
is known before a byte is written, so a card can be rendered from it. Not here: writing parts (`parts`), and whether
any of it may leave (`gate`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from pipelines.engine.errors import ConfigError
from pipelines.engine.stage import FileRef
from pipelines.result import Result
from sources.document import SCHEMA

SPLIT = "train"
DOCUMENTS = "documents"
PART_BYTES = 256 << 20
"""Shards of documents are put into one part until it holds this many bytes."""
IDENTIFIERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
"""`datasets` knows no maps, so a document's identifiers become pairs."""


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file to be: the shards of the run that it is made of, and its rows."""

    number: int
    of: int
    shards: tuple[FileRef, ...]
    rows: int

    @property
    def stem(self) -> str:
        """Return the file's name up to its digest."""
        return f"{SPLIT}-{self.number:05d}-of-{self.of:05d}"


@dataclass(frozen=True, slots=True)
class Config:
    """One config of the repository, with the one split `train`."""

    name: str
    kind: Literal["mixture", "documents"]
    parts: tuple[Part, ...]

    @property
    def folder(self) -> str:
        """Return the folder of its parts in the repository."""
        return f"data/{self.name}"

    @property
    def data_files(self) -> str:
        """Return the pattern of its parts, for `configs:` of the card."""
        return f"{self.folder}/{SPLIT}-*.parquet"

    @property
    def rows(self) -> int:
        """Return the rows over all parts."""
        return sum(part.rows for part in self.parts)


def layout(result: Result) -> tuple[Config, ...]:
    """Return the configs of a release of a run, the mixtures first. Raises ConfigError when a name is taken."""
    if DOCUMENTS in result.mixtures:
        raise ConfigError(
            f"the mixture {DOCUMENTS!r} has the name under which a release holds the documents; rename it"
        )
    mixtures = [Config(name, "mixture", _one_each(_shards(result, name))) for name in result.mixtures]
    documents = Config(DOCUMENTS, "documents", tuple(_parts(_grouped(_documents(result)))))
    return tuple(config for config in (*mixtures, documents) if config.parts)


def documents_schema() -> pa.Schema:
    """Return the Arrow schema of the config of documents: that of the record, with identifiers as pairs."""
    at = SCHEMA.get_field_index("identifiers")
    return SCHEMA.set(at, pa.field("identifiers", IDENTIFIERS))


def _shards(result: Result, mixture: str) -> Iterator[FileRef]:
    return result.mixture_manifest(mixture, "shards").files()


def _documents(result: Result) -> Iterator[FileRef]:
    return (ref for stage in result.documents for ref in result.manifests[stage].files() if ref.rows)


def _one_each(shards: Iterable[FileRef]) -> tuple[Part, ...]:
    return tuple(_parts([ref] for ref in shards))


def _grouped(shards: Iterable[FileRef]) -> Iterator[list[FileRef]]:
    group: list[FileRef] = []
    for ref in shards:
        if group and sum(one.size_bytes for one in group) + ref.size_bytes > PART_BYTES:
            yield group
            group = []
        group.append(ref)
    if group:
        yield group


def _parts(groups: Iterable[list[FileRef]]) -> Iterator[Part]:
    found = list(groups)
    for number, group in enumerate(found):
        yield Part(number, len(found), tuple(group), sum(ref.rows for ref in group))
