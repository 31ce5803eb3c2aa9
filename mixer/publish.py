"""The stage that makes a mixture's folder one that `datasets.load_from_disk` opens, and that carries all it needs.

`state.json` and `dataset_info.json` as `Dataset.save_to_disk` writes them, the tokenizer, `mixture.json` with the
digests of the plan and of the shards, the components, requested and effective shares, epochs and ledgers, and
`batches.parquet`, the index by which the feed finds and checks record batches. Everything is small; the shards are
there already.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixer.shards import dataset_info, state
from mixer.target import DEMO, Target, load_tokenizer_bytes, read_tokenizer
from pipelines.engine.errors import InputError
from pipelines.engine.hashing import canonical_json, digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import PARQUET, Shard
from pipelines.engine.stage import ShardTask


class Publish:
    """Write the files that make shards a dataset."""

    version = "4"
    reasons: frozenset[str] = frozenset()

    def __init__(self, mixture: str, target: Target, sequence_tokens: int) -> None:
        self.name = f"publish-{mixture}"
        self._target = target
        self._sequence_tokens = sequence_tokens

    def identity(self) -> dict[str, Any]:
        """Return the target and the length of a sequence."""
        return {"target": self._target.identity(), "sequence_tokens": self._sequence_tokens}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task, in the folder of the shards."""
        files = tuple(inputs["shards"].files())
        facts = inputs["plan"].shards[0].facts
        roles = {"shards": files, "batches": tuple(inputs["shards"].files("batches"))}
        if "tokenizer" in inputs:
            roles["tokenizer"] = tuple(inputs["tokenizer"].files())
        folder = str(PurePosixPath(files[0].path).parent)
        return [ShardTask("dataset", roles, {"facts": dict(facts), "plan": inputs["plan"].digest}, folder)]

    def run(self, shard: Shard) -> None:
        """Write the named files and note the folder."""
        files = shard.inputs("shards")
        names = [PurePosixPath(ref.path).name for ref in files]
        fingerprint = digest([ref.sha256 for ref in files])[:16]
        info = dataset_info(self._sequence_tokens, self._target.id_type)
        tokenizer = self._tokenizer(shard)
        shard.named("main", "state.json").write(canonical_json(state(names, fingerprint)))
        shard.named("info", "dataset_info.json").write(canonical_json(info))
        listed = [
            {"name": n, "sha256": f.sha256, "size_bytes": f.size_bytes} for n, f in zip(names, files, strict=True)
        ]
        told = {
            **shard.task.params["facts"],
            "plan": shard.task.params["plan"],
            "vocabulary": self._vocabulary(tokenizer),
            "chat": self._target.chat and self._target.chat.identity(),
            "control": self._target.control,
            "files": listed,
        }
        shard.named("mixture", "mixture.json").write(canonical_json(told))
        batches = pa.concat_tables(shard.table(ref) for ref in shard.inputs("batches"))
        pq.write_table(batches, pa.PythonFile(shard.named("batches", "batches.parquet"), mode="w"), **PARQUET)
        shard.sized("batches", batches.num_rows)
        shard.named("tokenizer", "tokenizer.json").write(tokenizer)
        shard.facts["folder"] = shard.task.folder

    def _vocabulary(self, tokenizer: bytes) -> int:
        """Return how many ids a model needs: a named target's own, of a trained tokenizer just what it has."""
        if self._target.name != DEMO:
            return self._target.vocabulary
        return load_tokenizer_bytes(tokenizer).get_vocab_size()

    def _tokenizer(self, shard: Shard) -> bytes:
        trained = shard.inputs("tokenizer")
        if trained:
            return bytes(shard.read(trained[0]))
        path = self._target.tokenizer_path()
        if path is None:
            raise InputError(f"target {self._target.name}: its tokenizer file has vanished since the plan was made")
        return read_tokenizer(path)
