"""Find the documents of a run that go by given names, and prove that nothing of them is left once they are removed.

Before anything is removed they are looked up where the run first wrote them, with all that was made from them, and some
stretches of their words are remembered, in memory only: those that no other document has. Afterwards every file of the
run folder, and of any other folder that is named, is searched for them. Names are no survivors: the list of removals
itself must name what it removes. Not here: that list (`pipelines.removals`), what is in a file (`contents`), and
running again.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ahocorasick
import pyarrow as pa
import pyarrow.parquet as pq

from mixer.target import load_tokenizer_bytes
from pipelines.engine.storage import as_buffer
from pipelines.publish.contents import Decode, texts_of
from pipelines.result import Result
from pipelines.stages.content import content
from sources.document import bare_name, names_of

PROBE_CHARS = 40
PROBES = 5
_NAMES = ["id", "source", "key", "url", "identifiers", "parents"]
_WORDS = ("text", "messages", "mcq")
_BREAKS = '\n\r\t"\\'
"""Characters that some formats write otherwise, so no stretch holds one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document that goes; `probes` are stretches of its words that no other document has, and its id unless named."""

    id: str
    source: str
    key: str
    probes: tuple[str, ...]


@dataclass(slots=True)
class Proof:
    """What was searched, and the files that hold words of a removed document, with its id."""

    files: int = 0
    size_bytes: int = 0
    survivors: dict[str, str] = field(default_factory=dict)


def documents_named(result: Result, names: Iterable[str]) -> tuple[list[Found], set[str]]:
    """Return the documents that go by any of the names, with what was made from them, and all names to remove.

    The names gain the ids of documents that others were made from. Raises CorruptionError.
    """
    wanted = set(map(bare_name, names))
    parents = {parent for row in _rows(result, ["parents"]) for parent in row["parents"] or ()}
    while True:
        found = {row["id"]: row for row in _rows(result, _NAMES) if not names_of(row).isdisjoint(wanted)}
        more = (found.keys() & parents) - wanted
        if not more:
            break
        wanted |= more
    probes = _probes(result, found.keys())
    ids = {name: () if name in wanted else (name,) for name in found}
    return [
        Found(name, row["source"], row["key"], (*ids[name], *probes[name])) for name, row in sorted(found.items())
    ], wanted


def search(folders: Sequence[Path], documents: Collection[Found], decoders: dict[str, Decode]) -> Proof:
    """Return the files below the folders that hold words of the documents.

    `decoders` gives the tokenizer of files by a part of their path: a mixture's folder, a stage of tokens.
    """
    proof = Proof()
    wanted = ahocorasick.Automaton()
    for one in documents:
        for probe in one.probes:
            wanted.add_word(probe, one.id)
    if not len(wanted):
        return proof
    wanted.make_automaton()
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        decode = next((decoders[part] for part in path.parts if part in decoders), None)
        proof.files += 1
        proof.size_bytes += path.stat().st_size
        for text in texts_of(path, decode):
            if (hit := next(wanted.iter(text), None)) is not None:
                proof.survivors[str(path)] = str(hit[1])
                break
    return proof


def decoders_of(result: Result) -> dict[str, Decode]:
    """Return the tokenizers of a run by the names of the folders whose token ids they made."""
    found: dict[str, Decode] = {}
    for name, folder in result.mixtures.items():
        published = result.mixture_manifest(name, "publish").shards[0].files["tokenizer"]
        decode = load_tokenizer_bytes(bytes(result.storage.read(published))).decode
        target = result.mixture_manifest(name, "mixture").shards[0].facts["target"]
        found[Path(folder).name] = found[name] = decode
        found |= {
            Path(one.folder).name: decode for one in result.manifests.values() if one.stage == f"tokenize-{target}"
        }
    return found


def _probes(result: Result, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return for each document stretches of its words that stand in no other one."""
    drawn: dict[str, set[str]] = {name: set() for name in names}
    for row in _rows(result, ["id", *_WORDS]):
        if row["id"] in drawn:
            drawn[row["id"]] |= set(_stretches(_words(row)))
    wanted = ahocorasick.Automaton()
    for stretches in drawn.values():
        for stretch in stretches:
            wanted.add_word(stretch, stretch)
    if not len(wanted):
        return dict.fromkeys(names, ())
    wanted.make_automaton()
    others = (_words(row) for row in _rows(result, ["id", *_WORDS]) if row["id"] not in drawn)
    shared = {hit for words in others for _, hit in wanted.iter(words)}
    return {name: tuple(sorted(stretches - shared)) for name, stretches in drawn.items()}


def _words(row: dict[str, Any]) -> str:
    return content(row["text"], row["messages"], row["mcq"])


def _stretches(text: str) -> Iterator[str]:
    """Yield stretches from all over a text, each within a line; of a short one its longest line."""
    lines = [line.strip() for line in text.translate({ord(c): "\n" for c in _BREAKS}).splitlines()]
    long = [line for line in lines if len(line) >= PROBE_CHARS]
    if not long:
        yield from filter(None, [max(lines, key=len, default="")])
        return
    for line in long[:: -(-len(long) // PROBES)]:
        middle = (len(line) - PROBE_CHARS) // 2
        yield line[middle : middle + PROBE_CHARS].strip()


def _rows(result: Result, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Yield columns of all documents of a run: as they were read from their sources, and as they are kept."""
    first = [name for name, one in result.manifests.items() if not one.inputs]
    for name in [*first, *result.documents]:
        for ref in result.manifests[name].files():
            file = pq.ParquetFile(pa.BufferReader(as_buffer(result.storage.read(ref))), page_checksum_verification=True)
            if set(columns) <= set(file.schema_arrow.names):
                for batch in file.iter_batches(columns=columns):
                    yield from batch.to_pylist()
