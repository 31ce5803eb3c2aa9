"""The stage that tokenises documents once for a target, a shard of ids for each shard of documents.

Ids are those of Hugging Face `tokenizers` on the text alone; marks are the packer's business. The output is an
uncompressed Arrow stream, so that later tasks map it and copy nothing. The demo target's tokenizer is an input of the
stage, a named target's tokenizer is part of its identity by digest. Not here: which documents a mixture takes.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa
import tokenizers

from mixer.chat import REASONS, ChatError, Stretch
from mixer.encode import Encode, by_tokenizers, fastest
from mixer.target import Target, load_tokenizer, load_tokenizer_bytes
from mixer.tokenize import tokenize_documents, tokens_schema, write_chats
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import co_partitioned
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask

READ = ("id", "source", "key", "kind", "language", "text", "messages", "sections", "tokens", "extra")
"""The columns of documents that tokenising needs, and those that the account does."""


class Tokenize:
    """Tokenise every kept document for one target."""

    version = "3"
    reasons = REASONS

    def __init__(self, target: Target) -> None:
        self.target = target
        self.name = f"tokenize-{target.name}"

    def identity(self) -> dict[str, Any]:
        """Return the target's identity and the tokenizer library's version."""
        return {"target": self.target.identity(), "tokenizers": tokenizers.__version__}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each shard of documents."""
        return co_partitioned(inputs)

    def run(self, shard: Shard) -> None:
        """Write the ids of each document of the shard, in order."""
        tokenizer, encode, warning = self._tokenizer(shard)
        sink = shard.sink("main", "arrow")
        schema = tokens_schema(self.target)
        rows = tokens = 0
        with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
            for _, arrived in shard.documents(names=READ):
                table, chats = self._written(shard, arrived)
                found = tokenize_documents(table, tokenizer, self.target, encode, chats)
                writer.write_table(found)
                shard.kept(table)
                rows += found.num_rows
                tokens += sum(len(ids.flatten()) for ids in found["ids"].chunks)
        shard.sized("main", rows, tokens)
        shard.facts["target_tokens"] = tokens
        if warning:
            shard.facts["alarms"] = [f"{self.name}: {warning}"]

    def _written(self, shard: Shard, table: pa.Table) -> tuple[pa.Table, list[list[Stretch] | None] | None]:
        """Return the rows to encode, and conversations in the target's format; quarantine what it cannot hold."""
        if self.target.chat is None:
            return table, None
        written = write_chats(table, self.target.chat, self.target.control)
        for row, chat in enumerate(written):
            if isinstance(chat, ChatError):
                shard.reject_row(table.slice(row, 1), Rejected(chat.reason, str(chat), quarantine=True))
        good = [row for row, chat in enumerate(written) if not isinstance(chat, ChatError)]
        return table.take(good), [chat for chat in written if not isinstance(chat, ChatError)]

    def _tokenizer(self, shard: Shard) -> tuple[tokenizers.Tokenizer, Encode, str | None]:
        trained = shard.inputs("tokenizer")
        return _trained(bytes(shard.read(trained[0]))) if trained else loaded(self.target)


@lru_cache(maxsize=4)
def loaded(target: Target) -> tuple[tokenizers.Tokenizer, Encode, str | None]:
    """Keep a tokenizer from task to task: loading takes longer than a small shard, and its word cache is its speed.

    The last value is a warning where the faster library is not equal to the reference.
    """
    tokenizer = load_tokenizer(target)
    return tokenizer, *fastest(tokenizer)


@lru_cache(maxsize=1)
def _trained(data: bytes) -> tuple[tokenizers.Tokenizer, Encode, None]:
    """Keep the run's own tokenizer too: each one that is loaded leaves some 8 MB of memory behind."""
    tokenizer = load_tokenizer_bytes(data)
    return tokenizer, by_tokenizers(tokenizer), None


def open_tokens(shard: Shard, ref: FileRef) -> pa.Table:
    """Return a committed shard of ids, mapped without a copy; verified at its first use in this process."""
    if ref not in _OPENED:
        _OPENED[ref] = pa.ipc.open_stream(pa.py_buffer(shard.read(ref))).read_all()
    return _OPENED[ref]


_OPENED: dict[FileRef, pa.Table] = {}
"""Tables by path and digest: a worker that writes many shards of a mixture would else hash all tokens for each."""
