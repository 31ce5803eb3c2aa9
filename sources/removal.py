"""Leave out documents whose removal was asked for where their source is read, so that nothing later ever holds them.

A name is an id, key, URL, identifier or domain in any spelling (`sources.document.bare_name`). What belongs to a
document that is left out goes with it: its sub-articles, and texts made from it where its id is a name. A name that
says where its document lies (a key in a file, a PMCID in a pack) concerns that shard alone, so the others keep their
bytes and are not read again; any other name is looked for in every shard. Not here: removing what earlier runs wrote
(`medmix verify --sweep`).
"""

import re
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from sources.document import Document, bare_name, names_of
from sources.publications.inventory import packs_of

REASON = "removal_requested"
_PMCID = re.compile(r"pmc(\d{1,12})(?:\.\d+)?(?:#.*)?")


class Removal:
    """The removals that concern one item, whose documents are asked about in order."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(map(bare_name, names))
        self._gone: set[str] = set()

    def covers(self, document: Document) -> bool:
        """Say whether a document, or the one that it is a part of, is to be left out."""
        if not self._names:
            return False
        wholes = {link["target"] for link in document.links if link["relation"] in ("part_of", "translation_of")}
        row = {name: getattr(document, name) for name in ("id", "key", "url", "identifiers", "parents")}
        if names_of(row).isdisjoint(self._names) and wholes.isdisjoint(self._gone):
            return False
        self._gone.add(document.key)
        return True


class Places:
    """The shards of a source by the keys of their files, and where a name shows its document to lie."""

    def __init__(self, shards: Sequence[Collection[str]], *, packed: bool) -> None:
        """`packed` says that the shards are packs, in which articles lie by their PMCID."""
        self._shards, self._packed = shards, packed

    def has_file_of(self, name: str) -> bool:
        """Say whether a name is the key of a file of this source, or of something in one."""
        return not self._packed and bool(self._shards_of(name))

    def names_for(self, shard: int, names: Collection[str]) -> list[str]:
        """Return the names that a shard must look for: its own, and those that could lie anywhere."""
        places = {name: self._shards_of(name) for name in names}
        return sorted(name for name, shards in places.items() if not shards or shard in shards)

    def _shards_of(self, name: str) -> set[int]:
        """Return the shards that a name points to, several for a large file that was cut; none when it does not say."""
        if self._packed:
            found = _PMCID.fullmatch(bare_name(name))
            return {int(packs_of(np.array([int(found[1])]), len(self._shards))[0])} if found else set()
        return {n for n, files in enumerate(self._shards) if any(_lies_in(name, file) for file in files)}


def _lies_in(name: str, file: str) -> bool:
    return name == file or name.startswith((f"{file}!", f"{file}#"))
