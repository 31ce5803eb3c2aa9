"""All text stages end to end: `medmix run` over JSON lines to packed rows, beside datatrove's stock stages, one run.

Run `python -m tests.bench.text [--megabytes N]` with MEDMIX_DATA and MEDMIX_REAL_RUN set. Texts are of the real sample,
none repeated. Ours: normalise, personal data, boilerplate, language, quality, scores, exact and near duplicates with
verification, safety, coverage with its audit, consolidate, tokenise, pack; every file digested and committed, every
token traceable. It runs with two workers of Ray and in one process, and first over a quarter of the texts, which tells
what is fixed and how memory grows. Stock: language, Gopher, C4, FineWeb, personal data of two kinds, MinHash, tokens,
two workers. Every figure includes the start of processes, which at a few megabytes is most of ours.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.meter import Readings, environment, measure
from tests.bench.peers import peer_python, versions
from tests.bench.texts import spread_texts

KINDS = (
    "coverage", "normalize", "privacy", "boilerplate", "language", "quality", "scores", "dedup_exact", "dedup_near",
    "safety", "consolidate",
)  # fmt: skip
TOKENIZER = "tokenizers/qwen2.5/tokenizer.json"


def main() -> None:
    """Run both sides and print seconds by CPU and by wall, their ratios, and peaks of memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=30)
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("MEDMIX_DATA is not set; passed over")
        return
    texts = spread_texts(data, args.megabytes * 1e6)
    tokenizer = str(Path(data, TOKENIZER))
    with tempfile.TemporaryDirectory(prefix="bench-text-") as place:
        folder = Path(place)
        few, quarter, whole = (folder / name for name in ("few", "quarter", "input"))
        _, quarter_mb, whole_mb = (
            write(path, some) for path, some in ((few, texts[:40]), (quarter, texts[::4]), (whole, texts))
        )
        ours(folder / "warm", few, tokenizer, ["--inline"])  # compiled before anything is measured
        ran = {
            f"medmix, {name}, {size:.1f} MB": ours(folder / f"{name}-{source.name}", source, tokenizer, how)
            for name, how in (("Ray", ["--workers", "2"]), ("one process", ["--inline"]))
            for source, size in ((quarter, quarter_mb), (whole, whole_mb))
        }
        script = str(Path(__file__).with_name("text_peer.py"))
        stock = run([peer_python("peers"), script, str(folder), tokenizer], folder / "stock.log")
    print(environment("ray", "pyarrow", "numba"), "|", versions("peers", "datatrove", "spacy"))
    print(f"{len(texts):,} texts, none repeated")
    for name, (readings, rss_bytes) in ran.items():
        worker = f", a worker at most {rss_bytes / 1e6:.0f} MB"
        print(told(name, readings) + worker)
    print(told(f"datatrove, {whole_mb:.1f} MB", stock))
    for name, (readings, _) in list(ran.items())[1::2]:
        by_cpu, by_wall = stock.cpu_s[-1] / readings.cpu_s[-1], stock.wall_s / readings.wall_s
        print(f"{name}: {by_cpu:.1f} times as fast by CPU (goal 30), {by_wall:.1f} by wall")


def write(folder: Path, texts: list[str]) -> float:
    """Write texts as four files of JSON lines, and return their megabytes."""
    folder.mkdir()
    for part in range(4):
        with (folder / f"{part}.jsonl").open("w") as out:
            out.writelines(json.dumps({"text": text, "id": str(at)}) + "\n" for at, text in enumerate(texts[part::4]))
    return sum(len(text.encode()) for text in texts) / 1e6


def told(name: str, readings: Readings) -> str:
    """Return a line on a run: CPU and wall seconds, and the resident memory of all its processes at most."""
    return f"{name}: {readings.cpu_s[-1]:.1f} CPU s, {readings.wall_s:.1f} s, {readings.peak_rss_bytes / 1e6:.0f} MB"


def ours(folder: Path, source: Path, tokenizer: str, how: list[str]) -> tuple[Readings, int]:
    """Return the readings of a run over a folder of JSON lines, and the most resident bytes that a worker had."""
    folder.mkdir()
    run_file = folder / "run.json"
    body = {
        "name": "text", "out": str(folder / "out"), "seed": 1, "shard_bytes": 4 << 20,
        "sources": [{"name": "lines", "kind": "replay", "path": str(source), "parser": "records", "container": "jsonl",
                     "options": {"format": "jsonl", "fields": {"text": "text"}}}],
        "stages": [{"kind": kind} for kind in KINDS],
        "mixtures": [{"name": "m", "target": "qwen2.5", "tokenizer": tokenizer, "sequence_tokens": 2048,
                      "on_cap": "shorten",
                      "components": [{"name": "all", "kinds": ["replay"], "weight": 1, "max_epochs": 1}]}],
    }  # fmt: skip
    run_file.write_text(json.dumps(body))
    readings = run([sys.executable, "-m", "pipelines", "run", str(run_file), *how], folder / "log")
    events = map(json.loads, (folder / "out" / "events.jsonl").read_text().splitlines())
    return readings, max(event["worker_rss_bytes"] for event in events if event["kind"] == "shard_done")


def run(command: list[str], log: Path) -> Readings:
    """Return the readings of a command with its descendants; ends the benchmark when it fails."""
    readings = measure(command, log)
    if readings.exit_code:
        sys.exit(log.read_text()[-3000:])
    return readings


if __name__ == "__main__":
    main()
