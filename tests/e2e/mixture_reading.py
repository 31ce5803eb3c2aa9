"""Rereads a materialised mixture for the tests, by other means than those that wrote it: datasets, Parquet, json."""

import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import load_from_disk
from tokenizers import Tokenizer

from mixer.lineage import Piece
from mixer.target import Target, find_target
from pipelines.engine.manifest import ShardRecord
from pipelines.result import Result


@dataclass
class Mixture:
    """One mixture of a run: the rows of its shards, its lineage, its kept documents and its tokenizer."""

    result: Result
    name: str
    root: Path
    target: Target
    tokenizer: Tokenizer
    facts: dict[str, Any]
    pieces: list[Piece]
    texts: dict[str, str]
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="medmix-arrow-")))

    @property
    def folder(self) -> str:
        return self.result.mixtures[self.name]

    @property
    def shards(self) -> tuple[ShardRecord, ...]:
        return self.result.mixture_manifest(self.name, "shards").shards

    @property
    def sequence_tokens(self) -> int:
        return int(self.facts["sequence_tokens"])

    @property
    def shares(self) -> list[Fraction]:
        return [Fraction(component["effective"]) for component in self.facts["components"]]

    @cached_property
    def _rows(self) -> pa.Table:
        return load_from_disk(str(self.root / self.folder)).with_format("arrow")[:]

    @cached_property
    def _ids(self) -> np.ndarray:
        column = self._rows["input_ids"].combine_chunks()
        return column.flatten().to_numpy().reshape(len(column), -1)

    @cached_property
    def _lengths(self) -> tuple[list[list[int]], list[int]]:
        return self._rows["doc_lens"].to_pylist(), self._rows["pad_len"].to_pylist()

    @cached_property
    def component_of_row(self) -> list[int]:
        return [int(one) for one in self._rows["source_id"].to_pylist()]

    def row(self, number: int) -> tuple[list[int], list[int], int]:
        """Return the ids, the lengths of the pieces and the padding of a row."""
        doc_lens, pads = self._lengths
        return self._ids[number].tolist(), doc_lens[number], pads[number]

    @cached_property
    def pieces_by_row(self) -> list[list[Piece]]:
        rows: list[list[Piece]] = [[] for _ in range(self.facts["sequences"])]
        for piece in self.pieces:
            rows[piece.sequence].append(piece)
        return rows

    @cached_property
    def documents(self) -> dict[str, str]:
        """Texts of the documents that stand in the mixture, by id."""
        return {piece.document: self.texts[piece.document] for piece in self.pieces}

    @cached_property
    def tokens_of(self) -> dict[str, int]:
        names, texts = list(self.documents), list(self.documents.values())
        found = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return {name: len(one.ids) for name, one in zip(names, found, strict=True)}

    @cached_property
    def _epochs(self) -> dict[str, dict[int, list[Piece]]]:
        found: dict[str, dict[int, list[Piece]]] = defaultdict(lambda: defaultdict(list))
        for piece in self.pieces:
            found[piece.document][piece.epoch].append(piece)
        return found

    def pieces_by_epoch(self, document: str) -> dict[int, list[Piece]]:
        """Return the pieces of a document by epoch, each in the order of the text."""
        return {e: sorted(pieces, key=lambda p: p.offset) for e, pieces in self._epochs[document].items()}

    def full_epochs(self, document: str) -> int:
        """Return how many whole epochs the component of a document is taken for."""
        piece = next(iter(self._epochs[document].values()))[0]
        told = self.facts["components"][self.component_of_row[piece.sequence]]
        return int(told["sequences"] // told["unique_sequences"])

    def text_ids(self, piece: Piece) -> list[int]:
        """Return the ids of a piece without marks."""
        ids = self._ids[piece.sequence, piece.start + piece.bos : piece.start + piece.length - piece.eos]
        return [int(one) for one in ids]


def read_mixture(result: Result, name: str) -> Mixture:
    """Return a mixture of a run, its tokenizer loaded plainly: no template, special strings read as text."""
    root = Path(result.storage.disk.root)
    folder = root / result.mixtures[name]
    facts = result.mixture_manifest(name, "mixture").shards[0].facts
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    pieces = [
        Piece(**row)
        for ref in result.mixture_manifest(name, "shards").files("lineage")
        for row in pq.read_table(root / ref.path).to_pylist()
    ]
    texts: dict[str, str] = {}
    for stage in result.documents:
        for ref in result.manifests[stage].files():
            table = pq.read_table(root / ref.path, columns=["id", "text"])
            texts |= dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    return Mixture(result, name, root, find_target(str(facts["target"])), tokenizer, dict(facts), pieces, texts)
