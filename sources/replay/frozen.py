"""What a run reads of a source on the hub: the files of its sealed release, under the keys they have there.

The network is never opened here. The release that documents carry is the digest of the frozen list; a source that
declares one is held to it. Not here: fetching (`sources.replay.fetch`).
"""

from pathlib import Path

from pipelines.engine.disk import LocalDisk
from pipelines.engine.errors import ConfigError, CorruptionError
from pipelines.engine.storage import Storage
from sources.catalog import SourceConfig
from sources.crawled import Crawled
from sources.files import RawFile
from sources.replay.fetch import check_pinned
from sources.replay.store import home, key_in_source, read_list, read_release


def hub_files(source: SourceConfig, store: Path, seed: int) -> Crawled | None:
    """Return the files of a source by key, and their release; None while it is not fetched whole.

    Raises ConfigError for a revision that may move or another release than declared, CorruptionError.
    """
    assert source.hub is not None
    check_pinned(source.name, source.hub, ask=False)
    storage = Storage(LocalDisk(store))
    folder = home(source.name, source.hub, seed)
    frozen, refs = read_list(storage, folder), read_release(storage, folder)
    if frozen is None or refs is None:
        return None
    if source.release not in (None, frozen.release):
        raise ConfigError(
            f"source {source.name}: `release` is {source.release}, but the files in the store are {frozen.release}; "
            "remove `release`, or fetch the selection that it names"
        )
    files = []
    for part, ref in zip(frozen.parts, refs, strict=True):
        if storage.size(ref.path) != ref.size_bytes:
            raise CorruptionError(
                f"{store / ref.path}: not the {ref.size_bytes} bytes that were stored; restore it from a copy, or move "
                f"{store / folder} away and fetch again"
            )
        files.append(RawFile(key_in_source(part), store / ref.path, ref.size_bytes, ref.sha256))
    return Crawled(files, [], release=frozen.release)
