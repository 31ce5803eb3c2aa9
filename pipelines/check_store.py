"""What `medmix verify` finds in a store of fetched sources: every list and file reread, and what belongs to nobody.

Its ledgers under `stages/` are checked as those of a run are (`pipelines.engine.verify`); here the sources are added.
What no list names was left by a killed fetch, since a list is published after its file; the next fetch sweeps it too.
Not here: whether a round is finished, which is no damage (`medmix run` and `medmix sources fetch` say so).
"""

import re

from pipelines.engine.errors import CorruptionError
from pipelines.engine.storage import STAGING, Storage
from pipelines.engine.verify import Verdict, verify
from sources.publications import store as packs
from sources.replay import store as hub
from sources.web.store import file_of, read_segments

_OWN = re.compile(r"([^/]+)/(?:warc|segments)/[^/]+")
_FROZEN = re.compile(r"([^/]+)/(?:releases|packs|decided|inventories|begun|hub)/.+")


def store_sources(storage: Storage) -> list[str]:
    """Return the names of the sources that a folder holds as a crawl store, none when it is no store."""
    return sorted(
        {found[1] for path in storage.list(".") if (found := _OWN.fullmatch(path) or _FROZEN.fullmatch(path))}
    )


def verify_store(storage: Storage) -> Verdict:
    """Reread a crawl store and return the verdict."""
    verdict = verify(storage)
    for source in store_sources(storage):
        _check_source(storage, source, verdict)
    return verdict


def _check_source(storage: Storage, source: str, verdict: Verdict) -> None:
    try:
        segments = read_segments(storage, source)
        packed, from_hub = packs.stored_files(storage, source), hub.stored_files(storage, source)
        refs = [*packed.values(), *from_hub]
        verdict.orphans += packs.leftovers(storage, source)
        verdict.orphans += hub.leftovers(storage, source)
    except CorruptionError as error:  # nobody knows any more which files are listed
        verdict.problems.append(str(error))
        return
    verdict.checked_files += len(segments)
    crawled = [file_of(body) for body in segments]
    for ref in (*crawled, *refs):
        verdict.checked_files += 1
        verdict.checked_bytes += ref.size_bytes
        try:
            storage.read(ref)
        except CorruptionError as error:
            verdict.problems.append(str(error))
    listed = {ref.path for ref in crawled}
    verdict.orphans += [path for path in storage.list(f"{source}/warc") if path not in listed]
    verdict.orphans += [path for path in storage.list(f"{source}/segments") if STAGING in path]
