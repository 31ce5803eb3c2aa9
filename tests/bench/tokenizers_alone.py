"""One tokenizer library over texts: seconds of a first pass, of other texts after it, and of the same texts again.

Run as `python tests/bench/tokenizers_alone.py CONTESTANT JOB.json` by `tokenizing`, in the environment of whatever
the contestant needs; prints one line of JSON. The job names the tokenizer file, threads and texts. Every contestant
gives the ids of the texts alone, and tells a digest of them.
"""

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

Encode = Callable[[list[str]], list[Any]]
BATCH_CHARS = 1 << 20


def ours(job: dict[str, Any]) -> Encode:
    """Return what a worker of the tokenising stage encodes with."""
    from mixer.encode import fastest
    from mixer.target import find_target, load_tokenizer

    encode, warning = fastest(load_tokenizer(find_target(job["target"], Path(job["tokenizer"]))))
    if warning:
        raise SystemExit(warning)
    return lambda texts: [encode(batch).ids for batch in batches(texts)]


def columns(job: dict[str, Any]) -> Encode:
    """Return the whole step: ids, places to cut and all other columns as an Arrow table."""
    import pyarrow as pa

    from mixer.encode import fastest
    from mixer.target import find_target, load_tokenizer
    from mixer.tokenize import tokenize_documents
    from sources.document import SECTION_TYPE

    target = find_target(job["target"], Path(job["tokenizer"]))
    tokenizer = load_tokenizer(target)
    encode, _ = fastest(tokenizer)

    def run(texts: list[str]) -> list[Any]:
        text, names = pa.array(texts), pa.array(["x"] * len(texts))
        about = dict.fromkeys(("id", "source", "kind", "language", "extra"), names)
        sections = pa.array([[{"path": "", "start": 0, "end": 1}]] * len(texts), pa.list_(SECTION_TYPE))
        table = pa.table({**about, "text": text, "sections": sections})
        return [tokenize_documents(table, tokenizer, target, encode)["ids"].combine_chunks().values.to_numpy()]

    return run


def huggingface(job: dict[str, Any]) -> Encode:
    """Return `encode_batch` of `tokenizers`."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(job["tokenizer"])
    tokenizer.encode_special_tokens = True
    return lambda texts: [
        one.ids for batch in batches(texts) for one in tokenizer.encode_batch(batch, add_special_tokens=False)
    ]


def tiktoken(job: dict[str, Any]) -> Encode:
    """Return `encode_ordinary_batch` of tiktoken, with the vocabulary and pattern of the tokenizer file."""
    import tiktoken as library

    tree = json.loads(Path(job["tokenizer"]).read_text())
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printed]
    byte_of = {chr(byte): byte for byte in printed} | {chr(256 + n): byte for n, byte in enumerate(others)}
    ranks = {bytes(byte_of[char] for char in token): number for token, number in tree["model"]["vocab"].items()}
    pattern = tree["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    encoding = library.Encoding("bench", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return lambda texts: list(encoding.encode_ordinary_batch(texts, num_threads=job["threads"]))


CONTESTANTS = {"ours": ours, "ours, all columns": columns, "tokenizers": huggingface, "tiktoken": tiktoken}


def batches(texts: list[str]) -> list[list[str]]:
    """Return texts in batches of about a million characters, as the stage takes them."""
    found: list[list[str]] = [[]]
    left = BATCH_CHARS
    for text in texts:
        if left < 0:
            found.append([])
            left = BATCH_CHARS
        found[-1].append(text)
        left -= len(text)
    return found


def timed(encode: Encode, texts: list[str]) -> tuple[dict[str, float], list[Any]]:
    """Return the CPU and wall seconds of one pass, and its ids."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = encode(texts)
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}, found


def main() -> None:
    """Run one contestant over the job's texts."""
    job = json.loads(Path(sys.argv[2]).read_text())
    loading = time.process_time()
    encode = CONTESTANTS[sys.argv[1]](job)
    encode(["x"])  # compiled loops are loaded
    told: dict[str, Any] = {"load_cpu_s": time.process_time() - loading}
    told["cold"], found = timed(encode, job["first"])
    told["warm"], _ = timed(encode, job["other"])
    told["again"], _ = timed(encode, job["first"])
    dna = "".join(random.Random(1).choices("ACGT", k=200_000))
    told["dna"], _ = timed(encode, [dna])
    ids = np.fromiter(chain.from_iterable(one if isinstance(one, list) else one.tolist() for one in found), np.uint32)
    told |= {"ids": len(ids), "digest": hashlib.sha256(ids.tobytes()).hexdigest()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
