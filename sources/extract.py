"""The first stage of every source: raw files in, documents out, each parser in the sandbox.

One record is one text that a parser finds (an article, a row, a sub-article) or one fault; every fault is quarantined
with its reason and key, and costs nothing else. What the file says about itself (licence, dates, language, URL) wins
over what the source declares, except that an unrecognised licence statement grants nothing. Not here: cleaning.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.engine.errors import InputError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.sandbox import FAULT_REASONS, Sandbox, SandboxLimits
from pipelines.engine.secrets import redact_url
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask
from sources.archive import Item, Limits, open_items
from sources.catalog import PARSERS, SourceConfig, known_kind, parser_for
from sources.document import SCHEMA, Document, document_id, estimate_tokens, to_table
from sources.files import RawFile, Slice, into_shards
from sources.parse.part import Fault
from sources.rights import UNKNOWN, Rights, rights_from

BATCH = 256
EVIDENCE_CHARS = 500


class Extract:
    """Extract the documents of one source; a shard is a group of files, or a byte range of a large one."""

    version = "1"

    def __init__(self, config: SourceConfig, files: list[RawFile], urls: Mapping[str, Any], shard_bytes: int) -> None:
        self.config = config
        self.name = f"extract-{config.name}"
        self.reasons = REASONS
        self._shards = [(index, group) for index, group in enumerate(into_shards(files, shard_bytes))]
        self._urls = {file.key: urls[file.key] for file in files if file.key in urls}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the list of all files at home when a task travels to a worker."""
        return {**self.__dict__, "_shards": []}

    def identity(self) -> dict[str, Any]:
        """Return the source's declaration and the versions of the parsers' libraries."""
        chosen = [self.config.parser] if self.config.parser in PARSERS else sorted(PARSERS)
        libraries: dict[str, str] = {}
        for name in chosen:
            libraries.update(PARSERS[name].versions())
        return {"source": self.config.identity(), "libraries": libraries}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a shard; its name counts shards within the source."""
        tasks = []
        for index, group in self._shards:
            refs = tuple(FileRef(str(s.file.path), s.file.sha256, s.file.size_bytes) for s in group)
            items = [[s.file.key, s.start, s.end, self._urls.get(s.file.key)] for s in group]
            tasks.append(ShardTask(f"{self.config.name}-{index:05d}", {"raw": refs}, {"items": items}))
        return tasks

    def run(self, shard: Shard) -> None:
        """Read every file of the shard and write its documents."""
        batch: list[Document] = []
        for ref, (key, start, end, url) in zip(shard.inputs("raw"), shard.task.params["items"], strict=True):
            where = RawFile(key, Path(ref.path), ref.size_bytes, ref.sha256)
            for item in self._items(Slice(where, start, end)):
                for document in self._documents(shard, item, url):
                    batch.append(document)
                    if len(batch) >= BATCH:
                        shard.write(to_table(batch))
                        batch.clear()
        shard.write(to_table(batch) if batch else SCHEMA.empty_table())

    def _items(self, part: Slice) -> Iterator[Item | Fault]:
        file = part.file
        limits = Limits(max_item_bytes=self.config.max_item_bytes)
        whole = part.end is None
        if not file.path.is_file() or file.path.stat().st_size != file.size_bytes:
            raise InputError(f"{file.path}: has changed or vanished since the plan was made; run again to plan anew")
        container = self.config.container
        if whole:
            yield from open_items(file.path, file.key, container, limits)
        else:
            yield from open_items(file.path, file.key, "jsonl", limits, byte_range=(part.start, part.end or 0))

    def _documents(self, shard: Shard, item: Item | Fault, url: tuple[str, str | None] | None) -> Iterator[Document]:
        if isinstance(item, Fault):
            self._quarantine(shard, item.name, item.reason, item.detail)
            return
        seen: dict[str, int] = {}
        found = False
        for value in self._parse(item):
            found = True
            kind = value.pop("type")
            name = str(value.get("name") or "")
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name = f"{name}~{seen[name]}"
            key = f"{item.key}#{name}" if name else item.key
            if kind != "Part":
                self._quarantine(shard, key, value["reason"], value.get("detail", ""))
                continue
            document = self._document(item, key, name, value, url)
            counts = shard.count(self.config.name)
            for field in ("in", "kept", "out"):
                setattr(counts, f"records_{field}", getattr(counts, f"records_{field}") + 1)
                setattr(counts, f"tokens_{field}", getattr(counts, f"tokens_{field}") + document.tokens)
            yield document
        if not found:
            self._quarantine(shard, item.key, "no_record", "the parser found nothing in it")

    def _parse(self, item: Item) -> Iterator[dict[str, Any]]:
        config = self.config
        name: str | None = config.parser
        if name == "auto":
            suffix = PurePosixPath(item.key.partition("!")[2] or item.key).suffix.lower()
            name = parser_for(suffix, item.media_type, item.body[:4096])
        if name is None:
            yield {
                "type": "Fault",
                "reason": "unknown_format",
                "detail": f"no parser for {item.media_type or item.key[-16:]}",
            }
            return
        options = dict(config.options)
        if item.media_type:
            options.setdefault("media_type", item.media_type)
        limits = SandboxLimits(cpu_s=config.cpu_s, wall_s=config.wall_s, memory_bytes=config.memory_bytes)
        yield from _sandbox(PARSERS[name].target, limits).run(item.body, item.key, options)

    def _document(
        self, item: Item, key: str, name: str, part: dict[str, Any], url: tuple[str, str | None] | None
    ) -> Document:
        config = self.config
        extra = dict(part["extra"])
        if config.reference_only:
            extra["reference_only"] = True
        repaired = extra.pop("edits", [])
        stage = {"stage": self.name, "version": self.version, "config": "", "names": repaired}
        return Document(
            id=document_id(config.name, key, part["version"]),
            kind=known_kind(part["kind"], config.kind),
            source=config.name,
            release=config.release,
            key=key,
            url=self._url(item, key, name, part, url),
            title=part["title"],
            text=part["text"],
            messages=part["messages"],
            language=part["language"] or config.language,
            published=part["published"],
            retrieved=item.retrieved or (url[1] if url else None),
            version=part["version"],
            retracted=part["retracted"],
            sections=[{"path": path, "start": start, "end": end} for path, start, end in part["sections"]],
            rights=self._rights(part),
            edits=[stage] if repaired else [],
            mcq=part["mcq"],
            links=[{"relation": relation, "target": target} for relation, target in part["links"]],
            references=part["references"],
            identifiers=part["identifiers"],
            item_sha256=sha256_bytes(item.body),
            tokens=estimate_tokens(part["text"]),
            extra=json.dumps(extra, sort_keys=True, ensure_ascii=False) if extra else "",
        )

    def _url(
        self, item: Item, key: str, name: str, part: dict[str, Any], url: tuple[str, str | None] | None
    ) -> str | None:
        identifiers = part["identifiers"]
        best = part["url"] or item.url or (url[0] if url else None)
        if not best and identifiers.get("pmcid"):
            best = f"https://pmc.ncbi.nlm.nih.gov/articles/{identifiers['pmcid']}/"
        if not best and identifiers.get("doi"):
            best = f"https://doi.org/{identifiers['doi']}"
        if not best and self.config.url_template:
            best = self.config.url_template.replace("{key}", key).replace("{name}", name)
        return redact_url(best) if best else None

    def _rights(self, part: dict[str, Any]) -> Rights:
        declared = self.config.rights
        reserved = declared.tdm_reserved or bool(part["extra"].get("tdm_reserved"))
        statement = part["licence_text"][:EVIDENCE_CHARS]
        try:
            if part["spdx"]:
                return rights_from(part["spdx"], statement, attribution=declared.attribution, tdm_reserved=reserved)
        except ValueError:
            return rights_from(UNKNOWN, f"{part['spdx']}: {statement}", tdm_reserved=reserved)
        if statement:
            return rights_from(UNKNOWN, statement, tdm_reserved=reserved)
        return rights_from(declared.spdx, declared.evidence, attribution=declared.attribution, tdm_reserved=reserved)

    def _quarantine(self, shard: Shard, key: str, reason: str, detail: str) -> None:
        shard.count(self.config.name).records_in += 1
        declared = reason if reason in REASONS else "unreadable"
        shard.reject(self.config.name, key, 0, Rejected(declared, detail or reason, quarantine=True))


REASONS = frozenset({"no_record", "unknown_format", "unreadable", *FAULT_REASONS})


@cache
def _sandbox(target: str, limits: SandboxLimits) -> Sandbox:
    """Return this process's sandbox for a parser; its child lives from task to task and dies with the process."""
    return Sandbox(target, limits=limits)
