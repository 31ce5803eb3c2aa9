"""A tiny experiment on documents made of seeds: three components of other words, questions, proxies of six steps."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.split import Given
from mixer.experiments.stages import prepared, sweep
from pipelines.engine.driver import PlannedStage
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, ShardTask
from sources.document import Document, document_id, to_table

WORDS = {
    "guidelines": "give oral dose mg daily child fever malaria refer if severe weight kg",
    "articles": "trial patients randomised outcome ratio interval cohort methods results mean",
    "replay": "the river town people walked market song evening story garden house",
}
KINDS = {"guidelines": "guideline", "articles": "article", "replay": "replay"}


def documents(component: str, count: int) -> list[Document]:
    """Return documents whose words come in an order that can be learned; malaria is in every third guideline."""
    found = []
    for number in range(count):
        draw, words = random.Random(f"{component} {number}"), WORDS[component].split()
        at, text = draw.randrange(len(words)), []
        for _ in range(draw.randrange(40, 90)):
            text.append(words[at])
            at = (at + draw.choice((1, 1, 1, 2))) % len(words)
        body = " ".join(text) + "."
        key = f"{number:03}"
        identity = document_id(component, key, None)
        found.append(
            Document(id=identity, kind=KINDS[component], source=component, key=key, text=body, tokens=len(body) // 4)
        )
    return found


def questions(count: int) -> list[Document]:
    """Return questions that are not for training."""
    found = []
    for number in range(count):
        mcq = {"question": "give oral dose mg", "options": ["the river", "daily child fever"], "gold": [1],
               "explanation": None, "split": "test", "subject": None}  # fmt: skip
        extra = '{"reference_only": true}'
        found.append(Document(id=document_id("test", str(number), None), kind="mcq", source="test", key=str(number),
                              text="q", tokens=1, mcq=mcq, extra=extra))  # fmt: skip
    return found


def given(folder: Path, counts: Mapping[str, int] | None = None) -> Given:
    """Write the documents of a run that is finished, in shards of one component."""
    counts = counts or {"guidelines": 24, "articles": 20, "replay": 16}
    shards = tuple((name, _written(folder / f"{name}.parquet", documents(name, n))) for name, n in counts.items())
    asked = (_written(folder / "questions.parquet", questions(4)),)
    return Given(shards, questions={"test": asked})


def _written(path: Path, rows: list[Document]) -> FileRef:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(to_table(rows), path, write_page_checksum=True)
    data = path.read_bytes()
    return FileRef(str(path), sha256_bytes(data), len(data), len(rows))


def config(**changes: Any) -> ExperimentConfig:
    """Return an experiment of three components and the smallest proxies."""
    proxy = {"width": 16, "layers": 1, "heads": 2, "vocabulary": 300, "sequence_tokens": 32, "batch_sequences": 8,
             "tokens": 32 * 8 * 6, "evaluations": 2, "learning_rate": 0.01, **changes.pop("proxy", {})}  # fmt: skip
    values: dict[str, Any] = {
        "name": "tiny", "question": "Which shares?", "run": "run.yaml", "out": "out", "seed": 3,
        "target_tokens": 6000, "proxy": proxy, "held_out": {"share": "0.2"},
        "questions": [{"name": "test", "sources": ["test"]}],
        "components": [{"name": "guidelines", "kinds": ["guideline"]}, {"name": "articles", "kinds": ["article"]},
                       {"name": "replay", "kinds": ["replay"], "general": True}],
        "objective": {"held-out/guidelines": 1, "questions/test": 1},
    }  # fmt: skip
    return ExperimentConfig.model_validate({**values, **changes})


MIXTURES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.2, 0.2, 0.6), (0.4, 0.35, 0.25), (0.4, 0.35, 0.25), (0.1, 0.8, 0.1))


class FixedDesign:
    """Stands for the design: a handful of mixtures, one of them twice with another seed."""

    name = "design"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, mixtures: tuple[tuple[float, ...], ...] = MIXTURES) -> None:
        self._mixtures = mixtures

    def identity(self) -> dict[str, Any]:
        return {"mixtures": self._mixtures}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        return [ShardTask("design")]

    def run(self, shard: Shard) -> None:
        shard.facts["runs"] = [
            {"id": f"run-{at:04}", "weights": list(one), "seed": 7 + at * self._mixtures[:at].count(one),
             "split": "train", "replicate": -1}
            for at, one in enumerate(self._mixtures)
        ]  # fmt: skip


def tiny_sweep(folder: Path, design: FixedDesign | None = None, **changes: Any) -> list[PlannedStage]:
    """Return the stages of a tiny experiment up to its trained proxies."""
    own = config(**changes)
    return [*prepared(own, given(folder)), PlannedStage(design or FixedDesign()), sweep("sweep", own, "design")]
