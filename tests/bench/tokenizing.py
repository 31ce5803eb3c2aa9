"""Tokenising beside `tokenizers`, tiktoken, datatrove and `datasets`: ids alone, an unbroken string, and whole files.

Run `python -m tests.bench.tokenizing [--megabytes N] [--packed N ...] [--against NAME ...] [--rounds N]` with
MEDMIX_DATA set (and MEDMIX_REAL_RUN for a finished run of the real sample; JATS articles alone without). First every
library encodes texts that it has not seen (cold), others after them (warm), the first ones again, and a string of
200 KB without a space, in a process of its own with 1 and with 2 threads. Then documents in Parquet become packed rows
in shards (ours), token files (datatrove), those shuffled into one (datatrove, merged), token files with the indices of
a training order (megatron), or a cache of `datasets`; texts repeat where the size asked for is more than there is, so
word caches are warm. `--megabytes 0 --packed 1000 --against datatrove` is the race at 1 GB. Judge by CPU seconds: on a
busy machine those of a wall clock tell of others. Order alternates by round.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mixer.target import find_target
from tests.bench.meter import environment, measure
from tests.bench.packed import prepare
from tests.bench.peers import ROOT, peer_python, versions
from tests.bench.texts import first, read_texts

ALONE = Path(__file__).with_name("tokenizers_alone.py")
PEERS = Path(__file__).with_name("packed_peers.py")
TARGETS = {"llama-3.1": "<|end_of_text|>", "qwen2.5": "<|endoftext|>"}
ALONE_NAMES = ("ours", "ours, all columns", "tokenizers", "tiktoken")
PACKED_NAMES = ("ours", "datatrove", "datatrove, merged", "megatron", "datasets.map")
WORKERS = 2


def main() -> None:
    """Read the arguments and run the races."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=4, help="text of each of the two passes; 0: none")
    parser.add_argument("--packed", type=int, nargs="*", default=[50], help="megabytes of documents to pack, 5 or more")
    parser.add_argument(
        "--against", nargs="+", choices=PACKED_NAMES[1:], default=PACKED_NAMES[1:], help="who packs too"
    )
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("tokenizing: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    texts = read_texts(data, 1e12)
    random.Random(3).shuffle(texts)
    print(environment("tokenizers", "fastokens", "pyarrow"))
    print(f"peers: {versions('tokenizing', 'tokenizers', 'tiktoken', 'datatrove', 'datasets')}, ", end="")
    print(versions("training", "megatron-core"))
    print(f"{len(texts):,} real texts of {sum(len(text.encode()) for text in texts) / 1e6:.0f} MB", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-tokenizing-") as folder:
        work = Path(folder)
        for target, threads in itertools.product(TARGETS, (1, 2) if args.megabytes else ()):
            alone(work, texts, target, threads, args)
        for megabytes in args.packed:
            packed(work / f"packed-{megabytes}", texts, megabytes, args)


def alone(work: Path, texts: list[str], target: str, threads: int, args: argparse.Namespace) -> None:
    """Let every library encode the same texts, each in its own process, and print speeds and multiples."""
    begin = first(texts, args.megabytes * 1e6)
    other = first(texts[len(begin) :], args.megabytes * 1e6)
    path = find_target(target).tokenizer_path()
    job = {"target": target, "tokenizer": str(path), "threads": threads, "first": begin, "other": other}
    file = work / "job.json"
    file.write_text(json.dumps(job))
    sizes = {"cold": _megabytes(begin), "warm": _megabytes(other), "again": _megabytes(begin), "dna": 0.2}
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in ALONE_NAMES}
    for number in range(args.rounds):
        for name in ALONE_NAMES if number % 2 == 0 else ALONE_NAMES[::-1]:
            told[name].append(_run_alone(name, file, threads))
    clock = "cpu_s" if threads == 1 else "wall_s"
    print(f"\n{target}, {threads} thread(s), MB a {'CPU second' if threads == 1 else 'second of the clock'}, and as a "
          f"multiple of tokenizers; {told['ours'][0]['ids']:,} ids of {sizes['cold']:.1f} MB compared")  # fmt: skip
    print(f"{'':<20}{'cold':>16}{'warm':>16}{'again':>16}{'200 KB of DNA':>16}  to load  ids")
    rates = {name: [_rate(told[name], what, sizes[what], clock) for what in sizes] for name in ALONE_NAMES}
    for name, mine in rates.items():
        cells = [f"{rate:8.1f} {rate / peer:6.1f}x" for rate, peer in zip(mine, rates["tokenizers"], strict=True)]
        load_s = statistics.median(one["load_cpu_s"] for one in told[name])
        equal = "equal" if told[name][0]["digest"] == told["tokenizers"][0]["digest"] else "others"
        print(f"{name:<20}{''.join(f'{cell:>16}' for cell in cells)}{load_s:>7.1f} s  {equal}", flush=True)


def _run_alone(name: str, job: Path, threads: int) -> dict[str, Any]:
    python = peer_python("tokenizing") if name == "tiktoken" else sys.executable
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run([python, str(ALONE), name, str(job)], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _rate(rounds: list[dict[str, Any]], what: str, megabytes: float, clock: str) -> float:
    return megabytes / statistics.median(one[what][clock] for one in rounds)


def _megabytes(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


def packed(folder: Path, texts: list[str], megabytes: int, args: argparse.Namespace) -> None:
    """Let every contestant bring the same documents to tokens on disk; processes and their start are counted."""
    folder.mkdir()
    total = megabytes * 1_000_000
    (folder / "total").write_text(str(total))
    files = [str(path) for path in prepare(folder, texts, total)]
    names = ("ours", *args.against)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    tokens: dict[str, str] = {}
    for number in range(args.rounds):
        for name in names if number % 2 == 0 else names[::-1]:
            wall_s, cpu_s, tokens[name] = _run_packed(name, folder, files)
            found[name].append((wall_s, cpu_s))
    seconds = {
        name: (statistics.median(one[0] for one in runs), statistics.median(one[1] for one in runs))
        for name, runs in found.items()
    }
    times = total / sum(len(text.encode()) for text in texts)
    print(f"\n{megabytes} MB of documents in Parquet to tokens on disk, {WORKERS} workers, qwen2.5; seconds")
    print(
        f"(texts taken {times:.1f} times: the word cache is {'warm from the second time on' if times > 1 else 'cold'})"
    )
    _table(seconds, tokens)


def _run_packed(name: str, folder: Path, files: list[str]) -> tuple[float, float, str]:
    """Run one contestant from nothing; return wall and CPU seconds and the tokens that it tells."""
    target = "qwen2.5"
    tokenizer = find_target(target).tokenizer_path()
    out, log = folder / "out", folder / "log"
    shutil.rmtree(out, ignore_errors=True)
    for path in (folder / "stages", folder / "mixtures"):
        for made in path.glob("*"):
            if not made.name.startswith("documents"):
                shutil.rmtree(made)
    env = {"PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "RAYON_NUM_THREADS": "1"}
    if name == "ours":
        command = [sys.executable, "-m", "tests.bench.packed", str(folder), target, str(tokenizer), str(WORKERS)]
    else:
        job = {"files": files, "tokenizer": str(tokenizer), "eos": TARGETS[target], "workers": WORKERS, "out": str(out)}
        (folder / "job.json").write_text(json.dumps(job))
        python = peer_python("training" if name == "megatron" else "tokenizing")
        command = [python, str(PEERS), name, str(folder / "job.json")]
    readings = measure(command, log, env)
    if readings.exit_code:
        sys.exit(f"{name}: {log.read_text()[-3000:]}")
    return readings.wall_s, readings.cpu_s[-1], log.read_text().splitlines()[-1]


def _table(seconds: dict[str, tuple[float, float]], tokens: dict[str, str]) -> None:
    wall_s, cpu_s = seconds["ours"]
    for name, (wall, cpu) in seconds.items():
        ratio = f"ours {wall / wall_s:5.1f}x by wall, {cpu / cpu_s:5.1f}x by CPU"
        print(f"{name:<20}{wall:>9.1f} wall{cpu:>9.1f} CPU   {ratio}{int(tokens[name]):>14,} tokens", flush=True)


if __name__ == "__main__":
    main()
