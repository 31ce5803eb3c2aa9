"""The stage that trains the demo target's tokenizer on the run's own documents, so that the demo downloads nothing.

One task over the kept documents: a byte-level BPE with three special tokens, the same bytes for the same documents.
It learns from the first `TEXT_CHARS` of text, which bounds its memory. Not for models that exist: those have their
tokenizer.
"""

from collections.abc import Mapping
from typing import Any

import tokenizers

from mixer.target import train_bpe
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask

TEXT_CHARS = 16 << 20


class TrainTokenizer:
    """Train one byte-level BPE of `vocabulary` entries."""

    name = "train-tokenizer"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary

    def identity(self) -> dict[str, Any]:
        """Return the vocabulary size, the limit of text and the library's version."""
        return {"vocabulary": self._vocabulary, "chars": TEXT_CHARS, "tokenizers": tokenizers.__version__}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads every shard of documents."""
        return [ShardTask("tokenizer", {"documents": tuple(inputs["documents"].files())})]

    def run(self, shard: Shard) -> None:
        """Write `tokenizer.json`."""
        texts: list[str] = []
        chars = 0
        for _, table in shard.documents():
            if chars < TEXT_CHARS:
                texts.extend(table["text"].to_pylist())
                chars = sum(map(len, texts))
            shard.kept(table)
        shard.sink("main", "json").write(train_bpe(iter(texts), self._vocabulary))
