"""Articles a second for each core, from packages as PMC serves them (tar.gz) to committed Parquet, by a whole run.

Run `python -m tests.bench.publications [--copies N] [--rounds N]` with MEDMIX_DATA set. The packages of `jats/bulk` are
laid out again and again under new names, so that there is enough to do: the articles repeat, the work does not. Every
step is that of a run: digests of the files, Ray, shards, tar, the sandbox around the parser, records, rights, Parquet
with checksums, fsync, commit. Rates and scaling are those of the extraction, from its first task to its manifest; what
the start of Ray costs is told apart. No step after extraction is in it.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipelines.result import read_result
from tests.bench.meter import environment, measure

STAGE = "extract-articles"
PMC_ARTICLES = 7_000_000
RUN = """\
name: publications
out: {out}
seed: 1
shard_bytes: {shard_bytes}
max_quarantined: 0.15
sources:
  - {{name: articles, kind: article, path: {path}, members: ["*.xml", "*.nxml"], parser: jats}}
stages: []
"""
SHARD_BYTES = 4 << 20


@dataclass(frozen=True)
class Trial:
    """One run: documents, seconds of the extraction, CPU seconds of it and of the whole, peak of memory."""

    documents: int
    wall_s: float
    cpu_s: float
    whole_cpu_s: float
    peak_rss_bytes: int


def main() -> None:
    """Run with one and two workers in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=12, help="of each package")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("publications: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    trials: dict[int, list[Trial]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="bench-publications-") as folder:
        packages = lay_out(Path(data, "jats", "bulk"), Path(folder, "packages"), args.copies)
        size_bytes = sum(path.stat().st_size for path in packages)
        run(Path(folder), 2, packages[:2])  # compiles and caches what a first run does
        for number in range(args.rounds):
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                trials[workers].append(run(Path(folder), workers, packages))
    print(environment("ray", "lxml", "pyarrow"))
    print(f"{len(packages)} packages, {args.copies} copies of each, {size_bytes / 1e6:.0f} MB packed\n")
    print_rates(trials)


def lay_out(bulk: Path, folder: Path, copies: int) -> list[Path]:
    """Copy each package so many times under names of its own."""
    folder.mkdir()
    for number in range(copies):
        for package in sorted(bulk.glob("*.tar.gz")):
            shutil.copyfile(package, folder / f"repeated-{number:03}-{package.name}")
    return sorted(folder.iterdir())


def run(folder: Path, workers: int, packages: list[Path]) -> Trial:
    """Extract the packages by a run of their own. Raises SystemExit with the log when it fails."""
    work = Path(tempfile.mkdtemp(dir=folder))
    (work / "input").mkdir()
    for package in packages:
        os.link(package, work / "input" / package.name)
    run_file = work / "run.yaml"
    run_file.write_text(RUN.format(out=work / "out", path=work / "input", shard_bytes=SHARD_BYTES))
    command = [sys.executable, "-m", "pipelines", "run", str(run_file), "--workers", str(workers)]
    readings = measure(command, work / "log")
    if readings.exit_code:
        raise SystemExit((work / "log").read_text()[-3000:])
    begin, end = window(work / "out" / "events.jsonl")
    documents = read_result(work / "out").manifests[STAGE].ledger.total().records_out
    cpu_s, whole_cpu_s = readings.cpu_between(begin, end), readings.cpu_s[-1]
    shutil.rmtree(work)
    return Trial(documents, end - begin, cpu_s, whole_cpu_s, readings.peak_rss_bytes)


def window(events: Path) -> tuple[float, float]:
    """Return when the first task of the extraction began and when its manifest stood."""
    listed = [event for event in map(json.loads, events.read_text().splitlines()) if event.get("stage") == STAGE]
    tasks = [event["time"] - event["seconds"] for event in listed if event["kind"] == "shard_done"]
    return min(tasks), next(event["time"] for event in listed if event["kind"] == "stage_done")


def print_rates(trials: dict[int, list[Trial]]) -> None:
    """Print rates, the scaling, and what the whole of PMC's open access would take."""
    print("workers  documents   wall s   CPU s   docs/s  docs/CPU s  CPU s outside  peak MB")
    for workers, listed in trials.items():
        for one in listed:
            rates = f"{one.documents / one.wall_s:>9.1f}{one.documents / one.cpu_s:>12.1f}"
            rest = f"{one.whole_cpu_s - one.cpu_s:>15.1f}{one.peak_rss_bytes / 1e6:>9.0f}"
            print(f"{workers:<9}{one.documents:>9,}{one.wall_s:>9.1f}{one.cpu_s:>8.1f}{rates}{rest}")
    wall_s, cpu_s = (
        {workers: statistics.median(getattr(one, name) for one in listed) for workers, listed in trials.items()}
        for name in ("wall_s", "cpu_s")
    )
    scaling, more = wall_s[1] / wall_s[2], cpu_s[2] / cpu_s[1]
    print(f"\n1 -> 2 workers: {scaling:.2f} times as fast by wall (goal 1.8), at {more:.2f} of the CPU")
    hours = PMC_ARTICLES / (trials[1][0].documents / cpu_s[1]) / 3600
    print(f"{PMC_ARTICLES / 1e6:.0f} M articles at this rate: {hours:.0f} core hours, {hours / 64:.1f} h on 64 cores")


if __name__ == "__main__":
    main()
