"""Documents in Parquet to token files by datatrove and by `datasets`, for the race of `tokenizing`.

Run as `python tests/bench/packed_peers.py PEER JOB.json` in the peers' environment; prints the tokens written. The job
names files, tokenizer, workers and a folder for the output. datatrove writes tokens as its DocumentTokenizer does, and
for `merged` also shuffles documents into one file, as one does to build a mixture of its parts; `datasets` maps the
fast tokenizer over batches and writes its cache, as most training scripts do. Neither packs by documents.
"""

import json
import sys
from pathlib import Path
from typing import Any


def datatrove(job: dict[str, Any], *, merge: bool) -> int:
    """Tokenise with DocumentTokenizer; with `merge`, shuffle documents into one file too."""
    import numpy as np
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.tokens import DocumentTokenizer, DocumentTokenizerMerger

    out, workers = Path(job["out"]), job["workers"]
    paths = out / "paths"
    paths.write_text("\n".join(job["files"]))
    reader = ParquetReader("/", str(paths), read_metadata=False)
    steps = DocumentTokenizer(str(out / "parts"), job["tokenizer"], eos_token=job["eos"], seed=1)
    LocalPipelineExecutor([reader, steps], tasks=workers, workers=workers, logging_dir=str(out / "log")).run()
    folder = out / "parts"
    if merge:
        merger = DocumentTokenizerMerger(str(folder), str(out / "merged"), "merged", seed=1, progress=False)
        LocalPipelineExecutor([merger], tasks=1, logging_dir=str(out / "log-merge")).run()
        folder = out / "merged"
    size = np.dtype(np.uint32).itemsize
    return sum(path.stat().st_size for path in folder.glob("*.ds")) // size


def datasets(job: dict[str, Any]) -> int:
    """Map the tokenizer over batches of texts in so many processes."""
    import datasets as library
    from tokenizers import Tokenizer

    library.disable_progress_bars()
    rows = library.load_dataset("parquet", data_files=job["files"], split="train", cache_dir=job["out"])
    tokenizer = Tokenizer.from_file(job["tokenizer"])

    def encode(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        return {"input_ids": [one.ids for one in tokenizer.encode_batch(batch["text"], add_special_tokens=False)]}

    made = rows.map(encode, batched=True, num_proc=job["workers"], remove_columns=rows.column_names)
    return int(sum(len(chunk.values) for chunk in made.data.column("input_ids").chunks))


def main() -> None:
    """Run one peer."""
    job = json.loads(Path(sys.argv[2]).read_text())
    Path(job["out"]).mkdir(parents=True)
    peer = sys.argv[1]
    print(datasets(job) if peer == "datasets.map" else datatrove(job, merge=peer == "datatrove, merged"))


if __name__ == "__main__":
    main()
