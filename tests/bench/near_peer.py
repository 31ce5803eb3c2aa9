"""datatrove's four stages of MinHash deduplication on stock settings: run in the environment of the peers.

`python tests/bench/near_peer.py FOLDER WORKERS` reads FOLDER/texts.jsonl ({"text": ..., "id": row}), and writes
`told.json`: when each stage began and ended, and the rows that were kept. Then, when
FOLDER/words is there, the texts as datatrove's normaliser and word splitter see them, into FOLDER/words/texts.json, and
its shingles of them, how many each text has, and its permutations, into FOLDER/words/hashes.npz.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.text import simplify_text
from datatrove.utils.word_tokenizers import load_word_tokenizer


def main() -> None:
    """Run the stages one after another and tell."""
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    config = MinhashConfig()
    reader = JsonlReader(str(folder / "input"))
    at = {name: str(folder / name) for name in ("signatures", "buckets", "remove", "kept")}
    stages = {
        "signatures": ([reader, MinhashDedupSignature(at["signatures"], config)], workers),
        "buckets": ([MinhashDedupBuckets(at["signatures"], at["buckets"], config=config)], config.num_buckets),
        "cluster": ([MinhashDedupCluster(at["buckets"], at["remove"], config=config)], 1),
        "filter": ([reader, MinhashDedupFilter(at["remove"]), JsonlWriter(at["kept"], compression=None)], workers),
    }
    told: dict[str, list[float]] = {}
    for name, (pipeline, tasks) in stages.items():
        begun = time.time()
        logs = folder / "logs" / name
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, logging_dir=str(logs)).run()
        told[name] = [begun, time.time()]
    files = Path(at["kept"]).glob("*.jsonl")
    kept = sorted(int(json.loads(line)["id"]) for file in files for line in file.open())
    (folder / "told.json").write_text(json.dumps({"stages": told, "kept": kept}))
    if (folder / "words").is_dir():
        split = load_word_tokenizer("en").word_tokenize
        rows = sorted((json.loads(line) for file in (folder / "input").glob("*") for line in file.open()), key=number)
        texts = [" ".join(split(simplify_text(row["text"], config.norm_config))) for row in rows]
        (folder / "words" / "texts.json").write_text(json.dumps(texts))
        signature = MinhashDedupSignature(at["signatures"], config)
        shingles = [signature.get_shingles(row["text"]).ravel() for row in rows]
        factors, terms = (part.ravel() for part in signature.parameters)
        counts = [len(one) for one in shingles]
        file = folder / "words" / "hashes.npz"
        np.savez(file, shingles=np.concatenate(shingles), counts=counts, factors=factors, terms=terms)


def number(row: dict[str, str]) -> int:
    """The row of the corpus."""
    return int(row["id"])


if __name__ == "__main__":
    main()
