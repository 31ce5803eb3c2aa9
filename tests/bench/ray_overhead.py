"""The same stage work under our Ray runtime and under a plain fork pool of 2, start-up of both excluded.

Run `python -m tests.bench.ray_overhead [--seconds N] [--rounds N]`. The work is a stage of the product (`quality`) over
Parquet shards of synthetic text, through `pipelines.engine.work.execute`: reading, verifying, computing, committing.
Orders are dealt into rounds and the two alternate (A B, B A, ...). Each side's processes work once before the clock
starts: imports and compiled loops are loaded. Nothing is compared across machines; the ratio is the figure.
"""

import argparse
import json
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.rows import Rows
from pipelines.engine.runtime import RayRuntime, Resources
from pipelines.engine.settle import settle
from pipelines.engine.shard import PARQUET
from pipelines.engine.stage import FileRef, ShardTask
from pipelines.engine.storage import local_storage
from pipelines.engine.work import Order, execute
from pipelines.stages.quality import Quality, QualityConfig
from sources.document import Document, document_id, estimate_tokens, to_table
from sources.rights import UNKNOWN, rights_from
from tests.bench.meter import environment, measure

WORKERS = 2
FILES = 4
ROWS = 12_000
SENTENCES_A_ROW = 30


def main() -> None:
    """Race both sides, each part in a process of its own: a pool must not fork where Ray has left threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="CPU seconds of work for each side")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--part", nargs=3, metavar=("SIDE", "FOLDER", "COUNT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        side, folder, count = args.part
        work(side, Path(folder), int(count))
    else:
        with tempfile.TemporaryDirectory(prefix="bench-ray-") as scratch:
            race(Path(scratch), args.seconds, args.rounds)


def work(side: str, folder: Path, count: int) -> None:
    """Do one part of one side and write when it began and ended."""
    files = [FileRef(*ref) for ref in json.loads((folder / "files.json").read_text())]
    times = (run_ray if side == "ray" else run_pool)(folder / side, files, count)
    (folder / f"{side}.json").write_text(json.dumps(times))


def race(folder: Path, seconds: float, rounds: int) -> None:
    """Make the shards, run the parts of both sides in turn, and print."""
    files = [make_shard(folder, number) for number in range(FILES)]
    (folder / "files.json").write_text(json.dumps([[f.path, f.sha256, f.size_bytes, f.rows] for f in files]))
    count = max(2 * WORKERS, round(seconds / rounds / execute_some(folder / "trial", files, range(4))))
    walls: dict[str, list[float]] = {"ray": [], "pool": []}
    cpus: dict[str, list[float]] = {"ray": [], "pool": []}
    print(environment("ray", "pyarrow", "numba"))
    print(f"{count * rounds} shards of {ROWS:,} documents, {rounds} rounds, {WORKERS} workers", flush=True)
    for number in range(rounds):
        for side in ("ray", "pool") if number % 2 == 0 else ("pool", "ray"):
            command = [sys.executable, "-m", "tests.bench.ray_overhead", "--part", side, str(folder), str(count)]
            readings = measure(["nice", *command], folder / "log")
            if readings.exit_code:
                raise SystemExit((folder / "log").read_text()[-3000:])
            begin, end = json.loads((folder / f"{side}.json").read_text())
            walls[side].append(end - begin)
            cpus[side].append(readings.cpu_between(begin, end))
            shutil.rmtree(folder / side)
    for side in walls:
        each = ", ".join(f"{wall:.1f}" for wall in walls[side])
        print(f"{side:<5} wall {sum(walls[side]):6.1f} s ({each}), CPU {sum(cpus[side]):6.1f} s")
    wall = statistics.median(ray / pool for ray, pool in zip(walls["ray"], walls["pool"], strict=True))
    cpu = statistics.median(ray / pool for ray, pool in zip(cpus["ray"], cpus["pool"], strict=True))
    print(f"Ray over fork pool: {wall - 1:+.1%} wall, {cpu - 1:+.1%} CPU (medians over rounds; goal: 3 % at most)")


def make_shard(folder: Path, number: int) -> FileRef:
    """Write documents of invented words to Parquet as the engine does, and return the reference of the file."""
    random = Random(number)
    words = ["".join(random.choices("aeioulnrstmdp", k=random.randint(2, 11))) for _ in range(5_000)]
    sentences = [" ".join(random.choices(words, k=20)) + ". " for _ in range(2_000)]
    texts = ["".join(random.choices(sentences, k=SENTENCES_A_ROW)) for _ in range(ROWS)]
    documents = [_document(f"{number}/{row}", text) for row, text in enumerate(texts)]
    path = folder / f"input-{number}.parquet"
    pq.write_table(to_table(documents), path, row_group_size=512, **PARQUET)
    data = path.read_bytes()
    return FileRef(str(path), sha256_bytes(data), len(data), ROWS)


def _document(key: str, text: str) -> Document:
    return Document(
        id=document_id("bench", key, None),
        kind="replay",
        source="bench",
        key=key,
        text=text,
        rights=rights_from(UNKNOWN),
        tokens=estimate_tokens(text),
    )


def orders(files: list[FileRef], numbers: range, name: str) -> Iterator[Order]:
    """Yield an order for each number; files are used again under other names of shards."""
    stage = Rows(Quality(QualityConfig()))
    for number in numbers:
        yield Order(stage, ShardTask(f"{name}-{number:05d}", {"documents": (files[number % FILES],)}))


def execute_some(folder: Path, files: list[FileRef], numbers: range) -> float:
    """Execute a few orders in this process and return the median CPU seconds of one, the first left out."""
    seconds = []
    for order in orders(files, numbers, "trial"):
        begun = time.process_time()
        execute(local_storage(folder), order)
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds[1:])


def run_ray(folder: Path, files: list[FileRef], count: int) -> tuple[float, float]:
    """Settle the orders on a Ray of our own, as the driver does."""
    resources = Resources()
    runtime = RayRuntime(local_storage(folder), workers=WORKERS, address=None, resources=resources)
    try:
        list(settle(runtime, list(orders(files, range(2 * WORKERS), "warm")), lambda *_: None))
        with _timed() as times:
            list(settle(runtime, list(orders(files, range(count), "work")), lambda *_: None))
    finally:
        runtime.close()
    return times[0], times[1]


def run_pool(folder: Path, files: list[FileRef], count: int) -> tuple[float, float]:
    """Map the orders over a fork pool."""
    storage = local_storage(folder)
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        task = partial(execute, storage)
        list(pool.imap_unordered(task, orders(files, range(2 * WORKERS), "warm")))
        with _timed() as times:
            list(pool.imap_unordered(task, list(orders(files, range(count), "work"))))
    return times[0], times[1]


@contextmanager
def _timed() -> Iterator[list[float]]:
    times = [time.time()]
    yield times
    times.append(time.time())


if __name__ == "__main__":
    main()
