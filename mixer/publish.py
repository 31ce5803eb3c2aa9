"""The stage that makes a mixture's folder one that `datasets.load_from_disk` opens, and that carries all it needs.

`state.json` and `dataset_info.json` as `Dataset.save_to_disk` writes them, the tokenizer, and `mixture.json` with the
components, requested and effective shares, epochs and ledgers. Everything is small; the shards are there already.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from mixer.shards import dataset_info, state
from mixer.target import Target
from pipelines.engine.errors import InputError
from pipelines.engine.hashing import canonical_json, digest
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask


class Publish:
    """Write the files that make shards a dataset."""

    version = "1"
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
        roles = {"shards": files}
        if "tokenizer" in inputs:
            roles["tokenizer"] = tuple(inputs["tokenizer"].files())
        folder = str(PurePosixPath(files[0].path).parent)
        return [ShardTask("dataset", roles, {"facts": dict(facts)}, folder)]

    def run(self, shard: Shard) -> None:
        """Write the named files and note the folder."""
        files = shard.inputs("shards")
        names = [PurePosixPath(ref.path).name for ref in files]
        fingerprint = digest([ref.sha256 for ref in files])[:16]
        info = dataset_info(self._sequence_tokens, self._target.id_type)
        shard.named("main", "state.json").write(canonical_json(state(names, fingerprint)))
        shard.named("info", "dataset_info.json").write(canonical_json(info))
        shard.named("mixture", "mixture.json").write(canonical_json(shard.task.params["facts"]))
        shard.named("tokenizer", "tokenizer.json").write(self._tokenizer(shard))
        shard.facts["folder"] = shard.task.folder

    def _tokenizer(self, shard: Shard) -> bytes:
        trained = shard.inputs("tokenizer")
        if trained:
            return bytes(shard.read(trained[0]))
        path = self._target.tokenizer_path()
        if path is None:
            raise InputError(f"target {self._target.name}: its tokenizer file has vanished since the plan was made")
        return path.read_bytes()
