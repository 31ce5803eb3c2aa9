"""The sweep: one task for each proxy of a design, through the engine, so that none is trained twice.

A task's key holds the weights, the seed, the tokens and all that shapes training; its record, published at the end,
keeps the losses. So a sweep that was killed, extended or asked again trains what is missing and nothing else. A proxy
whose loss is no longer a number is told as diverged and has no metrics. Not here: which mixtures (`design`), and the
training (`proxy`).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mixer.experiments.evaluate import Exam, exam_of
from mixer.experiments.rows import ProxyRows, Stock, stock_of
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.table import Runs, from_arrow, runs_of, to_arrow
from mixer.target import Target
from mixer.tokenized import open_tokens
from pipelines.engine.errors import InputError
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import Manifest, task_key, whole_identity
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, ShardTask
from pipelines.engine.storage import Storage

SCRATCH = "scratch"
"""Folder of checkpoints of proxies under way; they are no data, and go when a sweep is through."""
TRAJECTORY = pa.schema([("step", pa.int32()), ("what", pa.string()), ("name", pa.string()), ("value", pa.float64())])
NEEDS = "training proxies needs PyTorch; install it with: pip install -e '.[train]'"


class Sweep:
    """Train and judge every mixture that the input `design` lists; `name` tells several sweeps of a run apart."""

    version = "3"
    reasons: frozenset[str] = frozenset()

    def __init__(self, name: str, config: ExperimentConfig, target: Target) -> None:
        self.name = name
        self._config = config
        self._target = target

    def identity(self) -> dict[str, Any]:
        """Return what shapes training: the proxy, the components, the target's length and the version of torch."""
        takes = [
            {name: one.identity()[name] for name in ("name", "sources", "kinds", "languages", "evidence")}
            for one in self._config.components
        ]
        own = {"proxy": self._config.proxy.identity(), "components": takes, "seed": self._config.seed}
        own |= {"target_tokens": self._config.target_tokens, "target": self._target.identity()}
        base = base_digest(Path(self._config.proxy.base)) if self._config.proxy.base else None
        return {**own, "torch": torch_version(), "base": base}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task a run of the design."""
        files = {"tokens": tuple(inputs["tokens"].files()), "items": tuple(inputs["items"].files())}
        sizes = [one["tokens"] for one in inputs["chosen"].shards[0].facts["components"]]
        facts = {"sizes": sizes, "vocabulary": inputs["items"].shards[0].facts["vocabulary"]}
        return [ShardTask(run["id"], files, {**run, **facts}) for run in inputs["design"].shards[0].facts["runs"]]

    def run(self, shard: Shard) -> None:
        """Train one proxy; write its row of the table of runs, and the whole trajectory beside it."""
        from mixer.experiments.proxy import train_proxy

        task, proxy = shard.task.params, self._config.proxy
        stock = _stock(self, shard)
        rows = ProxyRows(stock, task["weights"], proxy.steps * proxy.batch_sequences, task["seed"])
        exam = _exam(self, shard)
        key = task_key(self.name, self.version, whole_identity(self), shard.task)  # of another recipe none is taken
        scratch = _Scratch(shard.storage, f"{SCRATCH}/{key[:32]}.pt")
        told = train_proxy(rows, exam, proxy, task["vocabulary"], task["seed"], scratch)
        trained = proxy.steps * proxy.batch_sequences * proxy.sequence_tokens
        final = told.final
        sound = all(np.isfinite(value) for value in final.values())
        names = sorted(exam.members)
        row = runs_of(
            stock.names, [task["weights"]], names, [[final[name] if sound else float("nan") for name in names]],
            ids=[task["id"]], splits=[task["split"]], seeds=[task["seed"]], replicates=[task["replicate"]],
            tokens=[trained],
        )  # fmt: skip
        shard.write(to_arrow(row))
        losses = [(step, "train", stock.names[one], value) for step, one, value in told.losses]
        judged = [(step, "target", name, value) for step, name, value in told.judged]
        columns = zip(*losses, *judged, strict=True)
        arrays = [pa.array(column, one.type) for column, one in zip(columns, TRAJECTORY, strict=True)]
        shard.write(pa.Table.from_arrays(arrays, schema=TRAJECTORY), "trajectory")
        shard.facts.update(
            {
                "plan": rows.plan,
                "diverged": not sound,
                "epochs": {name: str(seen) for name, seen in rows.epochs().items()},
                "kept": dict(zip(stock.names, stock.kept, strict=True)),
            }
        )


class _Scratch:
    """One file of the experiment's folder, replaced in one step."""

    def __init__(self, storage: Storage, path: str) -> None:
        self._storage, self._path = storage, path

    def read(self) -> bytes | None:
        return bytes(self._storage.disk.read(self._path)) if self._storage.size(self._path) else None

    def write(self, data: bytes) -> None:
        self._storage.replace_file(self._path, data)


def torch_version() -> str:
    """Return the installed version of torch without importing it. Raises InputError when there is none."""
    try:
        return version("torch")
    except PackageNotFoundError:
        raise InputError(NEEDS) from None


@cache
def base_digest(folder: Path) -> str:
    """Return the digest of a checkpoint's files. Raises InputError when it has no weights."""
    files = sorted(path for path in folder.glob("*") if path.suffix in (".json", ".safetensors"))
    if not any(path.suffix == ".safetensors" for path in files):
        raise InputError(f"proxy.base: {folder} has no *.safetensors; give a folder that `transformers` saved")
    found = []
    for path in files:
        with path.open("rb") as file:
            found.append([path.name, file_digest(file, "sha256").hexdigest()])
    return digest(found)


def collect(tables: Sequence[pa.Table], plan: str) -> Runs:
    """Return the rows that proxies wrote as one table, sorted by id, without those that diverged."""
    whole = from_arrow(pa.concat_tables(tables))
    whole = whole.take(np.argsort(np.array(whole.ids)))
    sound = whole.take(~np.isnan(whole.metrics).any(axis=1))
    return runs_of(
        sound.components, sound.weights, sound.targets, sound.metrics, ids=sound.ids, splits=sound.splits,
        seeds=sound.seeds, replicates=sound.replicates, tokens=sound.tokens, plan=plan,
    )  # fmt: skip


def clear_scratch(storage: Storage) -> None:
    """Remove the checkpoints of proxies that are finished. Raises StorageError."""
    for path in storage.list(SCRATCH):
        storage.remove(path)


def _stock(sweep: Sweep, shard: Shard) -> Stock:
    """Keep the packed components from proxy to proxy of a worker: they are the same for all."""
    key = digest([sweep.identity(), [ref.sha256 for ref in shard.inputs("tokens")], shard.task.params["sizes"]])
    if key not in _STOCKS:
        tables = [open_tokens(shard, ref) for ref in shard.inputs("tokens")]
        _STOCKS.clear()
        _STOCKS[key] = stock_of(tables, sweep._config, sweep._target, shard.task.params["sizes"])
    return _STOCKS[key]


def _exam(sweep: Sweep, shard: Shard) -> Exam:
    """Keep the laid-out items from proxy to proxy of a worker."""
    ref = shard.inputs("items")[0]
    if ref not in _EXAMS:
        _EXAMS.clear()
        _EXAMS[ref] = exam_of(shard.table(ref), sweep._target, sweep._config.proxy.sequence_tokens)
    return _EXAMS[ref]


_STOCKS: dict[str, Stock] = {}
_EXAMS: dict[FileRef, Exam] = {}
