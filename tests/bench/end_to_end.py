"""The real sample end to end: `medmix run` on a local Ray of 2 workers, beside the same stages from stock blocks.

Run `python -m tests.bench.end_to_end [--rounds N] [--work FOLDER]` with MEDMIX_DATA set. Both read the same files, as
the plan of `configs/runs/real-sample.yaml` lists them; which goes first alternates. The peer is datatrove under its
LocalPipelineExecutor (2 tasks, 2 workers) with pubmed_parser for JATS and pypdfium2 for PDF, in its own environment.
What each side leaves out is printed below the figures. Every figure includes the start of its processes.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.contestants import ALONE, START, WORKERS, Input, Row, Trial, list_inputs, run_ours, run_stock, warm_up
from tests.bench.meter import environment
from tests.bench.peers import peer_python, versions

NOTES = """\
Stages, ours | stock: filter = normalise, language, quality | FTFY, fastText language, Gopher (2), C4, FineWeb;
  dedup = keys, resolve, consolidate | find, filter; pack = mix, pack, write | cut, from_generator, save_to_disk.
  Stock drops by the papers' thresholds and so treats fewer documents afterwards; ours flags, and keeps clinical text.
  ours alone = coverage, versions, near duplicates, and differentials told from patients: stock has no block for these.
  CPU/token compares CPU seconds for each token that a stage treated (end to end: for each token written).
Stock does not: verify what it reads, fsync, commit, resume within a task, keep provenance, rights, sections, offsets or
  edits, mix by weight, keep the borders of documents in rows, trace; nor sandbox JATS, PDF and records.
Ours does not: shuffle tokens on disk (the order comes from the schedule), drop by C4's and FineWeb's thresholds.
Each extraction row of stock holds the start of its processes (about half of `other`); ours start in the first alone.
Tasks of ours that are at work at the same time share the seconds; sources are read side by side, stock's one by one.
Read otherwise by stock: text in attributes of XML is lost, a record is all its strings, a CSV row its cells."""


def main() -> None:
    """Read the arguments, race, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--work", type=Path, help="keep the folders of both sides here")
    args = parser.parse_args()
    if not os.environ.get("MEDMIX_DATA"):
        print("end to end: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    with tempfile.TemporaryDirectory(prefix="bench-end-to-end-") as folder:
        work = args.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        race(work, args.rounds)


def race(work: Path, rounds: int) -> None:
    """Run both sides `rounds` times, the first alternating, and print each round and the ratios over all."""
    peer_python("peers")  # made before anything is measured
    inputs = list_inputs(work)
    warm = warm_up(work / "warm")
    print(f"warm-up: the demo in {warm.cpu_s[-1]:.1f} CPU s, with the compiling of loops if they were not cached yet")
    ours, stock = [], []
    for number in range(rounds):
        contestants: list[tuple[str, Callable[..., Trial], list[Trial]]] = [
            ("ours", run_ours, ours),
            ("stock", run_stock, stock),
        ]
        for name, run, trials in contestants if number % 2 == 0 else contestants[::-1]:
            trials.append(run(work / name, inputs))
        print_round(inputs, ours[-1], stock[-1])
    for told, alone in (("the same stages", 1), ("with what ours does alone", 0)):
        pairs = [(o.whole, o.rows[ALONE], s.whole) for o, s in zip(ours, stock, strict=True)]
        wall = statistics.median(s.wall_s / (o.wall_s - alone * own.wall_s) for o, own, s in pairs)
        cpu = statistics.median(s.cpu_s / (o.cpu_s - alone * own.cpu_s) for o, own, s in pairs)
        print(
            f"end to end, {told}, median of {rounds}: {wall:.1f} times as fast by wall time, {cpu:.1f} by CPU (goal: 3)"
        )
    print(NOTES)


def print_round(inputs: list[Input], ours: Trial, stock: Trial) -> None:
    """Print the machine, seconds and ratios by stage, and rates by stage."""
    size_bytes = sum(one.size_bytes for one in inputs)
    files = sum(len(one.paths) for one in inputs)
    print(environment("ray", "trafilatura", "lxml", "pypdfium2", "tokenizers", "pyarrow", "numba"))
    print(
        "stock:",
        versions("peers", "datatrove", "trafilatura", "pubmed_parser", "pypdfium2", "spacy", "tokenizers", "datasets"),
    )
    print(f"{files:,} files, {size_bytes / 1e6:.1f} MB, {WORKERS} workers\n")
    print(f"{'':<20}{'wall s':>16}{'CPU s':>17}{'stock/ours':>22}")
    print(f"{'':<20}{'ours':>8}{'stock':>8}{'ours':>9}{'stock':>8}{'wall':>8}{'CPU':>6}{'CPU/token':>11}")
    stages = {name: (row, stock.rows.get(name, Row(0, 0))) for name, row in ours.rows.items()}
    for name, (o, s) in {**stages, "end to end": (ours.whole, stock.whole)}.items():
        ratios = "" if name in (START, ALONE) else _ratios(o, s)
        print(f"{name:<20}{o.wall_s:>8.1f}{s.wall_s:>8.1f}{o.cpu_s:>9.1f}{s.cpu_s:>8.1f}{ratios}")
    print(f"{'peak memory, GB':<20}{ours.peak_rss_bytes / 1e9:>8.1f}{stock.peak_rss_bytes / 1e9:>8.1f}\n")
    print(f"{'':<20}{'documents':>16}{'documents/s':>16}{'MB of files/s':>16}{'k tokens/s':>16}")
    print(f"{'':<20}" + f"{'ours':>8}{'stock':>8}" * 4)
    for name, (o, s) in {**stages, "end to end": (ours.whole, stock.whole)}.items():
        if name not in (START, ALONE):
            part = sum(one.size_bytes for one in inputs if name == one.row) or size_bytes
            print(f"{name:<20}{_rates(o, s, part)}")
    print()


def _ratios(ours: Row, stock: Row) -> str:
    cpu = stock.cpu_s / max(ours.cpu_s, 0.01)
    per_token = cpu * ours.tokens / stock.tokens if stock.tokens else 0.0
    return f"{stock.wall_s / max(ours.wall_s, 1e-3):>8.1f}{cpu:>6.1f}{per_token:>11.1f}"


def _rates(ours: Row, stock: Row, size_bytes: int) -> str:
    documents = f"{ours.documents:>8,}{stock.documents:>8,}"
    a, b = max(ours.wall_s, 1e-3), max(stock.wall_s, 1e-3)
    rates = (
        f"{ours.documents / a:>8.0f}{stock.documents / b:>8.0f}{size_bytes / 1e6 / a:>8.1f}{size_bytes / 1e6 / b:>8.1f}"
    )
    return documents + rates + f"{ours.tokens / 1e3 / a:>8.0f}{stock.tokens / 1e3 / b:>8.0f}"


if __name__ == "__main__":
    main()
