"""Mixtures made by the real stages from documents of random ids, in no time: no text, no tokenizer, no Ray."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from fakes.stages import Events

from mixer.materialise import Materialise
from mixer.mixture import MixtureStage
from mixer.publish import Publish
from mixer.settings import MixtureConfig
from mixer.target import Target
from mixer.tokenize import tokens_schema
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.engine.storage import Storage, local_storage

BOS, EOS, PAD, VOCABULARY = 1, 2, 0, 900
COMPONENTS = ({"name": "a", "sources": ["a"], "weight": "0.5"}, {"name": "b", "sources": ["b"], "weight": "0.35"},
              {"name": "c", "sources": ["c"], "weight": "0.15"})  # fmt: skip


class RandomTokens:
    """A stage that stands for tokenising: `documents` of each of three sources, of up to `longest` ids."""

    name = "tokenize-toy"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, target: Target, documents: int, longest: int, shards: int = 3) -> None:
        self._target, self._documents, self._longest, self._shards = target, documents, longest, shards

    def identity(self) -> dict[str, Any]:
        return {"target": self._target.identity(), "documents": self._documents, "longest": self._longest}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return [ShardTask(f"tokens-{number}", params={"number": number}) for number in range(self._shards)]

    def run(self, shard: Shard) -> None:
        number = shard.task.params["number"]
        rng = np.random.default_rng(number)
        schema = tokens_schema(self._target)
        rows = []
        for source in "abc":
            for document in range(number, self._documents, self._shards):
                ids = rng.integers(3, VOCABULARY, rng.integers(1, self._longest)).astype(self._target.id_dtype)
                row = {"document": f"{source}{document}", "source": source, "kind": "article", "language": "en"}
                rows.append(
                    {**row, "ids": ids, "marked": False, "masked": [], "section_breaks": [], "paragraph_breaks": []}
                )
        table = pa.Table.from_pylist(rows, schema=schema)
        with pa.ipc.new_stream(pa.PythonFile(shard.sink("main", "arrow"), mode="w"), schema) as writer:
            writer.write_table(table)
        shard.sized("main", table.num_rows, len(table["ids"].combine_chunks().values))


def toy_target(folder: Path, context_tokens: int, vocabulary: int) -> Target:
    """Return a target whose ids mean nothing; its tokenizer file is never parsed."""
    path = folder / "tokenizer.json"
    path.write_text("{}")
    return Target(
        name="toy", tokenizer=str(path), bos_id=BOS, eos_id=EOS, pad_id=PAD, bos=True, context_tokens=context_tokens,
        vocabulary=vocabulary,
    )  # fmt: skip


class ToyMixture:
    """A mixture of three components in a folder, with its manifests."""

    def __init__(
        self,
        folder: Path,
        *,
        documents: int = 250,
        longest: int = 90,
        rows_per_shard: int = 1500,
        vocabulary: int = VOCABULARY,
        **settings: Any,
    ) -> None:
        self.target = toy_target(folder, settings.get("sequence_tokens", 64), vocabulary)
        config = MixtureConfig(
            **{"name": "toy", "target": "toy", "sequence_tokens": 32, "on_cap": "shorten", "components": COMPONENTS}
            | settings
        )
        self.storage: Storage = local_storage(folder / "run")
        tokens = RandomTokens(self.target, documents, longest)
        publish = Publish("toy", self.target, config.sequence_tokens)
        planned = [
            PlannedStage(tokens),
            PlannedStage(MixtureStage(config, 7, self.target, frozenset()), {"tokens": (tokens.name,)}),
            PlannedStage(
                Materialise("toy", rows_per_shard, config.sequence_tokens, self.target),
                {"plan": ("mixture-toy",), "tokens": (tokens.name,)},
            ),
            PlannedStage(publish, {"shards": ("shards-toy",), "plan": ("mixture-toy",)}),
        ]
        self.manifests = run_stages(self.storage, planned, lambda: InlineRuntime(self.storage), Events())
        self.folder = folder / "run" / str(self.manifests["publish-toy"].shards[0].facts["folder"])
        self.plan = self.manifests["mixture-toy"]
        self.token_files = tuple(self.manifests["tokenize-toy"].files())
