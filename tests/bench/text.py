"""All text stages end to end: `medmix run` over JSON lines to packed rows, beside datatrove's stock stages, one run.

Run `python -m tests.bench.text [--megabytes N]` with MEDMIX_DATA set. Texts are of the real sample, none repeated.
Ours: normalise, personal data, boilerplate, language, quality, scores, exact and near duplicates with verification,
safety, coverage with its audit, consolidate, tokenise, pack; every file digested and committed, every token traceable.
Stock: language, Gopher, C4, FineWeb, personal data of two kinds, MinHash, tokens. Every figure includes the start of
processes, and ours that of Ray, which at a few megabytes is most of it; `--inline` works without.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.meter import environment, measure
from tests.bench.peers import peer_python, versions
from tests.bench.texts import spread_texts

KINDS = (
    "coverage", "normalize", "privacy", "boilerplate", "language", "quality", "scores", "dedup_exact", "dedup_near",
    "safety", "consolidate",
)  # fmt: skip
TOKENIZER = "tokenizers/qwen2.5/tokenizer.json"


def main() -> None:
    """Run both sides and print CPU seconds, MB a CPU second and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--inline", action="store_true", help="ours in one process, without Ray")
    args = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("MEDMIX_DATA is not set; passed over")
        return
    texts = spread_texts(data, args.megabytes * 1e6)
    size = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.TemporaryDirectory(prefix="bench-text-") as place:
        folder = Path(place)
        (folder / "input").mkdir()
        for part in range(4):
            with (folder / "input" / f"{part}.jsonl").open("w") as out:
                out.writelines(
                    json.dumps({"text": text, "id": str(at)}) + "\n" for at, text in enumerate(texts[part::4])
                )
        few = folder / "few"
        few.mkdir()
        (few / "0.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[:40]))
        tokenizer = str(Path(data, TOKENIZER))
        ours(folder / "warm", few, tokenizer, ["--inline"])  # compiled before anything is measured
        how = ["--inline"] if args.inline else ["--workers", "2"]
        mine = ours(folder / "ours", folder / "input", tokenizer, how)
        script = str(Path(__file__).with_name("text_peer.py"))
        stock = run([peer_python("peers"), script, str(folder), tokenizer], folder / "stock.log")
    print(environment("ray", "pyarrow", "numba"), "|", versions("peers", "datatrove", "spacy"))
    print(f"{len(texts):,} texts, {size:.1f} MB; ours {' '.join(how)}")
    print(f"medmix {mine:.1f} CPU s, {size / mine:.2f} MB/s; datatrove {stock:.1f} CPU s, {size / stock:.2f} MB/s")
    print(f"by CPU {stock / mine:.1f} times as fast (goal 30)")


def ours(folder: Path, source: Path, tokenizer: str, how: list[str]) -> float:
    """Return the CPU seconds of a run over a folder of JSON lines."""
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
    return run([sys.executable, "-m", "pipelines", "run", str(run_file), *how], folder / "log")


def run(command: list[str], log: Path) -> float:
    """Return the CPU seconds of a command with its descendants; ends the benchmark when it fails."""
    readings = measure(command, log)
    if readings.exit_code:
        sys.exit(log.read_text()[-3000:])
    return readings.cpu_s[-1]


if __name__ == "__main__":
    main()
