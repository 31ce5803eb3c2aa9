"""The table of runs keeps every bit through Parquet and CSV, reads files of others, refuses what is no mixture."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer.experiments.exchange import joined, read_folder, read_tables, write_csv
from mixer.experiments.table import HELD_OUT, TRAIN, Runs, from_arrow, runs_of, to_arrow
from pipelines.engine.errors import InputError


def some_runs(count: int = 5, components: int = 3, seed: int = 0) -> Runs:
    random = np.random.default_rng(seed)
    metrics = random.normal(size=(count, 2))
    metrics[0, 1] = np.nan
    return runs_of(
        [f"c{i}" for i in range(components)],
        random.dirichlet(np.ones(components), count),
        ["med/bpb", "general, loss"],
        metrics,
        splits=[HELD_OUT if i == 1 else TRAIN for i in range(count)],
        seeds=range(count),
        replicates=[-1, 0, 0, -1, -1][:count],
        tokens=[10**9 + i for i in range(count)],
        plan="abc",
    )


def same(one: Runs, other: Runs) -> None:
    for name in ("ids", "components", "targets", "splits"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("weights", "metrics", "seeds", "replicates", "tokens"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name, strict=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 10**6))
def test_parquet_and_csv_change_no_bit(tmp_path_factory: pytest.TempPathFactory, count: int, k: int, seed: int) -> None:
    runs = some_runs(count, k, seed)
    again = from_arrow(to_arrow(runs))
    same(again, runs)
    assert again.plan == "abc"
    folder = tmp_path_factory.mktemp("csv")
    for name, body in write_csv(runs).items():
        (folder / name).write_bytes(body)
    found = read_folder(folder)
    same(found.runs, runs)
    assert found.left_out == ()


def test_csv_files_hold_nothing_that_olmix_would_take_for_a_component() -> None:
    files = write_csv(some_runs())
    assert files["ratios.csv"].splitlines()[0] == b"run_id,c0,c1,c2"
    assert files["metrics.csv"].splitlines()[0] == b'run_id,med/bpb,"general, loss"'
    assert files["metrics.csv"].splitlines()[1].endswith(b","), "what was not measured is empty"


def test_files_of_others_are_joined_by_run_whatever_their_order(tmp_path: Path) -> None:
    ratios, metrics = tmp_path / "a.csv", tmp_path / "b.csv"
    ratios.write_bytes("\ufeffrun_id,name,web,papers\r\nx,one,0.251,0.75\r\ny,two,1,0\r\nw,lost,.5,.5\r\n".encode())
    metrics.write_bytes(b"run_id,name,loss,acc\ny,two,2.5,N/A\nz,other,1,1\nx,one,3.5,7\n")
    found = read_tables(ratios, metrics, split=HELD_OUT)
    assert found.left_out == ("w", "z")
    assert found.runs.ids == ("x", "y")
    assert found.runs.splits == (HELD_OUT, HELD_OUT)
    np.testing.assert_allclose(found.runs.weights, [[0.251 / 1.001, 0.75 / 1.001], [1, 0]])
    np.testing.assert_array_equal(found.runs.metrics, [[3.5, 7], [2.5, np.nan]])


def test_tables_of_regmix_are_read_and_joined(tmp_path: Path) -> None:
    (tmp_path / "mix.csv").write_text("index,train_a,train_b\n1,0.5,0.5\n2,0.1,0.9\n")
    (tmp_path / "loss.csv").write_text("index,metric/a_val_loss\n1,4\n2,5\n")
    runs = read_tables(tmp_path / "mix.csv", tmp_path / "loss.csv").runs
    both = joined(runs, runs)
    assert both.components == ("train_a", "train_b")
    assert both.of(HELD_OUT).column("metric/a_val_loss").tolist() == [4, 5]
    assert both.ids == ("train-1", "train-2", "held-out-1", "held-out-2")
    with pytest.raises(InputError, match="no metric 'b' in the table of runs; it has metric/a_val_loss"):
        both.column("b")


@pytest.mark.parametrize(
    ("ratios", "metrics", "message"),
    [
        ("run_id,a,b\nx,.4,.4\n", "run_id,m\nx,1\n", "run 'x': weights add up to 0.8"),
        ("run_id,a,b\nx,1.2,-.2\n", "run_id,m\nx,1\n", "the least is -0.2"),
        ("run_id,a,b\nx,1,0\nx,0,1\n", "run_id,m\nx,1\n", "run 'x' comes twice"),
        ("run_id,a,a\nx,1,0\n", "run_id,m\nx,1\n", "a column comes twice"),
        ("name,a,b\nx,1,0\n", "run_id,m\nx,1\n", "no column run_id"),
        ("run_id,a,b\nx,1,\n", "run_id,m\nx,1\n", "run 'x' has an empty weight"),
        ("run_id,a,b\nx,1,zero\n", "run_id,m\nx,1\n", "line 2, column 'b': 'zero' is no number"),
        ("run_id,a,b\nx,1,0\n", "run_id,m\ny,1\n", "no run in common"),
        ("run_id,a,b\n", "run_id,m\ny,1\n", "has no row"),
        ("run_id,a,b\nx,nan,1\n", "run_id,m\nx,1\n", "run 'x' has an empty weight"),
        ("run_id,a,b\nx,inf,1\n", "run_id,m\nx,1\n", "weights add up to inf"),
    ],
)
def test_wrong_files_are_told_with_file_and_value(tmp_path: Path, ratios: str, metrics: str, message: str) -> None:
    (tmp_path / "ratios.csv").write_text(ratios)
    (tmp_path / "metrics.csv").write_text(metrics)
    with pytest.raises(InputError, match=message) as caught:
        read_folder(tmp_path)
    assert "ratios.csv" in str(caught.value)


def test_missing_and_half_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ratios.csv is not there"):
        read_folder(tmp_path)
    for name, body in write_csv(some_runs()).items():
        (tmp_path / name).write_bytes(body)
    (tmp_path / "runs.csv").write_text("run_id,split,seed\nrun-0000,train,1\n")
    with pytest.raises(InputError, match=r"runs.csv.*columns are run_id, split, seed, replicate, tokens"):
        read_folder(tmp_path)
    with pytest.raises(InputError, match="holds no runs of an experiment"):
        from_arrow(pa.table({"a": [1]}))


def test_shapes_and_splits_are_checked() -> None:
    with pytest.raises(InputError, match=r"metrics has shape \(1, 2\), \(2, 1\) was expected|metrics has shape"):
        runs_of(["a"], [[1.0], [1.0]], ["m"], [[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="split 'test' is neither 'train' nor 'held-out'"):
        runs_of(["a"], [[1.0]], ["m"], [[1.0]], splits=["test"])
