"""The bucket's daily inventory: which article versions there were on a day, frozen with the digests of all its files.

An inventory is an S3 Inventory report: `inventory-reports/pmc-oa-opendata/metadata/<date>T<hour>Z/manifest.json` names
gzipped CSV files with their MD5 and their columns (public clients of 2026 saw Bucket, Key, LastModifiedDate, ETag). It
lists objects, not articles: of its rows only `metadata/PMC<id>.<version>.json` count, and licence and flags stand in
those objects. PMC keeps inventories for about 30 days, so what is frozen here is kept in the store. A row's ETag is the
MD5 of its JSON where it looks like one, so a JSON that changed since is noticed. Not here: which articles are wanted.
"""

import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.engine.errors import InputError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.objects import MISSING, Lost, Objects
from pipelines.engine.shard import PARQUET
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, as_buffer

FOLDER = "inventory-reports/pmc-oa-opendata/metadata"
_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ")
_METADATA = r"^metadata/PMC(?P<pmcid>[0-9]{1,12})\.(?P<version>[0-9]{1,6})\.json$"
ROWS = pa.schema([("pack", pa.int32()), ("pmcid", pa.int64()), ("version", pa.int32()), ("etag", pa.string())])
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Inventory:
    """A frozen inventory: its name (date and hour), digests of its files, and the store's table of article versions."""

    name: str
    manifest_sha256: str
    files: tuple[dict[str, Any], ...]
    packs: int
    table: FileRef

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "files": list(self.files)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Inventory":
        """Return the inventory that `to_json` wrote."""
        return cls(**{**value, "files": tuple(value["files"]), "table": FileRef(**value["table"])})


def manifest_key(name: str) -> str:
    """Return the key of an inventory's manifest."""
    return f"{FOLDER}/{name}/manifest.json"


def freeze(objects: Objects, wanted: str | None, packs: int, storage: Storage, folder: str) -> Inventory:
    """Bring the inventory of a date, or the newest, and write its table into `folder`. Raises InputError."""
    name, manifest = _find(objects, wanted)
    columns, listed = _files_in(manifest, name)
    rows, files = [], []
    for told in listed:
        body = _have(objects.get(told["key"]), told["key"])
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if told["MD5checksum"] and md5 != told["MD5checksum"].lower():
            raise InputError(
                f"{told['key']}: its MD5 is {md5}, but the manifest of inventory {name} says {told['MD5checksum']}; "
                "fetch again, or choose another `inventory`"
            )
        files.append({"key": told["key"], "size_bytes": len(body), "md5": md5, "sha256": sha256_bytes(body)})
        rows.append(_article_versions(body, columns, told["key"]))
    table = _spread(pa.concat_tables(rows), packs) if rows else ROWS.empty_table()
    if not table.num_rows:
        raise InputError(f"inventory {name}: it lists no metadata/PMC<id>.<version>.json; is `path` the right bucket?")
    return Inventory(name, sha256_bytes(manifest), tuple(files), packs, _write(table, packs, storage, folder))


def rows_of(storage: Storage, inventory: Inventory, pack: int) -> pa.Table:
    """Return the article versions that belong to a pack, by PMCID and version (`ROWS`)."""
    data = storage.read(inventory.table)
    return pq.ParquetFile(pa.BufferReader(as_buffer(data)), page_checksum_verification=True).read_row_group(pack)


def _find(objects: Objects, wanted: str | None) -> tuple[str, bytes]:
    """Return name and manifest of the inventory of a date, or of the newest that is whole."""
    names = _have(objects.names(FOLDER), FOLDER)
    dated = [name for name in names if _DATED.fullmatch(name) and name.startswith(wanted or "")]
    for name in reversed(dated):
        manifest = objects.get(manifest_key(name))
        if isinstance(manifest, Lost) and manifest.reason == MISSING:  # the newest may still be being written
            continue
        return name, _have(manifest, manifest_key(name))
    kept = ", ".join(name for name in names if _DATED.fullmatch(name)) or "none"
    raise InputError(
        f"{FOLDER}: there is no inventory {wanted or 'at all'} with a manifest.json; the dates: {kept} (PMC keeps "
        "about 30); choose one of them as `inventory`, or check `path`"
    )


def _have(found: Any, key: str) -> Any:
    if isinstance(found, Lost):
        raise InputError(
            f"{key}: the inventory cannot be read ({found.reason}: {found.detail}); check `path` and the network, "
            "then fetch again: what was fetched is kept"
        )
    return found


def _files_in(manifest: bytes, name: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return columns and files of a manifest. Raises InputError for any that this code does not know."""
    try:
        value = json.loads(manifest)
        columns = [column.strip() for column in value["fileSchema"].split(",")]
        files = [{"key": str(one["key"]), "MD5checksum": str(one.get("MD5checksum") or "")} for one in value["files"]]
        known = value["fileFormat"] == "CSV" and {"Key", "ETag"} <= set(columns)
    except (ValueError, KeyError, TypeError, AttributeError):
        known, columns, files = False, [], []
    if not known:
        raise InputError(f"{manifest_key(name)}: not a manifest of CSV files with the columns Key and ETag")
    return columns, files


def _article_versions(body: bytes, columns: list[str], key: str) -> pa.Table:
    """Return PMCID, version and ETag of the rows of one CSV file that are metadata of articles."""
    try:
        raw = pa.CompressedInputStream(io.BytesIO(body), "gzip") if key.endswith(".gz") else io.BytesIO(body)
        table = pacsv.read_csv(
            raw,
            pacsv.ReadOptions(column_names=columns),
            convert_options=pacsv.ConvertOptions(
                include_columns=["Key", "ETag"], column_types={"Key": pa.string(), "ETag": pa.string()}
            ),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{key}: not the CSV file that its manifest promises: {error}") from error
    found = pc.extract_regex(table["Key"], _METADATA)
    table = table.append_column("found", found).filter(pc.is_valid(found))
    parts = table["found"].combine_chunks()
    etags = pc.utf8_trim(pc.fill_null(table["ETag"], ""), '"')
    numbers = (pc.cast(parts.field(name), type_) for name, type_ in (("pmcid", pa.int64()), ("version", pa.int32())))
    return pa.table([*numbers, etags.combine_chunks()], names=["pmcid", "version", "etag"])


def _spread(table: pa.Table, packs: int) -> pa.Table:
    """Return `ROWS` in order of pack, PMCID and version, each version once."""
    pmcids = table["pmcid"].to_numpy()
    table = table.add_column(0, "pack", pa.array(packs_of(pmcids, packs), pa.int32()))
    table = table.sort_by([(name, "ascending") for name in ROWS.names])
    keys = np.stack([table["pmcid"].to_numpy(), table["version"].to_numpy()])
    first = np.ones(table.num_rows, bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    return table.filter(pa.array(first)).cast(ROWS)


def packs_of(pmcids: "np.ndarray[Any, Any]", packs: int) -> "np.ndarray[Any, Any]":
    """Return the pack of each PMCID: a hash of the number alone, so an article stays where it is, whatever comes."""
    with np.errstate(over="ignore"):
        mixed = pmcids.astype(np.uint64) * _SPREAD
    return (mixed >> np.uint64(32)) % np.uint64(packs)


def _write(table: pa.Table, packs: int, storage: Storage, folder: str) -> FileRef:
    """Write one row group for each pack, so that a pack's work reads its own rows only."""
    staged = storage.create(folder)
    numbers = table["pack"].to_numpy()
    edges = np.searchsorted(numbers, np.arange(packs + 1))
    with pq.ParquetWriter(pa.PythonFile(staged, mode="w"), ROWS, **PARQUET) as writer:
        for pack in range(packs):
            part = table.slice(edges[pack], edges[pack + 1] - edges[pack])
            writer.write_table(part, row_group_size=max(1, part.num_rows))
    ref = staged.commit("inventory", "parquet")
    return FileRef(ref.path, ref.sha256, ref.size_bytes, table.num_rows)
