"""Documents in Parquet to token files by datatrove, Megatron and `datasets`, for the race of `tokenizing`.

Run as `python tests/bench/packed_peers.py PEER JOB.json` in the peers' environment; prints the tokens written. The job
names files, tokenizer, workers and a folder for the output. datatrove writes tokens as its DocumentTokenizer does, and
for `merged` also shuffles documents into one file, as one does to build a mixture of its parts; for Megatron a pool of
processes encodes text by text as its `tools/preprocess_data.py` does (which megatron-core does not ship), its own
builder writes `.bin` and `.idx`, and its helpers make the indices of documents, samples, shuffling and blending that
training begins with; `datasets` maps the fast tokenizer over batches and writes its cache, as most training scripts do.
None packs by documents.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

encode: Callable[[str], list[int]]


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


def load(tokenizer: str, eos: str) -> None:
    """Read the tokenizer in a process of Megatron's pool."""
    from tokenizers import Tokenizer

    global encode
    library = Tokenizer.from_file(tokenizer)
    end = library.token_to_id(eos)
    encode = lambda text: [*library.encode(text, add_special_tokens=False).ids, end]  # noqa: E731


def encoded(text: str) -> list[int]:
    """Return the ids of one text in a process of Megatron's pool."""
    return encode(text)


def megatron(job: dict[str, Any]) -> int:
    """Write `.bin` and `.idx`, and the indices of a blend of this one part at 4,096 tokens a sample."""
    import numpy as np
    import pyarrow.parquet as pq
    from megatron.core.datasets import helpers
    from megatron.core.datasets.gpt_dataset import _build_document_index, _build_shuffle_index
    from megatron.core.datasets.indexed_dataset import IndexedDataset, IndexedDatasetBuilder

    out, size = Path(job["out"]), 4096
    builder = IndexedDatasetBuilder(str(out / "part.bin"), dtype=np.int32)
    texts = (text for file in job["files"] for text in pq.read_table(file)["text"].to_pylist())
    with Pool(job["workers"], load, (job["tokenizer"], job["eos"])) as pool:
        for ids in pool.imap(encoded, texts, 32):
            builder.add_document(ids, [len(ids)])
    builder.finalize(str(out / "part.idx"))
    part, draw = IndexedDataset(str(out / "part")), np.random.RandomState(1)
    lengths = part.sequence_lengths.copy()  # a view of a file that the data set unmaps when it goes
    tokens = int(lengths.sum())
    documents = _build_document_index(np.arange(len(lengths), dtype=np.int32), 1, draw, False)
    samples = helpers.build_sample_idx(lengths, documents, size, 1, tokens)
    count = len(samples) - 1
    parts, places = np.zeros(count, np.int16), np.zeros(count, np.int64)
    helpers.build_blending_indices(parts, places, [1.0], 1, count, False)
    for number, index in enumerate((documents, samples, _build_shuffle_index(count, count, draw), parts, places)):
        np.save(out / f"index-{number}.npy", index)
    return tokens


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
    runs = {"datasets.map": datasets, "megatron": megatron, "datatrove": partial(datatrove, merge=False)}
    print(runs.get(sys.argv[1], partial(datatrove, merge=True))(job))


if __name__ == "__main__":
    main()
