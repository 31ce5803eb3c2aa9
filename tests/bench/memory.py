"""Peak memory of a worker for one and eight times the input, at the same size of shards: it must stay flat.

Run `python -m tests.bench.memory [--megabytes N]`. JSON lines of invented text are made in a temporary folder and go
through every text stage, tokenising and a mixture, on a local Ray of 2 workers. The peak is what the workers report of
themselves (`worker_rss_bytes` of the run's events), told by stage; parsers' children and the driver are not in it.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.bench.meter import environment, measure

SHARD_BYTES = 4 << 20
RUN = """\
name: memory
out: {out}
seed: 1
shard_bytes: {shard_bytes}
sources:
  - name: lines
    kind: replay
    path: {path}
    parser: records
    container: jsonl
    options: {{format: jsonl, fields: {{text: text}}}}
stages: [{{kind: normalize}}, {{kind: language}}, {{kind: quality}}, {{kind: dedup_exact}}, {{kind: consolidate}}]
mixtures:
  - name: demo
    target: demo
    sequence_tokens: 1024
    on_cap: shorten
    components: [{{name: all, kinds: [replay], weight: 1, max_epochs: 1}}]
"""


def main() -> None:
    """Run both sizes and print peaks by stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=16, help="size of the smaller input")
    args = parser.parse_args()
    peaks = []
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
        for times in (1, 8):
            peaks.append(run(Path(folder, str(times)), args.megabytes * times))
    print(environment("ray", "pyarrow", "tokenizers"))
    print(f"peak memory of a worker, MB; shards of {SHARD_BYTES >> 20} MiB")
    print(f"{'':<20}{args.megabytes:>6} MB{args.megabytes * 8:>6} MB{'ratio':>8}")
    for stage, first in peaks[0].items():
        print(f"{stage:<20}{first / 1e6:>9.0f}{peaks[1][stage] / 1e6:>9.0f}{peaks[1][stage] / first:>8.2f}")
    least, most = (max(peak.values()) for peak in peaks)
    print(f"{'worker, any stage':<20}{least / 1e6:>9.0f}{most / 1e6:>9.0f}{most / least:>8.2f}  (goal: flat)")


def run(folder: Path, megabytes: int) -> dict[str, int]:
    """Run the stages over so much input and return the peak of each stage's workers in bytes."""
    source = folder / "input"
    source.mkdir(parents=True)
    write_lines(source / "lines.jsonl", megabytes)
    run_file = folder / "run.yaml"
    run_file.write_text(RUN.format(out=folder / "out", path=source, shard_bytes=SHARD_BYTES))
    command = ["nice", sys.executable, "-m", "pipelines", "run", str(run_file), "--workers", "2"]
    readings = measure(command, folder / "log")
    if readings.exit_code:
        raise SystemExit((folder / "log").read_text()[-3000:])
    peaks: dict[str, int] = {}
    for event in map(json.loads, (folder / "out" / "events.jsonl").read_text().splitlines()):
        if event["kind"] == "shard_done":
            peaks[event["stage"]] = max(peaks.get(event["stage"], 0), event["worker_rss_bytes"])
    return peaks


def write_lines(path: Path, megabytes: int) -> None:
    """Write texts of invented words, no two equal, as JSON lines."""
    random = Random(0)
    words = ["".join(random.choices("aeioulnrstmdp", k=random.randint(2, 11))) for _ in range(20_000)]
    with path.open("w") as out:
        while out.tell() < megabytes * 1_000_000:
            out.write(json.dumps({"text": " ".join(random.choices(words, k=random.randint(50, 1200))) + "."}) + "\n")


if __name__ == "__main__":
    main()
