"""Packed rows to disk: ours, beside Hugging Face `from_generator` + `save_to_disk` and MosaicML's `MDSWriter`.

Run `python tests/bench/bench_packed_write.py [--mds-python PYTHON] [--rounds N] [--megabytes N] [--out FOLDER]`.
All write the same packed sequences of 4,096 uint32 ids with the same columns. Ours starts from token ids of documents
and a packing, so it also assembles the rows; the peers are handed finished rows (Hugging Face as lists, its faster
way). "committed" is ours through the engine's commit protocol (sha256, fsync of file and folder), and the peers with
fsync and sha256 of every file afterwards. Contestants alternate (A B C, C B A, ...); ratios are medians over rounds.
MDSWriter lives in its own environment (mosaicml-streaming with torch), since it imports torch to write a shard.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SEQUENCE_TOKENS = 4096
MDS_CHILD = """
import json, sys, time, types
sys.modules["streaming.vision"] = types.ModuleType("streaming.vision")  # datasets of pictures; needs torchvision
import numpy as np
from streaming import MDSWriter
rows, lens = np.load(sys.argv[1], mmap_mode="r"), json.load(open(sys.argv[2]))
columns = {"input_ids": f"ndarray:uint32:{rows.shape[1]}", "doc_lens": "ndarray:int32"}
columns |= {"pad_len": "int32", "source_id": "int16"}
rows = np.array(rows)
doc_lens = [np.array(x, np.int32) for x in lens["doc_lens"]]
for line in sys.stdin:
    begin = time.perf_counter()
    with MDSWriter(out=line.strip(), columns=columns, size_limit=1 << 26) as out:
        for r in range(len(rows)):
            out.write({"input_ids": rows[r], "doc_lens": doc_lens[r], "pad_len": lens["pad_len"][r], "source_id": 0})
    print(time.perf_counter() - begin, flush=True)
"""


@dataclass(frozen=True)
class Work:
    """The same sequences in the form each contestant takes."""

    packed: Any
    tokens: Any
    target: Any
    rows: np.ndarray
    doc_lens: list[list[int]]
    pad_len: list[int]


Contestant = Callable[[Work, Path, bool], float]
Seconds = dict[tuple[str, bool], list[float]]


def make_work(megabytes: int) -> Work:
    """Pack random documents with lengths like web pages into about so many megabytes of rows."""
    from mixer.assemble import Part, TokenShards, assemble
    from mixer.pack import PackRule, pack
    from mixer.target import find_target

    rng = np.random.default_rng(0)
    target = find_target("llama-3.1")
    wanted = megabytes * 1_000_000 // 4
    lengths = np.maximum(1, 700 * np.exp(0.9 * rng.standard_normal(wanted // 1000))).astype(np.int64)
    values = rng.integers(0, 128_000, lengths.sum()).astype(np.uint32)
    tokens = TokenShards((values,), (np.concatenate([[0], np.cumsum(lengths)]),))
    packed = pack(lengths, PackRule(SEQUENCE_TOKENS, bos=True, eos=True))
    every = np.arange(packed.sequences)
    block = assemble([Part(packed, every, every, 0)], tokens, target)
    doc_lens = [block.doc_lens[a:b].tolist() for a, b in zip(block.offsets, block.offsets[1:], strict=False)]
    return Work(packed, tokens, target, block.input_ids, doc_lens, block.pad_len.tolist())


def write_ours(work: Work, folder: Path, committed: bool) -> float:
    """Assemble and write; returns seconds."""
    from mixer.assemble import Part, assemble
    from mixer.shards import SequenceWriter
    from pipelines.engine.disk import LocalDisk
    from pipelines.engine.storage import Storage

    begin = time.perf_counter()
    staged = Storage(LocalDisk(folder)).create("shards") if committed else None
    sink = staged or (folder / "data.arrow").open("wb")
    writer = SequenceWriter(sink, SEQUENCE_TOKENS, work.target.id_type)
    for first in range(0, work.packed.sequences, 1000):
        picked = np.arange(first, min(first + 1000, work.packed.sequences))
        writer.write(assemble([Part(work.packed, picked - first, picked, 0)], work.tokens, work.target))
    writer.close()
    if staged is not None:
        staged.commit("data", "arrow")
    else:
        sink.close()
    return time.perf_counter() - begin


def write_hf(work: Work, folder: Path, committed: bool) -> float:
    """Let Hugging Face datasets take a generator of rows and save it; returns seconds."""
    import datasets
    from datasets import Dataset, Features, List, Value

    datasets.disable_progress_bars()
    features = Features(
        {
            "input_ids": List(Value("uint32"), length=SEQUENCE_TOKENS),
            "doc_lens": List(Value("int32")),
            "pad_len": Value("int32"),
            "source_id": Value("int16"),
        }
    )
    lists = work.rows.tolist()

    def rows() -> Iterator[dict[str, Any]]:
        for ids, lens, pad in zip(lists, work.doc_lens, work.pad_len, strict=True):
            yield {"input_ids": ids, "doc_lens": lens, "pad_len": pad, "source_id": 0}

    begin = time.perf_counter()
    made = Dataset.from_generator(rows, features=features, cache_dir=str(folder / "cache"), fingerprint="0" * 16)
    made.save_to_disk(str(folder / "set"))
    return time.perf_counter() - begin + (sync_and_digest(folder / "set") if committed else 0.0)


def mds_writer(python: str, work: Work, scratch: Path) -> Contestant:
    """Start a process with MosaicML streaming and the rows in memory; returns a contestant that asks it to write."""
    np.save(scratch / "rows.npy", work.rows)
    (scratch / "lens.json").write_text(json.dumps({"doc_lens": work.doc_lens, "pad_len": work.pad_len}))
    command = [python, "-c", MDS_CHILD, str(scratch / "rows.npy"), str(scratch / "lens.json")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write_mds(work: Work, folder: Path, committed: bool) -> float:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{folder / 'mds'}\n")
        child.stdin.flush()
        took = float(child.stdout.readline())
        return took + (sync_and_digest(folder / "mds") if committed else 0.0)

    return write_mds


def sync_and_digest(folder: Path) -> float:
    """Make every file durable and take its sha256; returns seconds."""
    begin = time.perf_counter()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                hashlib.file_digest(handle, "sha256")
                os.fsync(handle.fileno())
    return time.perf_counter() - begin


def race(work: Work, contestants: dict[str, Contestant], rounds: int, out: str | None) -> Seconds:
    """Run all contestants in turn, plain and committed; returns seconds by name and kind, a warm-up round left out."""
    seconds: Seconds = {(n, c): [] for n in contestants for c in (False, True)}
    for number in range(rounds + 1):
        order = list(seconds) if number % 2 else list(seconds)[::-1]
        for name, committed in order:
            folder = Path(tempfile.mkdtemp(prefix="bench-packed-", dir=out))
            try:
                took = contestants[name](work, folder, committed)
            finally:
                shutil.rmtree(folder)
            if number:
                seconds[name, committed].append(took)
    return seconds


def report(work: Work, seconds: Seconds) -> None:
    """Print speeds and ratios to each peer, plain and committed."""
    megabytes = work.rows.nbytes / 1e6
    load = os.getloadavg()[0]
    print(f"{len(work.rows):,} rows of {SEQUENCE_TOKENS} uint32 ids, {megabytes:.0f} MB; load {load:.1f}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions()}")
    for (name, committed), took in seconds.items():
        kind = "committed" if committed else "unsynced"
        print(f"{name:<10} {kind:<10} {megabytes / statistics.median(took):7.0f} MB/s")
    peers = [name for name, committed in seconds if name != "ours" and not committed]
    for peer in peers:
        for mine, theirs in ((False, False), (True, False), (True, True)):
            pairs = zip(seconds[peer, theirs], seconds["ours", mine], strict=True)
            ratio = statistics.median(slow / fast for slow, fast in pairs)
            words = ["committed" if flag else "unsynced" for flag in (mine, theirs)]
            print(f"ours {words[0]} / {peer} {words[1]}: {ratio:.1f}x")


def versions() -> str:
    """Return the versions that matter."""
    import datasets
    import pyarrow as pa

    return f"pyarrow {pa.__version__}, datasets {datasets.__version__}, numpy {np.__version__}"


def main() -> None:
    """Read the arguments, race, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mds-python", help="python of an environment with mosaicml-streaming and torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=67)
    parser.add_argument("--out", help="folder on the disk to measure (default: the temporary folder)")
    args = parser.parse_args()
    work = make_work(args.megabytes)
    contestants: dict[str, Contestant] = {"ours": write_ours, "hf": write_hf}
    with tempfile.TemporaryDirectory() as scratch:
        if args.mds_python:
            contestants["mds"] = mds_writer(args.mds_python, work, Path(scratch))
        else:
            print("MosaicML's writer is left out: give --mds-python")
        report(work, race(work, contestants, args.rounds, args.out))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
