"""Fits the weights of `pipelines/stages/about.py` anew: `python -m tests.stages.coverage_fit` with MEDMIX_DATA set.

A logistic regression over what is measured of every group that a passage mentions, wanted or not, on the passages of
the splits `tune` and `check`, never on `test`. Prints weights and the threshold for `about.py`, and the micro-F1 in
cross-validation over passages, beside that of the weights that stand there.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parent))

from test_coverage_labels import FOLDER, labelled

from pipelines.stages.about import LEAST_SCORE, WEIGHTS, Measures, measures, weighed
from pipelines.stages.vocabulary import load_vocabulary

FOLDS, PENALTY = 8, 0.3
Rows = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]


def main() -> None:
    """Fit and print."""
    if not (FOLDER / "jats").is_dir():
        print("MEDMIX_DATA does not name the folder of real files; passed over")
        return
    parts = [(part, split) for split in ("tune", "check") for part in ("real", "authored")]
    passages = [pair for part, split in parts for pair in labelled(part, split)]
    rows = measured(passages)
    wanted = sum(len(label["disease"]) for _, label in passages)
    stands = rows[0] @ np.array(WEIGHTS)
    print(f"{len(passages)} passages; as it stands F1 {f1(stands >= LEAST_SCORE, rows[1], wanted):.3f}")
    scores = cross_validated(rows, len(passages))
    best = max((f1(scores >= least, rows[1], wanted), least) for least in np.arange(-1, 1, 0.05))
    print(f"fitted anew, in cross-validation: F1 {best[0]:.3f} at {best[1]:+.2f}")
    weights, intercept = fitted(rows[0], rows[1])
    print(", ".join(f"{name}={weight:.2f}" for name, weight in zip(Measures._fields, weights, strict=True)))
    print(f"LEAST_SCORE = {best[1] - intercept:.2f}")


def measured(passages: Sequence[tuple[str, dict[str, list[str]]]]) -> Rows:
    """Return measures, whether the group is wanted, and the passage's number, a row for each group mentioned."""
    vocabulary = load_vocabulary("diseases")
    organs = {group for group, entry in vocabulary.groups.items() if entry.get("organ")}
    found = [
        (one, group in label["disease"], at)
        for at, (text, label) in enumerate(passages)
        for group, one in measures(weighed(vocabulary, "", text), organs, len(text.split())).items()
    ]
    values, wanted, numbers = zip(*found, strict=True)
    return np.array(values, dtype=float), np.array(wanted), np.array(numbers)


def fitted(values: NDArray[np.float64], wanted: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return weights and intercept for the measures as they are; the penalty acts on measures of equal spread."""
    mean, spread = values.mean(0), values.std(0) + 1e-9
    model = LogisticRegression(C=PENALTY, max_iter=2000).fit((values - mean) / spread, wanted)
    weights = model.coef_[0] / spread
    return weights, float(model.intercept_[0] - weights @ mean)


def cross_validated(rows: Rows, passages: int) -> NDArray[np.float64]:
    """Return the log odds of each row by a fit on the other folds."""
    values, wanted, numbers = rows
    fold = np.random.default_rng(0).permutation(passages)[numbers] % FOLDS
    scores = np.zeros(len(wanted))
    for at in range(FOLDS):
        weights, intercept = fitted(values[fold != at], wanted[fold != at])
        scores[fold == at] = values[fold == at] @ weights + intercept
    return scores


def f1(chosen: NDArray[np.bool_], is_wanted: NDArray[np.bool_], wanted: int) -> float:
    """Micro-averaged F1 over all (passage, group) pairs; `wanted` counts those that are never mentioned too."""
    return float(2 * (chosen & is_wanted).sum() / max(1, chosen.sum() + wanted))


if __name__ == "__main__":
    main()
