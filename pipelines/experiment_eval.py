"""Judge real checkpoints as an experiment judged its proxies: write tasks for lm-evaluation-harness, read its results.

Held-out documents and questions are written as they were read, next to the experiment; proxies are not needed for it,
so an experiment whose sweep has not run will do. Not here: the layout of tasks and results
(`mixer.experiments.harness`).
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from mixer.experiments.evaluate import asked, excerpt
from mixer.experiments.harness import Scored, Text, task_files, task_name
from mixer.experiments.settings import QUESTIONS, ExperimentConfig
from mixer.experiments.split import HELD_OUT, Given
from mixer.experiments.stages import prepared
from pipelines.engine.manifest import Manifest
from pipelines.engine.place import local_folder
from pipelines.engine.runtime import Resources
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage, as_buffer
from pipelines.experiment import Experiment, done, given_of, working
from pipelines.run import How
from pipelines.run import run as run_all

TABLE = "checkpoints.csv"


def write_tasks(experiment: Experiment, how: How, folder: Path) -> list[str]:
    """Write the tasks of an experiment into a folder and return their names. Raises MedmixError."""
    config = experiment.config
    result = run_all(experiment.run, how)
    given = given_of(result, local_folder(experiment.run.out).absolute(), config)
    with working(config, how) as (storage, events):
        manifests = done(storage, prepared(config, given), how, Resources(), events)
        targets = texts_of(storage, config, given, manifests)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in task_files(targets, folder).items():
        (folder / name).write_bytes(data)
    return [task_name(target) for target in targets]


def texts_of(
    storage: Storage, config: ExperimentConfig, given: Given, manifests: dict[str, Manifest]
) -> dict[str, list[Text]]:
    """Return the texts of each target that the proxies are judged by."""
    texts = {}
    for table in _tables(storage, manifests["split"].files(HELD_OUT)):
        for identity, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
            texts[identity] = Text(identity, "", excerpt(config, identity, text))
    found: dict[str, list[Text]] = {name: [] for name in manifests["evaluation"].shards[0].facts["targets"]}
    for table in _tables(storage, manifests["evaluation"].files()):
        for item, targets in zip(table["item"].to_pylist(), table["targets"].to_pylist(), strict=True):
            for target in targets if item in texts else ():
                found[target].append(texts[item])
    for one in config.questions:
        rows = asked(_tables(storage, given.questions[one.name]), config.seed, one.limit)
        found[f"{QUESTIONS}/{one.name}"] = [Text(*row) for row in rows]
    return {name: rows for name, rows in found.items() if rows}


def checkpoints_csv(rows: list[Scored]) -> bytes:
    """Return the figures of checkpoints as CSV."""
    columns = {name: [getattr(row, name) for row in rows] for name in Scored.__slots__}
    sink = io.BytesIO()
    pc.write_csv(pa.table(columns), sink)
    return sink.getvalue()


def _tables(storage: Storage, refs: Iterable[FileRef]) -> Iterator[pa.Table]:
    for ref in refs:
        yield pq.read_table(pa.BufferReader(as_buffer(storage.read(ref))))
