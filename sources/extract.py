"""The first stage of every source: raw files in, documents out, each parser in the sandbox.

One record is one text that a parser finds (an article, a row, a sub-article) or one fault; every fault is quarantined
with its reason and key, and costs nothing else. A file that is not what it was when the plan was made ends the run:
its digest is part of what follows. Ranges of large files are checked by size only, so as not to read a file as
often as it has ranges. Not here: what becomes of a part (`sources.assemble`), and cleaning.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pipelines.engine.errors import InputError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.sandbox import FAULT_REASONS, Sandbox, SandboxLimits
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask
from sources.archive import Item, Limits, iter_range, open_items
from sources.archive_lines import MEDIA_TYPE
from sources.assemble import Declared, Found, document_of
from sources.catalog import PARSERS, SourceConfig, parser_for
from sources.document import SCHEMA, Document, is_encodable, to_table
from sources.files import PARQUET, RANGED_SUFFIXES, YAML, RawFile, Slice, into_shards, matches_pattern
from sources.item_options import DIFFERENTIAL, for_item, for_source
from sources.options import check_options
from sources.parquet_groups import MEDIA_TYPE as PARQUET_TYPE
from sources.parquet_groups import STORED, iter_windows, stored_window
from sources.parse.part import Fault
from sources.parse.reasons import LEFT_OUT, REASONS
from sources.removal import REASON, Places, Removal
from sources.splits import check_split
from sources.tables import HeldOut, Origin, by_file, read_held_out, read_url_table
from sources.terms import catalogue_terms
from sources.warc_fields import KEY, named

BATCH_DOCUMENTS = 1024
BATCH_CHARS = 16 << 20
OUTPUT_BYTES = 256 << 20
"""What a parser may send for one item; more than any text needs, less than what hurts this process."""
DETAIL_CHARS = 500
OPEN_SANDBOXES = 4
ROW_PARSERS = ("auto", "records", "mcq", "clinical_trials", DIFFERENTIAL)
"""Those that place every row by its byte offset (JSON lines) or number (Parquet); `auto` reads both by `records`."""
Names = Mapping[str, Mapping[str, tuple[str, Mapping[str, str] | None]]]
"""File -> key as written -> key to have, and what a listing said under it."""


class Extract:
    """Extract the documents of one source; a shard is a group of files, or a range of a large one."""

    version = "7"
    reasons = frozenset(REASONS) | FAULT_REASONS | {REASON}

    def __init__(
        self, config: SourceConfig, root: Path, files: list[RawFile], shard_bytes: int, names: Names | None = None
    ) -> None:
        """`names` are those of items that go by another than they were written under."""
        check_options(config)
        check_split(config)
        self.config = config
        self.name = f"extract-{config.name}"
        folder = root if root.is_dir() else root.parent
        self._options, self._base = for_source(config, folder)
        self._held_out = read_held_out(folder, config.held_out) if config.held_out else HeldOut()
        cut = set(RANGED_SUFFIXES) if config.container in ("auto", "jsonl") and not config.is_fetched else set()
        if cut and config.parser in ROW_PARSERS:
            cut.add(".csv" if config.parser == DIFFERENTIAL else PARQUET)
        self._shards = list(into_shards(files, 0 if config.pmc_oa else shard_bytes, cut))  # a pack is a shard
        if config.parser == DIFFERENTIAL:
            from sources.teacher.patient_ranges import cut_patients  # only sources of differentials need it

            self._shards = list(cut_patients(self._shards))
        self._names = names or {}
        self._terms = catalogue_terms()  # read here once: a worker would read the whole catalogue for it
        self.left_out: frozenset[str] = frozenset()  # names of documents, which the plan learns last
        self.places = Places([[part.file.key for part in group] for group in self._shards], packed=bool(config.pmc_oa))
        self._origins = by_file(read_url_table(folder, config.urls), [f.key for f in files]) if config.urls else {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lists of all files at home when a task travels to a worker."""
        return {**self.__dict__, "places": None, "_shards": [], "_origins": {}, "_names": {}}

    def identity(self) -> dict[str, Any]:
        """Return the source's declaration, the terms that bind above it, and the versions of the parsers' libraries."""
        chosen = [self.config.parser] if self.config.parser in PARSERS else sorted(PARSERS)
        libraries: dict[str, str] = {}
        for name in chosen:
            libraries.update(PARSERS[name].versions())
        read = {"libraries": libraries, "held_out": self._held_out.identity(), **self._base}
        bound = {"terms": self._terms.identity(), "bound": self._terms.of_source(self.config)}  # by `path`, too
        return {"source": self.config.identity(), **bound, **read}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard; its name counts shards within the source."""
        tasks = []
        for index, group in enumerate(self._shards):
            refs = tuple(FileRef(str(s.file.path), s.file.sha256, s.file.size_bytes) for s in group)
            origins = [{key: list(o) for key, o in self._origins.get(s.file.key, {}).items()} for s in group]
            items = [[s.file.key, s.start, s.end, rows] for s, rows in zip(group, origins, strict=True)]
            params: dict[str, Any] = {"items": items}
            if names := {s.file.key: self._names[s.file.key] for s in group if s.file.key in self._names}:
                params["names"] = {file: {old: list(new) for old, new in of.items()} for file, of in names.items()}
            if removed := self.places.names_for(index, self.left_out):
                params["removed"] = removed
            tasks.append(ShardTask(f"{self.config.name}-{index:05d}", {"raw": refs}, params))
        return tasks

    def run(self, shard: Shard) -> None:
        """Read every file of the shard and write its documents. Raises InputError when a file is not as planned."""
        batch: list[Document] = []
        chars = 0
        for document in self._shard_documents(shard):
            batch.append(document)
            chars += len(document.text)
            if len(batch) >= BATCH_DOCUMENTS or chars >= BATCH_CHARS:
                self._write(shard, batch)
                batch, chars = [], 0
        self._write(shard, batch)

    def _write(self, shard: Shard, batch: list[Document]) -> None:
        """Write documents and count them; an empty batch makes the file of a shard that has no other."""
        if not batch:
            shard.write(SCHEMA.empty_table())
            return
        shard.write(to_table(batch))
        counts, tokens = shard.count(self.config.name), sum(document.tokens for document in batch)
        for field in ("in", "kept", "out"):
            setattr(counts, f"records_{field}", getattr(counts, f"records_{field}") + len(batch))
            setattr(counts, f"tokens_{field}", getattr(counts, f"tokens_{field}") + tokens)

    def _shard_documents(self, shard: Shard) -> Iterator[Document]:
        for ref, (key, start, end, rows) in zip(shard.inputs("raw"), shard.task.params["items"], strict=True):
            origins = {name: Origin(*row) for name, row in rows.items()}
            names = shard.task.params.get("names", {}).get(key, {})
            part = Slice(RawFile(key, Path(ref.path), ref.size_bytes, ref.sha256), start, end)
            empty = end is None and not self.config.is_fetched  # a segment of a crawl may hold listings alone
            for item in self._items(part):
                if isinstance(item, Item) and not self._is_wanted(key, item):
                    continue
                empty = False
                if isinstance(item, Item) and item.key in names:
                    new_key, listed = names[item.key]
                    item = replace(item, key=new_key, fields=named(item.fields, new_key, listed))
                if isinstance(item, Fault):
                    self._quarantine(shard, _member(key, item.name), item.reason, item.detail)
                    continue
                found = Found(item, sha256_bytes(item.body), key, self._place(key, item), origins)
                yield from self._documents(shard, found)
            if empty:
                self._quarantine(shard, key, "no_record", "nothing in the file")

    def _is_wanted(self, file: str, item: Item) -> bool:
        """Say whether an item is to be read: all are, but for members of an archive that the source leaves out."""
        member = item.key.removeprefix(f"{file}!")
        return member == item.key or any(matches_pattern(member, pattern) for pattern in self.config.members)

    def _place(self, file: str, item: Item) -> str:
        """Return the key of an item, for a block of rows that of its file where rows know their place in it."""
        if item.media_type == PARQUET_TYPE and (window := re.fullmatch(r"(.*)!R\d+", item.key)):
            return window[1]
        if re.fullmatch(r"!P\d+-\d+", item.key.removeprefix(file)) and self.config.parser == DIFFERENTIAL:
            return file
        is_block = item.media_type == MEDIA_TYPE and re.fullmatch(r"!B\d+", item.key.removeprefix(file))
        return file if is_block and self.config.parser in ROW_PARSERS else _whole(file, item)

    def _items(self, part: Slice) -> Iterator[Item | Fault]:
        file = part.file
        limits = Limits(max_item_bytes=self.config.max_item_bytes)
        try:
            _check_unchanged(part)
            suffix = file.path.suffix.lower()
            if suffix == STORED:
                yield stored_window(file.path, file.key, limits)
            elif part.end is not None and suffix == PARQUET:
                yield from iter_windows(file.path, part.start, part.end, file.key, limits)
            elif part.end is not None and suffix in YAML:
                yield Item(f"{file.key}!P{part.start}-{part.end}", file.path.read_bytes())
            elif part.end is None:
                container = "warc" if self.config.web else "pack" if self.config.pmc_oa else self.config.container
                yield from open_items(file.path, file.key, container, limits)
            else:
                yield from iter_range(file.path, part.start, part.end, file.key, limits)
        except OSError as error:
            raise InputError(
                f"{file.path}: cannot be read: {error.strerror}; check the disk and permissions"
            ) from error

    def _documents(self, shard: Shard, found: Found) -> Iterator[Document]:
        """Yield the documents of an item; what is none is quarantined."""
        names: set[str] = set()
        removal = Removal(shard.task.params.get("removed", ()))
        whole = _whole(found.file, found.item)
        edit = {"stage": self.name, "version": self.version, "config": ""}
        declared = Declared(self.config, edit, self._held_out, self._terms)
        empty = "where" not in self.config.options  # rows that a source leaves out are no loss
        for value in self._parse(found.item):
            empty = False
            position = str(value.get("position") or "")
            name = position or _once(str(value.get("name") or ""), names)
            key = f"{found.place}#{name}" if name else whole
            if value["type"] != "Part":
                self._quarantine(shard, key, value["reason"], value.get("detail", ""))
            elif not is_encodable(value):
                self._quarantine(shard, key, "invalid_unicode", "half of a surrogate pair")
            else:
                document = document_of(declared, found, key, value)
                if removal.covers(document):
                    self._quarantine(shard, key, REASON, "named in the run file")
                else:
                    yield document
        if empty:
            self._quarantine(shard, whole, "no_record", "the parser found nothing in it")

    def _parse(self, item: Item) -> Iterator[dict[str, Any]]:
        config = self.config
        name: str | None = config.parser
        if name == "auto":
            name = parser_for(_suffix(item), item.media_type, item.body[:4096])
        if name is None:
            detail = f"no parser for {item.media_type or _suffix(item)[:16] or 'a name without suffix'}"
            yield {"type": "Fault", "reason": "unknown_format", "detail": detail}
            return
        limits = SandboxLimits(
            cpu_s=config.cpu_s, wall_s=config.wall_s, memory_bytes=config.memory_bytes, output_bytes=OUTPUT_BYTES
        )
        options = for_item(self._options, name, item)
        yield from _sandbox(limits).run(PARSERS[name].target, item.body, item.key, options)

    def _quarantine(self, shard: Shard, key: str, reason: str, detail: str) -> None:
        """Quarantine a record, or drop it when it holds no text by design (a redirect)."""
        if reason not in self.reasons:
            reason, detail = "unreadable", f"{reason}: {detail}"
        shard.count(self.config.name).records_in += 1
        why = Rejected(reason, _writable(detail)[:DETAIL_CHARS], quarantine=reason not in (*LEFT_OUT, REASON))
        shard.reject(self.config.name, _writable(key), 0, why)


def _check_unchanged(part: Slice) -> None:
    """Raise InputError unless a file is what it was when the plan was made, OSError when it cannot be read."""
    file = part.file
    same = file.path.is_file() and file.path.stat().st_size == file.size_bytes
    if same and (part.end is None or file.path.suffix.lower() in YAML):
        with file.path.open("rb") as raw:
            same = hashlib.file_digest(raw, "sha256").hexdigest() == file.sha256
    if not same:
        raise InputError(f"{file.path}: has changed or vanished since the plan was made; run again to plan anew")


def _member(file: str, name: str) -> str:
    if not name:
        return file
    if name.startswith(("http://", "https://")):  # a page that our own crawl stored
        return name
    if name.startswith("#"):
        return f"{file}{name}"
    return name if name.startswith(f"{file}!") else f"{file}!{name}"


def _suffix(item: Item) -> str:
    """Return the suffix of an item's name in lower case, for a crawled page that of its URL's path."""
    path = urlsplit(item.url or item.key).path if KEY in item.fields else item.key
    return PurePosixPath(path).suffix.lower()


def _whole(file: str, item: Item) -> str:
    """Return the key of an item as a whole; the first block of a file, often the only one, has that of the file."""
    return file if item.key == f"{file}!B0" else item.key


def _once(name: str, given: set[str]) -> str:
    """Return a name that no record of the item has yet: the name, or with ~2, ~3, ..."""
    unique, times = name, 1
    while unique in given:
        times += 1
        unique = f"{name}~{times}"
    given.add(unique)
    return unique


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


_open: dict[SandboxLimits, Sandbox] = {}


def _sandbox(limits: SandboxLimits) -> Sandbox:
    """Return this process's sandbox for the limits; its child lives from task to task, until others need the room."""
    sandbox = _open.pop(limits, None) or Sandbox(limits=limits)
    _open[limits] = sandbox
    if len(_open) > OPEN_SANDBOXES:
        _open.pop(next(iter(_open))).close()
    return sandbox
