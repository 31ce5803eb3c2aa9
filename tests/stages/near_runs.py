"""Runs the steps of `dedup_near` over given documents, as a run file would, on a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from fakes.given import Given, planned
from fakes.runs import Shuffled
from fakes.stages import Events

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import run_stages
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from pipelines.stages.dedup_exact import ExactConfig
from pipelines.stages.dedup_exact_resolve import exact_steps
from pipelines.stages.dedup_near import NearConfig
from pipelines.stages.exchange import RunFacts
from pipelines.stages.near_steps import near_steps
from pipelines.stages.versions import VersionsConfig
from pipelines.stages.versions_resolve import version_steps
from sources.document import Document, estimate_tokens


def document(id: str, text: str, **fields: Any) -> Document:
    values = {"id": id, "kind": "article", "source": "a", "key": id, "text": text, "tokens": estimate_tokens(text)}
    return Document(**{**values, **fields})


class Run:
    """What a run found: the removed documents with their survivor and similarity, and the driver's events."""

    def __init__(
        self,
        folder: Path,
        documents: Sequence[Document],
        config: NearConfig | None = None,
        *,
        rows: int = 256,
        seed: int | None = None,
        before: Sequence[str] = (),
        priorities: Mapping[str, int] | None = None,
    ) -> None:
        facts = RunFacts(0, priorities or {})
        first = {"dedup_exact": exact_steps(ExactConfig(), facts), "versions": version_steps(VersionsConfig(), facts)}
        lines = {kind: first[kind] for kind in before} | {"dedup_near": near_steps(config or NearConfig(), facts)}
        storage = Storage(LocalDisk(folder))
        runtime = InlineRuntime(storage)
        self.events = Events()
        self.manifests = run_stages(
            storage,
            planned(Given(tuple(documents), rows), lines),
            lambda: runtime if seed is None else Shuffled(runtime, seed),
            self.events,
        )
        self.storage = storage
        self.removed = self.table("dedup_near")

    def table(self, stage: str) -> pa.Table:
        import pyarrow.parquet as pq

        refs = list(self.manifests[stage].files())
        return pa.concat_tables([pq.read_table(pa.BufferReader(self.storage.read(ref))) for ref in refs])

    @property
    def pairs(self) -> dict[str, str]:
        return dict(zip(*(self.removed[name].to_pylist() for name in ("id", "survivor")), strict=True))

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.manifests["dedup_near"].shards[0].facts
