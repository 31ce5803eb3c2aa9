"""The two contestants of the end-to-end race on the same files: our run of the real sample, and the stock blocks.

Each run starts in an empty folder, in its own processes, and gives seconds by stage with the documents and tokens that
went through. Tokens of text stages are estimated from bytes by one rule on both sides; those of tokenising are counted.
Not here: what the stock side does (`stock`), and printing (`end_to_end`).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from pipelines.engine.manifest import Manifest
from pipelines.load import load_run
from pipelines.plan import plan_run
from pipelines.result import Result, read_result
from sources.catalog import SourceConfig
from sources.digests import DigestCache
from sources.document import estimate_tokens
from tests.bench.meter import Readings, measure
from tests.bench.peers import ROOT, peer_python

RUN_FILE = ROOT / "configs" / "runs" / "real-sample.yaml"
WORKERS = 2
TARGETS = ("qwen2.5", "llama-3.1")
NEAR = ("keys", "pairs", "texts", "verify")
OUR_STAGES = {
    "filter": ("normalize", "language", "quality"),
    "dedup": ("dedup_exact_keys", "dedup_exact", "consolidate"),
    "ours alone": ("coverage", "version_keys", "versions", *(f"dedup_near_{step}" for step in NEAR), "dedup_near"),
    **{f"tokenize {t}": (f"tokenize-{t}",) for t in TARGETS},
    **{f"pack {t}": (f"mixture-{t}", f"shards-{t}", f"publish-{t}") for t in TARGETS},
}
START, ALONE = "start, end", "ours alone"
"""What lies outside of all tasks, and what the stock side has no block for."""


@dataclass(frozen=True)
class Row:
    """One stage of one contestant: its seconds, and the documents and tokens that it gave (extraction) or took."""

    wall_s: float
    cpu_s: float
    documents: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class Trial:
    """One run of one contestant: rows by stage, the whole, and the peak of memory of all its processes."""

    rows: dict[str, Row]
    whole: Row
    peak_rss_bytes: int


@dataclass(frozen=True)
class Input:
    """One source with its files."""

    source: SourceConfig
    paths: list[str]
    size_bytes: int

    @property
    def row(self) -> str:
        """Return which row of the table its extraction counts in."""
        return ALONE if self.source.parser == "differential" else f"extract {self.kind}"

    @property
    def kind(self) -> str:
        """Return what its files are."""
        parser = "html" if self.source.container == "warc" else self.source.parser
        return parser if parser in ("html", "jats", "pdf") else "other"


def list_inputs(work: Path) -> list[Input]:
    """Return the sources of the run file that have files."""
    config = load_run(RUN_FILE, [f"out={work / 'plan'}"])
    plan = plan_run(config, DigestCache(work / "digests.json"))
    chosen = [(source, plan.inputs[source.name]) for source in config.sources if source.name in plan.inputs]
    return [Input(source, [str(f.path) for f in files], sum(f.size_bytes for f in files)) for source, files in chosen]


def warm_up(work: Path) -> Readings:
    """Compile both sides' modules and run the demo once, so that compiled loops are cached: a later use loads them."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for python in (sys.executable, peer_python("peers")):
        code = (
            "import compileall, sysconfig; compileall.compile_dir(sysconfig.get_paths()['purelib'], quiet=2, workers=2)"
        )
        subprocess.run([python, "-c", code], check=True)
    out = _afresh(work) / "run"
    demo = str(ROOT / "configs" / "demo.yaml")
    return _measured([sys.executable, "-m", "pipelines", "run", demo, "-s", f"out={out}", "--inline"], work / "log")


# --- ours --------------------------------------------------------------------------------------------------------


def run_ours(work: Path, inputs: list[Input]) -> Trial:
    """Run the run file. Raises RuntimeError when it fails."""
    out = _afresh(work) / "run"
    command = [sys.executable, "-m", "pipelines", "run", str(RUN_FILE), "-s", f"out={out}", "--workers", str(WORKERS)]
    readings = _measured(command, work / "log")
    result, shares = read_result(out), _our_shares(out / "events.jsonl", readings)
    stages: dict[str, tuple[str, ...]] = dict.fromkeys((one.row for one in inputs), ()) | OUR_STAGES
    for one in inputs:
        stages[one.row] = (*stages[one.row], f"extract-{one.source.name}")
    rows = {}
    for row, names in stages.items():
        wall_s, cpu_s = map(sum, zip(*(shares[name] for name in names), strict=True))
        rows[row] = Row(wall_s, cpu_s, *_our_counts(result, row, names))
    return _trial(readings, rows)


def _our_shares(events: Path, readings: Readings) -> dict[str, tuple[float, float]]:
    """Return the wall and CPU seconds of each stage; tasks at work at the same time share them evenly."""
    told = [event for event in map(json.loads, events.read_text().splitlines()) if event["kind"] == "shard_done"]
    spans = [(event["time"] - event["seconds"], event["time"], event["stage"]) for event in told]
    shares: dict[str, tuple[float, float]] = {}
    for begin, end in pairwise(sorted({border for span in spans for border in span[:2]})):
        at_work = [stage for first, last, stage in spans if first <= begin and end <= last]
        for stage in at_work:
            wall_s, cpu_s = shares.get(stage, (0.0, 0.0))
            cpu_share_s = readings.cpu_between(begin, end) / len(at_work)
            shares[stage] = wall_s + (end - begin) / len(at_work), cpu_s + cpu_share_s
    return shares


def _our_counts(result: Result, row: str, names: tuple[str, ...]) -> tuple[int, int]:
    if row == ALONE:
        return 0, 0
    manifests = [result.manifests[name] for name in names]
    if row.startswith("extract"):
        totals = [manifest.ledger.total() for manifest in manifests]
        return sum(total.records_out for total in totals), sum(total.tokens_out for total in totals)
    if row in ("filter", "dedup"):
        total = manifests[0].ledger.total()
        return total.records_in, total.tokens_in
    tokenized = result.manifests[f"tokenize-{row.partition(' ')[2]}"]
    return tokenized.ledger.total().records_in, _target_tokens(tokenized)


def _target_tokens(manifest: Manifest) -> int:
    return sum(shard.facts["target_tokens"] for shard in manifest.shards)


# --- stock -------------------------------------------------------------------------------------------------------


def run_stock(work: Path, inputs: list[Input]) -> Trial:
    """Run datatrove's blocks. Raises RuntimeError when they fail."""
    job = _stock_job(_afresh(work), inputs)
    (work / "job.json").write_text(json.dumps(job))
    command = [peer_python("peers"), str(ROOT / "tests" / "bench" / "stock.py"), str(work / "job.json")]
    readings = _measured(command, work / "log")
    counts = _StockCounts(work)
    rows = {}
    for event in map(json.loads, (work / "events.jsonl").read_text().splitlines()):
        window = (event["begin"], event["end"])
        cpu_s = readings.cpu_between(*window)
        rows[event["stage"]] = Row(window[1] - window[0], cpu_s, *counts.of(event["stage"]))
    return _trial(readings, rows)


def stock_reader(source: SourceConfig, path: str) -> str:
    """Return which reader of the stock side reads a file of a source."""
    suffix = Path(path.removesuffix(".gz")).suffix
    if source.container == "warc":
        return "warc"
    if source.parser in ("html", "jats", "pdf", "text", "xml"):
        return source.parser
    if source.container == "jsonl" or source.options.get("format") == "jsonl" or suffix == ".jsonl":
        return "jsonl"
    if suffix == ".csv":
        return "csv"
    return "tree" if source.parser == "structured" and "root" not in source.options else "records"


def _stock_job(work: Path, inputs: list[Input]) -> dict[str, object]:
    grouped: dict[tuple[str, str, bool], list[str]] = {}
    for one in inputs:
        if one.row == ALONE:
            continue
        for path in one.paths:
            key = (one.kind, stock_reader(one.source, path), one.source.reference_only)
            grouped.setdefault(key, []).append(path)
    groups = []
    for number, ((kind, reader, reference_only), paths) in enumerate(grouped.items()):
        listing = work / f"paths-{number}.txt"
        listing.write_text("\n".join(paths) + "\n")
        groups.append({"stage": kind, "reader": reader, "paths": str(listing), "reference_only": reference_only})
    config = load_run(RUN_FILE, [f"out={work}"])
    tokenizers = {mixture.name: os.path.expandvars(str(mixture.tokenizer)) for mixture in config.mixtures}
    return {"work": str(work), "events": str(work / "events.jsonl"), "groups": groups, "tokenizers": tokenizers}


class _StockCounts:
    """Documents and tokens of the stock side, counted in its files when it has ended."""

    def __init__(self, work: Path) -> None:
        self._work = work

    def of(self, stage: str) -> tuple[int, int]:
        """Return (documents, tokens) of a stage, given by extraction, taken by the others."""
        verb, _, name = stage.partition(" ")
        if verb == "extract":
            return self._lines(f"extracted/{name}")
        if verb == "filter":
            return self._lines("extracted/*")
        if verb == "dedup":
            return self._lines("filtered")
        (metadata,) = (self._work / "tokens" / name).glob("*_merged.ds.metadata")
        return self._documents[0], int(metadata.read_text().splitlines()[1])

    @cached_property
    def _documents(self) -> tuple[int, int]:
        return self._lines("documents")

    def _lines(self, folder: str) -> tuple[int, int]:
        counted = [estimate_tokens(text) for text in self._texts(folder)]
        return len(counted), sum(counted)

    def _texts(self, folder: str) -> Iterator[str]:
        for path in sorted(self._work.glob(f"{folder}/*.jsonl")):
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line)["text"]


# --- both --------------------------------------------------------------------------------------------------------


def _afresh(work: Path) -> Path:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return work


def _measured(command: list[str], log: Path) -> Readings:
    readings = measure(["nice", *command], log)
    if readings.exit_code:
        raise RuntimeError(
            f"{' '.join(command)} ended with {readings.exit_code}; see {log}:\n{log.read_text()[-2000:]}"
        )
    return readings


def _trial(readings: Readings, rows: dict[str, Row]) -> Trial:
    """Return the trial with what lies outside the stages as a row of its own."""
    wall_s = readings.wall_s - sum(row.wall_s for row in rows.values())
    cpu_s = readings.cpu_s[-1] - sum(row.cpu_s for row in rows.values())
    extracted = [row for name, row in rows.items() if name.startswith("extract")]
    tokens = sum(row.tokens for name, row in rows.items() if name.startswith("tokenize"))
    whole = Row(readings.wall_s, readings.cpu_s[-1], sum(row.documents for row in extracted), tokens)
    return Trial({START: Row(wall_s, cpu_s), **rows}, whole, readings.peak_rss_bytes)
