"""Packs: Parquet files of whole articles, each with what its archive says of it, in order of their keys.

A pack's bytes follow from the articles in it alone, so fetching the same selection anywhere gives the same files, and a
pack that nothing touched stays the very file. Each article carries the release that first held it in these bytes: it is
what its documents name, and a later release leaves it alone. Pages carry checksums. As an input a pack gives items with
the archive's facts in their fields, as a crawl's records do. Not here: which articles are in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.shard import PARQUET
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage
from sources.archive_item import Item, Limits
from sources.archive_member import too_large
from sources.parse.part import Fault
from sources.publications.article_facts import Facts, facts_of
from sources.warc_fields import KEY, LINK, RELEASE

ROW_GROUP_BYTES = 8 << 20
SCHEMA = pa.schema(
    [
        pa.field("pmcid", pa.int64(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("release", pa.string(), nullable=False),
        pa.field("metadata", pa.binary(), nullable=False),
        pa.field("xml", pa.binary(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Member:
    """One article version: the bucket's JSON and the XML as they came, and the release that brought them."""

    pmcid: int
    version: int
    release: str
    metadata: bytes
    xml: bytes


def write_pack(storage: Storage, folder: str, stem: str, members: Iterable[Member]) -> FileRef:
    """Write members, given in order of their keys, about 8 MiB in memory at a time."""
    staged = storage.create(folder)
    rows, size_bytes, count = [], 0, 0
    with pq.ParquetWriter(pa.PythonFile(staged, mode="w"), SCHEMA, use_dictionary=False, **PARQUET) as writer:
        for member in members:
            rows.append({name: getattr(member, name) for name in SCHEMA.names})
            size_bytes += len(member.xml)
            count += 1
            if size_bytes >= ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
                rows, size_bytes = [], 0
        writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
    ref = staged.commit(stem, "parquet")
    return FileRef(ref.path, ref.sha256, ref.size_bytes, count)


def read_members(raw: BinaryIO | pa.NativeFile) -> Iterator[Member]:
    """Yield the members of a pack in order, a few at a time. Raises pa.ArrowInvalid or OSError for a damaged one."""
    file = pq.ParquetFile(raw, page_checksum_verification=True)
    for group in range(file.num_row_groups):
        for row in file.read_row_group(group).to_pylist():
            yield Member(**row)


def read_pack(raw: BinaryIO, limits: Limits) -> Iterator[Item | Fault]:
    """Yield the articles of a pack as items, keyed PMC<id>.<version>; a damaged pack ends in a fault."""
    try:
        for member in read_members(raw):
            key = f"PMC{member.pmcid}.{member.version}"
            if len(member.xml) > limits.max_item_bytes:
                yield too_large(key, limits)
                continue
            facts = facts_of(member.metadata, f"PMC{member.pmcid}", member.version)
            fields = {KEY: key, RELEASE: member.release, **(_told(facts) if isinstance(facts, Facts) else {})}
            yield Item(key, member.xml, media_type="application/xml", fields=fields)
    except (pa.ArrowInvalid, OSError) as error:
        yield Fault(reason="corrupt_archive", detail=str(error).partition("\n")[0])


def _told(facts: Facts) -> dict[str, str]:
    """Return what the archive says beside the article, as a listing says it of a page."""
    told: dict[str, Any] = {
        "pmcid": facts.pmcid,
        "pmid": facts.pmid,
        "doi": facts.doi,
        "title": facts.title,
        "published": facts.published,
        "version": str(facts.version),
        "licence_code": facts.licence_code,
        "retracted": "yes" if facts.is_retracted else "",
    }
    return {f"{LINK}{name}": value for name, value in told.items() if value}
