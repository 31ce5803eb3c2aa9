"""The few ways in which end-to-end tests run medmix in a process of its own, and read what a run committed."""

import hashlib
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pyarrow.parquet as pq
import xxhash

from pipelines.cli import main
from pipelines.engine.manifest import ShardRecord

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "configs" / "demo.yaml"
NOT_DATA = {"events.jsonl", ".inputs.json", ".lock", ".lock.json", ".lock.json.new"}
"""What a run folder holds beside data: wall times, file stamps, owners."""


def command(*words: object) -> list[str]:
    """Return the command line of a verb, for any working directory."""
    return [sys.executable, "-m", "pipelines", *map(str, words)]


def environment(**changes: str | None) -> dict[str, str]:
    """Return this environment with changes; None removes a variable. The packages are found from any directory."""
    merged: dict[str, str | None] = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200", **changes}
    return {name: value for name, value in merged.items() if value is not None}


def run_medmix(
    *words: object, cwd: Path = REPOSITORY, timeout_s: float = 280, **changes: str | None
) -> "subprocess.CompletedProcess[str]":
    """Run a verb in a process of its own to its end; upper-case keywords change its environment."""
    return subprocess.run(
        command(*words), cwd=cwd, env=environment(**changes), capture_output=True, text=True, timeout=timeout_s
    )


def call_medmix(*words: object) -> "subprocess.CompletedProcess[str]":
    """Run a verb in this process, which is quicker than a new one; an exception that nobody tells fails the test."""
    line, out, err, code = list(map(str, words)), io.StringIO(), io.StringIO(), 0
    before, sys.argv = sys.argv, ["medmix", *line]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(line, code, out.getvalue(), err.getvalue())


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file of a run that is data: shards, records, manifests, plan, result, derived."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_DATA)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def run_demo(folder: Path, *words: object, **how: object) -> None:
    """Run the demo into a folder, with an error that shows what it said."""
    done = run_medmix("run", DEMO, "-s", f"out={folder}", *words, **how)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr[-3000:]


def damaged_batches(folder: Path, shard: ShardRecord) -> list[int]:
    """Return which record batches of a training shard differ from the checksums in its index."""
    content = (folder / shard.main.path).read_bytes()
    bad = []
    for number, batch in enumerate(pq.read_table(folder / shard.files["batches"].path).to_pylist()):
        found = content[batch["offset"] : batch["offset"] + batch["size_bytes"]]
        if xxhash.xxh3_64_intdigest(found) != batch["xxh3"]:
            bad.append(number)
    return bad
