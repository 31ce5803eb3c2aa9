"""Regressors on RegMix's own tables: fitted to runs of 1M parameters, judged on mixtures that no fit has seen.

Run `python -m tests.bench.regmix [--all] [--draws N]` with MEDMIX_DATA set: Pile-CC, or with `--all` every target. Each
`test_mixture_SIZE.csv` with its `test_pile_loss_SIZE.csv` in `regmix/` is a held-out table (1m comes with the sample;
others of the same layout are taken when they are there; errors mean something for 1m alone, ranks for all). Models are
chosen by cross-validation on training rows; smaller budgets are drawn from the training runs, the same for all models.
LightGBM is fitted without early stopping, as there is nothing honest to stop on.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from mixer.experiments.calibration import rank_band
from mixer.experiments.cross_validation import chosen, folds_of, left_out, scores_of, spearman
from mixer.experiments.exchange import aligned, read_tables
from mixer.experiments.extras import one_thread
from mixer.experiments.regressors import DEFAULT, NAMES, fit_models
from mixer.experiments.table import HELD_OUT, Floats, Runs
from tests.bench.meter import environment

PILE_CC = "metric/the_pile_pile_cc_val_loss"
BUDGETS = (34, 64, 128)
GOALS = (
    "goals: Pile-CC from 512 runs rho >= .994 and mse <= .0013, mean of 13 targets >= .992; from 128 runs >= .988, "
    "from 64 >= .975 (means over draws)"
)


def main() -> None:
    """Fit, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every target, not Pile-CC alone")
    parser.add_argument("--draws", type=int, default=5, help="draws of each smaller budget")
    asked = parser.parse_args()
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("regmix: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    print(environment("scipy", "scikit-learn", "lightgbm"))
    train, held_out = tables(Path(data, "regmix"))
    with one_thread():
        print_choice(train)
        print_full(train, held_out, train.targets if asked.all else (PILE_CC,))
        for budget in BUDGETS:
            print_budget(train, held_out, budget, asked.draws)
    print(GOALS)


def tables(folder: Path) -> tuple[Runs, dict[str, Runs]]:
    """Return the training runs and each held-out table by the size of its models, columns in the same order."""
    train = read_tables(folder / "train_mixture_1m.csv", folder / "train_pile_loss_1m.csv").runs
    found = {}
    for path in sorted(folder.glob("test_mixture_*.csv")):
        size = path.stem.removeprefix("test_mixture_")
        runs = read_tables(path, folder / f"test_pile_loss_{size}.csv", split=HELD_OUT).runs
        found[size] = aligned(runs, train.components, train.targets)
    return train, found


def expectations(runs: Runs, target: str, weights: dict[str, Floats]) -> dict[str, dict[str, Floats]]:
    """Return what every model fitted to the runs expects at each set of weights, by model and set."""
    models = fit_models(runs.weights, runs.column(target))
    return {name: {key: model.predict(points) for key, points in weights.items()} for name, model in models.items()}


def print_choice(train: Runs) -> None:
    """Print what cross-validation on the training rows says of each model, and which one it takes."""
    values = train.column(PILE_CC)
    expected = left_out(train.weights, values, NAMES, folds_of(train.weights, 5, seed=0))
    print(f"\nPile-CC, five folds of {len(train)} training rows: {chosen(values, expected)} is chosen")
    for name, score in scores_of(values, expected).items():
        print(f"  {name:<24} rho {score.spearman:.4f}   mse {score.mse:.5f} +- {score.mse_error:.5f}")


def print_full(train: Runs, held_out: dict[str, Runs], targets: tuple[str, ...]) -> None:
    """Print rank correlation with its band, squared error, rank and regret of the pick, for each model and table."""
    weights = {size: runs.weights for size, runs in held_out.items()}
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for target in targets:
        for name, expected in expectations(train, target, weights).items():
            for size, values in expected.items():
                measured = held_out[size].column(target)
                error = float(np.mean((values - measured) ** 2))
                rows.setdefault((size, name), []).append((spearman(values, measured), error))
                if target == PILE_CC:
                    low, high = rank_band(values, measured)
                    pick = int(values.argmin())
                    print(
                        f"  {size:<5}{name:<24}rho {rows[size, name][-1][0]:.4f} [{low:.4f}, {high:.4f}]   "
                        f"mse {error:.5f}   pick is rank {int((measured < measured[pick]).sum()) + 1}, "
                        f"regret {measured[pick] - measured.min():.4f}"
                    )
    if len(targets) > 1:
        print(f"\nmean of {len(targets)} targets, {len(train)} runs")
        for (size, name), found in rows.items():
            rho, error = np.mean(found, axis=0)
            print(f"  {size:<5}{name:<24}rho {rho:.4f}   mse {error:.5f}")


def print_budget(train: Runs, held_out: dict[str, Runs], budget: int, draws: int) -> None:
    """Print the mean and deviation of the rank correlation on Pile-CC over draws of so many training runs."""
    found: dict[tuple[str, str], list[float]] = {}
    weights = {size: runs.weights for size, runs in held_out.items()}
    for draw in range(draws):
        rows = np.random.default_rng(draw).choice(len(train), budget, replace=False)
        for name, expected in expectations(train.take(rows), PILE_CC, weights).items():
            for size, values in expected.items():
                found.setdefault((size, name), []).append(spearman(values, held_out[size].column(PILE_CC)))
    print(f"\nPile-CC from {budget} runs, {draws} draws")
    for (size, name), one in found.items():
        told = "   <- default" if name == DEFAULT else ""
        print(f"  {size:<5}{name:<24}rho {np.mean(one):.4f} ({np.std(one):.4f}){told}")


if __name__ == "__main__":
    main()
