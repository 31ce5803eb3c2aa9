"""How varied a teacher tells differentials, beside the grammar's telling of the same cases, which is the floor.

For each language: distinct-n, self-BLEU and the share of the commonest template of the accepted texts, and of the
grammar's texts of the same items. A teacher draws no templates, so on both sides a template is how an answer begins:
its first words. A shard holds its documents in the order of the accepted attempts. Not here: what the figures mean
(`sources.teacher.diversity`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage, as_buffer
from sources.teacher.diversity import diversity_of

STAGE = "generate-differential"
_BEGINNING_WORDS = 4


def variety(storage: Storage, manifests: Mapping[str, Manifest]) -> dict[str, Any]:
    """Return the figures of teacher and grammar by language, nothing where fewer than two texts were accepted."""
    if STAGE not in manifests:
        return {}
    documents = list(_rows(storage, manifests[STAGE], "main"))
    accepted = [row for row in _rows(storage, manifests[STAGE], "attempts") if row["outcome"] == "accepted"]
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for document, attempt in sorted(zip(documents, accepted, strict=True), key=lambda both: str(both[0]["id"])):
        pairs[document["language"]].append((document["text"], attempt["shown"]))
    return {
        language: {"teacher": _figures([told for told, _ in both]), "grammar": _figures([floor for _, floor in both])}
        for language, both in sorted(pairs.items())
        if len(both) > 1
    }


def _figures(texts: list[str]) -> dict[str, Any]:
    return asdict(diversity_of(texts, [" ".join(text.split()[:_BEGINNING_WORDS]) for text in texts]))


def _rows(storage: Storage, manifest: Manifest, role: str) -> Iterator[dict[str, Any]]:
    for ref in manifest.files(role):
        yield from pq.ParquetFile(pa.BufferReader(as_buffer(storage.read(ref)))).read().to_pylist()
