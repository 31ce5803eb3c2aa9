"""What a crawl store holds for a run: the WARC files of a source up to its release, and what a reader should know.

Only sealed lists are trusted (`sources.web.store`), and no file is opened to be read here. A round that is not finished
can be read as far as it went, and says so; documents that a later round did not find again stay as they were, and are
counted. Not here: fetching (`pipelines.fetch`) and reading (`sources.extract`).
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.engine.disk import LocalDisk
from pipelines.engine.errors import CorruptionError
from pipelines.engine.place import local_folder
from pipelines.engine.storage import Storage
from sources.catalog import SourceConfig
from sources.files import RawFile
from sources.web.names import Name, names_of
from sources.web.settings import WebRunConfig
from sources.web.store import Segments, before, file_of, is_done, read_segments, stored_items, up_to


@dataclass(frozen=True, slots=True)
class Crawled:
    """The files of a source in the order in which they were sealed, and notes for the user."""

    files: list[RawFile]
    notes: list[str]
    names: dict[str, dict[str, Name]] = field(default_factory=dict)
    """By file, items that go by another name than they were written under (`sources.web.names`)."""
    release: str | None = None
    """What documents of it carry as their release, where the source itself does not say."""


def store_of(web: WebRunConfig | None) -> Path:
    """Return the folder of the crawl store of a run; relative to the working folder, as its `out` is."""
    folder = web.store if web else str(WebRunConfig.model_fields["store"].default)
    return local_folder(os.path.expandvars(folder)).expanduser().absolute()


def crawled(config: SourceConfig, store: Path) -> Crawled | None:
    """Return what is stored of a source, None when nothing is, or no document yet. Raises CorruptionError."""
    label = config.release or ""
    storage = Storage(LocalDisk(store))
    segments = up_to(read_segments(storage, config.name), label)
    if not stored_items(segments) and not _is_done(config, segments, label):
        return None
    files = []
    for body in segments:
        ref = file_of(body)
        if storage.size(ref.path) != ref.size_bytes:
            raise CorruptionError(
                f"{store / ref.path}: not the {ref.size_bytes} bytes that were stored; restore it from a copy, or move "
                f"{store / config.name} away and fetch again"
            )
        files.append(RawFile(ref.path, store / ref.path, ref.size_bytes, ref.sha256))
    return Crawled(files, _notes(config, segments, label), names_of(segments))


def _is_done(config: SourceConfig, segments: Segments, label: str) -> bool:
    return is_done(segments, label, config.web.max_items if config.web else None)


def _notes(config: SourceConfig, segments: Segments, label: str) -> list[str]:
    notes = []
    if not _is_done(config, segments, label):
        totals = [body["totals"] for body in segments if body["round"] == label][-1]
        told = f"{totals['settled']} of {totals['links']} known links"
        notes.append(f"source {config.name}: its crawl is not finished ({told}); what is stored is read, fetch goes on")
    if not stored_items(segments):
        notes.append(f"source {config.name}: the store holds no document of it; see the reasons in its ledger")
    now = stored_items([body for body in segments if body["round"] == label])
    addresses = {stored.url for stored in now.values()}
    earlier = stored_items(before(segments, label)).items()
    gone = [name for name, stored in earlier if name not in now and stored.url not in addresses]
    if gone and not notes:
        notes.append(f"source {config.name}: {len(gone)} documents of earlier rounds were not found again; they stay")
    return notes
