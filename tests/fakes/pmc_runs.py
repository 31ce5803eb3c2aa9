"""Run files over the fake bucket, and what a test looks at after fetching and running them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.engine.disk import LocalDisk
from pipelines.engine.storage import Storage
from pipelines.fetch import Fetched, fetch
from pipelines.load import load_run
from pipelines.run import How
from pipelines.run import run as run_all
from sources.document import Document, from_table
from sources.publications.pack_fetch import Decision, decisions_of
from sources.publications.store import Release, read_releases

INLINE = How(inline=True, live=False)
RUN_FILE = """
name: pmc
out: {folder}/out
seed: 1
max_quarantined: 1
web: {{contact: "mailto:someone@example.org", store: {folder}/store}}
sources:
  - name: pmc
    kind: article
    path: {root}
    release: "{release}"
    parser: jats
    pmc_oa: {pmc_oa}
stages:
{stages}
"""
STAGES = "  - {kind: normalize}\n  - {kind: consolidate}"


def run_file(folder: Path, root: str | Path, release: str, *, stages: str = STAGES, **pmc_oa: Any) -> Path:
    """Write the run file of a release and return it."""
    settings = json.dumps({"packs": 4, "connections": 4, **pmc_oa})
    path = folder / f"run-{release}.yaml"
    path.write_text(RUN_FILE.format(folder=folder, root=root, release=release, pmc_oa=settings, stages=stages))
    return path


def fetched(path: Path) -> Fetched:
    """Fetch all sources of a run file in this process."""
    return fetch(load_run(path), path, [], INLINE)


def releases(folder: Path) -> list[Release]:
    """Return the sealed releases of the fake source."""
    return read_releases(Storage(LocalDisk(folder / "store")), "pmc")


def decided(folder: Path, release: Release) -> dict[str, Decision]:
    """Return what became of each article version of a release, by its name."""
    storage = Storage(LocalDisk(folder / "store"))
    return {one.name: one for packed in release.packs for one in decisions_of(storage, packed)}


def documents(path: Path) -> list[Document]:
    """Run a run file and return the documents that it keeps, in order of their keys."""
    config = load_run(path)
    result = run_all(config, INLINE)
    paths = [ref.path for name in result.documents for ref in result.manifests[name].files()]
    found = [one for file in paths for one in from_table(pq.read_table(Path(config.out) / file))]
    return sorted(found, key=lambda one: one.key)


def reasons(all_decided: Iterable[Decision]) -> dict[str, str]:
    """Return outcome and reason of what was not kept, by name."""
    return {one.name: f"{one.outcome} {one.reason}" for one in all_decided if one.outcome != "kept"}
