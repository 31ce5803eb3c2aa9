"""The table of runs: mixture weights that were trained and the metrics that came out, as numpy arrays.

Every part of an experiment speaks through it: designs become runs, proxies give metrics, fits and proposals read them.
A metric that was not measured is NaN. `split` keeps held-out runs out of every fit, `replicate` joins runs of one
mixture that differ by seed alone: their spread is the noise floor. One Parquet file holds all of it; the CSV files that
others read are in `exchange`. Not here: models (`fit`) and training (`proxy`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TRAIN, HELD_OUT = "train", "held-out"
SUM_TOLERANCE = 0.01
"""How far the weights of a row may be from 1 before it is refused; within it they are divided by their sum."""
_EXACT = 1e-9
"""Rows this near to 1 are left as they are, so that writing and reading changes no bit."""
_META = b"medmix.runs"


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of an experiment, one row each.

    `weights` has shape (runs, components), each row a point of the simplex; `metrics` (runs, targets), lower is
    better; `seeds`, `replicates` (-1: none) and `tokens` (trained, 0: unknown) have shape (runs,). `plan` is the
    fingerprint of the plan that the runs belong to, empty for results obtained elsewhere.
    """

    ids: tuple[str, ...]
    components: tuple[str, ...]
    weights: Floats
    targets: tuple[str, ...]
    metrics: Floats
    splits: tuple[str, ...]
    seeds: Ints
    replicates: Ints
    tokens: Ints
    plan: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, target: str) -> Floats:
        """Return one metric of all runs, shape (runs,). Raises InputError for a target that the table has not."""
        if target not in self.targets:
            raise InputError(f"no metric {target!r} in the table of runs; it has {', '.join(self.targets) or 'none'}")
        return self.metrics[:, self.targets.index(target)]

    def take(self, rows: Any) -> "Runs":
        """Return the runs at these rows (indices or a mask), in their order."""
        index = np.arange(len(self))[rows]
        return replace(
            self,
            ids=tuple(self.ids[i] for i in index),
            weights=self.weights[index],
            metrics=self.metrics[index],
            splits=tuple(self.splits[i] for i in index),
            seeds=self.seeds[index],
            replicates=self.replicates[index],
            tokens=self.tokens[index],
        )

    def of(self, split: str) -> "Runs":
        """Return the runs of one split, `train` or `held-out`."""
        return self.take(np.array([one == split for one in self.splits], bool))


def runs_of(
    components: Sequence[str], weights: Any, targets: Sequence[str], metrics: Any, *, ids: Sequence[str] = (),
    splits: Sequence[str] = (), **more: Any,
) -> Runs:  # fmt: skip
    """Return a checked table; what is not given is `run-0000`, `train`, seed 0, no replicate, tokens unknown.

    Weights of a row are divided by their sum when that is within SUM_TOLERANCE of 1 (tables are often rounded to three
    decimals). Raises InputError for shapes that disagree, names or ids that come twice, weights that are no mixture.
    """
    table, values = np.array(weights, np.float64), np.array(metrics, np.float64)
    count = len(table)
    given = {name: np.array(more.get(name, [empty] * count), np.int64) for name, empty in _DEFAULTS.items()}
    ids, splits = tuple(ids) or tuple(f"run-{i:04}" for i in range(count)), tuple(splits) or (TRAIN,) * count
    values = values.reshape(count, len(targets)) if values.size == count * len(targets) else values
    runs = Runs(ids, tuple(components), table, tuple(targets), values, splits, **given, plan=more.get("plan", ""))
    _check(runs)
    sums = table.sum(axis=1, keepdims=True)
    return replace(runs, weights=np.where(np.abs(sums - 1) > _EXACT, table / sums, table))


_DEFAULTS = {"seeds": 0, "replicates": -1, "tokens": 0}


def _check(runs: Runs) -> None:
    count = len(runs.weights)
    shapes: dict[str, tuple[int, ...]] = {
        "weights": (count, len(runs.components)),
        "metrics": (count, len(runs.targets)),
    }
    shapes |= dict.fromkeys(_DEFAULTS, (count,))
    for name, shape in shapes.items():
        if getattr(runs, name).shape != shape:
            raise InputError(f"table of runs: {name} has shape {getattr(runs, name).shape}, {shape} was expected")
    if len(runs.ids) != count or len(runs.splits) != count:
        raise InputError(f"table of runs: {count} rows, {len(runs.ids)} ids, {len(runs.splits)} splits")
    for what, names in (("run", runs.ids), ("component", runs.components), ("metric", runs.targets)):
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"table of runs: {what} {twice!r} comes twice; names must differ")
    if unknown := set(runs.splits) - {TRAIN, HELD_OUT}:
        raise InputError(f"table of runs: split {sorted(unknown)[0]!r} is neither {TRAIN!r} nor {HELD_OUT!r}")
    sums = runs.weights.sum(axis=1)
    wrong = ~((np.abs(sums - 1) <= SUM_TOLERANCE + 1e-9) & (runs.weights >= 0).all(axis=1))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"run {runs.ids[row]!r}: weights add up to {sums[row]:.4g}, the least is {runs.weights[row].min():.4g}; "
            f"those of a mixture are at least 0 and add up to 1 (within {SUM_TOLERANCE}); {int(wrong.sum())} such runs"
        )


def to_arrow(runs: Runs) -> pa.Table:
    """Return the table for Parquet: `weight/NAME` and `metric/NAME` columns, names and plan also in its metadata."""
    columns: dict[str, Any] = {"run_id": pa.array(runs.ids, pa.string()), "split": pa.array(runs.splits, pa.string())}
    columns |= {name: pa.array(getattr(runs, name), pa.int64()) for name in _DEFAULTS}
    columns |= {f"weight/{name}": runs.weights[:, i] for i, name in enumerate(runs.components)}
    columns |= {f"metric/{name}": runs.metrics[:, i] for i, name in enumerate(runs.targets)}
    names = {"components": runs.components, "targets": runs.targets, "plan": runs.plan}
    return pa.table(columns).replace_schema_metadata({_META: json.dumps(names, sort_keys=True).encode()})


def from_arrow(table: pa.Table) -> Runs:
    """Return the runs of a table that `to_arrow` made. Raises InputError for any other table."""
    try:
        names = json.loads((table.schema.metadata or {})[_META])
        columns = {
            kind: np.array([table[f"{kind}/{name}"].to_numpy() for name in names[plural]], np.float64)
            for kind, plural in (("weight", "components"), ("metric", "targets"))
        }
        more = {name: table[name].to_numpy() for name in _DEFAULTS}
        ids, splits = table["run_id"].to_pylist(), table["split"].to_pylist()
    except (KeyError, ValueError) as error:
        raise InputError(f"this Parquet table holds no runs of an experiment ({error!r} is missing)") from error
    weights, metrics = columns["weight"].T, columns["metric"].reshape(len(names["targets"]), table.num_rows).T
    return Runs(
        tuple(ids), tuple(names["components"]), np.ascontiguousarray(weights), tuple(names["targets"]),
        np.ascontiguousarray(metrics), tuple(splits), **more, plan=names["plan"],
    )  # fmt: skip
