"""Results as others write and read them: `ratios.csv` and `metrics.csv`, one row a run, joined on `run_id`.

The layout is that of olmix (`olmix fit --from-csv FOLDER`): in both files a column `run_id`, perhaps `name`, and then
nothing but components or metrics, so seeds, splits and tokens stand in a file of their own, `runs.csv`, which need not
be there. RegMix's tables are read as well (`index` for the run, any file names). Numbers are written with the digits
that read back the same. Runs that only one of the files has are left out and told. Not here: results of training.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mixer.experiments.table import HELD_OUT, TRAIN, Floats, Runs, runs_of
from pipelines.engine.errors import InputError

RATIOS, METRICS, RUNS = "ratios.csv", "metrics.csv", "runs.csv"
_RUN = ("run_id", "run", "index")
_NOT_VALUES = {"run_id", "run", "index", "name"}
_MISSING = {"", "nan", "na", "n/a", "none", "null"}


@dataclass(frozen=True, slots=True)
class Imported:
    """Runs read from files, and the ids that only one of the two files had."""

    runs: Runs
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One CSV file: names of its value columns, ids of its rows, values of shape (rows, columns)."""

    path: Path
    names: tuple[str, ...]
    ids: tuple[str, ...]
    values: Floats


def write_csv(runs: Runs) -> dict[str, bytes]:
    """Return the three files by name: what olmix reads, and `runs.csv` with split, seed, replicate and tokens."""
    rest = [list(row) for row in zip(runs.splits, runs.seeds, runs.replicates, runs.tokens, strict=True)]
    return {
        RATIOS: _text(runs.ids, runs.components, _digits(runs.weights)),
        METRICS: _text(runs.ids, runs.targets, _digits(runs.metrics)),
        RUNS: _text(runs.ids, ("split", "seed", "replicate", "tokens"), [[str(v) for v in row] for row in rest]),
    }


def read_folder(folder: Path) -> Imported:
    """Return the runs of a folder with `ratios.csv`, `metrics.csv` and perhaps `runs.csv`. Raises InputError."""
    found = read_tables(folder / RATIOS, folder / METRICS)
    path = folder / RUNS
    if not path.exists():
        return found
    told = {row.get("run_id", ""): row for row in _rows(path)}
    try:
        rows = [told[run] for run in found.runs.ids]
        more = {f"{name}s": [int(row[name]) for row in rows] for name in ("seed", "replicate")}
        tokens, splits = [int(row["tokens"]) for row in rows], [row["split"] for row in rows]
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path}: {error} is missing or no whole number; the columns are run_id, split, seed, replicate, tokens, "
            f"with one row for each run of {RATIOS}"
        ) from error
    return Imported(_with(found.runs, splits, tokens=tokens, **more), found.left_out)


def read_tables(ratios: Path, metrics: Path, *, split: str = TRAIN) -> Imported:
    """Return the runs of two CSV files of any name, all in one split. Raises InputError, naming file and row."""
    weights, values = _sheet(ratios), _sheet(metrics)
    place = {run: row for row, run in enumerate(values.ids)}
    kept = [row for row, run in enumerate(weights.ids) if run in place]
    left_out = sorted(set(weights.ids) ^ set(values.ids))
    ids = [weights.ids[row] for row in kept]
    if not ids:
        raise InputError(
            f"{ratios} and {metrics} have no run in common; both need the same ids, first {weights.ids[:3]}"
        )
    if np.isnan(weights.values).any():
        row = int(np.flatnonzero(np.isnan(weights.values).any(axis=1))[0])
        raise InputError(f"{ratios}: run {weights.ids[row]!r} has an empty weight; write 0 for a component without one")
    found = values.values[[place[run] for run in ids]]
    try:
        runs = runs_of(weights.names, weights.values[kept], values.names, found, ids=ids, splits=[split] * len(ids))
    except InputError as error:
        raise InputError(f"{ratios}: {error}") from error
    return Imported(runs, tuple(left_out))


def joined(train: Runs, held_out: Runs) -> Runs:
    """Return one table of training and held-out runs from two, columns by name. Raises InputError when names differ."""
    other = aligned(held_out, train.components, train.targets)
    return runs_of(
        train.components,
        np.vstack([train.weights, other.weights]),
        train.targets,
        np.vstack([train.metrics, other.metrics]),
        ids=[f"{TRAIN}-{run}" for run in train.ids] + [f"{HELD_OUT}-{run}" for run in other.ids],
        splits=[TRAIN] * len(train) + [HELD_OUT] * len(other),
        seeds=np.r_[train.seeds, other.seeds],
        replicates=np.r_[train.replicates, other.replicates],
        tokens=np.r_[train.tokens, other.tokens],
    )


def aligned(runs: Runs, components: Sequence[str], targets: Sequence[str]) -> Runs:
    """Return the runs with exactly these columns, in this order. Raises InputError for names that the table lacks."""
    lacking = [*(set(components) ^ set(runs.components)), *(set(targets) - set(runs.targets))]
    if lacking:
        raise InputError(f"two tables of runs have different columns: {sorted(lacking)} are in one of them only")
    return replace(
        runs,
        components=tuple(components),
        weights=runs.weights[:, [runs.components.index(name) for name in components]],
        targets=tuple(targets),
        metrics=runs.metrics[:, [runs.targets.index(name) for name in targets]],
    )


def _with(runs: Runs, splits: Sequence[str], **more: Sequence[int]) -> Runs:
    return runs_of(runs.components, runs.weights, runs.targets, runs.metrics, ids=runs.ids, splits=splits, **more)


def _digits(values: Floats) -> list[list[str]]:
    return [["" if np.isnan(value) else repr(float(value)) for value in row] for row in values]


def _text(ids: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run_id", *names])
    writer.writerows([run, *row] for run, row in zip(ids, rows, strict=True))
    return out.getvalue().encode()


def _rows(path: Path) -> Sequence[Mapping[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            rows = list(reader)
            names = list(reader.fieldnames or [])
    except FileNotFoundError:
        raise InputError(f"{path} is not there; an experiment's folder has {RATIOS} and {METRICS}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    if len(set(names)) < len(names):
        raise InputError(f"{path}: a column comes twice in {names}")
    if not rows:
        raise InputError(f"{path} has no row; it needs a line of names and one line for each run")
    return rows


def _sheet(path: Path) -> _Sheet:
    rows = _rows(path)
    columns = list(rows[0])
    run = next((name for name in _RUN if name in columns), None)
    if run is None:
        raise InputError(f"{path}: no column run_id (nor run, nor index); its columns are {columns}")
    names = tuple(name for name in columns if name not in _NOT_VALUES)
    values = [[_number(path, line, name, row[name]) for name in names] for line, row in enumerate(rows, 2)]
    return _Sheet(
        path, names, tuple(row[run] for row in rows), np.array(values, np.float64).reshape(len(rows), len(names))
    )


def _number(path: Path, line: int, name: str, text: str) -> float:
    if text.strip().lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{path}, line {line}, column {name!r}: {text!r} is no number (leave it empty if unknown)"
        ) from None
