"""Documents in Parquet to packed ids in shards by this project's own stages: tokenise, mix and pack, write.

Run as `python -m tests.bench.packed FOLDER TARGET TOKENIZER WORKERS` by `tokenizing`, which has had `prepare` write the
documents. The stages run under the engine with its whole protocol (digests, fsync, records, manifests), in forked
processes in the place of Ray's, whose start `ray_overhead` measures. Not here: peers.
"""

import multiprocessing
import random
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mixer.materialise import Materialise
from mixer.mixture import MixtureStage
from mixer.settings import MixtureConfig
from mixer.target import find_target
from mixer.tokenized import Tokenize
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import Failure, InlineRuntime, execute_told
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.engine.storage import Storage, local_storage
from pipelines.engine.work import Order, Report
from sources.document import Document, to_table

SHARD_BYTES = 4 << 20
SEQUENCE_TOKENS = 4096


@dataclass(frozen=True)
class Written:
    """A stage that writes texts as documents, over and over in a new order until there are so many bytes."""

    texts: tuple[str, ...]
    total_bytes: int
    name: str = "documents"
    version: str = "1"
    reasons: frozenset[str] = frozenset()

    def identity(self) -> dict[str, Any]:
        """Return the size; the texts are those of one benchmark."""
        return {"total_bytes": self.total_bytes}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each 4 MB."""
        return [
            ShardTask(f"part-{number:05}", {}, {"number": number}) for number in range(self.total_bytes // SHARD_BYTES)
        ]

    def run(self, shard: Shard) -> None:
        """Write one shard: its own draw from the texts."""
        number = shard.task.params["number"]
        sizes = [len(text.encode()) for text in self.texts]
        whole = sum(sizes)
        begin, at, found = number * SHARD_BYTES, 0, []
        for turn in range(self.total_bytes // whole + 1):
            order = list(range(len(sizes)))
            random.Random(turn).shuffle(order)
            for place in order:
                if begin <= at < begin + SHARD_BYTES:
                    key = f"{turn}-{place}"
                    found.append(Document(id=key, kind="article", source="s", key=key, text=self.texts[place]))
                at += sizes[place]
        table = to_table(found)
        shard.arrived(table)
        shard.kept(table)
        shard.wrote(table)
        shard.write(table)


class Forked:
    """A runtime of forked processes: what Ray does, without Ray."""

    def __init__(self, storage: Storage, workers: int) -> None:
        self.slots = workers
        self._storage = storage
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"))
        self._running: dict[Future[Report | Failure], Order] = {}

    def submit(self, order: Order) -> None:
        """Hand the order to the pool."""
        self._running[self._pool.submit(execute_told, self._storage, order)] = order

    def wait(self) -> tuple[Order, Report | Failure]:
        """Return a finished order."""
        done = next(iter(wait(self._running, return_when=FIRST_COMPLETED).done))
        return self._running.pop(done), done.result()

    def drop(self) -> None:
        """Forget what was submitted."""
        self._running.clear()

    def service(self, name: str, factory: Callable[[], Any], *, gpus: int = 0) -> Any:
        """Refuse: no stage here asks for one."""
        raise NotImplementedError(name)

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


class Silent:
    """Takes the driver's events and tells nobody."""

    def emit(self, kind: str, **facts: Any) -> None:
        """Take one."""


def prepare(folder: Path, texts: list[str], total_bytes: int) -> list[Path]:
    """Write the documents, and their texts alone as Parquet files for the peers, which are returned."""
    storage = local_storage(folder)
    stage = Written(tuple(texts), total_bytes)
    manifest = run_stages(storage, [PlannedStage(stage)], lambda: InlineRuntime(storage), Silent())[stage.name]  # type: ignore[arg-type]
    plain = []
    (folder / "plain").mkdir()
    for number, ref in enumerate(manifest.files()):
        plain.append(folder / "plain" / f"{number:05}.parquet")
        table = pq.read_table(folder / ref.path, columns=["id", "text"])
        pq.write_table(table.replace_schema_metadata(), plain[-1], compression="zstd")
    return plain


def pack(folder: Path, target_name: str, tokenizer: Path, workers: int) -> None:
    """Bring the documents of a folder to shards of packed ids."""
    storage = local_storage(folder)
    total = int(next(folder.glob("total")).read_text())
    documents = Written((), total)
    target = find_target(target_name, tokenizer)
    config = MixtureConfig.model_validate(
        {
            "name": "bench", "target": target_name, "sequence_tokens": SEQUENCE_TOKENS, "on_cap": "shorten",
            "components": [{"name": "all", "kinds": ["article"], "weight": 1, "max_epochs": 1}],
        }
    )  # fmt: skip
    tokens = Tokenize(target)
    mixture = MixtureStage(config, 1, target, frozenset())
    planned = [
        PlannedStage(documents),
        PlannedStage(tokens, {"documents": (documents.name,)}),
        PlannedStage(mixture, {"tokens": (tokens.name,)}),
        PlannedStage(
            Materialise("bench", 4096, SEQUENCE_TOKENS, target), {"plan": (mixture.name,), "tokens": (tokens.name,)}
        ),
    ]
    runtime = Forked(storage, workers)
    manifests = run_stages(storage, planned, lambda: runtime, Silent())  # type: ignore[arg-type]
    runtime.close()
    print(sum(shard.facts["target_tokens"] for shard in manifests[tokens.name].shards))


if __name__ == "__main__":
    pack(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
